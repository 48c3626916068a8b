"""Everything without a mouse, as somebody who has none does it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, expect
from tests.browser.desk import Desk, Look, read
from tests.browser.files import CAT, check_exact
from tests.browser.words import EN, ZH

Visit = Callable[[Look], Desk]
MOST_STOPS = 60


def go_to(desk: Desk, target: Locator, key: str = "Tab") -> None:
    """Press a key until the target has the focus; every stop on the way is to be seen."""
    for _ in range(MOST_STOPS):
        if target.count() == 1 and target.evaluate("one => one === document.activeElement"):
            return
        desk.page.keyboard.press(key)
        seen = desk.page.evaluate(_FOCUS)
        assert seen is None, f"the focus is not to be seen on {seen}"
    raise AssertionError(f"{MOST_STOPS} times {key} do not lead to {target}")


_FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at.tagName === 'DIALOG') return null;
  if (at.type === 'range') return null;  // its thumb has the ring, which no script can ask for
  const shows = (one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== 'none' || style.boxShadow !== 'none';
  };
  const near = [at, ...at.children, at.nextElementSibling, at.parentElement, at.closest('label')];
  if (near.some((one) => one && shows(one))) return null;
  return at.outerHTML.slice(0, 200);
}"""


def test_from_the_key_to_the_download_by_keyboard_alone(visit: Visit) -> None:
    desk = visit(Look(ZH))
    words, page, keys = desk.words, desk.page, desk.page.keyboard
    page.goto(desk.server.root)
    expect(page.get_by_label(words.key)).to_be_focused()
    keys.type(desk.key)
    keys.press("Enter")

    expect(desk.button(words.choose)).to_be_visible()
    go_to(desk, page.get_by_role("button", name=words.sample))
    keys.press("Enter")
    desk.see(CAT.name)

    go_to(desk, desk.stage)
    for _ in range(2):
        keys.press("Shift+ArrowUp")
    keys.press("Enter")
    for _ in range(3):
        keys.press("Shift+ArrowRight")
    keys.press("Enter")
    desk.shot("by keyboard")
    expect(page.get_by_text(words.none_marked)).to_have_count(0)
    keys.press("Space")
    go_to(desk, desk.prompt)
    keys.type(words.glasses)
    keys.press("Control+Enter")
    desk.await_results(1)

    go_to(desk, desk.results.first)
    keys.press("Enter")
    expect(desk.handle).to_be_visible()
    keys.press("c")
    expect(desk.handle).not_to_have_attribute("aria-valuenow", "0")
    go_to(desk, desk.handle, "Shift+Tab")
    keys.press("Home")
    expect(desk.handle).to_have_attribute("aria-valuenow", "0")
    keys.press("d")
    dialog = page.get_by_role("dialog", name=words.download)
    expect(dialog).to_be_visible()
    with page.expect_download() as download:
        go_to(desk, desk.save_button(dialog))
        keys.press("Enter")
    expect(dialog).to_be_hidden()
    mask = desk.export_mask()
    check_exact(read(download.value), CAT.data, mask)


def test_keys_are_listed_and_can_be_turned_off(visit: Visit) -> None:
    desk = visit(Look(EN))
    desk.sign_in()
    desk.pick(CAT)
    keys = desk.page.keyboard
    keys.press("?")
    sheet = desk.page.get_by_role("dialog", name=desk.words.shortcuts)
    expect(sheet).to_be_visible()
    desk.shot("keys")
    sheet.get_by_role("switch").uncheck()
    keys.press("Escape")
    expect(sheet).to_be_hidden()
    keys.press("e")
    brush = desk.page.get_by_role("toolbar").get_by_role("button", name=desk.words.brush)
    expect(brush).to_have_attribute("aria-pressed", "true")
