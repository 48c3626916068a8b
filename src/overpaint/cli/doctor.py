"""`overpaint doctor`: what is installed, what runs, and how fast this machine is."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer

from overpaint._version import __version__
from overpaint.cli import console
from overpaint.cli.demo import PROMPT, SEED, demo_mask, demo_picture
from overpaint.errors import OverpaintError
from overpaint.settings import cores

#: What the core needs; distribution names, several where builds of the same code differ.
PARTS = {
    "numpy": ("numpy",),
    "opencv": (
        "opencv-python-headless",
        "opencv-contrib-python-headless",
        "opencv-python",
        "opencv-contrib-python",
    ),
    "pillow": ("pillow",),
    "resvg": ("resvg-py",),
    "tifffile": ("tifffile",),
    "typer": ("typer",),
    "rich": ("rich",),
    "fastapi": ("fastapi",),
    "uvicorn": ("uvicorn",),
    "sqlalchemy": ("sqlalchemy",),
}


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of lines.")
    ] = False,
    cluster: Annotated[
        bool,
        typer.Option(
            "--cluster", help="Look at the service on all machines: nodes, database, pictures."
        ),
    ] = False,
) -> None:
    """Say what is installed, what runs and how fast this machine is; exit 1 if something fails."""
    if cluster:
        from overpaint.cli import doctor_cluster

        found = doctor_cluster.describe()
        console.print_json(found) if as_json else doctor_cluster.show(found)
        raise typer.Exit(1 if found["faults"] else 0)
    report: dict[str, Any] = {
        "overpaint": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        "memory_gb": _memory_gb(),
        "packages": {name: _version_of(names) for name, names in PARTS.items()},
    }
    faults = [f"{name} is not installed" for name, found in report["packages"].items() if not found]
    for name, check in _CHECKS.items():
        try:
            report[name] = check()
        except OverpaintError as error:
            report[name] = None
            faults.append(f"{name}: {error}")
        except Exception as error:  # a doctor goes on to the next organ
            report[name] = None
            faults.append(f"{name}: {type(error).__name__}: {error}")
    for name, state in (report["engines"] or {}).items():
        if state != "ready":
            faults.append(f"engine {name}: {state}")
    if report["service"] and not report["service"]["writable"]:
        faults.append(f"service: {report['service']['data_dir']} cannot be written to")
    if report["diffusers"] and report["diffusers"]["fault"]:
        faults.append(f"diffusers: {report['diffusers']['fault']}")
    for model, state in (report["service"] or {}).get("pools", {}).items():
        if state == "failed":
            faults.append(f"model {model}: its engine cannot be loaded, the service's log says why")
    report["faults"] = faults
    if as_json:
        console.print_json(report)
    else:
        _print(report)
    if faults:
        raise typer.Exit(1)


def _memory_gb() -> float | None:
    """Memory of the machine, GB (10**9 bytes); None where the system does not say."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return round(total / 1e9, 1)


def _version_of(names: tuple[str, ...]) -> str | None:
    """The version of the first of these distributions that is installed."""
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def _engines() -> dict[str, str]:
    """Each engine's name -> "ready", or why it cannot be loaded."""
    from overpaint.engines.registry import engine_names, get_engine

    states = {}
    for name in engine_names():
        try:
            get_engine(name)
        except OverpaintError as error:
            states[name] = str(error)
        else:
            states[name] = "ready"
    return states


def _concepts() -> int:
    """How many concepts the library holds."""
    from overpaint.concepts.library import ConceptLibrary

    return len(ConceptLibrary.open().concepts)


def _chinese_font() -> str:
    """What Chinese lettering is set in."""
    from overpaint.imaging.fonts import find_font

    return find_font("生日快乐").path.name


def _service() -> dict[str, Any]:
    """The service's data folder, read only: whether it can be written, and what it holds."""
    from overpaint import settings
    from overpaint.service.pools import Pools
    from overpaint.tasks.database import open_database
    from overpaint.tasks.keys import KeyStore
    from overpaint.tasks.schema import REVISION
    from overpaint.tasks.store import TaskStore

    found = settings.load()
    folder = found.data_dir
    there = next(path for path in (folder, *folder.parents) if path.exists())
    report: dict[str, Any] = {
        "data_dir": str(folder),
        "writable": os.access(there, os.W_OK | os.X_OK),
        "free_gb": round(shutil.disk_usage(there).free / 1e9, 1),
        "revision": None,
        "keys": 0,
        "pools": {},
    }
    if found.database_file is None or found.database_file.exists():
        database = open_database(found.database_url, migrate=False)
        try:
            keys = KeyStore(database).list()
            report["pools"] = dict(Pools(found, TaskStore(database)).states())
        finally:
            database.dispose()
        in_use = sum(key.revoked_ms is None for key in keys)
        report |= {"revision": REVISION, "keys": in_use}
    return report


