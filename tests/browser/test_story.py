"""The whole way, as most people will go it: from the key to the picture that is taken away."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import expect
from tests.browser.desk import Desk, Look, read
from tests.browser.files import CAT, EYES, check_exact, pixels_of
from tests.browser.words import EN, ZH

from overpaint.imaging.provenance import read_provenance

Visit = Callable[[Look], Desk]


def test_a_picture_is_marked_repainted_compared_chained_and_saved(look: Look, visit: Visit) -> None:
    desk = visit(look)
    words = desk.words
    desk.sign_in()
    desk.shot("welcome")
    desk.pick(CAT)
    desk.shot("picture")
    desk.stroke(*EYES)
    desk.shot("marked")
    mask = desk.export_mask()
    assert set(np.unique(mask)) == {0, 255}  # a hard brush
    desk.ask(words.glasses)
    desk.shot("wish")

    sent = desk.repaint()
    assert sent["input"]["prompt"] == words.glasses
    assert "soft_mask" not in sent["parameters"]
    desk.await_results(1)
    desk.shot("result")
    compare(desk)
    first = read(desk.download())
    check_exact(first, CAT.data, mask)

    desk.button(words.vary).click()
    desk.await_results(2)
    desk.ask(words.sunglasses, n=2)
    desk.repaint()
    desk.await_results(4)
    desk.shot("variants")
    desk.results.first.click()
    take_lossy_copies(desk, words.sunglasses)

    desk.button(words.go_on).click()
    desk.shot("go on")
    desk.button(words.keep_mask).click()
    expect(desk.results).to_have_count(0)
    desk.ask(words.glasses, n=1)
    desk.repaint()
    desk.await_results(1)
    check_exact(read(desk.download()), first, mask)
    desk.shot("chain")


def compare(desk: Desk) -> None:
    """Before and after by the handle, by its keys, and by holding a button."""
    words, page = desk.words, desk.page
    expect(desk.handle).to_be_visible()
    after = desk.stage.screenshot()
    desk.button(words.compare).click()
    expect(desk.handle).not_to_have_attribute("aria-valuenow", "0")
    desk.shot("compare")
    desk.handle.press("Home")
    desk.handle.press("PageUp")
    desk.handle.press("ArrowRight")
    expect(desk.handle).to_have_attribute("aria-valuenow", "12")
    for _ in range(4):
        desk.handle.press("Shift+ArrowRight")
    expect(desk.handle).to_have_attribute("aria-valuenow", "52")
    box = desk.handle.bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] - 60, at[1], steps=4)
    page.mouse.up()
    expect(desk.handle).to_have_attribute("aria-valuenow", re.compile(r"^[1-4]\d$"))
    desk.button(words.compare).click()
    expect(desk.handle).to_have_attribute("aria-valuenow", "0")

    hold = desk.button(words.hold)
    hold.hover()
    page.mouse.down()
    expect(hold).to_have_attribute("aria-pressed", "true")
    assert desk.stage.screenshot() != after
    page.mouse.up()
    expect(hold).to_have_attribute("aria-pressed", "false")


def take_lossy_copies(desk: Desk, prompt: str) -> None:
    for format, ending in (("JPEG", "jpg"), ("WebP", "webp")):
        download = desk.download(format)
        assert re.search(rf"\.{ending}$", download.suggested_filename)
        data = read(download)
        assert pixels_of(data).shape[:2] == pixels_of(CAT.data).shape[:2]
        told = read_provenance(data)
        assert told is not None
        assert (told.prompt, told.whole) == (prompt, False)
        assert told.seed is not None


@pytest.mark.parametrize("look", [Look(ZH), Look(EN, "phone")], ids=str)
def test_the_short_way_with_a_sample(look: Look, visit: Visit) -> None:
    desk = visit(look)
    desk.sign_in()
    desk.page.get_by_role("button", name=desk.words.sample).click()
    desk.see("chelsea.png")
    desk.stroke(*EYES)
    mask = desk.export_mask()
    desk.ask(desk.words.glasses)
    desk.repaint()
    desk.await_results(1)
    check_exact(read(desk.download()), CAT.data, mask)
