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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._callers import FETCH_S, Load
from bench._hurt import Hurt
from bench._ledger import Caller, Ledger
from bench._play import deck, inflict, look_at_all, models, settle
from bench._server import Server
from bench._tables import Run, print_tables
from bench._trail import lay_trail, read_sqlite
from bench._verdict import judge

DISK = "1g"  # of the file system that is filled
WORKERS = 2
LONGEST_S = 540.0  # then no more faults
#: Each fault, and how often it happens: in a whole run, with --quick.
FAULTS = {
    "kill_worker": (14, 1),
    "kill_engine": (8, 1),
    "kill_api": (8, 1),
    "kill_inspection": (6, 1),
    "kill_supervisor": (6, 1),
    "kill_all": (6, 0),
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
    parser.add_argument(
        "--nodes", type=int, default=1, help="more than one: with PostgreSQL and S3"
    )
    parser.add_argument("--ray", action="store_true", help="their workers on a Ray cluster")
    parser.add_argument("--log", type=Path, help="keep the server's log in this file")
    args = parser.parse_args()
    if sys.platform != "linux":
        print("skipped: the campaign reads /proc, which is Linux's")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and what was set up is taken down
    with tempfile.TemporaryDirectory(prefix="overpaint-faults-") as name:
        folder = Path(name)
        try:
            if args.nodes > 1 or args.ray:
                return of_nodes(folder, args)
            return campaign(folder, args.tasks, args.seed, quick=args.quick)
        finally:
            if args.log:
                logs = sorted(folder.glob("**/log.txt"))
                args.log.write_bytes(b"".join(log.read_bytes() for log in logs))


def of_nodes(folder: Path, args: argparse.Namespace) -> int:
    """The campaign over several nodes, whose packages are imported only for that."""
    import pytest
    from bench._nodes import campaign_of_nodes

    nodes = max(2, args.nodes)
    try:
        return campaign_of_nodes(
            folder, nodes, args.tasks, args.seed, quick=args.quick, on_ray=args.ray
        )
    except pytest.skip.Exception as lacking:  # as the tests say what is not installed
        print(f"skipped: {lacking}")
        return 0


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
        done = inflict(
            lambda fault: getattr(hurt, fault)(),
            load,
            deck(FAULTS, rng, skipped, quick=quick),
            rng,
            more=("kill_worker", "kill_api", "kill_inspection"),
            pause_s=(0.1, 0.5) if quick else (0.3, 1.5),
            longest_s=LONGEST_S,
        )
        load.stop_submitting()
        settle(ledger)
        load.stop()
        look_at_all(ledger)
        seconds = time.monotonic() - begin
        stopped = server.stop()
        left = server.roles()
        if left:
            ledger.violate(f"processes are left: {left}")
        stored = read_sqlite(data / "overpaint.db")
        everybody = list(callers.values())
        verdict = judge(stored, data / "blobs", ledger.promises, ledger.attempts, everybody)
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


if __name__ == "__main__":
    sys.exit(main())