def _pictures() -> dict[str, Any]:
    """Where the service keeps pictures, and whether one was put, got and deleted there."""
    from overpaint import settings
    from overpaint.storage.blobs import probe
    from overpaint.storage.opening import open_blobs

    found = settings.load()
    tried = found.blobs_at.in_bucket or found.blobs_dir.is_dir()  # which is not made here
    if tried:
        probe(open_blobs(found.blobs_at))
    return {"where": str(found.blobs_at), "tried": tried}


def _ray() -> dict[str, Any] | None:
    """What the Ray cluster has; None where the workers are on this machine."""
    from overpaint import settings
    from overpaint.dispatch import ray

    found = settings.load()
    if found.dispatch != "ray":
        return None
    ray.check(found)
    return ray.ask(settings.ray_address(), settings.inherited())


def _diffusers() -> dict[str, Any]:
    """What large checkpoints need: whether it is there, and the devices."""
    from overpaint.cli import diffusers_report

    return diffusers_report.describe()


def _self_test() -> dict[str, float]:
    """Milliseconds of each stage of painting the demo, warm, and of the first painting in all."""
    from overpaint.repaint import RepaintResult, repaint

    def paint() -> RepaintResult:
        return repaint(demo_picture(), demo_mask(), PROMPT, seed=SEED)

    _, first_s = _timed(paint)
    result, _ = _timed(paint)
    _, encode_s = _timed(lambda: result.encode("PNG"))
    stages = {**result.seconds, "encode": encode_s, "first painting": first_s}
    return {stage: round(seconds * 1000, 1) for stage, seconds in stages.items()}


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    value = work()
    return value, time.perf_counter() - started


_CHECKS: dict[str, Callable[[], Any]] = {
    "engines": _engines,
    "concepts": _concepts,
    "chinese_font": _chinese_font,
    "service": _service,
    "pictures": _pictures,
    "ray": _ray,
    "diffusers": _diffusers,
    "self_test_ms": _self_test,
}


def _print(report: dict[str, Any]) -> None:
    memory = f", {report['memory_gb']} GB" if report["memory_gb"] else ""
    parts = ", ".join(f"{name} {found or 'missing'}" for name, found in report["packages"].items())
    engines = report["engines"] or {}
    rows = [
        ["overpaint", f"{report['overpaint']} on Python {report['python']}"],
        ["machine", f"{report['system']}, {report['cores']} cores{memory}"],
        ["packages", parts],
        [
            "engines",
            ", ".join(f"{name} {state}" for name, state in engines.items()) or "none",
        ],
        ["concepts", f"{report['concepts']:,}" if report["concepts"] else "none"],
        ["Chinese font", report["chinese_font"] or "none"],
    ]
    if service := report["service"]:
        state = f"{service['keys']} key(s)" if service["revision"] else "not used yet"
        rows.append(["service", f"{service['data_dir']}: {state}, {service['free_gb']} GB free"])
        if service["pools"]:
            told = (f"{model} {state}" for model, state in service["pools"].items())
            rows.append(["own workers", ", ".join(told)])
    if pictures := report["pictures"]:
        tried = "put, got and deleted one" if pictures["tried"] else "not used yet"
        rows.append(["pictures", f"{pictures['where']}: {tried}"])
    if cluster := report["ray"]:
        has = ", ".join(f"{amount:g} {kind}" for kind, amount in cluster["resources"].items())
        rows.append(["Ray", f"{cluster['address']}: {cluster['nodes']} node(s), {has}"])
    if extra := report["diffusers"]:
        from overpaint.cli import diffusers_report

        rows.append(["diffusers", diffusers_report.line(extra)])
    if times := report["self_test_ms"]:
        stages = ", ".join(f"{stage} {ms:g} ms" for stage, ms in times.items())
        rows.append(["self-test", f"the demo, 451 x 300 px: {stages}"])
    for name, value in rows:
        print(f"{name + ':':<14}{value}")
    for fault in report["faults"]:
        print(f"{'fault:':<14}{fault}")
    count = len(report["faults"])
    print("verdict:      " + (f"{count} fault(s), see above" if count else "everything runs"))
