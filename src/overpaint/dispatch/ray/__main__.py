"""The process of a keeper: `python -m overpaint.dispatch.ray ID`, as `overpaint serve` starts it.

The settings are in its environment, as in that of the API. It ends with status 1, to be started
anew, where Ray does not answer; the slots go on meanwhile.
"""

from __future__ import annotations

import faulthandler
import logging
import math
import os
import socket
import sys
import threading
import time
from collections.abc import Sequence

from overpaint import settings as table
from overpaint.dispatch import logs
from overpaint.dispatch.ending import on_signal
from overpaint.dispatch.lifeline import watch_parent
from overpaint.dispatch.presence import LOADING
from overpaint.dispatch.ray.given import given_to_slots
from overpaint.dispatch.ray.keeper import Keeper
from overpaint.errors import OverpaintError
from overpaint.settings import Settings
from overpaint.tasks.database import open_database
from overpaint.tasks.secrets import shared_secret
from overpaint.tasks.store import TaskStore

logger = logging.getLogger("overpaint.supervisor")

_GRACE_S = 5.0  # for the call to Ray that is under way, when told to end
_CONNECT_S = 100.0  # for all that it takes until Ray has answered once
_LISTENS_S = 1.0  # between two looks whether it can be connected to
_TURN_S = 10.0  # for the calls of one turn: of a head that is gone some are waited for for ever


def run(settings: Settings, *, instance: str) -> int:
    """Keep slots until told to end: 0; raises where Ray does not answer."""
    from overpaint.dispatch.ray.serving import Serving

    stopping, ended = threading.Event(), threading.Event()
    on_signal(lambda: _end(stopping, ended))
    database = open_database(settings.database_url, migrate=False)
    store = TaskStore(database, node=settings.node)
    word = shared_secret(database, "slots", lambda: os.urandom(4).hex())
    serving = Serving(f"overpaint-{word}-", given_to_slots(settings, table.inherited()))
    keeper = Keeper(settings, store, serving, instance=instance, clock=database.now_ms)
    keeper.beat(LOADING)
    threading.Thread(target=_watch, args=(keeper, ended), name="watch", daemon=True).start()
    address = table.ray_address()
    while not (stopping.is_set() or listens(address)):
        stopping.wait(_LISTENS_S)
    if not stopping.is_set():
        serving.connect(address)
        logger.info("ready", extra={"worker": instance})
        keeper.run(stopping)
    store.forget_worker(instance)
    database.dispose()
    ended.set()
    return 0


def listens(address: str) -> bool:
    """Whether somebody takes connections there; Ray itself asks for half a minute, in vain.

    Args:
        address: HOST:PORT or ray://HOST:PORT; of others, as "auto", Ray is to say it.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return True
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=5):
            return True
    except OSError:
        return False


def _end(stopping: threading.Event, ended: threading.Event) -> None:
    stopping.set()
    if not ended.wait(_GRACE_S):
        os._exit(0)  # a call to Ray is not to be interrupted otherwise


def _watch(keeper: Keeper, ended: threading.Event) -> None:
    """End the process where a call to Ray does not end."""
    began = time.monotonic()
    while not ended.wait(1.0):
        now = time.monotonic()
        connecting = math.isinf(keeper.turned)
        if now - began > _CONNECT_S if connecting else now - keeper.turned > _TURN_S:
            logger.error("Ray does not answer", extra={"connecting": connecting})
            os._exit(1)


def main(arguments: Sequence[str]) -> int:
    """Run with what the environment and the command line say; 1 where that cannot be."""
    faulthandler.enable()
    watch_parent()
    try:
        settings = table.load()
        logs.configure(settings)
        return run(settings, instance=arguments[0])
    except OverpaintError as error:
        logger.error("cannot keep slots", extra={"reason": str(error)})
    except Exception:
        logger.exception("Ray does not answer")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
