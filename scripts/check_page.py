"""Prove that the page that is kept in the repository is what web/ builds: check_page.py NPM.

Builds web/ anew into a temporary folder and compares every byte.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "src/overpaint/server/page"


def main() -> int:
    """Compare, and say what differs."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "page"
        command = [sys.argv[1], "run", "--silent", "build", "--"]
        options = ["--outDir", str(fresh), "--emptyOutDir", "--logLevel", "warn"]
        subprocess.run([*command, *options], cwd=ROOT / "web", check=True)
        differences = compared(KEPT, fresh)
    if differences:
        print("\n".join(differences), file=sys.stderr)
        print(
            "error: src/overpaint/server/page is not what web/ builds: run `make page`, and commit"
            " what it wrote (all of it: git add -A src/overpaint/server/page)",
            file=sys.stderr,
        )
        return 1
    print(f"the page is what web/ builds ({len(files(KEPT))} files)")
    return 0


def compared(kept: Path, fresh: Path) -> list[str]:
    """A line for each file that is not the same in both folders."""
    old, new = files(kept), files(fresh)
    said = [f"  not kept:  {name}" for name in sorted(new.keys() - old.keys())]
    said += [f"  left over: {name}" for name in sorted(old.keys() - new.keys())]
    both = sorted(old.keys() & new.keys())
    return said + [f"  differs:   {name}" for name in both if old[name] != new[name]]


def files(folder: Path) -> dict[str, bytes]:
    """Each file below a folder, by its path there."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


if __name__ == "__main__":
    sys.exit(main())
