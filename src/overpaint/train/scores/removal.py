"""The measure of removal: held-out holes in held-out photographs, against known fillers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import TypeAlias

import cv2
import numpy as np

from overpaint.imaging.patchmatch import fill_from_patches
from overpaint.train.scores.contenders import Absent, Ask, EngineContender
from overpaint.train.scores.fidelity import fidelity
from overpaint.train.scores.holes import KINDS, hole_of
from overpaint.train.scores.measures import Setting
from overpaint.train.scores.report import Row, Tally, row_of
from overpaint.train.scores.stage import SIDE, Stage
from overpaint.values import Mask, Rgb8

Fill: TypeAlias = Callable[[Rgb8, Mask], Rgb8]
KINDS_HERE = tuple(kind for kind in KINDS if kind != "blob 200")  # too large for the stage
PROMPT = "去掉"


def telea(picture: Rgb8, hole: Mask) -> Rgb8:
    """Telea 2004, 3 px."""
    return np.asarray(cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.uint8)


def navier_stokes(picture: Rgb8, hole: Mask) -> Rgb8:
    """Bertalmio, Bertozzi, Sapiro 2001, 3 px."""
    return np.asarray(cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_NS), np.uint8)


def patches(picture: Rgb8, hole: Mask) -> Rgb8:
    """Our PatchMatch alone, whatever the hole; `erase` fills thin ones by sparsity."""
    filled = fill_from_patches(picture, hole, np.random.default_rng(0))
    return picture if filled is None else filled


def removal(setting: Setting) -> list[Row]:
    """PSNR, SSIM and detail inside the hole; engines through `repaint` with a prompt to remove.

    Nobody sees what is under the hole, which is black; so there is no feather into it either.
    """
    fills: dict[str, Fill] = {
        "Telea": telea,
        "Navier-Stokes": navier_stokes,
        "PatchMatch": patches,
    }
    engines = [EngineContender("erase")]
    engines += [
        one
        for one in setting.contenders
        if isinstance(one, EngineContender) and one.name != "collage"  # which erases as `erase`
    ]
    tallies = {name: Tally() for name in (*fills, *(one.name for one in engines))}
    for number in range(max(5, setting.count // 2)):
        rng = np.random.default_rng([number, 4])
        kind = KINDS_HERE[number % len(KINDS_HERE)]
        name, truth = setting.photographs.crop(4000 + number)
        hole = hole_of(kind, SIDE, rng)
        blind = np.where(hole[..., None], np.uint8(0), truth)
        stage = Stage(name=name, seed=4000 + number, picture=blind, mask=hole)
        results = {name: fill(blind, hole) for name, fill in fills.items()}
        for engine in engines:
            try:
                answer = engine.paint(Ask(stage=stage, prompt=PROMPT, options={"feather": 0}))
            except Absent as absent:
                tallies[engine.name].absent = str(absent)
                continue
            if answer.pictures:
                results[engine.name] = answer.pictures[0]
            else:
                tallies[engine.name].absent = " ".join(answer.notes)
        for who, painted in results.items():
            whole = np.where(hole[..., None], painted, truth)
            scores = astuple(fidelity(truth, whole, hole))
            for part, value in zip(("psnr", "ssim", "detail"), scores, strict=True):
                tallies[who].add(part, value)
        tiles = [blind, *results.values(), truth]
        setting.sheets.add("removal", tiles, ["", *results, "truth"], f"{kind}, {stage.name}")
        setting.progress("removal", number + 1)
    return [
        row_of("removal: PSNR, dB", tallies, "psnr", "> Telea, NS; >= PatchMatch"),
        row_of("removal: SSIM", tallies, "ssim", "> Telea, NS; >= PatchMatch"),
        row_of("removal: detail (1 = as sharp)", tallies, "detail", "near 1"),
    ]
