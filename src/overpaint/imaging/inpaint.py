"""Continue the background of a photograph into the masked part, from what lies around it.

Exemplar-based completion over a pyramid: every patch that touches the hole looks for its like
among the patches outside (PatchMatch), and every hole pixel becomes the mean of what the patches
over it vote for; coarse levels settle the structure, fine ones the texture.

Wexler, Shechtman, Irani, "Space-Time Completion of Video", PAMI 2007 (the iteration);
Barnes et al., "PatchMatch", SIGGRAPH 2009 (the search); Newson et al., "Video Inpainting of
Complex Scenes", SIAM J. Imaging Sciences 2014 (texture features in the distance).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.values import Mask, OnStep, Rgb8, Step

Plane: TypeAlias = npt.NDArray[np.float32]  # height x width (x channels)
Index: TypeAlias = npt.NDArray[np.intp]

RADIUS = 3  # patches are 7 x 7
PATCH = 2 * RADIUS + 1
COARSEST_SIDE = 32
COARSEST_RADIUS = 3  # the pyramid ends where the hole's inscribed circle is this small, px
LUMA_TERMS = 4  # DCT terms i + j < this of luma, and CHROMA_TERMS of chroma, describe a patch
CHROMA_TERMS = 2
TEXTURE_SIDE = 17  # px
TEXTURE_WEIGHT = 3.0
LOCALITY = 60.0  # cost of a source a whole window away


@dataclass(frozen=True)
class Level:
    """One size of the pyramid."""

    image: Plane  # height x width x 3, 0 to 255, holes filled somehow
    hole: Mask  # height x width


def continue_background(
    pixels: Rgb8, mask: Mask, *, seed: int = 0, on_step: OnStep | None = None
) -> Rgb8:
    """Fill the masked part of `pixels` from what lies around it.

    pixels: height x width x 3, uint8. mask: height x width, bool, True = fill.
    Returns a new array; pixels outside the mask are those of `pixels`.
    The same seed gives the same pixels; another gives another completion where there is a choice.
    """
    filled = pixels.copy()
    windows = _windows(mask) if mask.any() else []
    for done, (rows, cols, island) in enumerate(windows):
        window_mask = mask[rows, cols]
        painted = _complete(filled[rows, cols], window_mask, seed)
        wanted = island[rows, cols]
        filled[rows, cols][wanted] = painted[wanted]
        if on_step is not None:
            on_step(Step(stage="erase", done=done + 1, total=len(windows)))
    return filled


def _windows(mask: Mask) -> list[tuple[slice, slice, Mask]]:
    """Islands that lie close together, each with the window round it that it is filled from."""
    height, width = mask.shape
    near = cv2.dilate(mask.astype(np.uint8), np.ones((33, 33), np.uint8))
    count, labels = cv2.connectedComponents(near)
    found = []
    for label in range(1, count):
        island = (labels == label) & mask
        ys, xs = np.flatnonzero(island.any(1)), np.flatnonzero(island.any(0))
        extent = max(ys[-1] - ys[0], xs[-1] - xs[0]) + 1
        margin = int(np.clip(0.6 * extent, 64, 320))
        rows = slice(max(0, ys[0] - margin), min(height, ys[-1] + 1 + margin))
        cols = slice(max(0, xs[0] - margin), min(width, xs[-1] + 1 + margin))
        if mask[rows, cols].mean() > 0.8:  # too little to learn from here
            rows, cols = slice(0, height), slice(0, width)
        found.append((rows, cols, island))
    return found


def _complete(pixels: Rgb8, mask: Mask, seed: int) -> Rgb8:
    levels = _pyramid(pixels, mask)
    if levels is None:
        known = pixels[~mask]
        colour = known.mean(0) if len(known) else np.full(3, 128.0)
        return np.where(mask[..., None], np.rint(colour).astype(np.uint8), pixels)
    rng = np.random.default_rng(seed)
    match: Match | None = None
    image = levels[-1].image
    for depth in reversed(range(len(levels))):
        level = levels[depth]
        if match is not None:
            match = match.finer(level, rng)
            image = match.vote(level.image)
        else:
            match = Match.random(level, rng)
        rounds = 6 if depth == len(levels) - 1 else (4, 2, 1, 1)[max(0, 3 - depth)] if depth < 4 else 4
        rounds = {0: 1, 1: 2, 2: 3}.get(depth, 6)
        for _ in range(rounds):
            match.search(image, rng, light=depth == 0)
            image = match.vote(image)
    return np.clip(np.rint(image[..., :3]), 0, 255).astype(np.uint8)


def _pyramid(pixels: Rgb8, mask: Mask) -> list[Level] | None:
    """Finest first; None when there is nothing to learn from."""
    image = np.dstack([pixels.astype(np.float32), texture(pixels, mask)])
    levels: list[Level] = []
    while True:
        depth = len(levels)
        if depth:
            known = (~hole).astype(np.float32)
            size = ((hole.shape[1] + 1) // 2, (hole.shape[0] + 1) // 2)
            pad = (0, hole.shape[0] % 2, 0, hole.shape[1] % 2)
            weight = cv2.resize(
                cv2.copyMakeBorder(known, *pad, cv2.BORDER_REPLICATE), size, interpolation=cv2.INTER_AREA
            )
            total = cv2.merge([cv2.resize(
                cv2.copyMakeBorder(plane * known, *pad, cv2.BORDER_REPLICATE),
                size,
                interpolation=cv2.INTER_AREA,
            ) for plane in cv2.split(image)])
            image = total / np.maximum(weight, 1e-6)[..., None]
            hole = weight < 0.5
        else:
            hole = mask
        if _sources(hole).sum() < 16:
            break
        levels.append(Level(image=image, hole=hole))
        if cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3).max() <= COARSEST_RADIUS:
            break
        if min(hole.shape) < 2 * COARSEST_SIDE:
            break
    if not levels:
        return None
    last = levels[-1]
    levels[-1] = Level(image=_peel(last.image, last.hole), hole=last.hole)
    return levels


def _peel(image: Plane, hole: Mask) -> Plane:
    """Fill layer by layer from the rim inwards, each pixel from the best matching patch."""
    height, width = hole.shape
    known = np.pad(~hole, RADIUS)
    image = np.pad(image, ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0)))
    image[~known] = 0
    image[..., 3:] *= TEXTURE_WEIGHT
    at = np.flatnonzero(_sources(hole))
    y, x = np.divmod(at, width)

    def patches(plane: Plane, ys: Index, xs: Index) -> Plane:
        """As rows; centres are those before padding."""
        offsets = np.arange(PATCH)
        return plane[
            ys[:, None, None] + offsets[:, None], xs[:, None, None] + offsets
        ].reshape(len(ys), -1)

    source = patches(image, y, x)
    squared = (source**2).reshape(len(at), PATCH**2, -1).sum(2)
    while not known[RADIUS:-RADIUS, RADIUS:-RADIUS].all():
        unknown = ~known[RADIUS:-RADIUS, RADIUS:-RADIUS]
        rim = unknown & cv2.dilate((~unknown).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        ys, xs = np.nonzero(rim)
        target = patches(image, ys, xs)
        seen = patches(known, ys, xs).astype(np.float32)
        away = ((ys[:, None] - y) ** 2 + (xs[:, None] - x) ** 2).astype(np.float32)
        away *= LOCALITY**2 / max(height, width) ** 2
        cost = (seen @ squared.T - 2 * target @ source.T) * (PATCH**2 / seen.sum(1))[:, None] + away
        best = cost.argmin(1)
        image[ys + RADIUS, xs + RADIUS] = image[y[best] + RADIUS, x[best] + RADIUS]
        known[ys + RADIUS, xs + RADIUS] = True
    image[..., 3:] /= TEXTURE_WEIGHT
    return image[RADIUS:-RADIUS, RADIUS:-RADIUS].copy()


def texture(pixels: Rgb8, mask: Mask) -> Plane:
    """How busy each neighbourhood is, height x width x 2: mean slopes along x and y outside the mask."""
    luma = pixels.astype(np.float32).mean(2)
    size = (TEXTURE_SIDE, TEXTURE_SIDE)
    planes = []
    for dx, dy in ((1, 0), (0, 1)):
        shifted = np.roll(mask, -dx, 1) if dx else np.roll(mask, -dy, 0)
        fair = (~(mask | shifted)).astype(np.float32)
        slope = np.abs((np.roll(luma, -dx, 1) if dx else np.roll(luma, -dy, 0)) - luma) * fair
        if dx:
            slope[:, -1] = 0
            fair[:, -1] = 0
        else:
            slope[-1] = 0
            fair[-1] = 0
        planes.append(cv2.blur(slope, size) / np.maximum(cv2.blur(fair, size), 1e-6))
    return np.dstack(planes).astype(np.float32)


def _sources(hole: Mask) -> Mask:
    """Centres of the patches that lie inside the picture and outside the hole."""
    free = cv2.erode(
        (~hole).astype(np.uint8),
        np.ones((PATCH, PATCH), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return free.astype(bool)


def _basis() -> Plane:
    """Orthonormal DCT-II, PATCH x PATCH, a row a frequency."""
    n = np.arange(PATCH)
    basis = np.cos(np.pi * (n + 0.5) * n[:, None] / PATCH) * np.sqrt(2 / PATCH)
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


def describe(image: Plane, luma_terms: int = LUMA_TERMS, chroma_terms: int = CHROMA_TERMS) -> Plane:
    """Patch descriptors, height x width x n: squared differences are patch distances.

    The low DCT terms of each patch in an orthonormal opponent space; with all terms the squared
    difference of two descriptors is the sum of squared differences of the patches.
    """
    red, green, blue = cv2.split(image)
    opponents = (
        ((red + green + blue) / np.float32(np.sqrt(3)), luma_terms),
        ((red - blue) / np.float32(np.sqrt(2)), chroma_terms),
        ((red - 2 * green + blue) / np.float32(np.sqrt(6)), chroma_terms),
    )
    basis = _basis()
    planes = [
        cv2.sepFilter2D(plane, cv2.CV_32F, basis[j], basis[i])
        for plane, terms in opponents
        for i in range(PATCH)
        for j in range(PATCH)
        if i + j < terms
    ]
    return cv2.merge(planes)


class Match:
    """Which source patch each target patch is most like."""

    def __init__(self, hole: Mask, ys: Index, xs: Index) -> None:
        self.hole = hole
        self.height, self.width = hole.shape
        near = cv2.dilate(hole.astype(np.uint8), np.ones((PATCH, PATCH), np.uint8))
        self.target_ys, self.target_xs = np.nonzero(near)
        self.sources = _sources(hole)
        self.ys, self.xs = ys, xs  # source centres, one a target
        self.cost = np.zeros(len(self.target_ys), np.float32)
        away = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
        self.confidence = np.float32(1.3) ** -away

    @staticmethod
    def random(level: Level, rng: np.random.Generator) -> Match:
        match = Match(level.hole, np.zeros(0, np.intp), np.zeros(0, np.intp))
        ys, xs = np.nonzero(match.sources)
        pick = rng.integers(0, len(ys), len(match.target_ys))
        match.ys, match.xs = ys[pick], xs[pick]
        return match

    def finer(self, level: Level, rng: np.random.Generator) -> Match:
        match = Match.random(level, rng)
        coarse = np.full((2, self.height, self.width), -1, np.intp)
        coarse[:, self.target_ys, self.target_xs] = self.ys, self.xs
        ty, tx = match.target_ys, match.target_xs
        cy, cx = coarse[:, ty // 2, tx // 2]
        ys, xs = 2 * cy + ty % 2, 2 * cx + tx % 2
        ok = (cy >= 0) & (ys < match.height) & (xs < match.width)
        ok[ok] &= match.sources[ys[ok], xs[ok]]
        match.ys[ok], match.xs[ok] = ys[ok], xs[ok]
        return match

    def search(self, image: Plane, rng: np.random.Generator, light: bool) -> None:
        desc = self._describe(image)
        n = desc.shape[2]
        rows = desc.reshape(-1, n)
        here = self.target_ys * self.width + self.target_xs
        wanted = rows[here]
        grid = np.full((self.height, self.width), -1, np.intp)
        grid[self.target_ys, self.target_xs] = np.arange(len(here))
        if self.sources.sum() * len(here) < 12_000_000:
            self._exact(rows, wanted)
            return
        flat = self.sources.ravel()

        def cost_of(ys: Index, xs: Index) -> Plane:
            diff = rows[ys * self.width + xs]
            diff -= wanted
            return np.einsum("ij,ij->i", diff, diff)

        def offer(ys: Index, xs: Index) -> None:
            np.clip(ys, 0, self.height - 1, out=ys)
            np.clip(xs, 0, self.width - 1, out=xs)
            cost = cost_of(ys, xs)
            better = (cost < self.cost) & flat[ys * self.width + xs]
            self.cost[better] = cost[better]
            self.ys[better], self.xs[better] = ys[better], xs[better]

        self.cost = cost_of(self.ys, self.xs)
        for jump in (1,) if light else (4, 1, 2, 1):
            for dy, dx in ((0, jump), (jump, 0), (0, -jump), (-jump, 0)):
                ny = np.clip(self.target_ys + dy, 0, self.height - 1)
                nx = np.clip(self.target_xs + dx, 0, self.width - 1)
                other = grid[ny, nx]
                other = np.where(other < 0, np.arange(len(here)), other)
                offer(
                    self.ys[other] - self.target_ys[other] + self.target_ys,
                    self.xs[other] - self.target_xs[other] + self.target_xs,
                )
        reach = max(self.height, self.width)
        radius = 2 if light else reach
        while radius >= 1:
            step = rng.integers(-radius, radius + 1, (2, len(here)))
            offer(self.ys + step[0], self.xs + step[1])
            radius //= 3 if not light else 2

    def _exact(self, rows: Plane, wanted: Plane) -> None:
        at = np.flatnonzero(self.sources)
        source = rows[at]
        norm = np.einsum("ij,ij->i", source, source)
        best = np.empty(len(wanted), np.intp)
        for start in range(0, len(wanted), 512):
            part = slice(start, start + 512)
            best[part] = (norm - 2 * wanted[part] @ source.T).argmin(1)
        self.ys, self.xs = np.divmod(at[best], self.width)
        diff = source[best] - wanted
        self.cost = np.einsum("ij,ij->i", diff, diff)

    def _describe(self, image: Plane) -> Plane:
        desc = describe(image[..., :3])
        reach = LOCALITY / max(self.height, self.width)
        y, x = np.mgrid[: self.height, : self.width].astype(np.float32) * np.float32(reach)
        return np.dstack([desc, image[..., 3:] * (TEXTURE_WEIGHT * PATCH), y, x]).astype(np.float32)

    def vote(self, image: Plane) -> Plane:
        cost = self.cost
        scale = max(1.0, float(np.percentile(cost, 75)))
        weight = np.exp(-cost / (2 * scale)) * self.confidence[self.target_ys, self.target_xs]
        total = np.zeros((self.height * self.width, 6), np.float32)
        packed = np.dstack([image, np.ones_like(image[..., 0])]).reshape(-1, 6)
        src = self.ys * self.width + self.xs
        for dy in range(-RADIUS, RADIUS + 1):
            for dx in range(-RADIUS, RADIUS + 1):
                ty, tx = self.target_ys + dy, self.target_xs + dx
                ok = (ty >= 0) & (ty < self.height) & (tx >= 0) & (tx < self.width)
                ok[ok] &= self.hole[ty[ok], tx[ok]]
                at = (ty * self.width + tx)[ok]
                total[at] += packed[src[ok] + dy * self.width + dx] * weight[ok, None]
        total = total.reshape(self.height, self.width, 6)
        hole = self.hole
        out = image.copy()
        out[hole] = total[hole][:, :5] / np.maximum(total[hole][:, 5:], 1e-12)
        return out
