"""A worker process: `python -m overpaint.dispatch.worker [ID [THREADS [ENGINE]]]`.

With an engine it takes this one's tasks alone, several at a time; else those of all engines that
have no workers of their own.

The settings are in its environment, as in that of the API. It ends with status 0 when it is told to
by SIGTERM or SIGINT, within ten seconds more than the API drains, and at once when the process that
started it is gone.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import secrets
import sys
from collections.abc import Callable, Sequence

import cv2

from overpaint import settings as table
from overpaint import tracing
from overpaint.dispatch import logs
from overpaint.dispatch.ending import on_signal
from overpaint.dispatch.engine import EngineWorker
from overpaint.dispatch.lifeline import watch_parent
from overpaint.dispatch.supervisor import threads_each
from overpaint.dispatch.work import Worker
from overpaint.errors import OverpaintError
from overpaint.policy import open_policy
from overpaint.settings import Settings, cores
from overpaint.storage.opening import open_blobs
from overpaint.tasks.database import open_database
from overpaint.tasks.store import TaskStore

logger = logging.getLogger("overpaint.worker")

GRACE_S = 10.0  # for the task in hand, when told to end


def run(settings: Settings, *, worker_id: str = "", threads: int = 0) -> int:
    """Work until told to end: 0. Call it in the main thread, where signals are taken.

    Args:
        settings: say where the tasks are.
        worker_id: unlike that of any process before; one is made if empty.
        threads: how many OpenCV may use; 0: this worker's share of the cores.

    Raises:
        StoreFailed: the database cannot be opened.
        InvalidOption, OperationFailed: the policy cannot be.
    """
    cv2.setNumThreads(threads or threads_each(settings.workers))
    policy = open_policy(settings.policy)
    database = open_database(settings.database_url, migrate=False)
    store = TaskStore(database, node=settings.node)
    worker = Worker(
        store,
        open_blobs(settings.blobs_at),
        policy,
        worker_id=worker_id or _new_id("worker"),
        lease_s=settings.lease_seconds,
        task_s=settings.task_seconds,
    )
    on_signal(lambda: _end(worker.stop, settings.drain_seconds))
    logger.info("ready", extra={"worker": worker.id, "pid": os.getpid()})
    worker.serve()
    store.forget_worker(worker.id)
    database.dispose()
    logger.info("ended", extra={"worker": worker.id})
    return 0


def run_engine(settings: Settings, engine: str, *, worker_id: str = "", threads: int = 0) -> int:
    """Load an engine and work on its tasks until told to end: 0; 1 where it cannot be loaded.

    Args:
        settings: say where the tasks are.
        engine: its full name.
        worker_id: unlike that of any process before; one is made if empty.
        threads: how many OpenCV may use; 0: as many as there are cores.

    Raises: as `run`.
    """
    cv2.setNumThreads(threads or cores())
    policy = open_policy(settings.policy)
    database = open_database(settings.database_url, migrate=False)
    instance = worker_id or _new_id("engine")
    worker = EngineWorker(
        settings, TaskStore(database, node=settings.node), policy, instance=instance, engine=engine
    )
    on_signal(lambda: _end(worker.stop, settings.drain_seconds))
    status = worker.serve()
    database.dispose()
    logger.info("ended", extra={"worker": instance})
    return status


def main(arguments: Sequence[str]) -> int:
    """Run with what the environment and the command line say; 1 where that cannot be."""
    faulthandler.enable()
    watch_parent()
    worker_id = arguments[0] if arguments else ""
    threads = int(arguments[1]) if len(arguments) > 1 else 0
    engine = arguments[2] if len(arguments) > 2 else ""
    try:
        settings = table.load()
        logs.configure(settings)
        tracing.configure(table.inherited(), node=settings.node)
        if engine:
            return run_engine(settings, engine, worker_id=worker_id, threads=threads)
        return run(settings, worker_id=worker_id, threads=threads)
    except OverpaintError as error:
        logger.error("cannot work", extra={"reason": str(error)})
    except Exception:
        logger.exception("ended by the unforeseen")
    finally:
        tracing.close()
    return 1


def _new_id(kind: str) -> str:
    return f"{kind}-{os.getpid()}-{secrets.token_hex(4)}"


def _end(stop: Callable[[float], bool], drain_s: float) -> None:
    if not stop(GRACE_S + drain_s):
        tracing.close()
        os._exit(0)  # the engine is not to be interrupted otherwise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
