"""Numbers as the command line gives them; what they may be is checked with everything else."""

from __future__ import annotations


def number(text: str) -> int | float | str:
    """Return the number that the caller wrote, or the text itself where it is none.

    Typer's own conversion would refuse it without the limits and the value that came.
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
