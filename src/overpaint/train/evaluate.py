"""Measure engines on held-out photographs and print the table of the built-in model.

Everything goes through `overpaint.repaint`, so what is judged is what people get. "paste" lays an
exemplar of the concept down as it is: that is the ceiling of what the judge can tell. Scores of
engines are to be read beside it. Takes some ten minutes on two cores; --count 12 a few.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2

from overpaint._version import __version__
from overpaint.concepts.library import ConceptLibrary
from overpaint.errors import OperationFailed
from overpaint.train.classifier import Judge
from overpaint.train.scores.conditions import conditions
from overpaint.train.scores.contenders import Absent, Contender, EngineContender, Paste
from overpaint.train.scores.measures import Setting, colors, concepts, diversity, pairs
from overpaint.train.scores.removal import removal
from overpaint.train.scores.report import Row, Sheets, table, write_scores
from overpaint.train.scores.stage import Photographs

MEASURES: dict[str, Callable[[Setting], list[Row]]] = {
    "concepts": concepts,
    "pairs": pairs,
    "colors": colors,
    "removal": removal,
    "diversity": diversity,
    "conditions": conditions,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `runs/evaluate`."""
    parser = argparse.ArgumentParser(
        prog="runs/evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--engines", default="collage,builtin", help="names, by commas")
    parser.add_argument("--only", choices=MEASURES, action="append", help="a measure; may repeat")
    parser.add_argument("--count", type=int, default=48, help="concepts; the rest in proportion")
    parser.add_argument(
        "--out", type=Path, default=Path("out/evaluate"), help="sheets, scores.json"
    )
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/photos-cc0.tar"))
    parser.add_argument("--judge", type=Path, default=Path(".cache/judge.npz"))
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(arguments)

    cv2.setNumThreads(args.threads)
    start = time.perf_counter()
    library = ConceptLibrary.open()
    rows: list[Row] = []
    missing: list[str] = []
    contenders: list[Contender] = [Paste(library), Paste(library, clone=True)]
    for name in args.engines.split(","):
        try:
            contenders.append(EngineContender(name))
        except Absent as absent:
            missing.append(f"engine {name}: {absent}")
    judge = _judge(args.judge, missing)
    try:
        photographs = Photographs(args.photos)
    except (OSError, tarfile.TarError) as error:
        raise SystemExit(f"--photos: {error}") from None

    def progress(what: str, done: int) -> None:
        took = time.perf_counter() - start
        print(f"\r{took:5.0f} s  {what} {done}        ", end="", file=sys.stderr, flush=True)

    setting = Setting(
        library=library,
        photographs=photographs,
        contenders=contenders,
        judge=judge,
        sheets=Sheets(),
        count=args.count,
        progress=progress,
    )
    for name in args.only or MEASURES:
        try:
            rows += MEASURES[name](setting)
        except Absent as absent:
            missing.append(f"{name}: {absent}")
    print(file=sys.stderr)
    print(table(rows))
    if judge is not None:
        print(f"judge: {judge.described()}")
    for reason in missing:
        print(f"left out: {reason}")
    facts = {
        "version": __version__,
        "count": args.count,
        "held out": [*photographs.scenes, f"{len(photographs.garments)} garments"],
        "judge": judge.facts if judge else None,
        "left out": missing,
        "seconds": round(time.perf_counter() - start, 1),
    }
    write_scores(args.out / "scores.json", rows, facts)
    paths = setting.sheets.write(args.out)
    print(f"{facts['seconds']:.0f} s; {args.out}/scores.json, {len(paths)} sheets")


def _judge(path: Path, missing: list[str]) -> Judge | None:
    if not path.exists():
        missing.append(f"judge: {path} is not there; scripts/build_judge.py makes it")
        return None
    try:
        return Judge.load(path)
    except OperationFailed as error:
        missing.append(str(error))
        return None
