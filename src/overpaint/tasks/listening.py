"""Signals through PostgreSQL: one connection and one thread a process tell and listen.

What is told goes out after the transaction that it is about, in a statement of its own: a NOTIFY
within a transaction has its commit wait for all others that notify.
"""

from __future__ import annotations

import contextlib
import logging
import random
import select
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from overpaint.tasks.signals import Signals, is_of_task

logger = logging.getLogger(__name__)

#: One channel for pools and echoes, and one for tasks, which change far more often: the server
#: wakes all who listen to a channel, and workers need not know of others' tasks.
_CHANNEL, _CHANNEL_OF_TASKS = "overpaint", "overpaint_tasks"
_MOST = 7000  # characters in one notification; PostgreSQL takes 8000 bytes
_ECHO_S = 2.0  # how long the own notification may take; through some poolers none comes at all
_AGAIN_S = (0.2, 1.0, 5.0)  # between two tries to connect
_LOOK_S = 60.0  # the longest wait for news, after which the connection is tried


class ListeningSignals(Signals):
    """Tells by NOTIFY and hears by LISTEN; begins when it is first used.

    Args:
        connect: a psycopg connection in autocommit mode.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._listeners: dict[object, tuple[Callable[[str], bool], Callable[[], None]]] = {}
        self._out: list[str] = []
        self._channels = {_CHANNEL}  # that are wanted
        self._listening: set[str] = set()
        self._heard = self._closed = False
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)

    @property
    def heard(self) -> bool:
        """Whether signals come through at present."""
        return self._heard

    def tell(self, signals: Iterable[str]) -> None:
        """Send signals; what cannot be sent is forgotten."""
        with self._lock:
            self._out += signals
        self._start()
        self._nudge()

    def listen(
        self, hears: Callable[[str], bool], ring: Callable[[], None], *, tasks: bool = False
    ) -> Callable[[], None]:
        """As it is described."""
        mark = object()
        with self._lock:
            self._listeners[mark] = hears, ring
            self._channels |= {_CHANNEL_OF_TASKS} if tasks else set()
        self._start()
        self._nudge()

        def end() -> None:
            with self._lock:
                self._listeners.pop(mark, None)

        return end

    def close(self) -> None:
        """Send what is to be sent, and end the thread."""
        self._closed = True
        thread = self._thread
        if thread is not None:
            self._nudge()
            thread.join(_ECHO_S)
        with self._lock:
            self._wake.close()
            self._woken.close()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="signals", daemon=True)
                self._thread.start()

    def _nudge(self) -> None:
        with self._lock, contextlib.suppress(OSError):  # it has been nudged already, or is closed
            self._wake.send(b"!")

    def _run(self) -> None:
        tries = 0
        while not self._closed:
            try:
                with contextlib.closing(self._connect()) as connection:
                    self._begin(connection)
                    tries = 0
                    self._serve(connection)
            except Exception as error:  # whatever it is: it must not end while the process lives
                if tries == 0:
                    logger.warning("signals are not heard", extra={"reason": _said(error)})
                self._heard = False
                with self._lock:
                    self._out.clear()
                self._ring(None)
                self._pause(_AGAIN_S[min(tries, len(_AGAIN_S) - 1)] * random.uniform(0.5, 1.5))
                tries += 1
        self._heard = False

    def _begin(self, connection: Any) -> None:
        """Listen, and find out whether notifications come back at all."""
        connection.execute("SET synchronous_commit = off")  # there is nothing to be kept
        connection.execute("SET statement_timeout = '10s'")
        self._listening = set()
        self._listen(connection)
        echo = f"e{random.getrandbits(64):x}"
        self._send(connection, [echo])
        came = False
        for note in connection.notifies(timeout=_ECHO_S):
            came = came or note.payload == echo
            if came:
                break
        if not came:
            logger.warning("signals are not heard", extra={"reason": "no notification comes back"})
        self._heard = came
        self._ring(None)  # there may have been some before

    def _serve(self, connection: Any) -> None:
        while True:
            if self._listen(connection):
                self._ring(None)
            with self._lock:
                out, self._out = self._out, []
            if out:
                self._send(connection, out)
            for note in connection.notifies(timeout=0):
                self._ring(note.payload.split())
            if self._closed:
                return
            ready = select.select([connection.fileno(), self._woken], [], [], _LOOK_S)[0]
            if self._woken in ready:
                self._woken.recv(4096)
            elif not ready:
                connection.execute("SELECT 1")

    def _listen(self, connection: Any) -> bool:
        """Listen to what is wanted; whether there was something new."""
        with self._lock:
            new = self._channels - self._listening
        for channel in sorted(new):
            connection.execute(f"LISTEN {channel}")
        self._listening |= new
        return bool(new)

    def _send(self, connection: Any, signals: Iterable[str]) -> None:
        payloads = {_CHANNEL: "", _CHANNEL_OF_TASKS: ""}
        for one in dict.fromkeys(signals):
            channel = _CHANNEL_OF_TASKS if is_of_task(one) else _CHANNEL
            if len(payloads[channel]) + len(one) > _MOST:
                connection.execute("SELECT pg_notify(%s, %s)", (channel, payloads[channel]))
                payloads[channel] = ""
            payloads[channel] = f"{payloads[channel]} {one}".strip()
        for channel, payload in payloads.items():
            if payload:
                connection.execute("SELECT pg_notify(%s, %s)", (channel, payload))

    def _ring(self, signals: Iterable[str] | None) -> None:
        """Ring those who hear one of these; None: all."""
        with self._lock:
            listeners = list(self._listeners.values())
        for hears, ring in listeners:
            if signals is None or any(hears(one) for one in signals):
                ring()

    def _pause(self, seconds: float) -> None:
        """Wait, unless it is to end."""
        if select.select([self._woken], [], [], seconds)[0] and not self._closed:
            self._woken.recv(4096)
            select.select([], [], [], min(seconds, 0.2))


def _said(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
