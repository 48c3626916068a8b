"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.unit.diffusers_tiny import save_tiny


def pytest_configure(config: pytest.Config) -> None:
    """No test reaches a hub; what diffusers deprecates in itself is no fault of ours."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported
    config.addinivalue_line("filterwarnings", "ignore::FutureWarning:diffusers")


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
