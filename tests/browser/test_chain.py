"""Edits in a chain at full resolution, and copies of what the server does not take."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, expect
from tests.browser.desk import Desk, File, Look, read
from tests.browser.files import Array, check_exact, pixels_of
from tests.browser.words import EN, ZH, Words
from tests.unit.picture_files import file_of

LIMIT = 10 * 1024 * 1024

Visit = Callable[[Look], Desk]


def grain(height: int, width: int) -> Array:
    """What PNG cannot make small: height x width x 3."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def offered(desk: Desk, file: File) -> Locator:
    """What is asked when such a file is opened."""
    with desk.page.expect_file_chooser() as chooser:
        desk.button(desk.words.choose).click()
    chooser.value.set_files(file.payload)
    return desk.page.get_by_role("dialog", name=desk.words.too_large)


def test_a_heavy_result_is_gone_on_from_as_it_is(visit: Visit) -> None:
    desk = visit(Look(EN))
    desk.sign_in()
    photo = File("photo.jpg", file_of(grain(2000, 2400), "JPEG", quality=75), "image/jpeg")
    assert len(photo.data) < LIMIT
    desk.pick(photo)
    desk.stroke((0.3, 0.3), (0.35, 0.35))
    first_mask = desk.export_mask()
    desk.ask(desk.words.glasses, model="instant")
    desk.repaint()
    desk.await_results(1)
    first = read(desk.download())
    assert len(first) > LIMIT
    check_exact(first, photo.data, first_mask)

    desk.button(desk.words.go_on).click()
    desk.button(desk.words.keep_mask).click()
    expect(desk.results).to_have_count(0)
    desk.edit()
    desk.button(desk.words.clear).click()
    desk.stroke((0.7, 0.7), (0.75, 0.75))
    mask = desk.export_mask()
    desk.ask(desk.words.sunglasses, model="instant")
    sent = desk.repaint()
    assert "/api/v1/files/" in sent["input"]["base_image_url"]
    desk.await_results(1)
    second = read(desk.download())
    check_exact(second, first, mask)
    untouched = (mask == 0) & (first_mask == 0)
    assert np.array_equal(pixels_of(second)[untouched], pixels_of(photo.data)[untouched])


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
def test_a_photograph_that_is_too_large_becomes_a_jpeg_of_the_largest_size(
    words: Words, visit: Visit
) -> None:
    desk = visit(Look(words))
    desk.sign_in()
    smooth = np.linspace(0, 255, 5000 * 3, dtype=np.float32).reshape(1, 5000, 3)
    wide = np.broadcast_to(smooth, (3600, 5000, 3)) + grain(3600, 5000) // 16
    photo = file_of(wide.clip(0, 255).astype(np.uint8), "JPEG")
    asked = offered(desk, File("wide.jpg", photo, "image/jpeg"))
    expect(asked).to_contain_text("4095 × 2948")
    expect(asked).to_contain_text("JPEG")
    desk.shot("too large")
    desk.button(desk.words.scale, within=asked).click()
    desk.see("wide-4095x2948.jpg")


def test_a_png_that_is_too_heavy_becomes_a_jpeg_of_its_size(visit: Visit) -> None:
    desk = visit(Look(EN))
    desk.sign_in()
    asked = offered(desk, File("grain.png", file_of(grain(2000, 2000), "PNG")))
    expect(asked).to_contain_text("2000 × 2000 px (JPEG, ")
    desk.shot("too heavy")
    desk.button("Use the copy", within=asked).click()
    desk.see("grain-2000x2000.jpg")


def test_one_that_can_be_seen_through_becomes_a_smaller_png(visit: Visit) -> None:
    desk = visit(Look(EN))
    desk.sign_in()
    clear = np.dstack([grain(2000, 2000), np.full((2000, 2000), 255, np.uint8)])
    clear[-1, -1, 3] = 128
    asked = offered(desk, File("clear.png", file_of(clear, "PNG")))
    expect(asked).to_contain_text("(PNG, ")
    desk.button(desk.words.scale, within=asked).click()
    expect(desk.page.get_by_role("banner")).to_contain_text(".png")
