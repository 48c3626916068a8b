"""A small bank made of noise and plain shapes, in the format of `scripts/build_bank.py`."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from overpaint.composer.vocabulary import Vocabulary, build_vocabulary

#: Two made-up concepts, and all other words.
VOCABULARY = Vocabulary([*build_vocabulary({}).tokens, "concept:disc", "concept:bar"])
SPLITS = ("train", "train", "train", "test")
DRAWN = (
    ("disc", "flat", "stands"),
    ("disc", "3d", "worn-head"),
    ("bar", "flat", "floats"),
    ("bar", "photo", "stands"),
)


def write_bank(path: Path, **changes: Any) -> Path:
    """Write it; `changes` replace entries of its index."""
    rng = np.random.default_rng(0)
    index: dict[str, Any] = {"format": 1, "rim": 4}
    with zipfile.ZipFile(path, "w") as archive:

        def add(kind: str, pixels: np.ndarray[Any, Any], **row: object) -> None:
            rows = index.setdefault(kind, [])
            name = f"{kind}/{len(rows)}.webp"
            rows.append({"file": name, **row})
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, exact=True, method=0)
            archive.writestr(name, buffer.getvalue())

        for number, split in enumerate(SPLITS):
            photo = scene(256, rng)
            add("photos", photo, name=f"{number}.jpg", split=split)
            add("large", scene(512, rng), name=f"{number}.jpg", split=split)
            hole = np.zeros((256, 256), np.uint8)
            hole[70:180, 90:200] = 255
            add("fills", np.dstack([photo[::-1], hole]), photo=number, split=split)
            cover = round_alpha(256, 256, 0.5)
            under = np.dstack([photo[:, ::-1], cover])
            add("cuts", under, photo=number, concept="disc", split=split)
            concept, drawing, placement = DRAWN[number]
            height = 120 if concept == "disc" else 40
            pixels = np.full((height, 120, 4), 90, np.uint8)
            pixels[..., 0] = 200
            pixels[..., 3] = round_alpha(height, 120, 1.0)
            add(
                "drawings",
                pixels,
                concept=concept,
                drawing=drawing,
                placement=placement,
                mirrorable=True,
                split=split,
            )
        archive.writestr("index.json", json.dumps(index | changes))
    return path


def scene(side: int, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Smooth colours and a little grain."""
    coarse = Image.fromarray(rng.integers(30, 220, (6, 6, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.float32)
    return np.clip(smooth + rng.normal(0, 3, (side, side, 3)), 0, 255).astype(np.uint8)


def round_alpha(height: int, width: int, share: float) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """An ellipse, `share` of height and width, in the middle."""
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.where(np.hypot(rows, columns) < share, 255, 0).astype(np.uint8)
