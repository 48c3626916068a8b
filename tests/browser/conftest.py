"""One server for all tests of this folder, a Chromium a file, a visit of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from tests.heavy import require_chromium
from tests.wire.process import ServeProcess

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tests.browser.desk import Desk, Look

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Longer than a step takes, on a machine that has much else to do.
STEP_MS = 15_000
#: What the server does not paint.
FORBIDDEN = ("bomb", "炸弹")


class _Unable(pytest.File):
    """A file of tests on a machine without Chromium or its driver, which they import."""

    def collect(self) -> NoReturn:
        require_chromium()
        raise AssertionError("something was missing a moment ago")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> _Unable | None:
    try:
        require_chromium()
    except (pytest.skip.Exception, pytest.fail.Exception):
        return _Unable.from_parent(parent, path=module_path)
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shots", type=Path, help="keep screenshots of the stories in this folder")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`look`: two that differ in everything; all of them where screenshots are asked for."""
    marked = any("look" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "look" not in metafunc.fixturenames or marked:
        return
    from tests.browser.desk import LOOKS, Look
    from tests.browser.words import EN, ZH

    two = [Look(EN), Look(ZH, "phone", "dark")]
    looks = LOOKS if metafunc.config.getoption("--shots") else two
    metafunc.parametrize("look", looks, ids=str)


@pytest.fixture(autouse=True, scope="session")
def _no_proxy() -> Iterator[None]:
    """Whatever proxy the machine has: nothing here is to go through it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1,localhost")
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    folder = tmp_path_factory.mktemp("server")
    words = folder / "forbidden.txt"
    words.write_text("\n".join(FORBIDDEN), encoding="utf-8")
    with ServeProcess(folder, OVERPAINT_POLICY=f"words:{words}") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """While it is there the thread has a running event loop: other files could not start one."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=STEP_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=require_chromium(), args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def visit(
    request: pytest.FixtureRequest, server: ServeProcess, browser: Browser, tmp_path: Path
) -> Iterator[Callable[[Look], Desk]]:
    """Opens the page as somebody new; what must not happen there ends the test."""
    from tests.browser.desk import Desk

    desks: list[Desk] = []

    def open_page(look: Look) -> Desk:
        key = server.quick_key(f"visitor-{uuid.uuid4()}", "unlimited")
        shots: Path | None = request.config.getoption("--shots")
        if shots is not None:
            shots = shots / str(look) / request.path.stem.removeprefix("test_")
        desks.append(Desk(browser, server, key, look, tmp_path, shots))
        return desks[-1]

    yield open_page
    seen = [one for desk in desks for one in desk.watch.verdict()]
    for desk in desks:
        desk.leave()
    assert not seen, "\n".join(seen)


@pytest.fixture
def closed_gate(server: ServeProcess) -> Iterator[None]:
    """Tasks of the model `gated` run until the test ends, or opens it."""
    server.gate.unlink(missing_ok=True)
    yield
    server.open_gate()
