"""What a fault campaign was promised and what it saw: accepted tasks, answers, violations."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from bench._instant import color_of
from bench._wire import FINAL, Answer, Pixels, Wire, WireError, box, pixels_of, scene

SIDE = 288  # px of every picture
SCENES = 3
GRACE_S = 3.0  # after a fault, for requests that it caught


@dataclass(frozen=True)
class Caller:
    """A key and who holds it."""

    name: str
    key_id: str
    secret: str
    plan: str


@dataclass(kw_only=True)
class Promise:
    """A task that was accepted: its 200 was read."""

    id: str
    caller: Caller
    model: str
    n: int
    seed: int
    prompt: str
    scene: int
    may_end: set[str]  # states
    history: list[str] = field(default_factory=lambda: ["PENDING"])
    results: list[dict[str, str]] = field(default_factory=list)
    shas: dict[int, str] = field(default_factory=dict)  # index -> of the bytes that came
    failure: str = ""  # code and message
    ended: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)  # one looks or hurts at a time

    @property
    def state(self) -> str:
        return self.history[-1]


class Ledger:
    """Shared by all threads of a campaign."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.promises: dict[str, Promise] = {}
        self.attempts: dict[str, Promise] = {}  # prompt -> what was sent, answered or not
        self.open: set[str] = set()
        self.answers: Counter[str] = Counter()  # "submit 200", "poll nothing", ...
        self.violations: list[str] = []
        self.downloads = 0
        self._lock = threading.Lock()
        self._excused: dict[str, float] = {}  # what may answer 5xx now -> until, monotonic
        self._expected = [scene(SIDE, seed) for seed in range(SCENES)]
        self._box = box(SIDE) > 0

    def violate(self, what: str) -> None:
        """Note what must not be."""
        with self._lock:
            self.violations.append(what)

    def attempt(self, promise: Promise) -> None:
        """Note what is about to be sent; no two prompts are alike."""
        with self._lock:
            self.attempts[promise.prompt] = promise

    def accept(self, promise: Promise) -> None:
        with self._lock:
            if promise.id in self.promises:
                self.violations.append(f"the id {promise.id} was given twice")
            self.promises[promise.id] = promise
            self.open.add(promise.id)

    def open_of(self, caller: Caller) -> int:
        """How many tasks of a caller have not ended."""
        with self._lock:
            return sum(self.promises[one].caller is caller for one in self.open)

    def some_open(self, rng: random.Random) -> Promise | None:
        with self._lock:
            return self.promises[rng.choice(sorted(self.open))] if self.open else None

    def some_done(self, rng: random.Random) -> Promise | None:
        """A task whose results were downloaded."""
        with self._lock:
            done = [one for one in self.promises.values() if one.shas]
        return rng.choice(done) if done else None

    @contextmanager
    def excused(self, why: str, grace_s: float = GRACE_S) -> Iterator[None]:
        """While this lasts, and a little longer, requests may be answered with 500 and 503."""
        self._excused[why] = time.monotonic() + 3600
        try:
            yield
        finally:
            self._excused[why] = time.monotonic() + grace_s

    def note(self, kind: str, answer: Answer | None, allowed: tuple[int, ...] = ()) -> None:
        """Count an answer, None for none; one that is neither 200 nor `allowed` is a violation."""
        said = "nothing" if answer is None else str(answer.status)
        if answer is not None and answer.status != 200:
            try:
                found = answer.json
                said += f" {found['code']}"
                whole = set(found) == {"code", "message", "request_id"} and found["message"]
            except (ValueError, KeyError):
                whole = False
            if not whole:
                self.violate(f"{kind}: {answer.status} without code and message: {answer.body!r}")
            now = time.monotonic()
            excused = {why for why, until in self._excused.items() if now < until}
            # who is cut off or stands still cannot fetch pictures in time
            away = any(why.startswith(("cut", "pause")) for why in excused)
            if answer.status not in allowed and not (
                (away and "InvalidURL" in said) or (answer.status in (500, 503) and excused)
            ):
                self.violate(f"{kind}: {answer.status} {answer.body.decode(errors='replace')}")
        with self._lock:
            self.answers[f"{kind} {said}"] += 1

    def look(self, wire: Wire, promise: Promise) -> bool:
        """Ask for a task, and fetch its results anew where it has any; False: no answer."""
        with promise.lock:
            try:
                answer = wire.get(f"/api/v1/tasks/{promise.id}")
            except WireError:
                self.note("poll", None)
                return False
            self.note("poll", answer)
            if answer.status != 200:
                return False
            output = answer.json["output"]
            self._observe(promise, output["task_status"])
            if output["task_status"] == "FAILED":
                promise.failure = f"{output['code']}: {output['message']}"
            if output["task_status"] != "SUCCEEDED":
                return True
            if promise.results and promise.shas and len(output["results"]) != promise.n:
                self.violate(f"{promise.id}: {len(output['results'])} results, not {promise.n}")
            promise.results = output["results"]
            fetched = [self._fetch(wire, promise, index) for index in range(promise.n)]
            return all(fetched)

    def _observe(self, promise: Promise, state: str) -> None:
        before = promise.state
        if state == before:
            return
        if before in FINAL or state not in FINAL | {"PENDING", "RUNNING"}:
            self.violate(f"{promise.id}: went from {before} to {state}")
        promise.history.append(state)
        if state in FINAL:
            promise.ended = time.monotonic()
            with self._lock:
                self.open.discard(promise.id)

    def _fetch(self, wire: Wire, promise: Promise, index: int) -> bool:
        url = promise.results[index].get("url")
        if url is None:
            if promise.model != "picky" or (promise.seed + index) % 2 == 0:
                self.violate(f"{promise.id}: no picture {index}: {promise.results[index]}")
            return True
        try:
            answer = wire.get("/" + url.split("/", 3)[3])
        except WireError:
            self.note("download", None)
            return False
        self.note("download", answer)
        if answer.status != 200:
            return False
        self.downloads += 1
        sha = hashlib.sha256(answer.body).hexdigest()
        known = promise.shas.get(index)
        if known is None:
            promise.shas[index] = sha
            if promise.results[index].get("seed", "") != str(promise.seed + index):
                self.violate(f"{promise.id}: the seed of picture {index}: {promise.results[index]}")
            if not np.array_equal(pixels_of(answer.body), self._right(promise, index)):
                self.violate(f"{promise.id}: picture {index} is not what its seed paints")
        elif known != sha:
            self.violate(f"{promise.id}: picture {index} is another one now")
        return True

    def _right(self, promise: Promise, index: int) -> Pixels:
        color = np.array(color_of(promise.prompt, promise.seed + index), np.uint8)
        return np.where(self._box[..., None], color, self._expected[promise.scene])
