"""What holds for every test, and which of them run beside which."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.unit.diffusers_tiny import save_tiny
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

#: What shares a server, or packages that take seconds to import: one process runs all of a name.
TOGETHER = {
    "tests/browser/": "browser",
    "tests/wire/": "wire",
    "tests/acceptance/test_diffusers": "checkpoints",
    "tests/unit/test_blobs": "bucket",
    "tests/unit/test_bucket_doors": "bucket",
    "tests/unit/test_s3": "bucket",
    "tests/unit/test_diffusers": "torch",
    "tests/unit/test_bench_": "torch",
    "tests/unit/test_builtin_torch": "torch",
    "tests/unit/test_train": "torch",
    "tests/unit/test_bank": "torch",
    "tests/unit/test_compose": "torch",
}
#: What takes longest goes first, that no process is left with it while the others have ended.
LONGEST = (
    *TOGETHER,
    "tests/acceptance/test_ray",
    "tests/acceptance/test_docs",
    "tests/acceptance/test_page_source",
    "tests/acceptance/test_serve",
    "tests/acceptance/",
    "tests/unit/test_builtin",
    "tests/unit/test_tasks_concurrency",
    "tests/unit/test_dispatch_",
)


class _Units(LoadFileScheduling):  # type: ignore[misc]
    """A process takes a file's tests at a time, or all of a name in `TOGETHER`."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return next((name for one, name in TOGETHER.items() if file.startswith(one)), file)


def pytest_configure(config: pytest.Config) -> None:
    """No test reaches a hub; what diffusers deprecates in itself is no fault of ours."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported
    config.addinivalue_line("filterwarnings", "ignore::FutureWarning:diffusers")
    numpy_2 = "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning:diffusers"
    config.addinivalue_line("filterwarnings", numpy_2)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Units | None:
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # as `pytest_collection_modifyitems` has it
    return _Units(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    places = (place for place, one in enumerate(LONGEST) if item.nodeid.startswith(one))
    return next(places, len(LONGEST))


@pytest.fixture(autouse=True, scope="session")
def _no_concepts_of_ones_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the concepts of whoever runs the tests out of them, and these out of theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVERPAINT_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint by its name in `TINY`; copy it before you change it."""
    folder = tmp_path_factory.mktemp("tiny")
    return cache(lambda family: save_tiny(family, folder / family))
