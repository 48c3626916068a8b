"""Pictures come in every way there is, and what cannot be taken is said in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from tests.browser.desk import Desk, File, Look
from tests.browser.files import PLAIN
from tests.browser.words import EN, ZH, Words
from tests.unit.picture_files import file_of
from tests.wire import pictures
from tests.wire.process import ServeProcess

Visit = Callable[[Look], Desk]
HTML = "<img src=x onerror=alert(1)>.png"


def test_a_picture_is_dropped_and_another_pasted(visit: Visit) -> None:
    desk = visit(Look(EN))
    desk.sign_in()
    desk.drop(PLAIN)
    desk.see("halves.png")
    desk.paste(File(HTML, pictures.png(pictures.scene())))
    desk.see(HTML)
    assert desk.page.locator("img[src=x]").count() == 0


def test_marks_are_not_lost_to_another_picture_without_a_question(visit: Visit) -> None:
    desk = visit(Look(EN))
    desk.sign_in()
    desk.drop(PLAIN)
    desk.see("halves.png")
    desk.stroke((0.3, 0.3), (0.6, 0.6))
    desk.drop(File("other.png", pictures.png(pictures.scene())))
    asked = desk.page.get_by_role("dialog", name=desk.words.replace)
    desk.button(desk.words.no, within=asked).click()
    desk.see("halves.png")


def test_a_turned_photograph_is_seen_upright_and_its_bytes_are_sent(
    server: ServeProcess, visit: Visit
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    turned = File(
        "turned.jpg",
        file_of(Image.fromarray(pictures.scene(300, 400)), "JPEG", exif=exif),
        "image/jpeg",
    )
    desk = visit(Look(ZH))
    desk.sign_in()
    desk.pick(turned)
    expect(desk.page.get_by_role("banner")).to_contain_text("300 × 400")
    desk.stroke((0.4, 0.4), (0.6, 0.6))
    mask = desk.export_mask()
    assert mask.shape == (400, 300)
    desk.ask(desk.words.glasses, model="instant")
    desk.repaint()
    desk.await_results(1)
    stored = [path for path in server.data.rglob("*") if path.is_file()]
    same = [path for path in stored if path.stat().st_size == len(turned.data)]
    assert turned.data in [path.read_bytes() for path in same]


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
def test_what_is_too_large_or_too_small_is_scaled_if_one_likes(words: Words, visit: Visit) -> None:
    desk = visit(Look(words))
    desk.sign_in()
    small = File("small.png", pictures.png(pictures.scene(100, 160)))
    desk.drop(small)
    asked = desk.page.get_by_role("dialog", name=words.too_small)
    desk.shot("too small")
    desk.button(words.no, within=asked).click()
    expect(asked).to_be_hidden()
    expect(desk.stage).to_have_count(0)

    desk.drop(File("wide.png", pictures.flat(600, 5000)))
    asked = desk.page.get_by_role("dialog", name=words.too_large)
    desk.shot("too large")
    desk.button(words.scale, within=asked).click()
    expect(desk.page.get_by_role("banner")).to_contain_text("4095 × 491")


NO_PICTURES = {
    "empty.png": b"",
    "words.png": b"just words",
    "cut.png": pictures.png(pictures.scene())[:200],
    "moving.gif": file_of(np.zeros((300, 300), np.uint8), "GIF"),
}


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
def test_what_is_no_picture_is_refused_in_words(words: Words, visit: Visit) -> None:
    desk = visit(Look(words))
    desk.sign_in()
    alert = desk.page.get_by_role("alert").filter(visible=True)
    for name, data in NO_PICTURES.items():
        desk.drop(File(name, data))
        expect(alert).to_contain_text(words.refusals[name.partition(".")[0]])
    desk.shot("refused")
    expect(desk.button(words.choose)).to_be_enabled()
