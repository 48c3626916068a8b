"""What the tools mark, as the page's own mask file shows it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from playwright.sync_api import expect
from tests.browser.desk import Desk, File, Look, read
from tests.browser.files import HALVES, PLAIN, pixels_of
from tests.browser.words import EN, ZH
from tests.wire import pictures

Visit = Callable[[Look], Desk]


def begin(visit: Visit, look: Look) -> Desk:
    desk = visit(look)
    desk.sign_in()
    desk.pick(PLAIN)
    return desk


def test_strokes_are_undone_and_done_again(visit: Visit) -> None:
    desk = begin(visit, Look(EN))
    words = desk.words
    desk.stroke((0.2, 0.3), (0.4, 0.3))
    one = desk.export_mask()
    desk.stroke((0.6, 0.7), (0.8, 0.7))
    two = desk.export_mask()
    assert np.count_nonzero(two) > np.count_nonzero(one)
    desk.button(words.undo).click()
    assert np.array_equal(desk.export_mask(), one)
    desk.button(words.undo).click()
    expect(desk.page.get_by_text(words.none_marked)).to_be_visible()
    desk.button(words.redo).click()
    desk.page.keyboard.press("Control+Shift+Z")
    assert np.array_equal(desk.export_mask(), two)

    desk.choose_tool(words.eraser)
    desk.drag((0.2, 0.3), (0.4, 0.3))
    assert np.count_nonzero(desk.export_mask() & one) < np.count_nonzero(one) / 4
    desk.button(words.clear).click()
    desk.button(words.invert).click()
    assert desk.export_mask().min() == 255


def test_a_mask_goes_out_and_comes_in_again(visit: Visit) -> None:
    desk = begin(visit, Look(ZH, "phone"))
    desk.set_slider(desk.words.softness, "End")
    desk.stroke((0.3, 0.3), (0.6, 0.6))
    mask = desk.export_mask()
    assert len(np.unique(mask)) > 20  # a soft brush leaves levels
    desk.button(desk.words.clear).click()
    desk.import_mask(File("mask.png", pictures.png(mask)))
    assert np.array_equal(desk.export_mask(), mask)


def test_a_wand_takes_what_is_of_one_colour_and_a_rectangle_its_corners(visit: Visit) -> None:
    desk = begin(visit, Look(ZH))
    words = desk.words
    desk.choose_tool(words.wand)
    desk.page.mouse.click(*desk.places((0.1, 0.1))[0])
    flat = (HALVES[0, 0] == HALVES).all(axis=2)
    expect(desk.button(words.undo)).to_be_enabled()
    mask = desk.export_mask() > 0
    assert mask[flat].all()
    assert np.count_nonzero(mask & ~flat) < 0.1 * np.count_nonzero(~flat)

    desk.button(words.clear).click()
    desk.choose_tool(words.rectangle)
    desk.drag((0.25, 0.25), (0.75, 0.75))
    rows, columns = np.nonzero(desk.export_mask())
    shares = [rows.min() / 300, rows.max() / 300, columns.min() / 420, columns.max() / 420]
    assert np.allclose(shares, [0.25, 0.75, 0.25, 0.75], atol=0.02)


def test_a_soft_brush_is_sent_as_one_and_what_it_did_not_touch_stays(visit: Visit) -> None:
    desk = begin(visit, Look(EN))
    desk.set_slider(desk.words.softness, "End")
    desk.stroke((0.4, 0.5), (0.6, 0.5))
    mask = desk.export_mask()
    desk.ask("anything", model="instant")
    sent = desk.repaint()
    assert sent["parameters"]["soft_mask"] is True
    desk.await_results(1)
    made = pixels_of(read(desk.download()))
    assert np.array_equal(made[mask == 0], HALVES[mask == 0])
    changed = np.abs(made.astype(int) - HALVES.astype(int)).max(axis=2)
    assert changed[mask == 255].mean() > changed[(mask > 0) & (mask < 100)].mean() > 0
