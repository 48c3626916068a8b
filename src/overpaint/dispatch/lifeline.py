"""Children end with their parent, however it ends.

The parent holds the writing end of a pipe that is the child's stdin and never writes: when the
parent is gone, killed with -9 even, the system closes it, and the child reads the end of file.
"""

from __future__ import annotations

import os
import stat
import threading

_STDIN = 0


def watch_parent() -> None:
    """End this process at once when its parent is gone.

    Does nothing where stdin is no pipe: a child that was started by hand.
    """
    try:
        piped = stat.S_ISFIFO(os.fstat(_STDIN).st_mode)
    except OSError:  # no stdin
        return
    if piped:
        threading.Thread(target=_wait_for_the_end, name="lifeline", daemon=True).start()


def _wait_for_the_end() -> None:
    try:
        while os.read(_STDIN, 64):
            pass
    except OSError:  # stdin was closed under us: nobody left to say that the parent is gone
        return
    os._exit(1)  # not sys.exit: other threads may be deep in work that nobody waits for
