"""What was made is found again on this device."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect
from tests.browser.desk import Desk, Look
from tests.browser.files import PLAIN
from tests.browser.words import ZH

Visit = Callable[[Look], Desk]


def test_a_run_is_found_by_its_words_and_opened_again_with_its_steps(visit: Visit) -> None:
    desk = visit(Look(ZH))
    words = desk.words
    desk.sign_in()
    desk.pick(PLAIN)
    desk.stroke((0.4, 0.4), (0.6, 0.6))
    mask = desk.export_mask()
    desk.page.locator("summary", has_text=words.advanced).click()
    field = desk.page.get_by_role("textbox", name=words.steps)
    for prompt, steps in ((words.unlike, "12"), (words.sunglasses, "")):
        desk.ask(prompt, model="instant")
        field.fill(steps)
        assert desk.repaint()["parameters"].get("steps") == (int(steps) if steps else None)
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
    expect(field).to_have_value("12")
    with desk.page.expect_request("**/image-synthesis") as sent:
        desk.button(words.vary).click()
    assert (sent.value.post_data_json or {})["parameters"]["steps"] == 12
    assert (desk.export_mask() == mask).all()
