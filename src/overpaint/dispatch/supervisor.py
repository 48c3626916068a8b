"""Keeps the processes of the service alive: a dead one is started again, none outlives the parent.

The process that runs a `Supervisor` does nothing else, so that it is not what dies. Imports here
stay light for that reason.

On Linux and macOS children inherit open files (`Child.fds`: the listening socket) and are asked to
end with SIGTERM. Windows has neither: a child with `fds` cannot be started there, and ending means
being killed, so a worker's task is painted again after the restart, as after a crash.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from overpaint.dispatch.chores import Chores
from overpaint.settings import cores

logger = logging.getLogger("overpaint.supervisor")

#: In a child's `argv`: replaced by the name of this very process, another at each start.
INSTANCE = "{instance}"
_WORKER = (sys.executable, "-m", "overpaint.dispatch.worker", INSTANCE)
_BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0)
_HEALTHY_S = 5.0
# An engine's process: loading may take long and end in the same death each time.
_ENGINE_BACKOFF_S = (0.0, 2.0, 10.0, 30.0, 60.0)
_ENGINE_HEALTHY_S = 50.0
_GRACE_S = 15.0  # from being asked to end to being killed
_LOOK_S = 1.0  # the longest wait between two looks at the children


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process to keep alive."""

    name: str  # "api", "worker-1"
    argv: Sequence[str]  # `INSTANCE` in it is replaced
    env: Mapping[str, str]  # its whole environment
    fds: tuple[int, ...] = ()  # open files that it inherits under the same numbers
    pauses_s: Sequence[float] = _BACKOFF_S  # before each start after a death; the last ones alike
    healthy_s: float = _HEALTHY_S  # one that lived this long begins them anew


