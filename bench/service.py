"""The service on this machine: how quick its doors are, and what a hundred thousand tasks change.

    python bench/service.py [--quick] [--peer-python ~/iopaint/bin/python]

A real `overpaint serve` with an engine that costs nothing, called from this process over the
loopback: submitting and polling, tasks from the order to the picture in hand, memory of each
process, and the same calls with 100 to 100,000 tasks stored. In the same run IOPaint with its
OpenCV model, where --peer-python (or IOPAINT_PYTHON) names an interpreter that has it.

Callers and server share the cores, so a caller's own time is in every figure; times need a quiet
machine, and the load is printed. Linux alone.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._host import PictureHost
from bench._peer import Peer, peer_body
from bench._server import Server, memory, spent_by
from bench._stored import Stored
from bench._timing import Times, timed
from bench._wire import FINAL, Pixels, Wire, box, file_of, order, scene

SIDE = 512  # px
DOT = 16  # px, of the mask that leaves the doors alone to be measured
SIZES = (100, 1_000, 100_000)
POLL_S = 0.02
BUSY = 0.5  # load from which on times are not worth much


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    what: str
    times: Times

    def __str__(self) -> str:
        times = self.times
        shown = f"{times.p50_ms:.1f} ms | {times.p99_ms:.1f} ms | {times.per_s:.0f}"
        if times.per_s < 10:
            shown = f"{times.p50_ms:.0f} ms | {times.p99_ms:.0f} ms | {times.per_s:.1f}"
        return f"| {self.what} | {shown} | {times.spent_ms:.1f} ms |"


HEAD = "| what | p50 | p99 | a second | processor time of the server, each |\n|---|---|---|---|---|"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few calls, at most 1,000 tasks")
    there = os.environ.get("IOPAINT_PYTHON")
    parser.add_argument("--peer-python", type=Path, default=there, help="one that has iopaint")
    args = parser.parse_args()
    if sys.platform != "linux":
        print("skipped: it reads /proc, which is Linux's")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and the servers are ended
    calls = 20 if args.quick else 300
    load = os.getloadavg()[0]
    busy = f"; more than {BUSY}: do not quote the times" if load > BUSY else ""
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()};")
    print(f"load at the start {load:.1f}{busy}")
    with tempfile.TemporaryDirectory(prefix="overpaint-bench-") as name:
        folder = Path(name)
        doors(folder / "doors", calls)
        growth(folder / "growth", calls, SIZES[:2] if args.quick else SIZES)
        beside_peer(folder / "peer", args.peer_python, max(8, calls // 15))


def data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def submit(wire: Wire, body: object) -> str:
    answer = wire.create(body)
    if answer.status != 200:
        raise SystemExit(f"not accepted: {answer.body!r}")
    return str(answer.json["output"]["task_id"])


def fetch(wire: Wire, body: object) -> bytes:
    """From the order to the picture in hand."""
    task_id = submit(wire, body)
    while True:
        output = wire.get(f"/api/v1/tasks/{task_id}").json["output"]
        if output["task_status"] in FINAL:
            break
        time.sleep(POLL_S)
    if output["task_status"] != "SUCCEEDED":
        raise SystemExit(f"not painted: {output}")
    return wire.get("/" + output["results"][0]["url"].split("/", 3)[3]).body


# --- the doors -------------------------------------------------------------------------------


def doors(folder: Path, calls: int) -> None:
    """Latency, rate and memory of a service as it is started by default."""
    folder.mkdir()
    files = {"base.jpg": file_of(scene(SIDE), "JPEG"), "mask.png": file_of(box(SIDE))}
    with PictureHost(files) as host, Server(folder) as server:
        server.wait_ready()
        _, key = server.make_key("bench")
        connect = partial(Wire, server.port, key)
        urls = (host.url("base.jpg"), host.url("mask.png"))
        inline = (data_url(files["base.jpg"], "jpeg"), data_url(files["mask.png"]))
        body = order("instant", "a red hat", *urls)
        timed(8, 2, connect, lambda wire: fetch(wire, body))  # everything has been used once
        rows = []
        for at_a_time in (1, 8):
            for said, where in (("URLs", urls), ("data:", inline)):
                sent = order("instant", "a red hat", *where)
                door = partial(server.spent, "api", "inspection")  # not the worker
                times = timed(calls, at_a_time, connect, partial(submit, body=sent), door)
                rows.append(Row(f"submit, {said}, {at_a_time} at a time", times))
                drain(server, key)
        with connect() as wire:
            done = submit(wire, body)
        drain(server, key)
        for at_a_time in (1, 8):
            times = timed(
                4 * calls,
                at_a_time,
                connect,
                lambda wire: wire.get(f"/api/v1/tasks/{done}"),
                server.spent,
            )
            rows.append(Row(f"poll, {at_a_time} at a time", times))
        for at_a_time in (1, 8):
            times = timed(calls, at_a_time, connect, partial(fetch, body=body), server.spent)
            what = f"order to picture in hand, {at_a_time} at a time"
            rows.append(Row(what, times))
        print(f"\n{SIDE} x {SIDE} px, engine that costs nothing, 1 worker\n\n{HEAD}")
        print("\n".join(map(str, rows)))
        print_memory(server)


def drain(server: Server, key: str) -> None:
    """Wait until nothing is left to paint."""
    with Wire(server.port, key) as wire:
        for state in ("PENDING", "RUNNING"):
            while wire.get(f"/api/v1/tasks?status={state}").json["total"]:
                time.sleep(0.1)


def print_memory(server: Server) -> None:
    print("\n| process | resident | peak | its share of what is shared |\n|---|---|---|---|")
    total = 0.0
    for pid, role in sorted(server.roles().items(), key=lambda one: one[1]):
        found = memory(pid)
        total += found["Pss"]
        print(
            f"| {role} | {found['VmRSS']:.0f} MB | {found['VmHWM']:.0f} MB"
            f" | {found['Pss']:.0f} MB |"
        )
    print(f"| together | | | {total:.0f} MB |")


def an_hour() -> str:
    """The times from ten hours ago to nine."""
    now = time.time()
    begin, end = (
        time.strftime("%Y%m%d%H%M%S", time.localtime(now - 3600 * ago)) for ago in (10, 9)
    )
    return f"start_time={begin}&end_time={end}"


def ask_next(wire: Wire, paths: Iterator[str]) -> None:
    answer = wire.get(next(paths))
    if answer.status != 200:
        raise SystemExit(f"not answered: {answer.body!r}")


# --- growth ----------------------------------------------------------------------------------


def growth(folder: Path, calls: int, sizes: tuple[int, ...]) -> None:
    """The same calls with ever more tasks stored; nobody paints meanwhile."""
    folder.mkdir()
    files = {"base.png": file_of(scene(SIDE)), "mask.png": file_of(box(SIDE))}
    environ = {"OVERPAINT_WORKERS": "0", "OVERPAINT_MAX_PENDING": "1000000"}
    table: dict[str, list[Times]] = {}
    with PictureHost(files) as host, Server(folder, environ=environ) as server:
        keys = [server.make_key(f"bench {number}") for number in range(4)]
        stored = Stored(f"sqlite:///{server.data / 'overpaint.db'}")
        key_id, secret = keys[0]
        connect = partial(Wire, server.port, secret)
        body = order("instant", "a red hat", host.url("base.png"), host.url("mask.png"))
        timed(calls // 2, 1, connect, partial(submit, body=body))  # everything is warm
        for size in sizes:
            stored.fill([one for one, _ in keys], size)
            stored.check()
            some = itertools.cycle(stored.ids(key_id, calls))
            paths = {
                "poll": (f"/api/v1/tasks/{one}" for one in some),
                "list, newest 10": itertools.repeat("/api/v1/tasks"),
                "list, one hour of twenty": itertools.repeat(f"/api/v1/tasks?{an_hour()}"),
                "list, SUCCEEDED": itertools.repeat("/api/v1/tasks?status=SUCCEEDED"),
                "list, a page in the middle": itertools.repeat(
                    f"/api/v1/tasks?page_no={max(1, size // 80)}"
                ),
            }
            measured = {"submit": timed(calls, 1, connect, partial(submit, body=body))}
            for what, asked in paths.items():
                measured[what] = timed(calls, 1, connect, partial(ask_next, paths=asked))
            claims = [stored.claim_and_finish() for _ in range(calls)]
            for what, each in zip(("claim", "finish"), zip(*claims, strict=True), strict=True):
                measured[f"{what} (in the store)"] = Times(list(each), sum(each))
            for what, times in measured.items():
                table.setdefault(what, []).append(times)
        stored.check()
        stored.close()
    titles = " | ".join(f"{size:,} stored" for size in sizes)
    print(f"\nmedians, one at a time\n\n| what | {titles} | most / fewest |")
    print("|---" * (len(sizes) + 2) + "|")
    for what, found in table.items():
        shown = " | ".join(f"{times.p50_ms:.2f} ms" for times in found)
        print(f"| {what} | {shown} | {found[-1].p50_ms / found[0].p50_ms:.2f} |")


# --- beside a peer ---------------------------------------------------------------------------


def beside_peer(folder: Path, python: Path | None, calls: int) -> None:
    """One picture and its mask, from the request to the picture in hand, at both servers."""
    folder.mkdir()
    picture = file_of(scene(SIDE))
    dot = np.zeros((SIDE, SIDE), np.uint8)
    dot[SIDE // 2 : SIDE // 2 + DOT, SIDE // 2 : SIDE // 2 + DOT] = 255
    masks = {SIDE // 2: box(SIDE), DOT: dot}
    rows: list[Row] = []
    with Server(folder) as server:
        server.wait_ready()
        connect = partial(Wire, server.port, server.make_key("bench")[1])
        for side, mask in masks.items():
            urls = (data_url(picture), data_url(file_of(mask)))
            for model in ("instant", "erase"):
                doors = {
                    "order, polls, file": partial(fetch, body=order(model, "remove", *urls)),
                    "/v1/images/edits": partial(edit, form=form(model, picture, clear(mask))),
                }
                for (said, call), at_a_time in itertools.product(doors.items(), (1, 4)):
                    what = f"overpaint, {model}, {said}; mask {side} px, {at_a_time} at a time"
                    rows.append(Row(what, timed(calls, at_a_time, connect, call, server.spent)))
        ours_mb = sum(memory(pid)["Pss"] for pid in server.roles())
    beside = "IOPaint is not there: name an interpreter that has it with --peer-python"
    if python is not None and python.exists():
        with Peer(python, folder) as peer:
            spent = partial(spent_by, peer.process.pid)
            connect = partial(Wire, peer.port)
            for side, mask in masks.items():
                call = partial(inpaint, body=peer_body(picture, file_of(mask)))
                for at_a_time in (1, 4):
                    what = f"IOPaint, cv2, /api/v1/inpaint; mask {side} px, {at_a_time} at a time"
                    rows.append(Row(what, timed(calls, at_a_time, connect, call, spent)))
            theirs_mb = memory(peer.process.pid)["Pss"]
            beside = f"memory: overpaint {ours_mb:.0f} MB, IOPaint {theirs_mb:.0f} MB"
    print(f"\n{SIDE} x {SIDE} px, from the request to the picture in hand\n\n{HEAD}")
    print("\n".join(map(str, rows)))
    print(f"\n{beside}")


def clear(mask: Pixels) -> bytes:
    """The mask as OpenAI's clients send it: what is transparent is repainted."""
    colour = np.zeros((*mask.shape, 3), np.uint8)
    return file_of(np.dstack([colour, 255 - mask]))


def form(model: str, picture: bytes, mask: bytes) -> tuple[bytes, str]:
    """A multipart form and its media type."""
    edge = "bench-edge"
    parts = [
        (f'name="{name}"', text.encode())
        for name, text in {"model": model, "prompt": "remove", "size": "auto"}.items()
    ]
    files = {"image": picture, "mask": mask}
    parts += [(f'name="{name}"; filename="{name}.png"', data) for name, data in files.items()]
    body = b"".join(
        f"--{edge}\r\nContent-Disposition: form-data; {said}\r\n\r\n".encode() + data + b"\r\n"
        for said, data in parts
    )
    return body + f"--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"


def edit(wire: Wire, form: tuple[bytes, str]) -> bytes:
    answer = wire.send("POST", "/v1/images/edits", form[0], {"Content-Type": form[1]})
    if answer.status != 200:
        raise SystemExit(f"not painted: {answer.body!r}")
    return base64.b64decode(answer.json["data"][0]["b64_json"])


def inpaint(wire: Wire, body: object) -> bytes:
    answer = wire.post("/api/v1/inpaint", body)
    if answer.status != 200:
        raise SystemExit(f"IOPaint: {answer.body[:200]!r}")
    return answer.body


if __name__ == "__main__":
    main()
