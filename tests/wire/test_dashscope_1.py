"""The tests of `dashscope`, run with its version 1.26.2 in place of the installed one.

`make heavy` puts it into build/dashscope-1. Its requests differ from those of version 2.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.wire.process import ServeProcess

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "build" / "dashscope-1"
VERSION = "1.26.2"
TESTS = str(Path(__file__).with_name("test_dashscope.py"))


def test_version_1_of_the_package_is_served_as_well(server: ServeProcess) -> None:
    if not (PACKAGE / "dashscope").is_dir():
        reason = f"needs dashscope {VERSION} in {PACKAGE.relative_to(ROOT)}: make heavy"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    paths = [str(PACKAGE), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", TESTS],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "WIRE_DASHSCOPE": VERSION,
            "WIRE_FOLDER": str(server.folder),
            "WIRE_ROOT": server.root,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " skipped" not in done.stdout
