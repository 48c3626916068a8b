"""A contact sheet of prompts over photographs: what a designer looks at before a release.

    python scripts/sheet_prompts.py OUT.jpg [--photos FOLDER] [--engines NAMES] [--only TEXT]
        [--part I/N]

Each tile shows the photograph with the mask's outline, and the result of each engine, builtin
and collage unless others are named. Without --photos only the photographs that ship with the
project are used; with it, those of the CC0 set as well, 48 prompts in all.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

import overpaint
from overpaint.imaging.fonts import find_font
from overpaint.values import Mask, Rgb8

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = {
    "cat": ROOT / "src/overpaint/demo/chelsea.png",
    "coffee": ROOT / "docs/guide/pictures/coffee.jpg",
    "rocket": ROOT / "docs/guide/pictures/rocket.jpg",
}
LONG_SIDE = 900  # px; larger photographs are scaled down to this
TILE = 400  # px, width of one picture
CAPTION = 24  # px


@dataclass(frozen=True)
class Case:
    photo: str
    strokes: tuple[tuple[float, ...], ...]  # x, y, rx, ry[, angle]: ellipses, in shares of width
    prompt: str
    style: str = "auto"


#: Where garments lie in most of the photographs of them.
DRESS = (0.5, 0.68, 0.62, 0.74, 0)
SHIRT = (0.5, 0.6, 0.64, 0.6, 0)
CHEST = (0.5, 0.62, 0.2, 0.2, 0)
HAT = (0.5, 0.64, 0.4, 0.36, 0)

CASES = [
    Case("cat", ((0.54, 0.28, 0.26, 0.12, 8),), "一只猫戴着红色眼镜"),
    Case("cat", ((0.54, 0.28, 0.26, 0.12, 8),), "a cat wearing sunglasses"),
    Case("cat", ((0.42, 0.1, 0.2, 0.1, -4),), "给猫戴上紫色的皇冠"),
    Case("cat", ((0.42, 0.1, 0.2, 0.1, -4),), "a cat wearing a blue top hat"),
    Case("cat", ((0.6, 0.47, 0.12, 0.1, 0),), "猫鼻子上有一只蝴蝶", "watercolor"),
    Case("cat", ((0.13, 0.56, 0.12, 0.08, 0),), "add a pink ribbon bow"),
    Case("cat", ((0.87, 0.15, 0.1, 0.13, 0),), "三朵黄色的花"),
    Case("cat", ((0.3, 0.58, 0.27, 0.06, -4),), '写着"生日快乐"的金色大字'),
    Case("coffee", ((0.84, 0.17, 0.13, 0.13, 0),), "a croissant"),
    Case("coffee", ((0.84, 0.17, 0.13, 0.13, 0),), "桌上放着一个红苹果"),
    Case("coffee", ((0.84, 0.17, 0.13, 0.13, 0),), "a blue butterfly", "watercolor"),
    Case("coffee", ((0.62, 0.42, 0.1, 0.1, 0), (0.67, 0.27, 0.05, 0.12, 10)), "移除勺子"),
    Case("coffee", ((0.4, 0.25, 0.11, 0.09, 0),), "咖啡上有一颗红色的心"),
    Case(
        "coffee", ((0.86, 0.56, 0.12, 0.07, -20),), 'the text "Good Morning" handwritten in white'
    ),
    Case("coffee", ((0.1, 0.13, 0.11, 0.13, 0),), "一盆绿色的植物", "oil painting"),
    Case("coffee", ((0.1, 0.13, 0.11, 0.13, 0),), "a strawberry cake"),
    Case("rocket", ((0.76, 0.15, 0.12, 0.1, 0),), "夜空中有一个飞碟"),
    Case("rocket", ((0.76, 0.15, 0.12, 0.1, 0),), "a full moon"),
    Case("rocket", ((0.33, 0.15, 0.12, 0.12, 0),), "a green dragon flying", "anime"),
    Case("rocket", ((0.5, 0.42, 0.05, 0.22, 0),), "把火箭换成长颈鹿"),
    Case("rocket", ((0.5, 0.42, 0.05, 0.24, 0),), "remove the rocket"),
    Case("rocket", ((0.3, 0.09, 0.25, 0.07, 0),), '霓虹灯文字"火星见"'),
    Case("rocket", ((0.75, 0.2, 0.18, 0.13, 0),), "五只彩色气球", "flat illustration"),
    Case("rocket", ((0.3, 0.16, 0.14, 0.13, 0),), "a wooden ship", "sketch"),
    Case("scenes/tea-gardens.jpg", ((0.5, 0.42, 0.12, 0.13, 0),), "茶园里有一只熊猫"),
    Case("scenes/tea-gardens.jpg", ((0.7, 0.15, 0.12, 0.12, 0),), "two kites"),
    Case("scenes/beacon-street-sunset.jpg", ((0.45, 0.2, 0.15, 0.13, 0),), "天上有一架飞机"),
    Case("scenes/perched-osprey.jpg", ((0.5, 0.2, 0.1, 0.08, 0),), "the bird wears a golden crown"),
    Case("scenes/oakland-zoo-otters.jpg", ((0.5, 0.3, 0.12, 0.1, 0),), "an otter with a red ball"),
    Case("scenes/the-spices-of-life.jpg", ((0.5, 0.3, 0.14, 0.14, 0),), "一个柠檬"),
    Case("scenes/roman-colosseum.jpg", ((0.5, 0.5, 0.1, 0.09, 0),), "a lion standing"),
    Case(
        "scenes/singaporean-cityscape.jpg", ((0.3, 0.15, 0.14, 0.1, 0),), "彩虹", "chinese painting"
    ),
    Case("scenes/ocean-waves.jpg", ((0.5, 0.3, 0.14, 0.12, 0),), "海上有一艘帆船"),
    Case("scenes/lake-sherburne.jpg", ((0.3, 0.5, 0.12, 0.1, 0),), "a campfire"),
    Case("scenes/casa-mila.jpg", ((0.5, 0.25, 0.12, 0.12, 0),), "去掉它"),
    Case("scenes/high-trestle-trail.jpg", ((0.5, 0.5, 0.1, 0.14, 0),), "机器人"),
    Case("clothing/a10eee1b-7361-44c4-9dd8-90e91e083573.jpg", (DRESS,), "把裙子换成红色"),
    Case("clothing/7fc487f9-81a1-4285-aef9-45574cc8adce.jpg", (DRESS,), "make the dress green"),
    Case("clothing/a40ef6c1-29e9-4a54-8f3b-01589d1092ba.jpg", (SHIRT,), "把衣服换成蓝色"),
    Case("clothing/5dc3b8f3-650f-460d-9aff-5d8903aadfa4.jpg", (SHIRT,), "turn the shirt purple"),
    Case("clothing/a40ef6c1-29e9-4a54-8f3b-01589d1092ba.jpg", (CHEST,), "衣服上印着一只熊猫"),
    Case("clothing/1dfed9b7-d0c3-4c6b-aa8b-e827b3558c0c.jpg", (CHEST,), "a yellow sunflower"),
    Case(
        "clothing/1dfed9b7-d0c3-4c6b-aa8b-e827b3558c0c.jpg", (CHEST,), 'the text "HELLO" in white'
    ),
    Case("clothing/c325bde4-2ef9-4e87-ab30-bd5e964f8b75.jpg", (CHEST,), "去掉文字"),
    Case("clothing/c246ac1a-8bd7-4c22-a1a4-e141a239ef8d.jpg", (HAT,), "把帽子换成草莓蛋糕"),
    Case("clothing/77cd4632-d981-4254-9134-08e44dab9834.jpg", (HAT,), "two brown teddy bears"),
    Case("scenes/the-spices-of-life.jpg", ((0.5, 0.3, 0.14, 0.14, 0),), "a gold trophy"),
    Case("scenes/ocean-waves.jpg", ((0.5, 0.35, 0.16, 0.12, 0),), "一条跳跃的海豚"),
]


def mask_of(case: Case, width: int, height: int) -> Mask:
    drawn = np.zeros((height, width), np.uint8)
    for x, y, rx, ry, *angle in case.strokes:
        size = (2 * rx * width, 2 * ry * width)
        cv2.ellipse(drawn, ((x * width, y * width), size, angle[0] if angle else 0.0), 255, -1)
    return drawn.astype(bool)


def paint(case: Case, base: Rgb8, mask: Mask, engine: str) -> tuple[Rgb8, str]:
    """The picture after, and what was said of it."""
    try:
        result = overpaint.repaint(
            base,
            mask.astype(np.uint8) * np.uint8(255),
            case.prompt,
            style=case.style,  # type: ignore[arg-type]
            engine=engine,
            seed=3,
        )
    except overpaint.errors.OverpaintError as error:
        return base, f"  {type(error).__name__}: {error}"
    said = "".join(f"  ({note})" for note in result.notes)
    return np.asarray(result.pictures[0].pixels[..., :3], np.uint8), said


def tile(case: Case, photo: Path, engines: list[str]) -> Image.Image:
    image = Image.open(photo).convert("RGB")
    scale = LONG_SIDE / max(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)))
    base: Rgb8 = np.asarray(image)
    mask = mask_of(case, image.width, image.height)
    caption = case.prompt if case.style == "auto" else f"{case.prompt} [{case.style}]"
    edge = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    shown = [np.where(edge[..., None] > 0, np.array([255, 0, 255], np.uint8), base)]
    for engine in engines:
        after, said = paint(case, base, mask, engine)
        shown.append(after)
    height = round(TILE * image.height / image.width)
    joined = Image.new("RGB", (len(shown) * (TILE + 4), height + CAPTION), "white")
    for i, pixels in enumerate(shown):
        small = Image.fromarray(pixels).resize((TILE, height), Image.Resampling.LANCZOS)
        joined.paste(small, (i * (TILE + 4), CAPTION))
    caption += f"  [{', '.join(engines)}]{said}"
    font = find_font(caption).at(15)
    ImageDraw.Draw(joined).text((4, 2), caption[:110], "black", font)
    return joined


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, help="folder of the CC0 photographs, unpacked")
    parser.add_argument("--engines", default="collage,builtin", help="side by side, in this order")
    parser.add_argument("--only", default="", help="cases whose photo or prompt has this text")
    parser.add_argument("--part", default="1/1", help="I/N: the I-th of N equal parts")
    arguments = parser.parse_args()
    part, parts = (int(number) for number in arguments.part.split("/"))
    tiles = []
    for case in CASES[part - 1 :: parts]:
        photo = SHIPPED.get(case.photo) or (arguments.photos and arguments.photos / case.photo)
        if photo and (arguments.only in case.prompt or arguments.only in case.photo):
            tiles.append(tile(case, photo, arguments.engines.split(",")))
    pairs = [tiles[i : i + 2] for i in range(0, len(tiles), 2)]
    heights = [max(one.height for one in pair) + 8 for pair in pairs]
    wide = max(one.width for one in tiles) + 8
    sheet = Image.new("RGB", (2 * wide, sum(heights)), "gray")
    y = 0
    for pair, height in zip(pairs, heights, strict=True):
        for i, one in enumerate(pair):
            sheet.paste(one, (i * wide, y))
        y += height
    sheet.save(arguments.out)


if __name__ == "__main__":
    main()
