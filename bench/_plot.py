"""Bars of what the diffusers bench measured, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, ROW, LEFT, BAR = 760, 26, 250, 420  # px
COLOURS = {"ways": "#2563eb", "plain": "#94a3b8", "changes": "#0d9488", "lossy": "#d97706"}


def bars(results: Sequence[dict[str, Any]]) -> str:
    """One group of bars a checkpoint: pictures a second of each way, and of ours, changed."""
    rows: list[tuple[str, float | None, float, str]] = []  # label, value, share of the best, colour
    for found in results:
        rows.append((f"{found['model']}, {found['side']} px: pictures a second", None, 0, ""))
        ways = [(name, one["rate"]) for name, one in found["runs"].items()]
        best = max(rate for _, rate in ways)
        for name, rate in ways:
            colour = COLOURS["ways" if name == "ours" else "plain"]
            rows.append((name, rate, rate / best, colour))
        rows.append(("ours on fewer requests, with one thing changed", None, 0, ""))
        most = max((one["rate"] for one in found["changes"]), default=1.0)
        for one in found["changes"]:
            colour = COLOURS["lossy" if one["changes_pixels"] else "changes"]
            rows.append((one["what"], one["rate"], one["rate"] / most, colour))
    height = ROW * (len(rows) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (label, value, share, colour) in enumerate(rows):
        y = ROW * (number + 1)
        if value is None:
            parts.append(f'<text x="8" y="{y}" font-weight="bold">{escape(label)}</text>')
            continue
        length = BAR * share
        parts += [
            f'<text x="{LEFT - 8}" y="{y}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{LEFT}" y="{y - 13}" width="{length:.1f}" height="17" fill="{colour}"/>',
            f'<text x="{LEFT + length + 6:.1f}" y="{y}">{value:.3g}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
