"""Fill large holes with patches of their surroundings, coarse to fine.

Every patch that touches the hole looks for its like among the patches outside, and every hole
pixel becomes the mean of what the patches over it vote for; again and again, from a small copy of
the picture, which settles the structure, up to the full one, which has the texture.

Wexler, Shechtman, Irani, "Space-Time Completion of Video", PAMI 29(3), 2007 (the iteration).
Barnes, Shechtman, Finkelstein, Goldman, "PatchMatch", SIGGRAPH 2009 (the search; here all patches
take a step at once). Newson, Almansa, Fradet, Gousseau, Perez, "Video Inpainting of Complex
Scenes", SIAM J. Imaging Sciences 7(4), 2014 (busyness carried as extra channels, without which
fills go smooth; the first fill from the rim inwards).
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from overpaint.imaging.melding import meld
from overpaint.imaging.peeling import BUSY_WEIGHT, LOCALITY, favour_of, peel, strangeness
from overpaint.imaging.pyramid import PATCH, RADIUS, pyramid, sources_of
from overpaint.imaging.shading import shade_of
from overpaint.imaging.sparse import OPPONENTS, dct_basis
from overpaint.values import Mask, Rgb8

Plane: TypeAlias = npt.NDArray[np.float32]  # height x width (x channels)
Index: TypeAlias = npt.NDArray[np.intp]

LUMA_TERMS = 4  # a patch is known by its DCT terms i + j < this of luma,
CHROMA_TERMS = 2  # and this of the opponent colours
MOST_PEELED = 20_000_000  # sources x targets; beyond it the first fill is plain copying
EXACT_PAIRS = 12_000_000  # sources x targets up to which the first search is exhaustive
MANY_TARGETS, TOO_MANY_TARGETS = 40_000, 300_000  # one round of search, none
MIDDLE = np.float32(128)
GRAIN_SIGMA = 2.0  # px; finer than this is copied, coarser is averaged


def fill_from_patches(pixels: Rgb8, mask: Mask, rng: np.random.Generator) -> Rgb8 | None:
    """Fill `mask` (height x width, bool) in `pixels` (height x width x 3).

    Only pixels under the mask change. None when there is no patch outside to copy.
    """
    shade = shade_of(pixels, mask)
    lit = pixels if shade is None else pixels - shade + MIDDLE  # what is small, on even ground
    levels = pyramid(lit, mask)
    if not levels:
        return None
    first = levels[-1]
    match = Match(first.hole)
    strange = strangeness(match.describe(first.image), first.hole)
    match.forbear(strange)
    favour = favour_of(first.hole.shape, rng) + strange
    peels = match.pairs <= MOST_PEELED
    image = peel(first, favour) if peels else first.image
    match.scatter(rng)
    if not peels:
        image = match.copied(image)
    for depth in reversed(range(len(levels))):
        if depth < len(levels) - 1:
            match = match.finer(levels[depth].hole, rng)
            match.forbear(strange)
            image = match.copied(levels[depth].image)
        targets = len(match.rows)
        rounds = 0 if targets > TOO_MANY_TARGETS else 1 if targets > MANY_TARGETS else 3
        if depth == len(levels) - 1 and targets <= MANY_TARGETS:
            rounds = 6
        for turn in range(rounds):
            describe_all = match.describe(image)
            if depth == len(levels) - 1 and turn == 0 and match.pairs <= EXACT_PAIRS:
                match.search_all(describe_all)
            else:
                match.search(describe_all, rng, far=targets <= MANY_TARGETS)
            if depth == 0 or turn < rounds - 1:  # a finer level starts from the match alone
                image = match.vote(image, sharp=turn == rounds - 1)
    painted = image[..., :3] if shade is None else image[..., :3] + shade - MIDDLE
    filled = pixels.copy()
    filled[mask] = np.clip(np.rint(painted[mask]), 0, 255).astype(np.uint8)
    return filled


# --- search and vote -------------------------------------------------------------------------


def describe(
    image: Plane, luma_terms: int = LUMA_TERMS, chroma_terms: int = CHROMA_TERMS
) -> list[Plane]:
    """Low DCT terms of the patch round each pixel: planes, each height x width, float32.

    The squared difference of two pixels over the planes is that of their patches (the sum over
    49 pixels x 3 channels), as far as the terms tell; with all of them (`2 * PATCH` and more) it
    is exact. image: height x width x 3, float32.
    """
    basis = dct_basis(PATCH)
    opponents = cv2.split(cv2.transform(image, OPPONENTS))
    return [
        np.asarray(cv2.sepFilter2D(plane, cv2.CV_32F, basis[j], basis[i]), np.float32)
        for plane, terms in zip(opponents, (luma_terms, chroma_terms, chroma_terms), strict=True)
        for i in range(PATCH)
        for j in range(PATCH)
        if i + j < terms
    ]


class Match:
    """For each target patch (one that touches the hole) the source patch that it is like."""

    def __init__(self, hole: Mask) -> None:
        self.hole = hole
        self.height, self.width = hole.shape
        near = cv2.dilate(hole.astype(np.uint8), np.ones((PATCH, PATCH), np.uint8))
        self.rows, self.cols = np.nonzero(near)  # of the targets
        self.sources = sources_of(hole)
        self.at = np.zeros(len(self.rows), np.intp)  # row * width + column of the source
        self.cost = np.zeros(len(self.rows), np.float32)
        self.strange = np.zeros(hole.shape, np.float32)  # root of what a source costs by itself
        deep = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
        self.trust = np.float32(1.3) ** -deep[self.rows, self.cols]  # less, far from what is known

    @property
    def pairs(self) -> int:
        """Sources times targets."""
        return int(np.count_nonzero(self.sources)) * len(self.rows)

    def scatter(self, rng: np.random.Generator) -> None:
        """Give each target any source."""
        self.at = rng.choice(np.flatnonzero(self.sources), len(self.rows))

    def forbear(self, strange: Plane) -> None:
        """Let sources cost what `strange` says, height x width of any size."""
        resized = cv2.resize(strange, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        self.strange = np.asarray(np.sqrt(resized) * self.sources, np.float32)

    def finer(self, hole: Mask, rng: np.random.Generator) -> Match:
        """The same match at twice the size; any source where that falls outside."""
        match = Match(hole)
        match.scatter(rng)
        coarse = np.full((self.height, self.width), -1, np.intp)
        coarse[self.rows, self.cols] = self.at
        at = coarse[match.rows // 2, match.cols // 2]
        rows = 2 * (at // self.width) + match.rows % 2
        cols = 2 * (at % self.width) + match.cols % 2
        fits = (at >= 0) & (rows < match.height) & (cols < match.width)
        fits[fits] = match.sources[rows[fits], cols[fits]]
        match.at[fits] = (rows * match.width + cols)[fits]
        return match

    def copied(self, image: Plane) -> Plane:
        """The image with each hole pixel taken from the middle of its source patch."""
        filled = image.copy()
        inside = self.hole[self.rows, self.cols]
        flat = filled.reshape(-1, image.shape[2])
        flat[(self.rows * self.width + self.cols)[inside]] = flat[self.at[inside]]
        return filled

    def describe(self, image: Plane) -> Plane:
        """What patches are compared by, height * width x n."""
        step = LOCALITY / max(self.height, self.width)
        y, x = np.mgrid[: self.height, : self.width].astype(np.float32) * np.float32(step)
        busy = [plane * (BUSY_WEIGHT * PATCH) for plane in cv2.split(image[..., 3:])]
        planes = [*describe(np.ascontiguousarray(image[..., :3])), *busy, y, x, self.strange]
        return np.asarray(cv2.merge(planes), np.float32).reshape(-1, len(planes))

    def search_all(self, described: Plane) -> None:
        """Give each target the best source of all."""
        at = np.flatnonzero(self.sources)
        source = described[at]
        norm = np.einsum("ij,ij->i", source, source)
        wanted = described[self.rows * self.width + self.cols]
        for start in range(0, len(wanted), 512):
            part = slice(start, start + 512)
            self.at[part] = at[(norm - 2 * wanted[part] @ source.T).argmin(1)]
        self.cost = _distance(described, self.at, wanted)

    def search(self, described: Plane, rng: np.random.Generator, *, far: bool) -> None:
        """Offer each target its neighbours' sources, shifted, and some by chance; keep better."""
        here = self.rows * self.width + self.cols
        wanted = described[here]
        allowed = self.sources.ravel()
        number = np.full(self.height * self.width, -1, np.intp)
        number[here] = np.arange(len(here))
        self.cost = _distance(described, self.at, wanted)

        def offer(rows: Index, cols: Index) -> None:
            at = np.clip(rows, 0, self.height - 1) * self.width + np.clip(cols, 0, self.width - 1)
            cost = _distance(described, at, wanted)
            better = (cost < self.cost) & allowed[at]
            self.cost[better], self.at[better] = cost[better], at[better]

        for jump in (4, 1, 2, 1) if far else (1,):
            for down, right in ((0, jump), (jump, 0), (0, -jump), (-jump, 0)):
                rows = np.clip(self.rows + down, 0, self.height - 1)
                cols = np.clip(self.cols + right, 0, self.width - 1)
                neighbour = number[rows * self.width + cols]
                neighbour = np.where(neighbour < 0, np.arange(len(here)), neighbour)
                at = self.at[neighbour]
                offer(
                    at // self.width + self.rows - self.rows[neighbour],
                    at % self.width + self.cols - self.cols[neighbour],
                )
        reach = max(self.height, self.width) if far else 2
        while reach >= 1:
            step = rng.integers(-reach, reach + 1, (2, len(here)))
            offer(self.at // self.width + step[0], self.at % self.width + step[1])
            reach //= 3 if far else 2

    def vote(self, image: Plane, *, sharp: bool = False) -> Plane:
        """The image with each hole pixel the weighted mean of what the patches over it say.

        sharp: what is finer than `GRAIN_SIGMA` comes from the likeliest patch alone, so that the
        mean does not wash out the grain, and the pieces are melded.
        """
        scale = max(1.0, float(np.percentile(self.cost, 25 if sharp else 75)))
        weight = np.maximum(np.exp(-self.cost / (2 * scale)) * self.trust, 1e-9)
        weight = weight.astype(np.float32)
        channels = 3 if sharp else image.shape[2]
        said = np.ascontiguousarray(image[..., :channels]).reshape(-1, channels)
        # the box round the targets as dense arrays; in it, what is no target has no weight
        top, left = int(self.rows.min()), int(self.cols.min())
        height, width = int(self.rows.max()) - top + 1, int(self.cols.max()) - left + 1
        at = np.full((height, width), self.at[0], np.intp)
        at[self.rows - top, self.cols - left] = self.at
        dense = np.zeros((height, width, 1), np.float32)
        dense[self.rows - top, self.cols - left, 0] = weight
        wide = (height + 2 * RADIUS, width + 2 * RADIUS)  # votes fall this far outside the box
        total, mass = np.zeros((*wide, channels), np.float32), np.zeros((*wide, 1), np.float32)
        place = np.pad(np.arange(self.hole.size).reshape(self.hole.shape), RADIUS)
        origin = place[top : top + wide[0], left : left + wide[1]]  # a view
        highest = np.zeros((*wide,), np.float32)
        vote = np.empty((height, width, channels), np.float32)
        for down in range(PATCH):
            for right in range(PATCH):
                to = np.s_[down : down + height, right : right + width]
                shift = (down - RADIUS) * self.width + right - RADIUS
                np.take(said, at + shift, axis=0, out=vote, mode="clip")
                if sharp:
                    off_centre = (down - RADIUS) ** 2 + (right - RADIUS) ** 2
                    claim = dense[..., 0] * np.float32(np.exp(-off_centre / 8))
                    wins = claim > highest[to]
                    np.copyto(highest[to], claim, where=wins)
                    np.copyto(origin[to], at + shift, where=wins)
                vote *= dense
                total[to] += vote
                mass[to] += dense
        mean = np.divide(total, np.maximum(mass, 1e-12), dtype=np.float32)
        if sharp:
            first = np.where(highest[..., None] > 0, said[origin], 0)
            mean = np.add(first, cv2.GaussianBlur(mean - first, (0, 0), GRAIN_SIGMA))
        hole = np.pad(self.hole, RADIUS)[top : top + wide[0], left : left + wide[1]]
        voted = image.copy()
        voted[self.hole, :channels] = mean[hole]
        if sharp:
            place = place[RADIUS:-RADIUS, RADIUS:-RADIUS]
            voted[..., :3] = meld(np.ascontiguousarray(voted[..., :3]), self.hole, place)
        return voted


def _distance(described: Plane, at: Index, wanted: Plane) -> Plane:
    difference = described[at]
    difference -= wanted
    return np.asarray(np.einsum("ij,ij->i", difference, difference), np.float32)
