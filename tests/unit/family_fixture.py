"""A family of engines that loads nothing: `many:/a/path/NAME` is shown as `many:NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from overpaint.engines import registry
from overpaint.engines.protocol import Engine
from overpaint.errors import EngineFailed, InvalidOption
from overpaint.values import EngineInfo, OnStep, PaintedRegion, PaintJob

#: Must be seen by nobody outside.
SECRET = "/srv/secret/models"
LICENCE = "openrail (https://example.com/licence)"


class Many:
    """Paints flat; takes steps, and reads English."""

    def __init__(self, name: str) -> None:
        self.info = EngineInfo(
            name=f"many:{name}",
            summary="paints flat",
            native_sizes=(64,),
            takes_negative=True,
            takes_steps=True,
            batch=4,
            licence=LICENCE,
            languages=("en",),
        )

    def paint(self, jobs: Sequence[PaintJob], on_step: OnStep | None = None) -> list[PaintedRegion]:
        return [PaintedRegion(pixels=job.pixels // 2) for job in jobs]

    def close(self) -> None:
        pass


def open_many(rest: str) -> Engine:
    """What stands for `diffusers`: it has a checkpoint of every name but two."""
    where, _, query = rest.partition("?")
    if "fast" in query:
        raise InvalidOption("engine", "must have options that are known", rest)
    if where.endswith("/missing"):
        raise EngineFailed(f"{where} is not there: overpaint checkpoints fetch")
    return Many(where.rpartition("/")[2])


class Point:
    """An entry point."""

    def __init__(self, opened: Callable[[str], object]) -> None:
        self._opened = opened

    def load(self) -> Callable[[str], object]:
        return self._opened


@contextmanager
def family(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the family `many` installed."""
    patch.setattr(registry, "_family_points", lambda: {"many": Point(open_many)})
    registry._open.cache_clear()
    yield
    registry._open.cache_clear()