@dataclass(kw_only=True)
class _Kept:
    """One child and its present process."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    instance: str = ""
    started: float = 0.0
    deaths: int = 0  # in a row, each soon after the start
    next_start: float = field(default_factory=time.monotonic)


class Supervisor:
    """Starts children, restarts dead ones, and ends all on SIGTERM, SIGINT or SIGHUP.

    `on_death` is called with the instance name of each process that ended, and again until it does
    not raise; `on_tick` every `tick_s` while wall clock and monotonic clock go together; `stuck`
    before it, for the instances that live and yet do nothing: they are killed, and start again.
    These three are called from one thread of their own: however long they take, dead children are
    restarted meanwhile. `on_stop` is called when it was told to stop, before the children are;
    they then have `drain_s` beside the grace that they always have.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        on_death: Callable[[str], None] | None = None,
        on_tick: Callable[[], None] | None = None,
        stuck: Callable[[], Iterable[str]] | None = None,
        on_stop: Callable[[], None] | None = None,
        drain_s: float = 0.0,
        tick_s: float = 30.0,
    ) -> None:
        self._kept = [_Kept(child=child) for child in children]
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()  # put is safe in a handler
        self._stops = 0
        self._on_stop, self._drain_s = on_stop, drain_s
        self._chores = Chores(
            on_death=on_death, on_tick=on_tick, stuck=stuck, kill=self._kill, tick_s=tick_s
        )

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop: what dies then was ended."""
        return self._stops > 0

    def stop(self) -> None:
        """Ask all children to end; asked twice, kill them. Safe from threads and handlers."""
        self._stops += 1
        self._wake.put(None)

    def run(self) -> int:
        """Keep the children alive until told to stop: 0, or 1 where one had to be killed.

        Call it in the main thread, where signals are taken; elsewhere only `stop` ends it.
        """
        before = self._take_signals()
        self._chores.start()
        try:
            while not self._stops:
                self._look()
                self._wait(self._until_next_start())
            return self._end()
        finally:
            for kept in self._kept:  # nobody stays, whatever went wrong here
                if kept.process is not None:
                    kept.process.kill()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _look(self) -> None:
        """Bury the dead, start what is due."""
        now = time.monotonic()
        for kept in self._kept:
            if kept.process is not None and kept.process.poll() is not None:
                self._bury(kept, now)
            if kept.process is None and now >= kept.next_start:
                self._start(kept, now)

    def _start(self, kept: _Kept, now: float) -> None:
        child = kept.child
        kept.instance = f"{child.name}-{secrets.token_hex(8)}"
        kept.started = now
        try:
            kept.process = subprocess.Popen(
                [part.replace(INSTANCE, kept.instance) for part in child.argv],
                env=dict(child.env),
                stdin=subprocess.PIPE,  # the lifeline
                **_inheriting(child.fds),
            )
        except OSError as error:  # no memory, too many processes, program gone
            logger.error("not started", extra={"child": child.name, "reason": str(error)})
            self._back_off(kept, now)
            return
        logger.info("started", extra={"child": kept.instance, "pid": kept.process.pid})
        waiting = threading.Thread(
            target=self._wait_for, args=(kept.process,), name=kept.instance, daemon=True
        )
        with contextlib.suppress(RuntimeError):  # no thread to be had: it is noticed a bit later
            waiting.start()

    def _wait_for(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._wake.put(None)

    def _bury(self, kept: _Kept, now: float) -> None:
        process = kept.process
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        lived = now - kept.started
        level = logging.INFO if self._stops else logging.ERROR
        what = {"child": kept.instance, "pid": process.pid, "status": process.returncode}
        logger.log(level, "ended", extra={**what, "lived_seconds": round(lived, 3)})
        kept.process = None
        self._chores.died(kept.instance)
        if lived >= kept.child.healthy_s:
            kept.deaths = 0
        self._back_off(kept, now)

    def _back_off(self, kept: _Kept, now: float) -> None:
        pauses_s = kept.child.pauses_s
        pause = pauses_s[min(kept.deaths, len(pauses_s) - 1)]
        kept.deaths += 1
        kept.next_start = now + pause

    def _until_next_start(self) -> float:
        starts = [kept.next_start for kept in self._kept if kept.process is None]
        return min([_LOOK_S, *(start - time.monotonic() for start in starts)])

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=seconds)

    def _end(self) -> int:
        """Ask every child to end, wait, kill those that stay."""
        logger.info("stopping")
        if self._on_stop is not None:
            self._on_stop()
        deadline = time.monotonic() + self._drain_s + _GRACE_S
        for kept in self._alive():
            if kept.process is not None:
                kept.process.terminate()
        asked = self._stops
        while self._alive() and time.monotonic() < deadline and self._stops == asked:
            self._wait(min(_LOOK_S, deadline - time.monotonic()))
        stayed = self._alive()
        for kept in stayed:
            if kept.process is not None:
                logger.warning("killed", extra={"child": kept.instance, "pid": kept.process.pid})
                kept.process.kill()
                kept.process.wait()
        now = time.monotonic()
        for kept in self._kept:
            self._bury(kept, now)
        self._chores.finish(timeout_s=3)
        return 1 if stayed else 0

    def _alive(self) -> list[_Kept]:
        return [
            kept for kept in self._kept if kept.process is not None and kept.process.poll() is None
        ]

    def _kill(self, instance: str) -> None:
        """Kill one that is stuck; it is buried and started anew as any other."""
        for kept in self._alive():
            if kept.instance == instance and kept.process is not None:
                logger.error("stuck", extra={"child": instance, "pid": kept.process.pid})
                kept.process.kill()

    def _take_signals(self) -> dict[signal.Signals, signal._HANDLER]:
        before: dict[signal.Signals, signal._HANDLER] = {}
        if threading.current_thread() is not threading.main_thread():
            return before
        for name in ("SIGTERM", "SIGINT", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is None or signal.getsignal(number) is signal.SIG_IGN:  # nohup
                continue
            before[number] = signal.signal(number, lambda *_: self.stop())
        return before


def worker_children(workers: int, env: Mapping[str, str]) -> list[Child]:
    """The worker processes, which share the cores among them.

    Args:
        workers: how many.
        env: their environment, with the settings in it; sizes of thread pools in it stay.
    """
    threads = threads_each(workers)
    return [
        worker_child(f"worker-{number}", env, threads=threads) for number in range(1, workers + 1)
    ]


def engine_children(engines: Sequence[str], env: Mapping[str, str]) -> list[Child]:
    """A process for each engine that has workers of its own; each may use all cores.

    Args:
        engines: their full names.
        env: as `worker_children`.
    """
    return [
        worker_child(f"engine-{number}", env, threads=cores(), engine=engine)
        for number, engine in enumerate(engines, start=1)
    ]


def worker_child(name: str, env: Mapping[str, str], *, threads: int, engine: str = "") -> Child:
    """A worker process.

    Args:
        name: of the child.
        env: as `worker_children`.
        threads: how many its libraries may use.
        engine: the one whose tasks it takes, by full name; "" takes those of ordinary ones.
    """
    argv = (*_WORKER, str(threads))
    env = {**_threads(threads), **env}
    if not engine:
        return Child(name=name, argv=argv, env=env)
    return Child(
        name=name,
        argv=(*argv, engine),
        env=env,
        pauses_s=_ENGINE_BACKOFF_S,
        healthy_s=_ENGINE_HEALTHY_S,
    )


def keeper_child(env: Mapping[str, str]) -> Child:
    """The process that keeps workers on a Ray cluster; `env` has the settings in it."""
    return Child(
        name="keeper", argv=(sys.executable, "-m", "overpaint.dispatch.ray", INSTANCE), env=env
    )


def _threads(count: int) -> dict[str, str]:
    """Read by the libraries when they are loaded; OpenCV is told by the worker itself."""
    pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
    return dict.fromkeys(pools, str(count))


def threads_each(workers: int) -> int:
    """How many threads a worker's libraries may use; at least 1."""
    return max(1, cores() // max(1, workers))


def _inheriting(fds: tuple[int, ...]) -> dict[str, Any]:
    """A process group of its own: what is typed at the terminal reaches the supervisor alone."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"pass_fds": fds, "process_group": 0}
