"""Somebody at the page: what they see, and what their hands do."""

from __future__ import annotations

import io
import itertools
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import (
    Browser,
    Download,
    FilePayload,
    Locator,
    ViewportSize,
    expect,
)
from tests.browser.watch import Watch
from tests.browser.words import EN, ZH, Words
from tests.wire.process import ServeProcess

#: Longer than anything takes: a step that waits for so long has failed.
LONG_MS = 30_000
#: A second press of the button that repaints is taken for a double click so long.
AGAIN_S = 0.6
SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1440, "height": 900},
    "phone": {"width": 390, "height": 844},
}
Place = tuple[float, float]  # shares of the picture's width and height


@dataclass(frozen=True)
class Look:
    """Whose words, which screen."""

    words: Words
    screen: Literal["desktop", "phone"] = "desktop"
    theme: Literal["light", "dark"] = "light"

    def __str__(self) -> str:
        return f"{self.words.locale[:2]}-{self.screen}-{self.theme}"


LOOKS = [
    Look(words, screen, theme)
    for words in (EN, ZH)
    for screen in ("desktop", "phone")
    for theme in ("light", "dark")
]


@dataclass(frozen=True)
class File:
    """A file to open."""

    name: str
    data: bytes
    kind: str = "image/png"

    @property
    def payload(self) -> FilePayload:
        return {"name": self.name, "mimeType": self.kind, "buffer": self.data}


