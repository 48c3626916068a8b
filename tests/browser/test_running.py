"""Orders under way: seen, cancelled, refused, and not lost whatever happens to page and server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests.browser.desk import Desk, Look, read
from tests.browser.files import PLAIN, check_exact
from tests.browser.words import EN, ZH, Words
from tests.wire.process import ServeProcess

Visit = Callable[[Look], Desk]

pytestmark = pytest.mark.usefixtures("closed_gate")


def begin(visit: Visit, look: Look, *, model: str = "gated", prompt: str = "a hat") -> Desk:
    """With a picture that is marked and a model that waits for the gate."""
    desk = visit(look)
    desk.sign_in()
    desk.pick(PLAIN)
    desk.stroke((0.4, 0.4), (0.6, 0.6))
    desk.ask(prompt, model=model)
    return desk


def test_what_runs_and_what_waits_is_seen_and_cancelled(server: ServeProcess, visit: Visit) -> None:
    desk = begin(visit, Look(EN))
    words, page = desk.words, desk.page
    for _ in range(3):  # two workers, so that one has to wait
        desk.repaint()
    strip = page.get_by_role("region", name=words.results)
    expect(desk.open_tiles).to_have_count(3)
    expect(strip.get_by_text(words.step)).to_have_count(2)
    expect(strip.get_by_text(words.next)).to_be_visible()
    expect(strip.get_by_role("progressbar").first).to_be_visible()
    desk.shot("under way")
    desk.open_tiles.first.click()  # the newest, which waits
    expect(desk.open_tiles).to_have_count(2)
    desk.open_tiles.first.click()  # one that runs
    expect(desk.open_tiles).to_have_count(1)
    expect(strip.get_by_text(words.canceled)).to_have_count(2)
    desk.shot("cancelled")
    server.gate.touch()
    desk.await_results(1)


@pytest.mark.parametrize("look", [Look(ZH, "phone"), Look(EN)], ids=str)
def test_a_reload_in_the_middle_loses_nothing(
    look: Look, server: ServeProcess, visit: Visit
) -> None:
    desk = begin(visit, look)
    mask = desk.export_mask()
    desk.ask("a hat")
    desk.repaint()
    desk.part(desk.words.results)
    expect(desk.open_tiles).to_have_count(1)
    desk.await_kept("a hat")
    desk.page.reload()
    desk.see(PLAIN.name)
    assert (desk.export_mask() == mask).all()
    desk.part(desk.words.wish)
    expect(desk.prompt).to_have_value("a hat")
    desk.part(desk.words.results)
    expect(desk.open_tiles).to_have_count(1)
    server.gate.touch()
    desk.await_results(1)
    desk.results.first.click()
    check_exact(read(desk.download()), PLAIN.data, mask)


def test_a_restart_of_the_server_in_the_middle_loses_nothing(
    server: ServeProcess, visit: Visit
) -> None:
    desk = begin(visit, Look(EN))
    mask = desk.export_mask()
    desk.watch.allow("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "ERR_CONNECTION_RESET")
    desk.watch.allow("ERR_EMPTY_RESPONSE", "status: 503")
    desk.repaint()
    expect(desk.page.get_by_text(desk.words.step)).to_be_visible()
    server.restart()
    server.gate.touch()
    desk.await_results(1)
    check_exact(read(desk.download()), PLAIN.data, mask)


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
def test_who_is_signed_out_in_the_middle_signs_in_again_and_goes_on(
    words: Words, server: ServeProcess, visit: Visit
) -> None:
    desk = begin(visit, Look(words))
    desk.watch.allow("status: 401")
    desk.context.clear_cookies()
    desk.button(words.repaint).click()
    dialog = desk.page.get_by_role("dialog", name=words.sign_in_again)
    desk.shot("sign in again")
    dialog.get_by_label(words.key).fill("sk-wrong")
    desk.button(words.sign_in, within=dialog).click()
    expect(dialog).to_contain_text(words.wrong_key)
    dialog.get_by_label(words.key).fill(desk.key)
    desk.button(words.sign_in, within=dialog).click()
    expect(dialog).to_be_hidden()
    server.gate.touch()
    desk.await_results(1)


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
def test_what_went_wrong_is_said_in_words_and_can_be_tried_again(
    words: Words, visit: Visit
) -> None:
    desk = begin(visit, Look(words), model="broken", prompt=words.forbidden)
    desk.watch.allow("status: 400 POST")
    desk.repaint()
    strip = desk.page.get_by_role("region", name=words.results)
    expect(strip).to_contain_text(words.refused)
    desk.ask(words.prompt)
    desk.repaint()
    expect(strip).to_contain_text(words.broken)
    desk.shot("went wrong")
    desk.ask(words.prompt, model="instant")
    desk.repaint()
    desk.await_results(1)
    again = strip.get_by_role("button", name=words.retry)
    expect(again).to_have_count(2)
    again.first.click()
    expect(again).to_have_count(2)
    expect(strip).to_contain_text(words.broken)
