"""What an installation takes on disk: dependencies by package, weights, library, lexicon; JSON.

    python bench/_disk.py

Counted are the files that the packages of this interpreter say are theirs, as long as they are,
and for Overpaint itself the files of the package; no byte code of our own, no pip. torch and
whatever an extra brings are left out.
"""

from __future__ import annotations

import importlib.util
import json
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = {"torch"}
#: What a trained network is kept in.
WEIGHTS = {".onnx", ".ort", ".safetensors", ".npz", ".xml", ".bin"}
#: Words by which prompts are read: what the painter knows is among its weights.
LEXICON = {".txt", ".json", ".tsv"}


def dependencies() -> tuple[dict[str, int], list[str]]:
    """Bytes of each package that the core needs, itself or through others; what is missing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    waiting = [Requirement(line) for line in project["dependencies"]]
    found: dict[str, int] = {}
    missing = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        if name in found or name in LEFT_OUT:
            continue
        if marker is not None and not marker.evaluate({"extra": ""}):
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            missing.add(name)
            continue
        paths = [Path(str(file.locate())) for file in package.files or []]
        found[name] = sum(path.stat().st_size for path in paths if path.is_file())
        waiting += [Requirement(line) for line in package.requires or []]
    return found, sorted(missing)


def own_files() -> dict[str, int]:
    """Bytes of Overpaint's files: weights, library, lexicon, and the rest."""
    spec = importlib.util.find_spec("overpaint")
    if spec is None or spec.origin is None:
        raise SystemExit("overpaint is not installed here")
    package = Path(spec.origin).parent
    sizes = dict.fromkeys(("weights", "library", "lexicon", "rest"), 0)
    for path in package.rglob("*"):
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        inside = path.relative_to(package)
        if path.suffix in WEIGHTS:
            kind = "weights"
        elif inside.parts[:2] == ("concepts", "data"):
            kind = "library"
        elif inside.parts[0] == "concepts" and path.suffix in LEXICON:
            kind = "lexicon"
        else:
            kind = "rest"
        sizes[kind] += path.stat().st_size
    return sizes


if __name__ == "__main__":
    packages, absent = dependencies()
    print(json.dumps({"packages": packages, "missing": absent, "overpaint": own_files()}))