class Desk:
    """A browser window that nobody has used before."""

    def __init__(
        self,
        browser: Browser,
        server: ServeProcess,
        key: str,
        look: Look,
        folder: Path,
        shots: Path | None = None,
    ) -> None:
        self.server, self.key, self.look, self.words = server, key, look, look.words
        self.folder, self._shots = folder, shots
        self._pressed = 0.0  # when the button that repaints was, s
        self.phone = look.screen == "phone"
        self._number = itertools.count(1)
        self.context = browser.new_context(
            viewport=SIZES[look.screen],
            device_scale_factor=2 if self.phone else 1,
            has_touch=self.phone,
            is_mobile=self.phone,
            locale=look.words.locale,
            color_scheme=look.theme,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(LONG_MS / 2)
        self.watch = Watch(self.context, server.root)
        self.page = self.context.new_page()

    def leave(self) -> None:
        self.context.close()

    # --- looking -----------------------------------------------------------------------------

    def button(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> Locator:
        """The one in sight; a string is the whole name."""
        found = (within or self.page).get_by_role("button", name=name, exact=True)
        return found.filter(visible=True)

    def shot(self, step: str) -> None:
        """Keep a picture of what is seen, where they are asked for."""
        if self._shots is None:
            return
        self.page.wait_for_timeout(350)  # until what moves has come to rest
        path = self._shots / f"{next(self._number):02} {step}.png"
        self.page.screenshot(path=path)

    @property
    def stage(self) -> Locator:
        return self.page.get_by_role("application", name=self.words.stage)

    @property
    def results(self) -> Locator:
        """Frames of the film strip that hold a result."""
        name = re.compile(rf"^{self.words.result}[\s:：]")
        return self.page.get_by_role("region", name=self.words.results).get_by_role(
            "button", name=name
        )

    @property
    def handle(self) -> Locator:
        """Between before and after."""
        return self.page.get_by_role("slider", name=self.words.split)

    @property
    def prompt(self) -> Locator:
        return self.page.get_by_role("textbox", name=self.words.what)

    def part(self, name: str) -> None:
        """Choose what a phone shows; a desktop shows everything."""
        if self.phone:
            parts = self.page.get_by_role("navigation")
            one = parts.get_by_role("button", name=name)
            if one.get_attribute("aria-current") is None:
                one.click()

    # --- coming ------------------------------------------------------------------------------

    def sign_in(self) -> None:
        self.page.goto(self.server.root)
        self.page.get_by_label(self.words.key).fill(self.key)
        self.shot("sign in")
        self.button(self.words.sign_in).click()
        expect(self.button(self.words.choose)).to_be_visible()

    def pick(self, file: File) -> None:
        """Open a picture by the button, and wait until it lies on the table."""
        with self.page.expect_file_chooser() as chooser:
            self.button(self.words.choose).click()
        chooser.value.set_files(file.payload)
        self.see(file.name)

    def see(self, name: str) -> None:
        """Wait until the picture of this name is on the table."""
        expect(self.stage).to_be_visible()
        if not self.phone:
            expect(self.page.get_by_role("banner").get_by_text(name)).to_be_visible()

    def drop(self, file: File) -> None:
        """Let a file go over the page."""
        self.page.evaluate(_DROP, [file.name, file.kind, list(file.data)])

    def paste(self, file: File) -> None:
        self.page.evaluate(_PASTE, [file.name, file.kind, list(file.data)])

    # --- marking -----------------------------------------------------------------------------

    def places(self, *shares: Place) -> list[Place]:
        """Where on the screen parts of the picture are, as long as it lies in the middle."""
        left, top, width, height = self.page.evaluate(_PICTURE)
        return [(left + x * width, top + y * height) for x, y in shares]

    def edit(self) -> None:
        """From a result back to the picture and its marks, if one is looked at."""
        self.part(self.words.stage)
        back = self.button(self.words.edit)
        if back.count():
            back.click()

    def stroke(self, *shares: Place) -> None:
        """Draw through these parts of the picture, by finger on a phone, else by mouse."""
        self.edit()
        with self.undoable():
            if self.phone:
                self._touch(self.places(*shares))
            else:
                self._drag(self.places(*shares))

    @contextmanager
    def undoable(self) -> Iterator[None]:
        """Wait afterwards until there is something to undo."""
        yield
        if not self.phone or self.button(self.words.undo).count():
            expect(self.button(self.words.undo)).to_be_enabled()

    def drag(self, *shares: Place) -> None:
        self._drag(self.places(*shares))

    def _drag(self, places: list[Place]) -> None:
        mouse = self.page.mouse
        mouse.move(*places[0])
        mouse.down()
        for place in places[1:]:
            mouse.move(*place, steps=6)
        mouse.up()

    def _touch(self, places: list[Place]) -> None:
        session = self.context.new_cdp_session(self.page)
        for number, (x, y) in enumerate(places):
            kind = "touchMove" if number else "touchStart"
            touch = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            session.send("Input.dispatchTouchEvent", touch)
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        session.detach()

    def choose_tool(self, name: str) -> None:
        self.edit()
        self.page.get_by_role("toolbar").get_by_role("button", name=name, exact=True).click()

    def set_slider(self, name: str, key: str) -> None:
        """Press a key on a slider, such as End; where there is no room it is in the menu."""
        slider = self.page.get_by_role("slider", name=name, exact=True).filter(visible=True)
        if slider.count():
            slider.press(key)
            return
        self.button(self.words.mask_more).click()
        slider.press(key)
        self.page.keyboard.press("Escape")

    def export_mask(self) -> npt.NDArray[np.uint8]:
        """height x width: what is marked, as the page saves it."""
        self.edit()
        self.button(self.words.mask_more).click()
        with self.page.expect_download() as download:
            self.button(self.words.export).click()
        self.button(self.words.dismiss).last.click()
        return np.asarray(Image.open(io.BytesIO(read(download.value))))

    def import_mask(self, file: File) -> None:
        self.edit()
        self.button(self.words.mask_more).click()
        with self.page.expect_file_chooser() as chooser:
            self.button(self.words.import_).click()
        chooser.value.set_files(file.payload)
        dialog = self.page.get_by_role("dialog", name=self.words.import_title)
        self.button(self.words.import_do, within=dialog).click()
        expect(dialog).to_be_hidden()

    def await_kept(self, prompt: str) -> None:
        """Wait until mask and prompt are written down on this device."""
        self.page.evaluate(_KEPT, prompt)

    # --- asking ------------------------------------------------------------------------------

    def ask(self, prompt: str, *, n: int | None = None, model: str = "") -> None:
        """Say what should be there."""
        self.part(self.words.wish)
        self.prompt.fill(prompt)
        self.prompt.press("Escape")  # suggestions are not wanted
        if n is not None:
            pictures = self.page.get_by_role("group", name=self.words.pictures)
            pictures.get_by_role("radio", name=str(n), exact=True).check()
        if model:
            self.choose_model(model)

    def choose_model(self, model: str) -> None:
        field = self.page.get_by_role("combobox", name=self.words.model)
        if not field.is_visible():
            self.page.locator("summary", has_text=self.words.model_group).click()
        field.select_option(model)

    def repaint(self) -> dict[str, Any]:
        """Press the button; returns what was sent to the server."""
        if self.phone:
            button = self.page.get_by_role("navigation").get_by_role(
                "button", name=self.words.repaint_phone, exact=True
            )
        else:
            button = self.page.get_by_role("button", name=self.words.repaint).filter(visible=True)
        wait = self._pressed + AGAIN_S - time.monotonic()
        if wait > 0:
            self.page.wait_for_timeout(1000 * wait)
        with self.page.expect_request("**/image-synthesis") as sent:
            button.click()
        self._pressed = time.monotonic()
        body: dict[str, Any] = sent.value.post_data_json or {}
        return body

    @property
    def open_tiles(self) -> Locator:
        """Of runs under way: the buttons that cancel them, newest first."""
        region = self.page.get_by_role("region", name=self.words.results)
        return region.get_by_role("button", name=re.compile(f"^{self.words.cancel}"))

    def await_results(self, count: int) -> None:
        """Wait until so many results are in the strip, with their pictures."""
        self.part(self.words.results)
        expect(self.results).to_have_count(count, timeout=LONG_MS)
        expect(self.results.locator("img")).to_have_count(count, timeout=LONG_MS)

    # --- taking ------------------------------------------------------------------------------

    def download(self, format: str = "PNG") -> Download:
        """What the download dialog gives of the result that is looked at."""
        if self.phone:
            self.part(self.words.results)
        self.button(self.words.download).first.click()
        dialog = self.page.get_by_role("dialog", name=self.words.download)
        dialog.get_by_role("radio", name=format, exact=True).check()
        expect(self.save_button(dialog)).to_be_enabled()
        if format != "PNG":
            self.shot(f"download {format}")
        with self.page.expect_download() as download:
            self.save_button(dialog).click()
        expect(dialog).to_be_hidden()
        return download.value

    def save_button(self, dialog: Locator) -> Locator:
        return dialog.get_by_role("button", name=re.compile(f"^{self.words.download}[,，]"))

    def open_history(self) -> None:
        strip = self.page.get_by_role("region", name=self.words.results)
        strip.get_by_role("button", name=self.words.history, exact=True).click()


def read(download: Download) -> bytes:
    """The file that was saved."""
    return Path(download.path()).read_bytes()


_PICTURE = """() => {
  const stage = document.querySelector('.stage');
  const box = stage.getBoundingClientRect();
  const style = getComputedStyle(stage);
  const px = (side) => parseFloat(style['padding' + side]) || 0;
  const room = {
    x: box.x + px('Left'), y: box.y + px('Top'),
    width: box.width - px('Left') - px('Right'), height: box.height - px('Top') - px('Bottom'),
  };
  const [width, height] = document.querySelector('.shell-picture small')
    .textContent.match(/\\d+/g).map(Number);
  const percent = parseInt(document.querySelector('.shell-percent').textContent, 10);
  const scale = percent / 100 / devicePixelRatio;
  return [
    room.x + (room.width - width * scale) / 2, room.y + (room.height - height * scale) / 2,
    width * scale, height * scale,
  ];
}"""

_KEPT = """(prompt) => new Promise((resolve) => {
  const look = () => {
    indexedDB.open('overpaint').onsuccess = ({ target: { result: database } }) => {
      database.transaction('work').objectStore('work').getAll().onsuccess = ({ target }) => {
        database.close();
        if (target.result.some(({ mask, wish }) => mask && wish.prompt === prompt)) resolve();
        else setTimeout(look, 50);
      };
    };
  };
  look();
})"""

_TRANSFER = """
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(data)], name, { type: kind }));
"""
_DROP = f"""([name, kind, data]) => {{{_TRANSFER}
  const at = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
  for (const type of ['dragenter', 'dragover', 'drop']) {{
    at.dispatchEvent(new DragEvent(type, {{
      dataTransfer: transfer, bubbles: true, cancelable: true,
    }}));
  }}
}}"""
_PASTE = f"""([name, kind, data]) => {{{_TRANSFER}
  document.body.dispatchEvent(new ClipboardEvent('paste', {{
    clipboardData: transfer, bubbles: true, cancelable: true,
  }}));
}}"""
