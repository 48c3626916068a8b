"""Telling those who wait, in whatever process, that there is news: so that they need not ask.

A signal is a hint and may be lost; who waits looks again after a while all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

#: Any pool may have a task that can be taken now.
ANY_POOL = "w"


def work_in(pool: str) -> str:
    """The signal that a pool has a task to take where it had none; the name may be long."""
    return "w" + hashlib.sha256(pool.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def change_of(task_id: str) -> str:
    """The signal that a task has begun or ended."""
    return f"t{task_id}"


def is_of_task(signal: str) -> bool:
    """Whether it says that a task has changed, not that a pool has work."""
    return signal.startswith("t")


class Signals:
    """Of a database that tells nobody: those who wait look, again and again."""

    @property
    def heard(self) -> bool:
        """Whether signals come through, so that it is enough to look now and then."""
        return False

    def tell(self, signals: Iterable[str]) -> None:
        """Send signals, soon; words without white space. It does not wait, and does not fail."""

    def listen(
        self, hears: Callable[[str], bool], ring: Callable[[], None], *, tasks: bool = False
    ) -> Callable[[], None]:
        """Have `ring` called, from some thread, after a signal that `hears` is true of.

        It is called as well when signals may have been lost. Neither may raise or take long.

        Args:
            hears: whether a signal matters.
            ring: what is called.
            tasks: whether signals of tasks are wanted; without that, they need not come.

        Returns:
            What ends it.
        """
        return _nothing

    def close(self) -> None:
        """Tell and hear no more."""


def _nothing() -> None:
    pass
