"""Compare ways to continue a background, on held-out holes in real photographs.

python bench/erase.py [--photos photos-cc0.tar] [--sheet out/erase.png] [--quick]

Without --photos the CC0 set in ../shared/data is used, and where that is not, the photographs
that ship with the project. Every case is a crop of a photograph with a hole whose true content
is known. Scores are means over the hole's pixels: PSNR (dB), SSIM (luma, 11 px Gaussian),
`detail` (mean slope of luma against the truth's; 1 = as sharp, 0 = a smear), and the time.
Methods that are not in the core install are shown as `not installed` where they are missing.
"""

from __future__ import annotations

import argparse
import importlib
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np

from overpaint.imaging.inpaint import continue_background
from overpaint.train.scores.fidelity import fidelity
from overpaint.train.scores.holes import KINDS, hole_of
from overpaint.values import Mask, Rgb8

Fill: TypeAlias = Callable[[Rgb8, Mask], Rgb8]

ANY_SIZE = 1 << 30
CLOTHING = 6  # garments beside the scenes
ROOT = Path(__file__).resolve().parents[1]
CC0_SET = ROOT.parent / "shared/data/photos-cc0.tar"
SHIPPED = (
    ROOT / "docs/guide/pictures/coffee.jpg",
    ROOT / "docs/guide/pictures/rocket.jpg",
    ROOT / "src/overpaint/demo/chelsea.png",
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A photograph with a hole."""

    name: str
    kind: str
    truth: Rgb8
    hole: Mask


@dataclass(frozen=True, kw_only=True)
class Score:
    psnr: float
    ssim: float
    detail: float
    ms: float


# --- cases -----------------------------------------------------------------------------------


def photographs(archive: Path | None, quick: bool) -> Iterator[tuple[str, Rgb8]]:
    """Scenes at 0.6 of their size, and garments as they are; or what ships with the project."""
    if archive is None:
        for path in SHIPPED:
            yield path.stem, decoded(path.read_bytes(), path.name)
        return
    with tarfile.open(archive) as tar:
        names = sorted(name for name in tar.getnames() if name.endswith(".jpg"))
        scenes = [name for name in names if name.startswith("scenes/")]
        clothing = [name for name in names if name.startswith("clothing/")]
        step = len(clothing) // CLOTHING
        chosen = (
            scenes[::5] + clothing[::step][:2]
            if quick
            else scenes[::2] + clothing[::step][:CLOTHING]
        )
        for name in chosen:
            member = tar.extractfile(name)
            if member is None:
                continue
            picture = decoded(member.read(), name)
            if name.startswith("scenes/"):
                smaller = cv2.resize(picture, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
                picture = np.asarray(smaller, np.uint8)
            yield Path(name).stem, picture


def decoded(data: bytes, name: str) -> Rgb8:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"{name} is damaged")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def cases(archive: Path | None, quick: bool) -> Iterator[Case]:
    """Each photograph with a hole of each kind that fits."""
    for name, picture in photographs(archive, quick):
        for kind in KINDS:
            rng = np.random.default_rng(zlib.crc32(f"{name} {kind}".encode()))
            side = min(512 if kind == "blob 200" else 384, *picture.shape[:2])
            if kind == "blob 200" and side < 480:
                continue
            top = int(rng.integers(0, picture.shape[0] - side + 1))
            left = int(rng.integers(0, picture.shape[1] - side + 1))
            truth = picture[top : top + side, left : left + side].copy()
            yield Case(name=name, kind=kind, truth=truth, hole=hole_of(kind, side, rng))


# --- methods ---------------------------------------------------------------------------------


def telea(picture: Rgb8, hole: Mask) -> Rgb8:
    return np.asarray(cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.uint8)


def navier_stokes(picture: Rgb8, hole: Mask) -> Rgb8:
    return np.asarray(cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_NS), np.uint8)


def contrib(algorithm: str) -> Fill | None:
    xphoto = getattr(cv2, "xphoto", None)
    if not hasattr(xphoto, "inpaint"):
        return None

    def fill(picture: Rgb8, hole: Mask) -> Rgb8:
        shift_map = algorithm == "INPAINT_SHIFTMAP"
        source = cv2.cvtColor(picture, cv2.COLOR_RGB2Lab if shift_map else cv2.COLOR_RGB2BGR)
        painted = np.zeros_like(source)
        valid = (~hole).astype(np.uint8) * 255
        xphoto.inpaint(source, valid, painted, getattr(xphoto, algorithm))  # type: ignore[union-attr]
        back = cv2.COLOR_Lab2RGB if shift_map else cv2.COLOR_BGR2RGB
        return np.asarray(cv2.cvtColor(painted, back), np.uint8)

    return fill


def imported(module: str, call: Callable[..., Fill]) -> Fill | None:
    try:
        return call(importlib.import_module(module))
    except ImportError:
        return None


def methods() -> dict[str, tuple[Fill | None, int]]:
    """Name -> how to fill (None: not installed), and the largest hole it fills in seconds, px."""

    def biharmonic(module: object) -> Fill:
        def fill(picture: Rgb8, hole: Mask) -> Rgb8:
            painted = module.inpaint_biharmonic(picture, hole, channel_axis=2)  # type: ignore[attr-defined]
            return np.asarray(np.clip(painted * 255, 0, 255), np.uint8)

        return fill

    def cython(module: object) -> Fill:
        return lambda picture, hole: np.asarray(
            module.inpaint_pyramid(picture, hole.astype(np.uint8), seed=0),  # type: ignore[attr-defined]
            np.uint8,
        )

    def pypatchmatch(module: object) -> Fill:
        return lambda picture, hole: np.asarray(
            module.inpaint(picture, hole.astype(np.uint8) * 255, patch_size=5),  # type: ignore[attr-defined]
            np.uint8,
        )

    return {
        "OpenCV Telea": (telea, ANY_SIZE),
        "OpenCV Navier-Stokes": (navier_stokes, ANY_SIZE),
        "contrib shift-map": (contrib("INPAINT_SHIFTMAP"), ANY_SIZE),
        "contrib FSR fast": (contrib("INPAINT_FSR_FAST"), 10_000),
        "contrib FSR best": (contrib("INPAINT_FSR_BEST"), 2_500),
        "skimage biharmonic": (imported("skimage.restoration", biharmonic), 10_000),
        "patchmatch-cython": (imported("patchmatch_cython", cython), ANY_SIZE),
        "pypatchmatch": (imported("patchmatch", pypatchmatch), ANY_SIZE),
        "overpaint": (lambda picture, hole: continue_background(picture, hole), ANY_SIZE),
    }


# --- scores ----------------------------------------------------------------------------------


def score(case: Case, painted: Rgb8, ms: float) -> Score:
    found = fidelity(case.truth, painted, case.hole)
    return Score(psnr=found.psnr, ssim=found.ssim, detail=found.detail, ms=ms)


def run(case: Case, fill: Fill) -> tuple[Score, Rgb8]:
    blind = case.truth.copy()
    blind[case.hole] = 0  # nobody sees the truth
    start = time.perf_counter()
    painted = fill(blind, case.hole)
    ms = 1000 * (time.perf_counter() - start)
    painted = np.where(case.hole[..., None], painted, case.truth)
    return score(case, painted, ms), painted


# --- what is shown ---------------------------------------------------------------------------


def row(name: str, scores: list[Score]) -> str:
    if not scores:
        return f"{name:24}      -      -      -        -    0"
    psnr, ssim, detail, ms = (
        float(np.mean([getattr(each, part) for each in scores]))
        for part in ("psnr", "ssim", "detail", "ms")
    )
    return f"{name:24} {psnr:6.2f} {ssim:6.3f} {detail:6.2f} {ms:8.0f} {len(scores):4}"


def tile(case: Case, painted: Rgb8 | None, side: int) -> Rgb8:
    """What lies round the hole; the hole outlined where nothing was painted."""
    if painted is None:
        painted = case.truth.copy()
        edge = cv2.dilate(case.hole.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        painted[edge & ~case.hole] = (255, 0, 255)
    ys, xs = np.nonzero(case.hole)
    half = min(int(0.75 * max(np.ptp(ys), np.ptp(xs))) + 16, len(case.hole) // 2)
    top = int(np.clip((ys.min() + ys.max()) // 2 - half, 0, len(case.hole) - 2 * half))
    left = int(np.clip((xs.min() + xs.max()) // 2 - half, 0, len(case.hole) - 2 * half))
    crop = painted[top : top + 2 * half, left : left + 2 * half]
    shrinks = 2 * half > side
    return np.asarray(
        cv2.resize(
            crop, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        ),
        np.uint8,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    there = CC0_SET if CC0_SET.exists() else None
    parser.add_argument("--photos", type=Path, default=there, help="photos-cc0.tar")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet here (PNG)")
    parser.add_argument("--quick", action="store_true", help="a few photographs only")
    parser.add_argument("--only", nargs="*", help="names of methods")
    args = parser.parse_args()

    chosen = {
        name: entry for name, entry in methods().items() if not args.only or name in args.only
    }
    scores: dict[tuple[str, str], list[Score]] = {}
    strips: list[Rgb8] = []
    for number, case in enumerate(cases(args.photos, args.quick)):
        side = 224
        strip = [tile(case, None, side)]
        for name, (fill, most) in chosen.items():
            if fill is None or case.hole.sum() > most:
                strip.append(np.full((side, side, 3), 40, np.uint8))
                continue
            result, painted = run(case, fill)
            scores.setdefault((name, case.kind), []).append(result)
            strip.append(tile(case, painted, side))
        if number % 3 == number // 6 % 3:  # each kind comes round
            strips.append(np.hstack(strip))

    for kind in ("all", *KINDS):
        print(f"\n{kind:24} {'PSNR':>6} {'SSIM':>6} {'detail':>6} {'ms':>8} {'n':>4}")
        for name, (fill, _) in chosen.items():
            found = [scores.get((name, each), []) for each in KINDS if kind in ("all", each)]
            print(f"{name:24} not installed" if fill is None else row(name, list(chain(*found))))
    print(
        "\nWhere n is smaller the method is too slow for the larger holes: do not compare it there."
    )
    if args.sheet:
        args.sheet.parent.mkdir(parents=True, exist_ok=True)
        print(f"\n{args.sheet}: hole, {', '.join(chosen)}")
        cv2.imwrite(str(args.sheet), cv2.cvtColor(np.vstack(strips), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
