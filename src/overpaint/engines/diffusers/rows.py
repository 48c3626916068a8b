"""What a batch is made of: rows, what is said of them while they are painted, what they come to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from overpaint.values import PaintJob, Rgb8


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One job of a batch."""

    job: PaintJob
    bucket: Hashable  # rows of equal buckets can be painted together
    caller: int = 0  # rows of one call have the same number; the batcher sets it
    place: int = 0  # among the rows of its call; the batcher sets it


#: One a row, at whatever size; None where a row, or the whole batch, shows none.
Previews: TypeAlias = Sequence[Rgb8 | None] | None


class Tell:
    """What the painting of a batch says to its callers, and asks of them. This one has none."""

    def step(self, done: int, total: int, previews: Sequence[Rgb8 | None] | None = None) -> None:
        """Say that `done` of `total` steps of the batch are done; previews: one entry a row."""

    def lost(self, row: int) -> bool:
        """Whether nobody waits for this row any more; its result is not looked at."""
        return False

    @property
    def all_lost(self) -> bool:
        """Whether nobody waits for any row: the batch may end, by whatever exception."""
        return False


#: What became of a row: height x width x 3 as its job's, or why there is nothing.
Outcome: TypeAlias = Rgb8 | BaseException
#: Paints rows of one bucket; returns one outcome a row, in order.
PaintRows: TypeAlias = Callable[[Sequence[Row], Tell], Sequence[Outcome]]
