"""Being told to end: a signal that is heard whatever the main thread is at."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable


def on_signal(do: Callable[[], None]) -> None:
    """Call `do` from a thread of its own at SIGTERM or SIGINT.

    A handler in Python would run in the main thread, and only when that leaves the engine.
    """
    ours, pythons = socket.socketpair()
    pythons.setblocking(False)
    signal.set_wakeup_fd(pythons.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        with ours:
            ours.recv(1)
        do()

    threading.Thread(target=wait, name="signals", daemon=True).start()
