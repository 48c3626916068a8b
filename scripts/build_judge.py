"""Train the judge of `runs/evaluate`: .cache/judge.safetensors.

python scripts/build_judge.py --photos photos-cc0.tar [--minutes 15] [--cache DIR] [--out FILE]

It learns the concepts of the library from sets of drawings that are not in the library
(`judge_pictures.py`), disturbed and laid over photographs that are not held out. One core for a
quarter of an hour is enough; the weights are not shipped, for some of the sets are CC BY-SA.
Prints its accuracy on held-out disturbances of its own drawings.
"""

from __future__ import annotations

import argparse
import math
import sys
import tarfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.judge_pictures import drawings

from overpaint.concepts.library import ConceptLibrary
from overpaint.train.classifier import SIDE, Classifier, Judge
from overpaint.train.disturb import Strength, disturb
from overpaint.train.split import held_out

ROOT = Path(__file__).resolve().parent.parent
CROPS = 6000  # pieces of photographs to lie behind
BATCH = 64
PEAK = 1.5e-3  # of the learning rate
MEAN = 0.998  # of the running mean of the weights, a step
EASY = 0.4  # of the time; until then things are disturbed less, from nearly nothing on
SMOOTHING = 0.1  # of labels


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
        self.trained = sorted({concepts[number] for number in self.label.tolist()})
        # every concept equally often; of its drawings the coloured ones three times as often
        share = torch.where(self.plain, 1.0, 3.0)
        whole = torch.zeros(len(concepts)).index_add_(0, self.label, share)
        self.weight = share / whole[self.label]

    def batch(
        self, n: int, backdrops: Tensor, generator: torch.Generator, ease: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """N x 3 x SIDE x SIDE, -1 to 1, and N labels; `ease` 1 disturbs them little, 0 fully."""
        chosen = torch.multinomial(self.weight, n, replacement=True, generator=generator)
        behind = torch.randint(len(backdrops), (n,), generator=generator)
        pictures = disturb(
            self.pixels[chosen],
            backdrops[behind],
            plain=self.plain[chosen],
            mirror=self.mirror[chosen],
            generator=generator,
            strength=Strength().eased(ease),
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


def train(drawn: Drawn, backdrops: Tensor, concepts: int, minutes: float, seed: int) -> Classifier:
    """Adam with one cycle over the time given; returns the running mean of the weights."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = Classifier(concepts).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK, weight_decay=0.02)
    start, step, shown = time.monotonic(), 0, 0.0
    while (done := (time.monotonic() - start) / (60 * minutes)) < 1:
        rate = PEAK * min(1, step / 100) * 0.5 * (1 + math.cos(math.pi * done))
        for group in optimizer.param_groups:
            group["lr"] = max(rate, 1e-6)
        pictures, labels = drawn.batch(BATCH, backdrops, generator, max(0.0, 1 - done / EASY))
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(pictures)
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        step += 1
        keep = min(MEAN, step / (step + 10))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                mean[name].lerp_(value, 1 - keep)
        if time.monotonic() - shown > 30:
            shown = time.monotonic()
            right = (logits.argmax(1) == labels).float().mean()
            print(f"{done:4.0%} step {step} loss {loss:.3f} right {right:.2f}", flush=True)
    network.load_state_dict(mean)
    return network.eval()  # type: ignore[no-any-return]


def accuracy(
    network: Classifier, drawn: Drawn, backdrops: Tensor, seed: int
) -> tuple[float, float]:
    """Top 1 and top 5 on 1,280 disturbances that were not trained on."""
    generator = torch.Generator().manual_seed(seed)
    first = fifth = total = 0
    with torch.inference_mode():
        for _ in range(20):
            pictures, labels = drawn.batch(BATCH, backdrops, generator)
            best = network(pictures).topk(5, dim=1).indices == labels[:, None]
            first, fifth = first + int(best[:, 0].sum()), fifth + int(best.any(1).sum())
            total += len(labels)
    return first / total, fifth / total


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--photos", type=Path, default=ROOT.parent / "shared/data/photos-cc0.tar")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/npm", help="npm tarballs")
    parser.add_argument("--out", type=Path, default=ROOT / ".cache/judge.safetensors")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    concepts = tuple(ConceptLibrary.open().concepts)
    drawn = Drawn(arguments.cache, concepts)
    print(f"{len(drawn.label)} drawings of {len(drawn.trained)} of {len(concepts)} concepts")
    backdrops = backdrops_of(arguments.photos)
    network = train(drawn, backdrops, len(concepts), arguments.minutes, arguments.seed)
    top1, top5 = accuracy(network, drawn, backdrops, arguments.seed + 1)
    print(f"own drawings, unseen disturbances: top-1 {top1:.1%}, top-5 {top5:.1%}")
    facts: dict[str, object] = {
        "trained": drawn.trained,
        "own top-1": round(top1, 4),
        "own top-5": round(top5, 4),
        "minutes": arguments.minutes,
    }
    Judge(network, concepts, facts).save(arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
