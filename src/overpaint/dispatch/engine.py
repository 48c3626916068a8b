"""A worker process of one engine, which is loaded before the first task is taken.

Loading may take minutes and may fail. Where it fails, this process has the engine's tasks fail for
a while, each with an error for its caller, and ends; the supervisor starts another, which tries
again. Other engines have processes of their own and do not notice.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping

from overpaint.dispatch.figures import Figures, of_engine
from overpaint.dispatch.hands import Hands, hands_for
from overpaint.dispatch.painting import UNFORESEEN
from overpaint.dispatch.presence import FAILED, READY, UNLOADABLE, Presence
from overpaint.engines.protocol import Engine, Prepared
from overpaint.engines.registry import get_engine, shown_name
from overpaint.errors import OverpaintError
from overpaint.policy import Policy
from overpaint.settings import Settings
from overpaint.storage.opening import open_blobs
from overpaint.tasks.store import TaskStore
from overpaint.values import Step

logger = logging.getLogger("overpaint.worker")

REFUSING_S = 60.0  # until loading is tried again
_REFUSE_S = 0.2  # between two looks for tasks that are to fail
_SAY_S = 10.0  # between two lines of the log on how far the loading is


class EngineWorker:
    """Loads one engine and works on its tasks.

    Args:
        settings: say where the tasks are.
        store: of the tasks.
        policy: looks at the results.
        instance: the process's name, unlike that of any before.
        engine: the engine's full name, which is the name of its pool.
    """

    def __init__(
        self, settings: Settings, store: TaskStore, policy: Policy, *, instance: str, engine: str
    ) -> None:
        self._settings, self._store, self._policy = settings, store, policy
        self._instance, self._engine = instance, engine
        self._about = {"worker": instance, "engine": shown_name(engine)}
        self._about["models"] = ", ".join(m for m, of in settings.models.items() if of == engine)
        self._figures = Figures()
        self._at_work: Engine | None = None
        self._hands: Hands | None = None
        self._stopping = threading.Event()
        self._presence = Presence(
            store,
            instance,
            pool=engine,
            every_s=settings.lease_seconds / 4,
            at=lambda: self._hands.task_ids() if self._hands is not None else (),
            figures=self._count,
        )

    def serve(self, *, refusing_s: float = REFUSING_S) -> int:
        """Work until `stop` is called: 0; 1 where the engine cannot be loaded, a while later."""
        self._presence.start()
        began = time.monotonic()
        engine = self._loaded()
        if engine is None:
            self._presence.say(FAILED)
            self._refuse(refusing_s)
            self._presence.stop()
            return 0 if self._stopping.is_set() else 1
        seconds = round(time.monotonic() - began, 3)
        self._hands = Hands(
            self._store,
            open_blobs(self._settings.blobs_at),
            self._policy,
            instance=self._instance,
            pool=self._engine,
            count=hands_for(engine.info.batch),
            lease_s=self._settings.lease_seconds,
            task_s=self._settings.task_seconds,
            figures=self._figures,
        )
        self._at_work = engine
        self._presence.say(READY)
        told = {**self._about, "pid": os.getpid(), "hands": len(self._hands.all)}
        logger.info("ready", extra={**told, "seconds": seconds})
        if not self._stopping.is_set():
            self._hands.serve()
        self._at_work = None
        engine.close()
        self._presence.stop()
        return 0

    def stop(self, grace_s: float) -> bool:
        """Take no more tasks, wait for those in hand, give back those that take too long.

        Returns:
            Whether `serve` will return by itself; False while it loads, too.
        """
        self._stopping.set()
        hands = self._hands
        return hands.stop(grace_s) if hands is not None else False

    def _count(self) -> dict[str, float]:
        """What this process counts, and what its engine tells of itself."""
        engine = self._at_work
        return self._figures.read() | ({} if engine is None else of_engine(engine))

    def _loaded(self) -> Engine | None:
        """The engine; None where it cannot be, with the traceback that holds what it took gone."""
        try:
            return load(self._engine, self._about)
        except UNFORESEEN as error:
            known = isinstance(error, OverpaintError)  # it says what to do about it
            what = {**self._about, "reason": str(error)}
            logger.error("cannot be loaded", extra=what, exc_info=not known)
            return None

    def _refuse(self, seconds: float) -> None:
        """Have the engine's tasks fail for so long."""
        end = time.monotonic() + seconds
        while not self._stopping.is_set() and time.monotonic() < end:
            with contextlib.suppress(OverpaintError):  # the next look may find the store there
                failed = self._dismiss()
                if failed:
                    logger.info("failed", extra={"worker": self._instance, "tasks": failed})
            self._stopping.wait(_REFUSE_S)

    def _dismiss(self) -> int:
        """Have the tasks that wait fail, unless another node has the engine; how many did."""
        own = self._settings
        if self._store.painted_elsewhere(self._engine, node=own.node, within_ms=own.alive_ms):
            return 0
        return self._store.dismiss(self._engine, UNLOADABLE)


def load(name: str, about: Mapping[str, str]) -> Engine:
    """Load an engine and have it warm up, telling the log how far it is.

    Args:
        name: the engine's full name.
        about: what each line of the log says of it.

    Raises:
        UnknownEngine: no installed package offers one of this name.
        InvalidInput, EngineFailed: it cannot be made ready.
    """
    engine = get_engine(name)
    logger.info("loading", extra=dict(about))
    if isinstance(engine, Prepared):
        engine.prepare(_teller(about))
    return engine


def _teller(about: Mapping[str, str]) -> Callable[[Step], None]:
    """An `on_step` that logs each stage, and one line in ten seconds of a long one."""
    told = ("", 0.0)

    def tell(step: Step) -> None:
        nonlocal told
        now = time.monotonic()
        if step.stage != told[0] or now - told[1] >= _SAY_S:
            told = (step.stage, now)
            what = {"stage": step.stage, "done": step.done, "total": step.total}
            logger.info("loading", extra={**about, **what})

    return tell
