"""Screenshots of the page, step by step, in both languages, on desktop and phone, light and dark.

    python scripts/make_page_pictures.py FOLDER
    python scripts/make_page_pictures.py FOLDER --guide    # and write those of docs/guide anew

Plays the stories of tests/browser against a real server, the main one in every look, and keeps what
is seen at each step: FOLDER/en-desktop-light/story/03 marked.png and so on. Beside them a contact
sheet for each story and kind of screen, such as story-desktop.webp: a row a step, a column a look.
Takes some minutes. Needs what the tests need: `make heavy`, and Chromium.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
#: Which files of tests, as tests/browser/test_NAME.py, and what becomes a sheet.
STORIES = ("story", "running", "history", "keyboard", "opening")
WIDTHS = {"desktop": 720, "phone": 300}  # px of one picture on its sheet
GAP, HEAD = 16, 28  # px
#: The guide's pictures: what their names begin with, and which step on which screen they are.
GUIDE = ROOT / "docs/guide/pictures/page"
IN_GUIDE = {
    "marked": "desktop-light/story/05 wish.png",
    "compared": "desktop-light/story/07 compare.png",
    "variants": "desktop-light/story/08 variants.png",
    "phone-marked": "phone-light/story/04 marked.png",
    "phone-prompt": "phone-light/story/05 wish.png",
    "phone-result": "phone-light/story/07 compare.png",
}
PAPER, INK = (255, 255, 255), (40, 40, 40)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sheets", action="store_true", help="of the pictures that are there")
    parser.add_argument("--guide", action="store_true", help="copy those that the guide shows")
    args = parser.parse_args()
    folder = args.folder.resolve()
    if not args.sheets:
        tests = [ROOT / "tests/browser" / f"test_{story}.py" for story in STORIES]
        command = [sys.executable, "-m", "pytest", "-q", "--shots", folder, *tests]
        subprocess.run(list(map(str, command)), cwd=ROOT, check=True)
    for screen, story in itertools.product(WIDTHS, STORIES):
        make_sheet(folder, screen, story)
    if args.guide:
        write_guide(folder)


def write_guide(folder: Path) -> None:
    GUIDE.mkdir(exist_ok=True)
    for (name, step), language in itertools.product(IN_GUIDE.items(), ("en", "zh")):
        path = GUIDE / f"{name}-{language}.webp"
        with Image.open(folder / f"{language}-{step}") as shot:
            shot.convert("RGB").save(path, quality=86, method=6)
        print(path)


def make_sheet(folder: Path, screen: str, story: str) -> None:
    """All steps of a story on one kind of screen."""
    looks = sorted(folder.glob(f"*-{screen}-*"))
    found = {path.relative_to(look) for look in looks for path in look.glob(f"{story}/*.png")}
    steps = sorted(found)
    if not steps:
        return
    rows = [[look / step for look in looks if (look / step).exists()] for step in steps]
    width = WIDTHS[screen]
    heights = [max(height_of(path, width) for path in row) for row in rows]
    sheet = Image.new(
        "RGB",
        (
            GAP + max(map(len, rows)) * (width + GAP),
            sum(heights) + len(rows) * (HEAD + GAP),
        ),
        PAPER,
    )
    top = 0
    for row, height in zip(rows, heights, strict=True):
        lay(sheet, row, top, width)
        top += height + HEAD + GAP
    path = folder / f"{story}-{screen}.webp"
    sheet.save(path, quality=80)
    print(path)


def lay(sheet: Image.Image, row: Sequence[Path], top: int, width: int) -> None:
    """One step in all looks, with its name above."""
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for column, path in enumerate(row):
        left = GAP + column * (width + GAP)
        draw.text((left, top + 6), f"{path.stem}   {path.parts[-3]}", INK, font)
        with Image.open(path) as shot:
            view = shot.convert("RGB").resize((width, height_of(path, width)), Image.Resampling.BOX)
        sheet.paste(view, (left, top + HEAD))


def height_of(path: Path, width: int) -> int:
    with Image.open(path) as shot:
        return round(shot.height * width / shot.width)


if __name__ == "__main__":
    main()
