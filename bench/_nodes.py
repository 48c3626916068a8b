"""The fault campaign over several nodes."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest.mock import patch

from bench._callers import FETCH_S, MODELS, Load
from bench._cluster import Cluster, serve_cluster
from bench._harm import Harm
from bench._harm_ray import RayHarm
from bench._ledger import Caller, Ledger
from bench._play import deck, inflict, look_at_all, models, settle
from bench._server import make_key
from bench._tables import Run, print_tables
from bench._trail import read_postgresql
from bench._verdict import judge

from overpaint import settings
from overpaint.service.core import Service
from overpaint.service.sweeping import ORPHAN_S
from overpaint.tasks.audit import audit
from overpaint.tasks.database import open_database

LONGEST_S = 2400.0  # then no more faults
SWEEPS = 200  # looks at parts of the bucket, until all was looked at
#: Each fault, and how often it happens: in a whole run, with --quick.
FAULTS = {
    "kill_worker": (10, 0),
    "kill_engine": (4, 0),
    "kill_api": (8, 0),
    "kill_node": (6, 1),
    "pause_worker": (6, 0),
    "pause_node": (5, 1),
    "cut_node_short": (5, 0),
    "cut_node_long": (6, 1),
    "cut_database": (5, 0),
    "postgresql_restart": (6, 0),
    "postgresql_kill": (6, 1),
    "postgresql_pause_short": (5, 0),
    "postgresql_pause_long": (5, 0),
    "commit_lost_submit": (8, 1),
    "commit_late_submit": (8, 1),
    "commit_lost_finish": (8, 1),
    "commit_late_finish": (8, 1),
    "commit_lost": (6, 1),
    "bucket_503": (4, 0),
    "bucket_reset": (4, 1),
    "bucket_cut": (4, 1),
    "bucket_slow": (4, 0),
    "bucket_hang": (4, 0),
    "bucket_kill": (4, 0),
    "rolling_restart": (3, 0),
    "clock_jump": (4, 1),
}
#: The same where the workers are on a Ray cluster.
RAY_FAULTS = {
    "ray_kill_worker": (6, 1),
    "ray_kill_slot": (5, 1),
    "ray_kill_machine": (4, 1),
    "ray_kill_head": (3, 1),
    "kill_api": (3, 0),
    "kill_node": (2, 0),
    "postgresql_restart": (2, 0),
    "postgresql_kill": (2, 0),
    "postgresql_pause_long": (2, 0),
    "commit_lost_submit": (2, 0),
    "bucket_kill": (2, 0),
    "rolling_restart": (1, 0),
}
#: What comes until enough tasks are accepted.
MORE = ("kill_worker", "ray_kill_worker", "kill_api", "commit_lost_finish", "clock_jump")


def campaign_of_nodes(
    folder: Path, nodes: int, tasks: int, seed: int, *, quick: bool, on_ray: bool
) -> int:
    """Run it, print its tables; the exit status."""
    known = RAY_FAULTS if on_ray else FAULTS
    begin = time.monotonic()
    lease_s, workers = (2.0, 1) if quick else (4.0, 2)
    batched = on_ray or not quick
    given = {
        "OVERPAINT_MODELS": models(batched=batched),
        "OVERPAINT_WORKERS": str(workers),
        "OVERPAINT_LEASE_SECONDS": str(lease_s),
        "OVERPAINT_FETCH_SECONDS": str(2 * FETCH_S),
        "OVERPAINT_DRAIN_SECONDS": "0" if quick else "4",
    }
    skipped: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(
            serve_cluster(folder, nodes, given, apart=not on_ray, on_ray=on_ray)
        )
        if not cluster.apart and not on_ray:
            why = "no network namespaces: needs root and ip"
            skipped |= dict.fromkeys(("cut_node_short", "cut_node_long"), why)
            known = known | {"cut_database": (known["cut_database"][0], 1)}
        names = dict.fromkeys(("ann", "bob", "cid", "unlucky", "probe"), "unlimited")
        callers = {
            name: Caller(name, *make_key(cluster.url, name, plan), plan)
            for name, plan in (names | {"free": "free"}).items()
        }
        ledger = Ledger(cluster.port)
        submitting = [callers[name] for name in ("ann", "bob", "cid", "free")]
        load = Load(
            ledger, submitting, callers["unlucky"], callers["probe"], tasks, seed,
            models=MODELS if batched else MODELS[:-4], address=cluster.address,
        )  # fmt: skip
        rng = random.Random(seed)
        harm = (RayHarm if on_ray else Harm)(
            cluster, ledger, load, callers["probe"],
            workers=workers, lease_s=lease_s, rng=rng, quick=quick,
        )  # fmt: skip
        if isinstance(harm, RayHarm):
            harm.ray = cluster.ray
        stack.callback(load.stop)
        load.start()
        done = inflict(
            harm.do,
            load,
            deck(known, rng, skipped, quick=quick),
            rng,
            more=[fault for fault in MORE if fault in known],
            pause_s=(0.1, 0.3) if quick else (0.3, 1.5),
            longest_s=LONGEST_S,
        )
        load.stop_submitting()
        settle(ledger)
        load.stop()
        look_at_all(ledger)
        seconds = time.monotonic() - begin
        stopped = max(node.server.stop() for node in cluster.nodes)
        for node in cluster.nodes:
            if left := node.server.roles():
                ledger.violate(f"processes are left: {left}")
        stored = read_postgresql(cluster.url)
        everybody = list(callers.values())
        verdict = judge(stored, cluster.blobs, ledger.promises, ledger.attempts, everybody)
        run = Run(
            faults={fault: done[fault] for fault in known if done[fault] or fault in skipped},
            skipped=skipped,
            recovery=harm.seconds,
            slowest_refusal=load.slowest_refusal,
            seconds=seconds,
            stopped=stopped,
        )
        print_tables(run, ledger, verdict)
        violations = [*ledger.violations, *verdict.wrong, *what_is_left(cluster)]
    for violation in violations[:100]:
        print(f"VIOLATION {violation}")
    print(f"\n{len(violations)} violations" if violations else "\neverything held")
    return 1 if violations else 0


def strays(blobs: Path, rows: Mapping[str, object]) -> list[str]:
    """Folders with something in them that no task names."""
    folders = (blobs / "tasks").iterdir()
    return [one.name for one in folders if one.name not in rows and any(one.iterdir())]


def what_is_left(cluster: Cluster) -> Iterator[str]:
    """What counters and the bucket have and should not, once the bucket is swept."""
    database = open_database(cluster.url, migrate=False)
    try:
        yield from audit(database)
    finally:
        database.dispose()
    long_ago = time.time() - 2 * ORPHAN_S
    for path in cluster.blobs.rglob("*"):
        os.utime(path, (long_ago, long_ago))
    environ = cluster.environ(OVERPAINT_DATA_DIR=str(cluster.folder / "sweeper"))
    with patch.dict(os.environ, environ):
        service = Service.open(settings.load())
        rows = dict(cluster.sql("SELECT id, inputs FROM tasks"))
        swept = looks = 0
        try:
            while (left := strays(cluster.blobs, rows)) and looks < SWEEPS:
                swept += service.sweep().orphans  # which looks at a part of the bucket
                looks += 1
        finally:
            service.close()
    print(f"swept in {looks} looks: {swept} folders that no task names")
    yield from (f"tasks/{name}: no task names it, and the sweep left it" for name in left)
    for task_id, inputs in rows.items():
        for ref in inputs.values():
            if not (cluster.blobs / ref["name"]).exists():
                yield f"{task_id}: {ref['name']} is not there"
