"""The load of a fault campaign: who submits, who polls, whose hosts fail."""

from __future__ import annotations

import base64
import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence

from bench._host import PictureHost, refused_url
from bench._ledger import SCENES, SIDE, Caller, Ledger, Promise
from bench._wire import Answer, Wire, WireError, box, file_of, order, scene

MOST_OPEN = 8  # tasks of a caller at a time: there is always a queue, and never a long one
MODELS = ("paced",) * 6 + ("picky",) * 2 + ("batched",) * 4
FETCH_S = 2.0
FAILING = ("slow", "silent", "dying", "missing", "moved", "refused")


class Load:
    """Threads that call the service until they are told to stop.

    Args:
        ledger: where everything is noted.
        callers: who submit; one of plan `free` does so until its pictures are used up.
        unlucky: whose pictures lie on hosts that fail.
        probe: who submits besides, from another thread.
        wanted: how many tasks are to be accepted at least.
        seed: of what is random.
        models: that are asked for, as often as they are in it.
        address: of this machine, where those who fetch pictures reach it.
    """

    def __init__(
        self,
        ledger: Ledger,
        callers: list[Caller],
        unlucky: Caller,
        probe: Caller,
        wanted: int,
        seed: int,
        *,
        models: Sequence[str] = MODELS,
        address: str = "127.0.0.1",
    ) -> None:
        self.ledger, self.callers, self.unlucky, self.probe = ledger, callers, unlucky, probe
        self.wanted = wanted
        self.keep_on = threading.Event()  # set: submit beyond what is wanted
        self.stopping = threading.Event()  # no more submissions
        self.over = threading.Event()  # no more polls
        self.slowest_refusal = 0.0  # s, until a failing host was answered
        self.crash: BaseException | None = None
        self._seed, self._models = seed, models
        self._numbers = itertools.count(1)
        files = {f"base-{one}.png": file_of(scene(SIDE, one)) for one in range(SCENES)}
        self.host = PictureHost(files | {"mask.png": file_of(box(SIDE))}, address)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self.host.__enter__()
        for caller in self.callers:
            self._run(self._submit, caller)
        self._run(self._submit_unlucky, self.unlucky)
        for number in range(2):
            self._run(self._poll, number)

    def stop_submitting(self) -> None:
        self.stopping.set()

    def stop(self) -> None:
        """End everything; once is enough."""
        if self.over.is_set():
            return
        self.stopping.set()
        self.over.set()
        for thread in self._threads:
            thread.join(60)
        self.host.__exit__(None, None, None)

    def submit(
        self, wire: Wire, caller: Caller, rng: random.Random, model: str = "", word: str = ""
    ) -> Promise | None:
        """One order; the promise where it was accepted, None where it was not or nobody knows."""
        number = next(self._numbers)
        model = model or rng.choice(self._models)
        few = caller.plan == "free"  # its pictures are to be used up
        n = 1 if model == "deadly" else rng.choice((4, 4, 4, 1, 2, 3) if few else (1, 2, 3, 4))
        promise = Promise(
            id="",
            caller=caller,
            model=model,
            n=n,
            seed=rng.randrange(2**31),
            prompt=f"order {number}{word}, {rng.randint(20, 200)} ms",
            scene=rng.randrange(SCENES),
            may_end={"FAILED"} if model == "deadly" else {"SUCCEEDED"},
        )
        if model == "picky" and n == 1 and promise.seed % 2:
            promise.may_end = {"FAILED"}
        self.ledger.attempt(promise)
        url = self._inline if rng.random() < 0.1 else self.host.url
        answer = self._send(wire, promise, url(f"base-{promise.scene}.png"), url("mask.png"))
        self.ledger.note("submit", answer, allowed=(403, 429) if caller.plan == "free" else ())
        if answer is None or answer.status != 200:
            return None
        promise.id = answer.json["output"]["task_id"]
        self.ledger.accept(promise)
        return promise

    def _inline(self, name: str) -> str:
        return "data:image/png;base64," + base64.b64encode(self.host.files[name]).decode()

    def _send(self, wire: Wire, promise: Promise, base: str, mask: str) -> Answer | None:
        said = {"n": promise.n, "seed": promise.seed, "feather": 0}
        try:
            return wire.create(order(promise.model, promise.prompt, base, mask, **said))
        except WireError:
            return None

    def _submit(self, caller: Caller) -> None:
        rng = random.Random(f"{self._seed} {caller.name}")
        refused = 0
        with Wire(self.ledger.port, caller.secret) as wire:
            while not self.stopping.is_set() and refused < 3:
                enough = len(self.ledger.promises) >= self.wanted and not self.keep_on.is_set()
                if enough or self.ledger.open_of(caller) >= MOST_OPEN:
                    self.stopping.wait(0.02)
                    continue
                before = self.ledger.answers["submit 403 AllocationQuota.FreeTierOnly"]
                promise = self.submit(wire, caller, rng)
                if caller.plan == "free":
                    after = self.ledger.answers["submit 403 AllocationQuota.FreeTierOnly"]
                    refused += after > before
                    self.stopping.wait(rng.uniform(0.3, 0.6))  # 2 a second are allowed
                elif promise is None:
                    self.stopping.wait(0.2)
                elif rng.random() < 0.08:
                    self._cancel(wire, promise)

    def _cancel(self, wire: Wire, promise: Promise) -> None:
        try:
            answer: Answer | None = wire.post(f"/api/v1/tasks/{promise.id}/cancel")
        except WireError:
            answer = None
        self.ledger.note("cancel", answer, allowed=(400,))
        if answer is None or answer.status >= 500:
            promise.may_end |= {"CANCELED"}
        elif answer.status == 200:
            promise.may_end = {"CANCELED"}

    def _submit_unlucky(self, caller: Caller) -> None:
        rng = random.Random(f"{self._seed} {caller.name}")
        moods = itertools.cycle(rng.sample(FAILING, len(FAILING)))
        with Wire(self.ledger.port, caller.secret) as wire:
            while not self.stopping.wait(rng.uniform(0.2, 1.0)):
                if len(self.ledger.promises) >= self.wanted and not self.keep_on.is_set():
                    continue
                mood = next(moods)
                bad = refused_url() if mood == "refused" else self.host.url("base-0.png", mood)
                begin = time.monotonic()
                try:
                    body = order("paced", "x", bad, self.host.url("mask.png"))
                    answer: Answer | None = wire.create(body)
                except WireError:
                    answer = None
                self.ledger.note(f"{mood} host", answer, allowed=(400,))
                if answer is not None:
                    took = time.monotonic() - begin
                    self.slowest_refusal = max(self.slowest_refusal, took)
                    if answer.status == 200:
                        self.ledger.violate(f"a {mood} host's picture was accepted")

    def _poll(self, number: int) -> None:
        rng = random.Random(f"{self._seed} poll {number}")
        wires = {
            caller.key_id: Wire(self.ledger.port, caller.secret) for caller in self.everybody()
        }
        while not self.over.wait(0.03):
            promise = self.ledger.some_open(rng)
            if promise is None or rng.random() < 0.1:  # what has ended must stay as it is
                promise = self.ledger.some_done(rng) or promise
            if promise is not None:
                self.ledger.look(wires[promise.caller.key_id], promise)

    def everybody(self) -> list[Caller]:
        return [*self.callers, self.unlucky, self.probe]

    def _run(self, what: Callable[..., None], *arguments: object) -> None:
        def guarded() -> None:
            try:
                what(*arguments)
            except BaseException as error:
                self.crash = error
                self.ledger.violate(f"the campaign itself failed: {error!r}")
                self.stopping.set()

        thread = threading.Thread(target=guarded, daemon=True)
        self._threads.append(thread)
        thread.start()
