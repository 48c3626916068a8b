"""Hurt a service under load in every way there is, and see that it keeps what it promised.

    python bench/faults.py [--tasks 1000] [--seed 1] [--quick]

Starts `overpaint serve` with engines that cost next to nothing, lets callers with several keys
submit, cancel and poll, and at random moments kills its processes with -9, stops workers longer
than their lease, has input hosts be slow and die, damages stored pictures, fills the disk and
sets the clock an hour forwards and back (never the machine's own: libfaketime). At the end every
task whose 200 was read must have ended once and for good, with the very pictures that its seed
paints, every quota must be exact, and no process may be left.

Prints tables; the last line and the exit status say whether everything held. --quick does each
fault once or twice and fills no disk, which only root can. Linux alone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import _instant
from bench._callers import FETCH_S, Load
from bench._hurt import Hurt
from bench._ledger import Caller, Ledger
from bench._server import Server
from bench._tables import Run, print_tables
from bench._verdict import judge, lay_trail
from bench._wire import Wire

DISK = "1g"  # of the file system that is filled
WORKERS = 2
SETTLE_S = 120.0  # for what was accepted to end, when the faults are over
LONGEST_S = 540.0  # then no more faults
#: Each fault, and how often it happens: in a whole run, with --quick.
FAULTS = {
    "kill_worker": (14, 1),
    "kill_engine": (8, 1),
    "kill_api": (8, 1),
    "kill_inspection": (6, 1),
    "kill_supervisor": (6, 1),
    "kill_all": (6, 1),
    "stop_worker": (6, 1),
    "corrupt_input": (10, 1),
    "corrupt_result": (10, 1),
    "deadly": (2, 0),
    "disk_full": (4, 0),
    "clock_jump": (4, 1),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=1000, help="accepted, at least")
    parser.add_argument("--seed", type=int, default=1, help="of what is random")
    parser.add_argument("--quick", action="store_true", help="each fault once or twice")
    parser.add_argument("--log", type=Path, help="keep the server's log in this file")
    args = parser.parse_args()
    if sys.platform != "linux":
        print("skipped: the campaign reads /proc, which is Linux's")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and what was set up is taken down
    with tempfile.TemporaryDirectory(prefix="overpaint-faults-") as name:
        folder = Path(name)
        try:
            return campaign(folder, args.tasks, args.seed, quick=args.quick)
        finally:
            if args.log and (folder / "log.txt").exists():
                args.log.write_bytes((folder / "log.txt").read_bytes())


def campaign(folder: Path, tasks: int, seed: int, *, quick: bool) -> int:
    begin = time.monotonic()
    skipped: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        data = stack.enter_context(small_disk(folder / "data", skipped, quick=quick))
        lease_s = 1.5 if quick else 3.0
        settings = {
            "OVERPAINT_MODELS": models(),
            "OVERPAINT_WORKERS": str(WORKERS),
            "OVERPAINT_LEASE_SECONDS": str(lease_s),
            "OVERPAINT_FETCH_SECONDS": str(FETCH_S),
        }
        server = Server(folder, data=data, environ=settings)
        stack.callback(end_all, server)
        server.start()
        server.wait_ready()
        lay_trail(data / "overpaint.db")
        names = {"ann": "unlimited", "bob": "unlimited", "cid": "unlimited", "free": "free"}
        names |= {"unlucky": "unlimited", "probe": "unlimited"}
        callers = {
            name: Caller(name, *server.make_key(name, plan), plan) for name, plan in names.items()
        }
        ledger = Ledger(server.port)
        submitting = [callers[name] for name in ("ann", "bob", "cid", "free")]
        load = Load(ledger, submitting, callers["unlucky"], callers["probe"], tasks, seed)
        rng = random.Random(seed)
        hurt = Hurt(
            server, ledger, load, callers["probe"],
            workers=WORKERS, lease_s=lease_s, rng=rng,
        )  # fmt: skip
        stack.callback(load.stop)
        load.start()
        pause_s = (0.1, 0.5) if quick else (0.3, 1.5)
        done = inflict(hurt, load, deck(rng, skipped, quick=quick), rng, pause_s)
        load.stop_submitting()
        settle(ledger)
        load.stop()
        look_at_all(ledger)
        seconds = time.monotonic() - begin
        stopped = server.stop()
        left = server.roles()
        if left:
            ledger.violate(f"processes are left: {left}")
        verdict = judge(data, ledger.promises, list(callers.values()))
        run = Run(
            faults={fault: done[fault] for fault in FAULTS},
            skipped=skipped,
            recovery=hurt.seconds,
            stopped_writing=hurt.stopped_writing,
            slowest_refusal=load.slowest_refusal,
            seconds=seconds,
            stopped=stopped,
        )
        print_tables(run, ledger, verdict)
        violations = [*ledger.violations, *verdict.wrong]
    for violation in violations[:100]:
        print(f"VIOLATION {violation}")
    print(f"\n{len(violations)} violations" if violations else "\neverything held")
    return 1 if violations else 0


# --- the stage -------------------------------------------------------------------------------


def models() -> str:
    """The engines of ordinary workers, and one that has a process of its own."""
    own = {engine.name: engine.name for engine in _instant.ENGINES}
    own["batched"] = _instant.BATCHED
    return ",".join(f"{model}={engine}" for model, engine in own.items())


@contextmanager
def small_disk(folder: Path, skipped: dict[str, str], *, quick: bool) -> Iterator[Path]:
    """A file system of its own for the data, so that it can be filled; only root may mount it."""
    folder.mkdir()
    if quick:
        skipped["disk_full"] = "--quick"
        yield folder
        return
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        reason = "" if done.returncode == 0 else done.stderr.strip()
    except OSError as error:
        reason = str(error)
    if reason:
        skipped["disk_full"] = f"no file system of its own: {reason}"
    try:
        yield folder
    finally:
        if not reason:
            subprocess.run(["umount", "-l", str(folder)], check=False)


def end_all(server: Server) -> None:
    """Whatever happened: nothing of the server stays."""
    server.kill()
    for pid in server.roles():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)


# --- the play --------------------------------------------------------------------------------


def deck(rng: random.Random, skipped: dict[str, str], *, quick: bool) -> list[str]:
    """The faults in the order in which they happen."""
    faults = [
        fault
        for fault, times in FAULTS.items()
        for _ in range(times[quick])
        if fault not in skipped
    ]
    rng.shuffle(faults)
    return faults


def inflict(
    hurt: Hurt,
    load: Load,
    faults: list[str],
    rng: random.Random,
    pause_s: tuple[float, float],
) -> Counter[str]:
    """One fault after the other; then more of the cheap ones until enough tasks are accepted."""
    done: Counter[str] = Counter()
    load.keep_on.set()
    begin = said = time.monotonic()
    while load.crash is None and time.monotonic() - begin < LONGEST_S:
        time.sleep(rng.uniform(*pause_s))
        accepted = len(hurt.ledger.promises)
        if not faults:
            load.keep_on.clear()
            if accepted >= load.wanted:
                break
            faults.append(rng.choice(("kill_worker", "kill_api", "kill_inspection")))
        fault = faults.pop()
        getattr(hurt, fault)()
        done[fault] += 1
        if time.monotonic() - said > 10:
            said = time.monotonic()
            print(f"{accepted} accepted, {done.total()} faults", file=sys.stderr, flush=True)
    return done


def settle(ledger: Ledger) -> None:
    """Wait for the end of everything that was accepted."""
    deadline = time.monotonic() + SETTLE_S
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


if __name__ == "__main__":
    sys.exit(main())
