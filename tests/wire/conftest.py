"""One server, one host of pictures and a few keys for all tests of this folder."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.wire import pictures
from tests.wire.client import Client
from tests.wire.host import PictureHost
from tests.wire.process import ServeProcess


@pytest.fixture(autouse=True, scope="session")
def _no_proxy() -> Iterator[None]:
    """Whatever proxy the machine has: nothing here is to go through it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1,localhost")
        yield


@pytest.fixture(scope="session")
def host() -> Iterator[PictureHost]:
    with PictureHost() as serving:
        serving.put(pictures.png(pictures.scene()), name="base.png")
        serving.put(pictures.png(pictures.mask()), name="mask.png")
        yield serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    folder, root = os.environ.get("WIRE_FOLDER"), os.environ.get("WIRE_ROOT", "")
    made = ServeProcess(Path(folder or tmp_path_factory.mktemp("server")), running=root)
    with made as running:
        yield running


@pytest.fixture(scope="session")
def key(server: ServeProcess) -> str:
    return server.make_key(f"somebody-{uuid.uuid4()}")


@pytest.fixture(scope="session")
def client(server: ServeProcess, host: PictureHost, key: str) -> Iterator[Client]:
    """Somebody with the plan `unlimited`."""
    made = Client(server.base, key, base=host.url("base.png"), mask=host.url("mask.png"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def stranger(server: ServeProcess, client: Client) -> Iterator[Client]:
    """Somebody else."""
    secret = server.quick_key(f"stranger-{uuid.uuid4()}", "unlimited")
    made = Client(server.base, secret, base=client.base, mask=client.mask)
    yield made
    made.close()


@pytest.fixture
def newcomer(server: ServeProcess, client: Client) -> Iterator[Callable[[str], Client]]:
    """Makes clients with keys of their own; takes the plan's name."""
    made: list[Client] = []

    def make(plan: str) -> Client:
        secret = server.quick_key(f"newcomer-{uuid.uuid4()}", plan)
        made.append(Client(server.base, secret, base=client.base, mask=client.mask))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def closed_gate(server: ServeProcess) -> Iterator[None]:
    """Tasks of the model `gated` run until the test ends."""
    server.gate.unlink(missing_ok=True)
    yield
    server.open_gate()
