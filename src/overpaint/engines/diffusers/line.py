"""Who waits for what, and whose turn it is. A plain structure: no threads, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from typing import Generic, Protocol, TypeVar


class Waiting(Protocol):
    """Something that waits to be painted."""

    @property
    def bucket(self) -> Hashable:
        """Those of equal buckets can be painted together."""
        ...

    @property
    def caller(self) -> int:
        """Who waits for it."""
        ...


Row = TypeVar("Row", bound=Waiting)


class Line(Generic[Row]):
    """Callers in a line. The one in front is next; whoever is served goes to the back.

    So a row waits for as many batches at most as callers and rows of its own are before it, how
    many others ever come in behind it.
    """

    def __init__(self) -> None:
        self._rows: dict[int, deque[Row]] = {}  # caller -> rows, never none; in order of turns

    @property
    def callers(self) -> tuple[int, ...]:
        """Those who wait, whose turn is next first."""
        return tuple(self._rows)

    def add(self, rows: Sequence[Row]) -> None:
        """Put rows behind their caller's other rows, new callers at the back."""
        for row in rows:
            self._rows.setdefault(row.caller, deque()).append(row)

    def drop(self, caller: int) -> None:
        """Forget a caller's rows."""
        self._rows.pop(caller, None)

    def ready(self) -> int:
        """How many rows could be painted together with the first row of whose turn it is."""
        bucket = self._bucket()
        return sum(row.bucket == bucket for rows in self._rows.values() for row in rows)

    def take(self, most: int) -> list[Row]:
        """Take up to `most` rows of the bucket of the first row of whose turn it is.

        One a caller, in turn, and again from the first while there are rows and room.
        """
        bucket = self._bucket()
        return [self._one(bucket) for _ in range(min(most, self.ready()))]

    def _bucket(self) -> Hashable:
        return next(iter(self._rows.values()))[0].bucket if self._rows else None

    def _one(self, bucket: Hashable) -> Row:
        """Take the next row of a bucket that has one, and send its caller to the back."""
        caller, place = next(
            (caller, place)
            for caller, rows in self._rows.items()
            for place, row in enumerate(rows)
            if row.bucket == bucket
        )
        rows = self._rows.pop(caller)
        row = rows[place]
        del rows[place]
        if rows:
            self._rows[caller] = rows
        return row
