"""The table, the sheets of pictures and scores.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from overpaint.imaging.fonts import find_font
from overpaint.values import Rgb8

TILE = 160  # px of a picture on a sheet
CAPTION = 18  # px of a line of text
EM = 12  # px of a letter
MOST_ROWS = 36  # of a sheet


@dataclass
class Tally:
    """What one contender got in a measure."""

    values: dict[str, list[float]] = field(default_factory=dict)
    absent: str = ""  # why there is nothing

    def add(self, name: str, value: float) -> None:
        """One more value under a name."""
        self.values.setdefault(name, []).append(float(value))

    def mean(self, name: str) -> float | None:
        """Of what is there under a name; None if nothing is."""
        found = self.values.get(name)
        return float(np.mean(found)) if found else None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    measure: str
    goal: str
    values: dict[str, float | None]  # by contender
    percent: bool = False
    count: int = 0  # values behind each mean, at most
    absent: dict[str, str] = field(default_factory=dict)  # by contender: why there is none


def row_of(
    measure: str, tallies: Mapping[str, Tally], name: str, goal: str, *, percent: bool = False
) -> Row:
    """The means of all contenders under one name."""
    return Row(
        measure=measure,
        goal=goal,
        values={contender: tally.mean(name) for contender, tally in tallies.items()},
        percent=percent,
        count=max((len(tally.values.get(name, ())) for tally in tallies.values()), default=0),
        absent={contender: t.absent for contender, t in tallies.items() if t.absent},
    )


def table(rows: Sequence[Row]) -> str:
    """All rows as text, a column a contender, "-" where it does not apply."""
    columns = list(dict.fromkeys(name for row in rows for name in row.values))
    width = max((len(row.measure) for row in rows), default=0)
    lines = [
        f"{'':{width}} " + " ".join(f"{name:>13}" for name in columns) + f" {'cases':>6}  to reach"
    ]
    for row in rows:
        cells = " ".join(f"{_cell(row, name):>13}" for name in columns)
        lines.append(f"{row.measure:{width}} {cells} {row.count:6}  {row.goal}")
    reasons = {f"{name}: {reason}" for row in rows for name, reason in sorted(row.absent.items())}
    return "\n".join([*lines, *sorted(reasons)])


def _cell(row: Row, name: str) -> str:
    value = row.values.get(name)
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if row.percent else f"{value:.3f}"


class Sheets:
    """Rows of pictures by sheet, kept until they are written."""

    def __init__(self) -> None:
        """Empty."""
        self._rows: dict[str, list[Rgb8]] = {}

    def add(self, sheet: str, tiles: Sequence[Rgb8], names: Sequence[str], caption: str) -> None:
        """One row: pictures, what stands under each, and a line under all."""
        rows = self._rows.setdefault(sheet, [])
        if len(rows) >= MOST_ROWS:
            return
        canvas = Image.new("RGB", (len(tiles) * TILE, TILE + 2 * CAPTION), "white")
        draw = ImageDraw.Draw(canvas)
        for column, (tile, name) in enumerate(zip(tiles, names, strict=True)):
            small = cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_AREA)
            canvas.paste(Image.fromarray(np.asarray(small, np.uint8)), (column * TILE, 0))
            _write(draw, (column * TILE + 3, TILE), name)
        _write(draw, (3, TILE + CAPTION), caption)
        rows.append(np.asarray(canvas, np.uint8))

    def write(self, folder: Path) -> list[Path]:
        """A PNG a sheet."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for name, rows in self._rows.items():
            width = max(row.shape[1] for row in rows)
            whole = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows]
            path = folder / f"{name.replace(' ', '-').replace(',', '')}.png"
            Image.fromarray(np.vstack(whole)).save(path)
            paths.append(path)
        return paths


def _write(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str) -> None:
    if text:
        draw.text(at, text, fill="black", font=find_font(text).at(EM))


def write_scores(path: Path, rows: Sequence[Row], facts: Mapping[str, object]) -> None:
    """scores.json: the facts of the run, then every row."""
    document = {**facts, "rows": [asdict(row) for row in rows]}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
