"""Draw a contact sheet of lettering: shapes of masks above, effects below.

python scripts/sheet_lettering.py OUT.png [PHOTO ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from overpaint.imaging.lettering import EFFECTS, letter
from overpaint.values import Mask, Rgb8

CELL = 320


def shapes() -> list[tuple[Mask, str, tuple[str, ...]]]:
    def blank() -> np.ndarray:
        return np.zeros((CELL, CELL), np.uint8)

    def box(x: int, y: int, w: int, h: int) -> np.ndarray:
        return cv2.rectangle(blank(), (x, y), (x + w, y + h), 1, -1)

    def tilted(w: int, h: int, angle: float) -> np.ndarray:
        points = cv2.boxPoints(((CELL / 2, CELL / 2), (w, h), angle))
        return cv2.fillPoly(blank(), [points.round().astype(np.int32)], 1)

    circle = cv2.circle(blank(), (160, 160), 140, 1, -1)
    wave = np.array([[20 + 4 * i, 160 + int(18 * np.sin(i / 9))] for i in range(70)], np.int32)
    brush = cv2.polylines(blank(), [wave], False, 1, 90)
    drawn = [
        (box(20, 110, 280, 100), "生日快乐", ()),
        (box(20, 60, 280, 200), "Happy Birthday", ()),
        (tilted(300, 80, -20), "生日快乐2026", ()),
        (tilted(300, 90, 35), "Best Friends", ()),
        (circle, "福", ()),
        (circle, "生日快乐，万事如意", ()),
        (circle, "Happy Birthday to you, my dear friend!", ()),
        (box(110, 10, 90, 300), "福如东海，寿比南山", ()),
        (box(60, 10, 200, 300), "但愿人长久，千里共婵娟。", ()),
        (box(130, 10, 60, 300), "OPEN DAILY", ()),
        (brush, "我爱你 Mom", ()),
        (box(10, 10, 300, 300), "“人生若只如初见，何事秋风悲画扇。”——纳兰性德", ()),
    ]
    return [(mask.astype(bool), text, effects) for mask, text, effects in drawn]


def on(backdrop: Rgb8, layer: np.ndarray) -> Rgb8:
    alpha = layer[..., 3:].astype(np.float32) / 255
    return np.rint(layer[..., :3] * alpha + backdrop * (1 - alpha)).astype(np.uint8)


def backdrops(photos: list[Path]) -> list[Rgb8]:
    ramp = np.linspace(0, 1, CELL, dtype=np.float32)[:, None, None] * np.ones((1, CELL, 1))
    flat = [((236, 232, 224), (205, 198, 186)), ((30, 34, 52), (12, 14, 24))]
    made = [
        np.rint(np.array(a) * (1 - ramp) + np.array(b) * ramp).astype(np.uint8) for a, b in flat
    ]
    for photo in photos:
        image = Image.open(photo).convert("RGB")
        side = min(image.size)
        made.append(np.asarray(image.crop((0, 0, side, side)).resize((CELL, CELL))))
    return made


def main(out: Path, photos: list[Path]) -> None:
    grounds = backdrops(photos)
    rows = []
    cells = []
    for number, (mask, text, effects) in enumerate(shapes()):
        ground = grounds[number % len(grounds)]
        shown = np.where(mask[..., None], ground, ground // 2 + 64).astype(np.uint8)
        cells.append(on(shown, letter(mask, text, effects=effects, backdrop=ground)))
    rows += [np.hstack(cells[i : i + 4]) for i in range(0, len(cells), 4)]
    mask = np.zeros((CELL, CELL), bool)
    mask[50:270, 10:310] = True
    chosen: list[tuple[tuple[str, ...], tuple[int, int, int] | None, str]] = [
        *(((effect,), None, "生日快乐") for effect in EFFECTS),
        (("neon",), (40, 214, 255), "营业中 OPEN"),
        (("3d",), (230, 60, 60), "新春大促"),
        (("gold", "3d"), None, "恭喜发财"),
        (("handwritten",), (200, 30, 40), "Thank you 谢谢"),
        (("handwritten",), None, "Happy Birthday"),
        (("outline", "shadow"), (255, 214, 64), "Summer Sale"),
        (("embossed",), (160, 90, 60), "咖啡 Coffee"),
        (("handwritten", "gold"), None, "福"),
    ]
    for ground in grounds:
        cells = [
            on(ground, letter(mask, text, color=color, effects=effects, backdrop=ground))
            for effects, color, text in chosen
        ]
        rows += [np.hstack(cells[i : i + 4]) for i in range(0, len(cells), 4)]
    Image.fromarray(np.vstack(rows)).save(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
