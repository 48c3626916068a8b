"""The page in Chromium on this machine: how soon it is there, and how it follows the hand.

    python bench/page.py [--quick] [--sizes 512 2048 4095]

A real `overpaint serve` and a headless Chromium without a GPU, so that what is drawn costs the
processor time that a graphics card would take over: the figures are an upper bound. Needs Chromium
and the group `browser` (`make heavy`).

- load: from the navigation to the frame in which the button that opens a picture can be pressed,
  with an empty cache and with a full one, and what goes over the wire.
- brush: from a pointer's event, as the browser stamps it, to the end of the frame that shows it.
- pan, zoom: times between frames while the picture is moved by hand and zoomed by a pinch; at 60
  frames a second they are 16.7 ms.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._server import Server
from bench.stages import make_files
from tests.browser.conftest import FLAGS
from tests.heavy import require_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

VIEW: ViewportSize = {"width": 1440, "height": 900}
BUSY = 0.5  # load from which on times are not worth much
FRAME_MS = 1000 / 60

#: Says when the button was there: in the first frame after it came into the page.
_WHEN_READY = """
addEventListener('DOMContentLoaded', () => {
  const look = () => {
    const button = document.querySelector('.shell-sheet button:not(:disabled)');
    if (button) requestAnimationFrame(() => { window.readyAt ??= performance.now(); });
    else requestAnimationFrame(look);
  };
  look();
});
"""

_READY_AT = """() => new Promise((resolve) => {
  const look = () => (window.readyAt ? resolve(window.readyAt) : setTimeout(look, 5));
  look();
})"""

#: Collects, from now on, the time from pointer events to the end of their frames, ms.
_LATENCIES = """() => {
  window.latencies = [];
  const channel = new MessageChannel();
  let waiting = [];
  channel.port1.onmessage = () => {  // the first thing after a frame has been drawn
    const now = performance.now();
    window.latencies.push(...waiting.map((stamp) => now - stamp));
    waiting = [];
  };
  document.querySelector('.stage').addEventListener('pointermove', (event) => {
    if (!event.buttons) return;
    if (waiting.length === 0) requestAnimationFrame(() => channel.port2.postMessage(0));
    waiting.push(event.timeStamp);
  }, { capture: true });
}"""

#: Collects, until `stopFrames` is called, the times between frames, ms.
_FRAMES = """() => {
  let last = 0;
  let goes = true;
  const times = [];
  const frame = (now) => {
    if (last) times.push(now - last);
    last = now;
    if (goes) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.stopFrames = () => { goes = false; return times; };
}"""


@dataclass(frozen=True)
class Spread:
    """Some times, ms."""

    times: Sequence[float]

    def at(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, round(share * len(ordered)))]

    def __str__(self) -> str:
        median = statistics.median(self.times)
        return f"{median:.1f} ms | {self.at(0.95):.1f} ms | {max(self.times):.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few loads, short strokes")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 2048, 4095], metavar="PX")
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright

    load = os.getloadavg()[0]
    busy = f"; more than {BUSY}: do not quote the times" if load > BUSY else ""
    print(f"{os.cpu_count()} cores, {platform.machine()}, load at the start {load:.1f}{busy}")
    with (
        tempfile.TemporaryDirectory(prefix="overpaint-bench-") as name,
        Server(Path(name)) as server,
        sync_playwright() as playwright,
    ):
        server.wait_ready()
        key = server.make_key("bench")[1]
        chromium = playwright.chromium.launch(executable_path=require_chromium(), args=list(FLAGS))
        print(f"Chromium {chromium.version}, {VIEW['width']} x {VIEW['height']} px, no GPU")
        measure_load(chromium, server, key, 3 if args.quick else 15)
        measure_hand(chromium, server, key, Path(name), args.sizes, 30 if args.quick else 150)
        chromium.close()


def signed_in(browser: Browser, server: Server, key: str) -> Page:
    """The page as it is first seen, in English."""
    page = browser.new_context(viewport=VIEW, locale="en-US").new_page()
    page.add_init_script(_WHEN_READY)
    page.goto(f"http://127.0.0.1:{server.port}/")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Choose a picture").wait_for()
    return page


def measure_load(browser: Browser, server: Server, key: str, loads: int) -> None:
    page = signed_in(browser, server, key)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    print("\n| load | median | 95 of 100 | longest | over the wire |\n|---|---|---|---|---|")
    for what, empty in (("empty cache", True), ("full cache", False)):
        session.send("Network.setCacheDisabled", {"cacheDisabled": empty})
        times, weights = [], []
        for _ in range(loads):
            sizes.clear()
            page.reload()
            times.append(page.evaluate(_READY_AT))
            page.wait_for_timeout(300)  # what is fetched after that counts as well
            weights.append(sum(sizes))
        weight = f"{statistics.median(weights) / 1000:.0f} kB in {len(sizes)} answers"
        print(f"| {what} | {Spread(times)} | {weight} |")
    page.context.close()


def measure_hand(
    browser: Browser, server: Server, key: str, folder: Path, sizes: Sequence[int], steps: int
) -> None:
    print("\n| picture | what | median | 95 of 100 | longest | frames over 20 ms |")
    print("|---|---|---|---|---|---|")
    for side in sizes:
        base, _ = make_files(folder, side, "JPEG")
        page = signed_in(browser, server, key)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a picture").click()
        chooser.value.set_files(base)
        stage = page.get_by_role("application", name="Picture")
        stage.wait_for()
        page.wait_for_timeout(1000)  # until it has come to rest
        box = stage.bounding_box()
        assert box is not None
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        about = f"{side} x {side} px"
        print(f"| {about} | brush | {Spread(brush(page, middle, steps))} | |")
        for what, act in (("pan", pan), ("zoom", zoom)):
            times = frames(page, act, middle, steps)
            late = sum(time > FRAME_MS + 3.3 for time in times)
            print(f"| {about} | {what} | {Spread(times)} | {late} of {len(times)} |")
        page.context.close()


def brush(page: Page, middle: tuple[float, float], steps: int) -> list[float]:
    """A long stroke of the brush; what each pointer event took."""
    page.evaluate(_LATENCIES)
    page.mouse.move(middle[0] - 200, middle[1] - 100)
    page.mouse.down()
    page.mouse.move(middle[0] + 200, middle[1] - 100, steps=steps)
    page.mouse.move(middle[0] - 200, middle[1] + 100, steps=steps)
    page.mouse.up()
    page.wait_for_timeout(200)
    return list(page.evaluate("window.latencies"))


def frames(page: Page, act: Any, middle: tuple[float, float], steps: int) -> list[float]:
    page.evaluate(_FRAMES)
    act(page, middle, steps)
    return list(page.evaluate("window.stopFrames()"))


def pan(page: Page, middle: tuple[float, float], steps: int) -> None:
    """By the middle button, there and back."""
    page.mouse.move(*middle)
    page.mouse.down(button="middle")
    page.mouse.move(middle[0] + 200, middle[1] + 120, steps=steps)
    page.mouse.move(middle[0] - 200, middle[1] - 120, steps=steps)
    page.mouse.up(button="middle")


def zoom(page: Page, middle: tuple[float, float], steps: int) -> None:
    """In and out again by a pinch, to about eight times and back."""
    page.mouse.move(*middle)
    page.keyboard.down("Control")
    for direction in (-1, 1):
        for _ in range(steps):
            page.mouse.wheel(0, direction * 210 / steps)
            page.wait_for_timeout(8)
    page.keyboard.up("Control")


if __name__ == "__main__":
    main()
