"""Train the judge of `runs/evaluate`: .cache/judge.npz.

python scripts/build_judge.py [--photos photos-cc0.tar] [--cache DIR] [--out FILE]

It learns the concepts of the library from sets of drawings that are not in the library
(`judge_pictures.py`), disturbed and laid over photographs that are not held out. Two minutes to
rasterise them once, then two on one core. The weights are not shipped, for some of the sets are
CC BY-SA. Prints its accuracy on disturbances of its own drawings that it has not seen, and on the
library's pictures pasted plainly on held-out photographs, which is the ceiling of what it can tell.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.judge_pictures import drawings

from overpaint.concepts.library import ConceptLibrary
from overpaint.train.classifier import SIDE, Judge, Moments, describe
from overpaint.train.disturb import disturb
from overpaint.train.scores.cases import SHOWN, chosen
from overpaint.train.scores.contenders import exemplars
from overpaint.train.scores.stage import Photographs, fitted, look, paste
from overpaint.train.split import held_out
from overpaint.values import Rgb8

ROOT = Path(__file__).resolve().parent.parent
CROPS = 6000  # pieces of photographs to lie behind
BATCH = 256
PASTED = 300  # exemplars


class Drawn:
    """All drawings as tensors, with the concept of each."""

    def __init__(self, cache: Path, concepts: tuple[str, ...]) -> None:
        """Read them from the cache folder, or rasterise them into it (two minutes)."""
        kept = cache / "judge-drawings.npz"
        if not kept.exists():
            found = list(drawings(cache, frozenset(concepts)))
            np.savez_compressed(
                kept,
                pixels=np.stack([one.pixels for one in found]),
                ids=np.array([one.concept_id for one in found]),
                plain=np.array([one.is_plain for one in found]),
                mirror=np.array([one.mirrorable for one in found]),
            )
        with np.load(kept) as file:
            rank = {id_: number for number, id_ in enumerate(concepts)}
            known = np.array([id_ in rank for id_ in file["ids"]])
            self.pixels = torch.from_numpy(file["pixels"][known]).permute(0, 3, 1, 2).contiguous()
            self.plain = torch.from_numpy(file["plain"][known])
            self.mirror = torch.from_numpy(file["mirror"][known])
            self.label = torch.tensor([rank[id_] for id_ in file["ids"][known]])
        # every concept equally often; of its drawings the coloured ones three times as often
        share = torch.where(self.plain, 1.0, 3.0)
        whole = torch.zeros(len(concepts)).index_add_(0, self.label, share)
        self.weight = share / whole[self.label]

    def batch(self, n: int, backdrops: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """N x 3 x SIDE x SIDE, -1 to 1, and N labels."""
        chosen = torch.multinomial(self.weight, n, replacement=True, generator=generator)
        behind = torch.randint(len(backdrops), (n,), generator=generator)
        pictures = disturb(
            self.pixels[chosen],
            backdrops[behind],
            plain=self.plain[chosen],
            mirror=self.mirror[chosen],
            generator=generator,
        )
        return pictures, self.label[chosen]


def backdrops_of(archive: Path, seed: int = 0) -> Tensor:
    """CROPS x 3 x SIDE x SIDE, uint8: pieces of the photographs that are not held out."""
    rng = np.random.default_rng(seed)
    crops: list[np.ndarray] = []
    with tarfile.open(archive) as tar:
        members = [m for m in tar.getmembers() if m.name.endswith(".jpg")]
        unseen = set(held_out(m.name for m in members))
        members = [m for m in members if m.name not in unseen]
        scenes = [m for m in members if m.name.startswith("scenes/")]
        others = [m for m in members if not m.name.startswith("scenes/")]
        others = [others[i] for i in rng.permutation(len(others))[: CROPS // 6]]
        for member in scenes + others:
            file = tar.extractfile(member)
            data = np.frombuffer(file.read() if file else b"", np.uint8)
            decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
            if decoded is None:
                raise SystemExit(f"{member.name} is damaged")
            picture = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
            for _ in range(CROPS // 2 // len(scenes) if member in scenes else 3):
                side = int(rng.uniform(0.15, 0.8) * min(picture.shape[:2]))
                top = int(rng.integers(picture.shape[0] - side + 1))
                left = int(rng.integers(picture.shape[1] - side + 1))
                crop = picture[top : top + side, left : left + side]
                crops.append(cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).contiguous()


def train(drawn: Drawn, backdrops: Tensor, concepts: tuple[str, ...], count: int) -> Judge:
    """One pass over `count` disturbances."""
    generator = torch.Generator().manual_seed(0)
    moments = Moments(len(concepts))
    start = time.process_time()
    for done in range(0, count, BATCH):
        pictures, labels = drawn.batch(BATCH, backdrops, generator)
        moments.add(describe(crops_of(pictures)), labels.numpy())
        if done // BATCH % 20 == 0:
            print(f"{done} of {count}, {time.process_time() - start:.0f} s of work", flush=True)
    weights, bias = moments.solve()
    return Judge(weights, bias, concepts, {"pictures": count})


def crops_of(pictures: Tensor) -> list[Rgb8]:
    """N x 3 x H x W, -1 to 1, as pictures."""
    rows = ((pictures + 1) * 127.5).byte().permute(0, 2, 3, 1).contiguous().numpy()
    return [np.asarray(row, np.uint8) for row in rows]


def on_own(judge: Judge, drawn: Drawn, backdrops: Tensor) -> dict[str, float]:
    """Accuracy on disturbances of its own drawings that it was not trained on."""
    pictures, labels = drawn.batch(1000, backdrops, torch.Generator().manual_seed(1))
    ids = [judge.concepts[number] for number in labels.tolist()]
    crops = crops_of(pictures)
    return {f"own drawings top-{k}": round(judge.right(crops, ids, k), 4) for k in (1, 5)}


def on_library(judge: Judge, library: ConceptLibrary, archive: Path) -> dict[str, float]:
    """Accuracy on the library's pictures, pasted plainly on held-out photographs: the ceiling."""
    photographs = Photographs(archive)
    known = [id_ for id_ in library.concepts if judge.knows(id_)]
    ids = [concept.id for concept in chosen(library, known, PASTED)]
    crops = []
    for number, id_ in enumerate(ids):
        stage = photographs.stage(9000 + number)
        thing = exemplars(library, id_, SHOWN[number % len(SHOWN)], number)[0]
        pasted = paste(stage.picture, fitted(thing, stage.mask), stage.mask)
        crops.append(look(pasted, stage.mask))
    return {f"pasted exemplars top-{k}": round(judge.right(crops, ids, k), 4) for k in (1, 5)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--photos", type=Path, default=ROOT.parent / "shared/data/photos-cc0.tar")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/npm", help="npm tarballs")
    parser.add_argument("--out", type=Path, default=ROOT / ".cache/judge.npz")
    parser.add_argument("--count", type=int, default=60_000, help="disturbances to learn from")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    library = ConceptLibrary.open()
    concepts = tuple(library.concepts)
    drawn = Drawn(arguments.cache, concepts)
    known = len(set(drawn.label.tolist()))
    print(f"{len(drawn.label)} drawings of {known} of {len(concepts)} concepts")
    backdrops = backdrops_of(arguments.photos)
    judge = train(drawn, backdrops, concepts, arguments.count)
    judge.facts |= on_own(judge, drawn, backdrops)
    judge.facts |= on_library(judge, library, arguments.photos)
    judge.save(arguments.out)
    print(judge.described())
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
