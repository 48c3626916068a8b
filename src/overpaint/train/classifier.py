"""The judge: a small convolutional network that tells which concept a crop shows.

It is trained by `scripts/build_judge.py` on sets of drawings that are not in the concept library,
so it has never seen the pictures that engines recompose, nor anything an engine painted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from overpaint.errors import OperationFailed
from overpaint.values import Rgb8

SIDE = 64  # px of what the network looks at
WIDTHS = (32, 64, 128, 256)  # channels at 32, 16, 8 and 4 px
FEATURES = 256
SCALE = 20.0  # of the cosine logits


class Block(nn.Module):
    """Two 3 x 3 convolutions with a shortcut; He et al., arXiv 1512.03385."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W, in and out."""
        inner = functional.relu(self.norms[0](self.first(x)))
        return functional.relu(x + self.norms[1](self.second(inner)))


class Classifier(nn.Module):
    """N x 3 x 64 x 64, -1 to 1, to the logits of each concept (cosines times `SCALE`)."""

    def __init__(self, concepts: int) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        before = 3
        for level, width in enumerate(WIDTHS):
            kernel = 5 if level == 0 else 3
            stages.append(nn.Conv2d(before, width, kernel, 2, kernel // 2, bias=False))
            stages += [nn.BatchNorm2d(width), nn.ReLU()]
            if level:
                stages.append(Block(width))
            before = width
        self.body = nn.Sequential(*stages)
        self.head = nn.Linear(before, FEATURES)
        self.classes = nn.Parameter(torch.randn(concepts, FEATURES))

    def embed(self, x: Tensor) -> Tensor:
        """N x 3 x 64 x 64, -1 to 1, to unit vectors N x FEATURES."""
        deep = self.body(x)  # N x 256 x 4 x 4
        pooled = 0.5 * (deep.mean((2, 3)) + deep.amax((2, 3)))
        return functional.normalize(self.head(pooled).float(), dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x 64 x 64, -1 to 1, to logits N x concepts."""
        return SCALE * self.embed(x) @ functional.normalize(self.classes, dim=1).T


class Judge:
    """A trained classifier with the concepts that it knows."""

    def __init__(
        self, network: Classifier, concepts: Sequence[str], facts: dict[str, object]
    ) -> None:
        """Keep a network, the id of each of its outputs, and what is known of its making."""
        self.network = network.eval()
        self.concepts = tuple(concepts)
        self.facts = facts
        self.rank_of = {id_: number for number, id_ in enumerate(self.concepts)}

    @classmethod
    def load(cls, path: Path) -> Judge:
        """Read what `save` wrote; raises `OperationFailed` if it cannot be read."""
        try:
            with safe_open(str(path), framework="pt") as file:
                facts = json.loads((file.metadata() or {})["judge"])
                names: list[str] = list(file.keys())
                state = {name: file.get_tensor(name).float() for name in names}
        except (OSError, KeyError, ValueError) as error:
            raise OperationFailed(f"the judge cannot be read: {path} ({error})") from error
        concepts = facts.pop("concepts")
        network = Classifier(len(concepts))
        network.load_state_dict(state, strict=False)  # counters of batches are not kept
        return cls(network, concepts, facts)

    def save(self, path: Path) -> None:
        """Write weights as float16 and the facts as safetensors."""
        state = {
            name: value.half().contiguous()
            for name, value in self.network.state_dict().items()
            if value.is_floating_point()
        }
        facts = {**self.facts, "concepts": self.concepts}
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(state, str(path), metadata={"judge": json.dumps(facts)})

    def knows(self, concept_id: str) -> bool:
        """Whether it was shown drawings of a concept."""
        trained = self.facts.get("trained")
        return concept_id in (trained if isinstance(trained, list) else self.rank_of)

    def features(self, crops: Sequence[Rgb8]) -> npt.NDArray[np.float32]:
        """Unit vectors, N x FEATURES, of square crops."""
        with torch.inference_mode():
            return np.asarray(self.network.embed(_stack(crops)).numpy(), np.float32)

    def logits(self, crops: Sequence[Rgb8]) -> npt.NDArray[np.float32]:
        """N x concepts, the higher the likelier."""
        with torch.inference_mode():
            return np.asarray(self.network(_stack(crops)).numpy(), np.float32)


def _stack(crops: Sequence[Rgb8]) -> Tensor:
    """Crops of any size as N x 3 x SIDE x SIDE, -1 to 1."""
    small = [
        cv2.resize(
            crop,
            (SIDE, SIDE),
            interpolation=cv2.INTER_AREA if min(crop.shape[:2]) > SIDE else cv2.INTER_CUBIC,
        )
        for crop in crops
    ]
    pixels = torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).contiguous()
    return pixels.float() / 127.5 - 1
