"""axe finds nothing to complain about in whatever the page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Locator, expect
from tests.browser.desk import Desk, Look
from tests.browser.files import CAT, EYES
from tests.browser.words import EN, ZH
from tests.wire.process import ServeProcess

Visit = Callable[[Look], Desk]

RULES = {
    "runOnly": [
        *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
    ]
}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def barriers(desk: Desk, state: str) -> list[str]:
    """What axe finds in what is seen now, in the light and, of colours, in the dark."""
    found = Axe().run(desk.page, options=RULES).response["violations"]
    desk.page.emulate_media(color_scheme="dark")
    found += Axe().run(desk.page, options=COLOURS).response["violations"]
    desk.page.emulate_media(color_scheme="light")
    return [
        f"{state}: {one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes']]}"
        for one in found
    ]


@pytest.mark.parametrize("look", [Look(EN), Look(ZH, "phone")], ids=str)
@pytest.mark.usefixtures("closed_gate")
def test_no_state_of_the_page_has_barriers(look: Look, server: ServeProcess, visit: Visit) -> None:
    desk = visit(look)
    words, page = desk.words, desk.page
    found: list[str] = []
    page.goto(server.root)
    found += barriers(desk, "signed out")
    desk.sign_in()
    found += barriers(desk, "welcome")
    desk.pick(CAT)
    found += barriers(desk, "picture")
    desk.stroke(*EYES)
    desk.ask(words.unlike, model="gated")
    found += barriers(desk, "wish")
    closed = page.locator("details:not([open]) > summary").filter(visible=True)
    while closed.count() > 0:
        closed.first.click()
    found += barriers(desk, "all options")
    desk.repaint()
    desk.part(words.results)
    expect(desk.open_tiles).to_have_count(1)
    found += barriers(desk, "under way")
    server.gate.touch()
    desk.await_results(1)
    if desk.results.first.get_attribute("aria-current") is None:
        desk.results.first.click()
    found += barriers(desk, "result")
    with opened(desk, words.download, desk.button(words.download).first):
        found += barriers(desk, "download")
    desk.open_history()
    dialog = page.get_by_role("dialog", name=words.history)
    expect(dialog).to_be_visible()
    found += barriers(desk, "history")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name=words.shortcuts)).to_be_visible()
    found += barriers(desk, "shortcuts")
    page.keyboard.press("Escape")
    desk.button(words.account).click()
    found += barriers(desk, "account")
    desk.button(words.about).last.click()
    expect(page.get_by_role("dialog", name=words.about)).to_be_visible()
    found += barriers(desk, "about")
    assert not found, "\n".join(found)


@contextmanager
def opened(desk: Desk, name: str, button: Locator) -> Iterator[None]:
    """A dialog while it is open."""
    button.click()
    dialog = desk.page.get_by_role("dialog", name=name)
    expect(dialog).to_be_visible()
    yield
    desk.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
