"""The page's own tests pass, it builds to the same bytes in any folder, and packages have it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from scripts.check_page import KEPT, compared, files
from tests.heavy import ROOT, require_page_tools


def test_the_pages_own_tests_pass() -> None:
    done = subprocess.run(
        ["npm", "run", "--silent", "test"],
        cwd=ROOT / "web",
        env={**require_page_tools(), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_builds_to_the_same_bytes_in_another_folder(tmp_path: Path) -> None:
    environment = require_page_tools()
    copy, fresh = tmp_path / "elsewhere", tmp_path / "page"
    for name in ("web", "docs/guide/pictures", "src/overpaint/demo"):  # samples are taken thence
        ignored = shutil.ignore_patterns("node_modules")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "src/overpaint/_version.py", copy / "src/overpaint/_version.py")
    (copy / "web/node_modules").symlink_to(ROOT / "web/node_modules")
    build = ["npm", "run", "--silent", "build", "--", "--outDir", str(fresh), "--emptyOutDir"]
    subprocess.run(build, cwd=copy / "web", env=environment, check=True, capture_output=True)
    assert compared(KEPT, fresh) == []


def test_what_differs_from_a_fresh_build_is_named(tmp_path: Path) -> None:
    kept, fresh = tmp_path / "kept", tmp_path / "fresh"
    for folder, names in ((kept, ("a.js", "b.js", "old.js")), (fresh, ("a.js", "b.js", "new.js"))):
        (folder / "assets").mkdir(parents=True)
        for name in names:
            (folder / "assets" / name).write_bytes(b"same")
    (fresh / "assets/b.js").write_bytes(b"another")
    assert compared(kept, fresh) == [
        "  not kept:  assets/new.js",
        "  left over: assets/old.js",
        "  differs:   assets/b.js",
    ]
    assert compared(kept, kept) == []


@pytest.mark.skipif("CI" not in os.environ, reason="packs the whole project; runs in CI")
def test_the_packages_have_the_page(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,), (sdist,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    page = {f"overpaint/server/page/{name}" for name in files(KEPT)}
    page |= {"overpaint/server/welcome/landing.css", "overpaint/server/welcome/cat.webp"}
    assert "overpaint/server/page/index.html" in page
    with zipfile.ZipFile(wheel) as packed:
        assert page <= set(packed.namelist())
    with tarfile.open(sdist) as packed_source:
        names = {name.partition("/")[2] for name in packed_source.getnames()}
    assert {f"src/{name}" for name in page} <= names
    assert "web/package-lock.json" in names
    assert not any("node_modules" in name for name in names)
