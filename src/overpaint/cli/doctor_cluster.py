"""`overpaint doctor --cluster`: how the nodes of a service are, as seen from any of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from overpaint.cli import console
from overpaint.errors import OverpaintError

if TYPE_CHECKING:
    from overpaint.service.pools import Pools
    from overpaint.settings import Settings
    from overpaint.storage.blobs import Blobs
    from overpaint.tasks.database import Database
    from overpaint.tasks.nodes import Node
    from overpaint.tasks.workers import Worker

_LATE_S = 20.0  # a node's sign of life comes four times as often
_CLOCK_MS = 1000
_FULL = 0.8  # of the database's connections


def describe() -> dict[str, Any]:
    """What there is to tell, JSON values: what works, `faults`, and `hints`."""
    from overpaint import settings
    from overpaint.tasks.database import open_database

    found = settings.load()
    report: dict[str, Any] = {
        "node": found.node,
        "database": None,
        "blobs": None,
        "nodes": [],
        "workers": [],
        "slots": {},
        "differences": {},
        "hints": [],
        "faults": [],
    }
    try:
        database = open_database(found.database_url, migrate=False)
    except OverpaintError as error:
        report["faults"].append(f"database: {error}")
        return report
    try:
        _look(report, found, database)
    except OverpaintError as error:
        report["faults"].append(f"database: {error}")
    finally:
        database.dispose()
    return report


def show(report: Mapping[str, Any]) -> None:
    """Print it for people."""
    rows = [["node", f"{report['node']}, from which this is seen"]]
    if database := report["database"]:
        of = f", {database['connections']} of {database['most_connections']} connections"
        clock = f", its clock {database['clock_ms'] / 1000:+.1f} s"
        more = of + clock if database["most_connections"] else ""
        told = f"{database['kind']} {database['version']}, tables {database['revision']}"
        rows.append(["database", f"{told}, answers in {database['answer_ms']:g} ms{more}"])
    if blobs := report["blobs"]:
        rows.append(["pictures", f"{blobs['where']}: written and read in {blobs['ms']:g} ms"])
    for name, value in rows:
        print(f"{name + ':':<14}{value}")
    if report["nodes"]:
        console.print_table(
            ["node", "is", "seen", "version", "workers"],
            [
                [one["name"], one["is"], f"{one['seen_s']:.0f} s ago", one["version"], told_of(one)]
                for one in report["nodes"]
            ],
        )
    if report["workers"]:
        console.print_table(
            ["worker", "node", "pool", "state", "seen"],
            [
                [one["id"], one["node"], one["pool"], one["state"], f"{one['seen_s']:.0f} s ago"]
                for one in report["workers"]
            ],
        )
    for pool, slots in report["slots"].items():
        print(f"{'slots:':<14}{pool}: {slots['alive']} of {slots['wanted']} wanted")
    for name, values in report["differences"].items():
        for value, nodes in values.items():
            print(f"{'differs:':<14}{name} = {value or 'not set'} on {', '.join(nodes)}")
    for kind in ("hint", "fault"):
        for line in report[f"{kind}s"]:
            print(f"{kind + ':':<14}{line}")
    count = len(report["faults"])
    print("verdict:      " + (f"{count} fault(s), see above" if count else "the nodes agree"))


def told_of(node: Mapping[str, Any]) -> str:
    """The workers of a node, in a table."""
    if node["dispatch"] == "ray":
        return "on Ray"
    return str(node["workers"]) if node["workers"] else "none: an API alone"


def _look(report: dict[str, Any], found: Settings, database: Database) -> None:
    from overpaint.service.pools import Pools
    from overpaint.tasks.health import health
    from overpaint.tasks.nodes import NodeRoll
    from overpaint.tasks.store import TaskStore

    report["database"] = asdict(health(database))
    nodes = NodeRoll(database, database.now_ms).all()
    store = TaskStore(database)
    pools = Pools(found, store, database.now_ms)
    now = database.now_ms()
    report["nodes"] = [_node(one, now) for one in nodes]
    alive = [one for one in nodes if _is(one, now) == "alive"]
    report["workers"] = [_worker(one, pools, now) for one in store.workers()]
    report["differences"] = _differences(alive)
    report["faults"] += _faults(report, alive)
    report["hints"] += _hints(report, alive)
    for model, state in pools.states().items():
        if state in ("failed", "missing"):
            report["faults"].append(f"model {model}: its workers are {state}")
    report["slots"] = _slots(pools)
    if not pools.ordinary_alive() and report["slots"].get("ordinary", {}).get("wanted") != 0:
        report["faults"].append("workers: no ordinary one has been seen lately")
    _look_at_ray(report)
    _look_at_blobs(report, found, alive)


def _slots(pools: Pools) -> dict[str, dict[str, int]]:
    """Pool -> how many workers are wanted on a Ray cluster, and how many are at work."""
    return {
        pool.label: {"wanted": pool.wanted, "alive": sum(pool.workers.values())}
        for pool in pools.look()
        if pool.wanted is not None
    }


def _look_at_ray(report: dict[str, Any]) -> None:
    by_ray = any(one["is"] == "alive" and one["dispatch"] == "ray" for one in report["nodes"])
    if by_ray and not report["slots"]:
        report["faults"].append("Ray: no node reaches it; their logs say why")
    for pool, slots in report["slots"].items():
        if slots["alive"] < slots["wanted"]:
            few = f"pool {pool}: {slots['alive']} of {slots['wanted']} slots are at work"
            why = "the others are starting, or Ray has no room for them, see `ray status`"
            report["hints"].append(f"{few}; {why}")


def _look_at_blobs(report: dict[str, Any], found: Settings, alive: Sequence[Node]) -> None:
    from overpaint.storage.blobs import probe
    from overpaint.storage.opening import open_blobs

    began = time.perf_counter()
    try:
        blobs = open_blobs(found.blobs_at)
        probe(blobs)
    except OverpaintError as error:
        report["faults"].append(f"pictures: {error}")
        return
    ms = round((time.perf_counter() - began) * 1000, 1)
    report["blobs"] = {"where": str(found.blobs_at), "ms": ms}
    for node in alive:
        if not _sees(blobs, node):
            line = f"pictures: what node {node.name} stores is not seen from here; see the guide"
            report["faults"].append(f"{line} on OVERPAINT_BLOBS")


def _sees(blobs: Blobs, node: Node) -> bool:
    """Whether what the node left for us to read is there."""
    from overpaint.values import BlobRef

    left = node.told.get("probe")
    if not left:
        return True
    try:
        return blobs.get(BlobRef(**left)) == node.folder.encode("ascii")
    except OverpaintError:
        return False


def _is(node: Node, now: int) -> str:
    if node.ended:
        return "ended"
    return "alive" if abs(now - node.seen_ms) <= _LATE_S * 1000 else "gone"


def _node(node: Node, now: int) -> dict[str, Any]:
    return {
        "name": node.name,
        "is": _is(node, now),
        "seen_s": round(max(0, now - node.seen_ms) / 1000, 1),
        "version": str(node.told.get("version", "")),
        "workers": int(node.told.get("workers", 0)),
        "dispatch": str(node.told.get("dispatch", "local")),
    }


def _worker(worker: Worker, pools: Pools, now: int) -> dict[str, Any]:
    return {
        "id": worker.id,
        "node": worker.node,
        "pool": pools.label(worker.pool),
        "state": worker.state,
        "seen_s": round(max(0, now - worker.seen_ms) / 1000, 1),
        "task_id": worker.task_id,
    }


def _differences(alive: Sequence[Node]) -> dict[str, dict[str, list[str]]]:
    """Setting -> value -> the nodes that have it, of the settings that are not alike."""
    names = sorted({name for node in alive for name in node.told.get("settings", {})})
    found: dict[str, dict[str, list[str]]] = {}
    for name in names:
        values: dict[str, list[str]] = {}
        for node in alive:
            values.setdefault(node.told.get("settings", {}).get(name, ""), []).append(node.name)
        if len(values) > 1:
            found[name] = values
    return found


def _faults(report: Mapping[str, Any], alive: Sequence[Node]) -> list[str]:
    faults = []
    if not alive:
        faults.append("nodes: none has been seen lately")
    for node in report["nodes"]:
        if node["is"] == "gone":
            faults.append(f"node {node['name']}: not seen for {node['seen_s']:.0f} s")
    for one in alive:
        if one.told.get("clash"):
            faults.append(f"node {one.name}: two have this name; set OVERPAINT_NODE on one")
    if len({node.told.get("signs") for node in alive}) > 1:
        faults.append("the nodes sign with different secrets; start them anew")
    for name in report["differences"]:
        if name not in _MAY_DIFFER:
            faults.append(f"{name}: not the same on all nodes")
    database = report["database"]
    if abs(database["clock_ms"]) > 60 * _CLOCK_MS:
        faults.append(f"database: its clock is {database['clock_ms'] / 1000:+.0f} s from ours")
    if database["connections"] > _FULL * database["most_connections"] > 0:
        faults.append("database: nearly all of its connections are taken; raise max_connections")
    return faults


#: What nodes that only paint may have otherwise.
_MAY_DIFFER = ("models", "diffusers")


def _hints(report: Mapping[str, Any], alive: Sequence[Node]) -> list[str]:
    hints = []
    several = len(alive) > 1
    if report["database"]["kind"] == "sqlite":
        hints.append("SQLite is for one machine; for several set OVERPAINT_DATABASE_URL")
    for name in report["differences"]:
        if name in _MAY_DIFFER:
            hints.append(f"{name}: not the same on all nodes, which only nodes without callers may")
    for node in alive if several else ():
        if not node.told.get("settings", {}).get("public_url"):
            line = "OVERPAINT_PUBLIC_URL is not set: result URLs name the host the balancer passes"
            hints.append(f"node {node.name}: {line}")
        if not node.told.get("drain_seconds"):
            line = "OVERPAINT_DRAIN_SECONDS is 0: the balancer learns of its end when it is over"
            hints.append(f"node {node.name}: {line}")
    if len({node.told.get("version") for node in alive}) > 1:
        hints.append("the nodes run different versions; finish the upgrade")
    if _CLOCK_MS < abs(report["database"]["clock_ms"]) <= 60 * _CLOCK_MS:
        difference = report["database"]["clock_ms"] / 1000
        hints.append(f"the database's clock is {difference:+.1f} s from this machine's; use NTP")
    return hints
