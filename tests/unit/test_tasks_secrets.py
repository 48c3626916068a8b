from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

from tests.unit.task_fixture import opened

from overpaint.tasks.secrets import shared_secret


def test_a_secret_is_made_once_however_many_ask_first(place: str) -> None:
    made = count()
    with opened(place) as stores:

        def ask(name: str) -> str:
            return shared_secret(stores.database, name, lambda: f"{name} {next(made)}")

        with ThreadPoolExecutor(8) as threads:
            found = set(threads.map(ask, ["urls"] * 16))
        assert len(found) == 1
        assert ask("urls") in found
        assert ask("other").startswith("other ")
