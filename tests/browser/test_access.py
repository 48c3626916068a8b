"""axe finds nothing to complain about in whatever the page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
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
LOOKS = [Look(EN), Look(ZH, theme="dark"), Look(ZH, "phone"), Look(EN, "phone", "dark")]


def check(desk: Desk, state: str) -> None:
    found = Axe().run(desk.page, options=RULES)
    told = [
        f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes']]}"
        for one in found.response["violations"]
    ]
    assert not told, f"{state}, {desk.look}:\n" + "\n".join(told)


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.usefixtures("closed_gate")
def test_no_state_of_the_page_has_barriers(look: Look, server: ServeProcess, visit: Visit) -> None:
    desk = visit(look)
    words, page = desk.words, desk.page
    page.goto(server.root)
    check(desk, "signed out")
    desk.sign_in()
    check(desk, "welcome")
    desk.pick(CAT)
    check(desk, "picture")
    desk.stroke(*EYES)
    desk.ask(words.unlike, model="gated")
    check(desk, "wish")
    for summary in page.locator("details:not([open]) > summary").all():
        if summary.is_visible():
            summary.click()
    check(desk, "all options")
    desk.repaint()
    desk.part(words.results)
    expect(desk.open_tiles).to_have_count(1)
    check(desk, "under way")
    server.gate.touch()
    desk.await_results(1)
    if desk.results.first.get_attribute("aria-current") is None:
        desk.results.first.click()
    check(desk, "result")
    with opened(desk, words.download, desk.button(words.download).first):
        check(desk, "download")
    desk.open_history()
    dialog = page.get_by_role("dialog", name=words.history)
    expect(dialog).to_be_visible()
    check(desk, "history")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name=words.shortcuts)).to_be_visible()
    check(desk, "shortcuts")
    page.keyboard.press("Escape")
    desk.button(words.account).click()
    check(desk, "account")
    desk.button(words.about).last.click()
    expect(page.get_by_role("dialog", name=words.about)).to_be_visible()
    check(desk, "about")


@contextmanager
def opened(desk: Desk, name: str, button: Locator) -> Iterator[None]:
    """A dialog while it is open."""
    button.click()
    dialog = desk.page.get_by_role("dialog", name=name)
    expect(dialog).to_be_visible()
    yield
    desk.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
