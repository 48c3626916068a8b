"""What the diffusers bench found, as Markdown."""

from __future__ import annotations

from typing import Any

GOALS = {"cuda": 3.0, "cpu": 1.5}  # times the plain pipeline's pictures a second
GB = 1e9


def tables(found: dict[str, Any], device: str) -> str:
    """What was measured of one checkpoint, as Markdown."""
    network, peak = found["network"], found["peak_flop_per_s"]
    lines = [
        f"\n## {found['model']}, {found['side']} px, batches of {found['batch']}\n",
        "| way | pictures/s | p50 | p95 | peak memory | cores busy | core seconds a picture |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in found["runs"].items():
        spent = one["cores"] / one["rate"]
        lines.append(
            f"| {name} | {one['rate']:.3g} | {one['p50']:.2f} s | {one['p95']:.2f} s "
            f"| {one['peak_bytes'] / GB:.2f} GB | {one['cores']:.1f} | {spent:.2f} |"
        )
    goal = GOALS["cuda" if device.startswith("cuda") else "cpu"]
    lines += [
        f"\nours: {found['times_plain']:.2f} times plain (goal {goal:g}), "
        f"{found['times_crop']:.2f} times plain with crop; "
        f"load and warm-up {found['warming_s']:.0f} s; "
        f"weights {found['weights_bytes'] / GB:.2f} GB\n",
        "| the network | rows | GFLOP a row | TFLOP/s | share of the matrix peak |",
        "|---|---|---|---|---|",
    ]
    for name, rows, rate in (
        ("ours, full batch", network["rows"], network["flop_per_s"]),
        ("plain, one picture", network["plain_rows"], network["plain_flop_per_s"]),
    ):
        lines.append(
            f"| {name} | {rows} | {network['flop_a_row'] / 1e9:.1f} "
            f"| {rate / 1e12:.3g} | {100 * rate / peak:.0f} % |"
        )
    lines.append(f"| matrix multiplication, best | | | {peak / 1e12:.3g} | |")
    lines.append(f"\nPixels of the mix beside one plain call each: {_apart(found['pixels'])}.")
    for name, one in found.get("pixels_from_float32", {}).items():
        lines.append(f"Beside float32 with the same noise, {name}: {_apart(one)}.")
    lines += [
        "\n| changed | pictures/s | times all | peak memory | warm-up | pixels beside all |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["changes"]:
        apart = "" if row["levels"] is None else _apart(row["levels"])
        what = f"{row['what']} (changes pixels)" if row["changes_pixels"] else row["what"]
        lines.append(
            f"| {what} | {row['rate']:.3g} | {row['times_all']:.2f} "
            f"| {row['peak_bytes'] / GB:.2f} GB | {row['warming_s']:.0f} s | {apart} |"
        )
    if found["left_out"]:
        lines.append(f"\nNo time was left for: {', '.join(found['left_out'])}.")
    return "\n".join(lines)


def _apart(one: dict[str, float]) -> str:
    return (
        f"at most {one['most']:.0f} levels, {one['mean']:.3f} in the mean, "
        f"{100 * one['share']:.2f} % of values differ"
    )
