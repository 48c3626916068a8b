"""How a fault campaign goes: engines, the order of the faults, the end."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bench import _instant
from bench._callers import Load
from bench._ledger import Ledger
from bench._wire import Wire

_SETTLE_S = 120.0  # for what was accepted to end, when the faults are over


def models(*, batched: bool = True) -> str:
    """The engines of ordinary workers, and one that has a process of its own."""
    own = {engine.name: engine.name for engine in _instant.ENGINES}
    if batched:
        own["batched"] = _instant.BATCHED
    return ",".join(f"{model}={engine}" for model, engine in own.items())


def deck(
    known: Mapping[str, tuple[int, int]],
    rng: random.Random,
    skipped: Mapping[str, str],
    *,
    quick: bool,
) -> list[str]:
    """The faults in the order in which they happen.

    Args:
        known: each fault, and how often it happens: in a whole run, in a quick one.
        skipped: those that do not.
    """
    faults = [
        fault for fault, times in known.items() for _ in range(times[quick]) if fault not in skipped
    ]
    rng.shuffle(faults)
    if quick:  # a node that is killed is not started again: it is the last
        faults.sort(key=lambda fault: fault != "kill_node")
    return faults


def inflict(
    do: Callable[[str], None],
    load: Load,
    faults: list[str],
    rng: random.Random,
    *,
    more: Sequence[str],
    pause_s: tuple[float, float],
    longest_s: float,
) -> Counter[str]:
    """One fault after the other; then more of them until enough tasks are accepted.

    Args:
        do: hurts, and waits for the recovery.
        more: what comes after `faults`.
        pause_s: the least and most from a recovery to the next fault.
        longest_s: then no more faults.
    """
    done: Counter[str] = Counter()
    load.keep_on.set()
    begin = time.monotonic()
    while load.crash is None and time.monotonic() - begin < longest_s:
        time.sleep(rng.uniform(*pause_s))
        accepted = len(load.ledger.promises)
        if not faults:
            load.keep_on.clear()
            if accepted >= load.wanted:
                break
            faults.append(rng.choice(more))
        fault = faults.pop()
        at = time.monotonic() - begin
        print(f"{at:.0f} s, {accepted} accepted: {fault}", file=sys.stderr, flush=True)
        do(fault)
        done[fault] += 1
    return done


def settle(ledger: Ledger) -> None:
    """Wait for the end of everything that was accepted."""
    deadline = time.monotonic() + _SETTLE_S
    while ledger.open and time.monotonic() < deadline:
        time.sleep(0.1)
    for task_id in sorted(ledger.open):
        ledger.violate(f"{task_id}: is {ledger.promises[task_id].state} still")


def look_at_all(ledger: Ledger) -> None:
    """Ask for every task once more, and fetch every result once more."""
    callers = {promise.caller for promise in ledger.promises.values()}
    wires = {caller: Wire(ledger.port, caller.secret) for caller in callers}
    for promise in ledger.promises.values():
        if not ledger.look(wires[promise.caller], promise):
            ledger.violate(f"{promise.id}: not answered when all was quiet")
