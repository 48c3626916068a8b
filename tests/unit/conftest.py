"""What the tests of workers, and of stores of pictures, share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgresql import Server, serve_postgresql
from tests.unit.bucket_fixture import bucket_at, bucket_url, rclone_url, way
from tests.unit.dispatch_stage import Stage, install_engine, open_stage

__all__ = ["bucket_at", "bucket_url", "rclone_url", "way"]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server of this process's tests."""
    with serve_postgresql() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database for a test, which runs with each kind of them."""
    yield from _place(request, tmp_path, empty=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same, of one that has no tables."""
    yield from _place(request, tmp_path, empty=True)


def _place(request: pytest.FixtureRequest, tmp_path: Path, *, empty: bool) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'tasks.db'}"
        return
    server: Server = request.getfixturevalue("postgresql")
    url = server.new(empty=empty)
    yield url
    server.drop(url)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A data folder with tasks to paint."""
    with open_stage(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def stage_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The engines "stage" and "slow:FOLDER" are installed in this process, too."""
    folder = tmp_path_factory.mktemp("plugins")
    install_engine(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.fixture
def signs(tmp_path: Path) -> Path:
    """Where an engine that waits says that it began, and looks for "go"."""
    made = tmp_path / "signs"
    made.mkdir()
    return made


@pytest.fixture
def slow(signs: Path) -> str:
    """The name of an engine of the family "slow", which has a process of its own."""
    return f"slow:{signs}"
