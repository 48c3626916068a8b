"""What was made is found again on this device."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect
from tests.browser.desk import Desk, Look
from tests.browser.files import PLAIN
from tests.browser.words import ZH

Visit = Callable[[Look], Desk]


def test_a_run_is_found_by_its_words_and_opened_again(visit: Visit) -> None:
    desk = visit(Look(ZH))
    words = desk.words
    desk.sign_in()
    desk.pick(PLAIN)
    desk.stroke((0.4, 0.4), (0.6, 0.6))
    mask = desk.export_mask()
    for prompt in (words.unlike, words.sunglasses):
        desk.ask(prompt, model="instant")
        desk.repaint()
    desk.await_results(2)
    desk.edit()
    desk.button(words.clear).click()
    desk.ask("")

    desk.open_history()
    dialog = desk.page.get_by_role("dialog", name=words.history)
    expect(dialog.get_by_role("article")).to_have_count(2)
    desk.shot("history")
    dialog.get_by_role("searchbox", name=words.search).fill("<b>")
    expect(dialog.get_by_role("article")).to_have_count(1)
    expect(dialog.get_by_role("article")).to_contain_text(words.unlike)  # as text, not as HTML
    assert desk.page.locator("img[src=x]").count() == 0
    desk.button(words.open_again, within=dialog).click()
    expect(dialog).to_be_hidden()
    expect(desk.prompt).to_have_value(words.unlike)
    assert (desk.export_mask() == mask).all()
