"""The pictures that the painter learns from, in memory as tensors: `Bank`."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from overpaint.composer.vocabulary import Vocabulary, build_vocabulary
from overpaint.concepts.library import ConceptLibrary
from overpaint.concepts.vocabulary import vocabulary
from overpaint.errors import OperationFailed

Split: TypeAlias = Literal["train", "test"]

FORMAT = 1  # of index.json, see scripts/build_bank.py
SIDE, LARGE, CANVAS = 256, 512, 128  # px; photographs, large ones, and drawings on their canvas
HALVINGS = 2  # smaller copies of the drawings, each half as large
PLACEMENTS = ("stands", "floats", "worn")


@dataclass(frozen=True, kw_only=True)
class Fills:
    """Photographs with a hole, and with what was continued into it."""

    photo: Tensor  # F, number of the photograph
    layers: dict[int, Tensor]  # by side: F x 4 x side x side uint8: filled picture, hole


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """Objects in their own photographs."""

    photo: Tensor  # C, number of the photograph
    layers: dict[int, Tensor]  # by side: C x 4 x side x side uint8: without the object, its alpha
    token: Tensor  # C, place of its concept in the vocabulary; -1 where it has none


@dataclass(frozen=True, kw_only=True)
class Drawings:
    """Pictures of concepts."""

    layers: tuple[Tensor, ...]  # D x 4 x s x s uint8, premultiplied, s = 128, 64, 32
    extent: Tensor  # D x 2, height and width as a share of the canvas
    token: Tensor  # D, place of its concept in the vocabulary; -1 where it is not there
    drawn: Tensor  # D, place of its drawing
    placement: Tensor  # D, index into PLACEMENTS
    mirrorable: Tensor  # D, bool


@dataclass(frozen=True, kw_only=True)
class Colors:
    """The colours that have a name."""

    token: Tensor  # K, their places in the vocabulary
    rgb: Tensor  # K x 3, 0 to 1


@dataclass(frozen=True, kw_only=True)
class Bank:
    """Everything, on one device; made by `scripts/build_bank.py`."""

    vocabulary: Vocabulary
    photos: dict[int, Tensor]  # by side, 256 and 128: P x 3 x side x side uint8
    large: Tensor  # L x 3 x 512 x 512 uint8
    fills: Fills
    cuts: Cuts
    drawings: Drawings
    colors: Colors
    splits: dict[tuple[str, Split], Tensor]  # ("photos" | "large" | ..., split) to numbers

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.large.device

    @classmethod
    def load(
        cls,
        path: Path | str,
        device: torch.device | str = "cpu",
        *,
        vocabulary: Vocabulary | None = None,
    ) -> Bank:
        """Read a bank, in about half a minute; it takes about 1.6 GB there.

        `vocabulary`: that of the weights; by default what the built-in library can say.
        Raises `OperationFailed` if the file is missing, damaged or of another format.
        """
        if vocabulary is None:
            vocabulary = build_vocabulary(ConceptLibrary.open().concepts)
        try:
            with zipfile.ZipFile(path) as archive:
                return _read(archive, torch.device(device), vocabulary)
        except FileNotFoundError:
            raise OperationFailed(f"the bank is missing: {path}") from None
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise OperationFailed(f"the bank is damaged: {path} ({error})") from error


def _read(archive: zipfile.ZipFile, device: torch.device, vocabulary: Vocabulary) -> Bank:
    index = json.loads(archive.read("index.json"))
    if index["format"] != FORMAT:
        raise ValueError(f"it has format {index['format']}, not {FORMAT}")
    place = {token: number for number, token in enumerate(vocabulary.tokens)}
    kinds = ("photos", "large", "fills", "cuts", "drawings")
    rows: dict[str, list[dict[str, Any]]] = {kind: index.get(kind, []) for kind in kinds}

    def column(kind: str, values: Sequence[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.int64, device=device).reshape(len(rows[kind]))

    def concepts(kind: str) -> Tensor:
        return column(kind, [place.get(f"concept:{row['concept']}", -1) for row in rows[kind]])

    photos = _pictures(archive, rows["photos"], SIDE, "RGB").to(device)
    fills = _pictures(archive, rows["fills"], SIDE, "RGBA").to(device)
    cuts = _pictures(archive, rows["cuts"], SIDE, "RGBA").to(device)
    fill_photo = column("fills", [row["photo"] for row in rows["fills"]])
    cut_photo = column("cuts", [row["photo"] for row in rows["cuts"]])
    _complete(fills, photos, fill_photo, rim=0)
    _complete(cuts, photos, cut_photo, rim=int(index["rim"]))
    drawings, extent = _on_canvas(archive, rows["drawings"])
    levels = [drawings.to(device)]
    for _ in range(HALVINGS):
        levels.append(_halved(levels[-1]))
    return Bank(
        vocabulary=vocabulary,
        photos={SIDE: photos, SIDE // 2: _halved(photos)},
        large=_pictures(archive, rows["large"], LARGE, "RGB").to(device),
        fills=Fills(photo=fill_photo, layers={SIDE: fills, SIDE // 2: _halved(fills)}),
        cuts=Cuts(
            photo=cut_photo,
            layers={SIDE: cuts, SIDE // 2: _halved(cuts)},
            token=concepts("cuts"),
        ),
        drawings=Drawings(
            layers=tuple(levels),
            extent=extent.to(device),
            token=concepts("drawings"),
            drawn=column("drawings", [place[f"drawing:{r['drawing']}"] for r in rows["drawings"]]),
            placement=column(
                "drawings",
                [PLACEMENTS.index(r["placement"].partition("-")[0]) for r in rows["drawings"]],
            ),
            mirrorable=column("drawings", [r["mirrorable"] for r in rows["drawings"]]) > 0,
        ),
        colors=_colors(place, device),
        splits={
            (kind, split): torch.tensor(
                [number for number, row in enumerate(rows[kind]) if row["split"] == split],
                dtype=torch.int64,
                device=device,
            )
            for kind in kinds
            for split in ("train", "test")
        },
    )


def _colors(place: dict[str, int], device: torch.device) -> Colors:
    named = {name: rgb for name, rgb in vocabulary().colors.items() if name != "rainbow"}
    return Colors(
        token=torch.tensor([place[f"color:{name}"] for name in named], device=device),
        rgb=torch.tensor(list(named.values()), dtype=torch.float32, device=device) / 255,
    )


def _picture(archive: zipfile.ZipFile, name: str, mode: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(archive.read(name))).convert(mode), dtype=np.uint8)


def _pictures(
    archive: zipfile.ZipFile, rows: Sequence[dict[str, Any]], side: int, mode: str
) -> Tensor:
    """N x channels x side x side uint8."""
    pictures = torch.empty((len(rows), len(mode), side, side), dtype=torch.uint8)
    for number, row in enumerate(rows):
        pixels = _picture(archive, row["file"], mode)
        pictures[number] = torch.from_numpy(pixels.transpose(2, 0, 1).copy())
    return pictures


def _on_canvas(archive: zipfile.ZipFile, rows: Sequence[dict[str, Any]]) -> tuple[Tensor, Tensor]:
    """D x 4 x 128 x 128 uint8, premultiplied, in the middle; D x 2, their extents, 0 to 1."""
    canvas = np.zeros((len(rows), 4, CANVAS, CANVAS), np.uint8)
    extent = np.zeros((len(rows), 2), np.float32)
    for number, row in enumerate(rows):
        pixels = _picture(archive, row["file"], "RGBA")
        height, width = pixels.shape[:2]
        top, left = (CANVAS - height) // 2, (CANVAS - width) // 2
        color = pixels[..., :3].astype(np.uint16) * pixels[..., 3:] // 255
        part = np.dstack([color.astype(np.uint8), pixels[..., 3]]).transpose(2, 0, 1)
        canvas[number, :, top : top + height, left : left + width] = part
        extent[number] = height / CANVAS, width / CANVAS
    return torch.from_numpy(canvas), torch.from_numpy(extent)


def _halved(pictures: Tensor) -> Tensor:
    """2 x 2 means, a part at a time."""
    parts = [
        functional.avg_pool2d(part.float(), 2).round_().byte() for part in torch.split(pictures, 64)
    ]
    return torch.cat(parts) if parts else pictures[..., ::2, ::2]


def _complete(layers: Tensor, photos: Tensor, numbers: Tensor, *, rim: int) -> None:
    """Put the photograph where `layers`, F x 4 x side x side, hold nothing, in place.

    They hold something where their alpha is above 12, and `rim` px around it.
    """
    for start in range(0, len(layers), 64):
        part = layers[start : start + 64]
        inside = (part[:, 3:] > 12).float()
        if rim:
            inside = functional.max_pool2d(inside, 2 * rim + 1, 1, rim)
        photo = photos[numbers[start : start + 64]]
        part[:, :3] = torch.where(inside > 0, part[:, :3], photo)
