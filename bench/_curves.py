"""Curves as SVG: a line or more over one axis, both axes with steps as they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 360  # px
LEFT, RIGHT, TOP, BOTTOM = 62, 190, 44, 52  # px round the field; the names stand at the right
INK, PALE, GRID = "#0f172a", "#64748b", "#e2e8f0"
COLOURS = ("#2563eb", "#d97706", "#0d9488", "#be185d", "#7c3aed", "#475569")
_LEAST = 17  # px between two names

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What is counted along a side.

    Args:
        name: with its unit.
        marks: where it is labelled, lowest first; the first and the last are its ends.
        even: marks stand evenly whatever is between them, and values between two marks linearly.
    """

    name: str
    marks: Sequence[float]
    even: bool = False

    def at(self, value: float) -> float:
        """0 to 1."""
        marks = self.marks
        if not self.even:
            return (value - marks[0]) / (marks[-1] - marks[0])
        for number, (low, high) in enumerate(pairwise(marks)):
            if value <= high:
                return (number + (value - low) / (high - low)) / (len(marks) - 1)
        return 1.0


def curves(
    title: str, across: Axis, up: Axis, lines: Mapping[str, Points], limits: Mapping[str, Points]
) -> str:
    """A picture of curves.

    Args:
        title: what it shows.
        across: the axis below.
        up: the axis at the left.
        lines: what was measured, by name.
        limits: what it is held against, drawn as broken lines.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-weight="bold" fill="{INK}">{escape(title)}</text>',
        *_grid(across, up),
    ]
    names: list[tuple[float, str, str]] = []
    for number, (name, points) in enumerate({**limits, **lines}.items()):
        is_limit = name in limits
        colour = PALE if is_limit else COLOURS[(number - len(limits)) % len(COLOURS)]
        places = [(_x(across, x), _y(up, y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        style = 'stroke-width="1.5" stroke-dasharray="5 4"' if is_limit else 'stroke-width="2.5"'
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" {style}/>')
        if not is_limit:
            dot = f'r="4" fill="{colour}"'
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" {dot}/>' for x, y in places]
        names.append((places[-1][1], name, colour))
    return "\n".join([*parts, *_names(names), "</svg>"]) + "\n"


def _x(across: Axis, value: float) -> float:
    return LEFT + across.at(value) * (WIDTH - LEFT - RIGHT)


def _y(up: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - up.at(value) * (HEIGHT - TOP - BOTTOM)


def _grid(across: Axis, up: Axis) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for mark in up.marks:
        y = _y(up, mark)
        parts += [
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{GRID}"/>',
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="{PALE}">'
            f"{mark:,g}</text>",
        ]
    for mark in across.marks:
        x = _x(across, mark)
        parts += [
            f'<line x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 5}" stroke="{PALE}"/>',
            f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle" fill="{PALE}">'
            f"{f'{mark:,.0f}' if mark >= 10_000 else f'{mark:g}'}</text>",
        ]
    middle = (LEFT + right) / 2
    return [
        *parts,
        f'<line x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}" stroke="{PALE}"/>',
        f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle" fill="{INK}">'
        f"{escape(across.name)}</text>",
        f'<text x="16" y="{(TOP + bottom) / 2}" text-anchor="middle" fill="{INK}" '
        f'transform="rotate(-90 16 {(TOP + bottom) / 2})">{escape(up.name)}</text>',
    ]


def _names(names: Sequence[tuple[float, str, str]]) -> list[str]:
    """Beside the ends of their lines, moved apart where these are close together."""
    parts, lowest = [], TOP - _LEAST + 4.0
    for y, name, colour in sorted(names):
        lowest = max(y + 4, lowest + _LEAST)
        x = WIDTH - RIGHT + 10
        parts.append(f'<text x="{x}" y="{lowest:.1f}" fill="{colour}">{escape(name)}</text>')
    return parts


def marks_to(highest: float) -> list[float]:
    """From 0 in four to six even steps to just above a value."""
    step = 1.0
    while step * 6 < highest:
        step *= 2.5 if f"{step:g}".startswith("2") else 2
    while step * 3 >= highest and step > 0.001:
        step /= 2
    count = int(highest / step) + 1
    return [step * number for number in range(count + 1)]
