"""What Ray runs: a slot, which is a worker process on some machine and who keeps it alive.

The worker is the very one that `overpaint serve` starts on one machine. It takes its tasks from the
database; Ray says where it runs, and starts it elsewhere when its machine is gone. Nothing of a
task goes through Ray, so nothing is lost with it.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Mapping

import ray
from ray import serve

from overpaint import settings as table
from overpaint.dispatch import logs
from overpaint.dispatch.deaths import Deaths
from overpaint.dispatch.ray.wanted import Wanted
from overpaint.dispatch.supervisor import Supervisor, worker_child
from overpaint.settings_table import PREFIX
from overpaint.tasks.database import Database, open_database
from overpaint.tasks.store import TaskStore

logger = logging.getLogger("overpaint.supervisor")

DRAIN_S = 60.0  # what a worker has for the tasks in hand, beside its grace, when its slot ends
END_S = DRAIN_S + 20.0  # from being told to end until its worker has, whatever it does
_NAME = "slot-"


class Slot:
    """One replica: its constructor starts the worker, its destructor has it end in peace.

    Args:
        given: the settings, as environment variables; what a machine of the cluster has set itself
            goes first.
        engine: whose tasks it takes, by full name; "" takes those of all ordinary engines.
    """

    def __init__(self, given: Mapping[str, str], engine: str) -> None:
        node, own = _node(), table.inherited()
        variables = {name: text for name, text in given.items() if not own.get(name, "").strip()}
        variables[f"{PREFIX}NODE"] = node
        variables[f"{PREFIX}DRAIN_SECONDS"] = str(DRAIN_S)
        resources = ray.get_runtime_context().get_assigned_resources()
        if not resources.get("GPU"):
            variables["CUDA_VISIBLE_DEVICES"] = ""  # Ray leaves all of them to who has none
        table.take_on(variables)
        self._settings = table.load()
        logs.configure(self._settings)
        self._engine = engine
        self._database: Database | None = None  # until it was there
        self._wanted: Wanted | None = None
        threads = int(resources.get("CPU", 1)) or 1
        self._supervisor = Supervisor(
            [worker_child(f"{_NAME}{node}", table.inherited(), threads=threads, engine=engine)],
            on_death=self._bury,
            on_tick=self._look,
            drain_s=DRAIN_S,
        )
        self._thread = threading.Thread(target=self._run, name="slot", daemon=True)
        self._thread.start()

    def check_health(self) -> None:
        """Ray asks from time to time; where it raises, the slot is started anew."""
        if not self._thread.is_alive():
            raise RuntimeError("nobody keeps the worker of this slot alive")

    def __call__(self) -> str:
        """The name of the machine's node."""
        return self._settings.node

    def __del__(self) -> None:
        """Have the worker finish what it has in hand, or give it back."""
        thread = getattr(self, "_thread", None)
        if thread is not None and thread.is_alive():
            self._supervisor.stop()
            thread.join(END_S)

    def _run(self) -> None:
        threading.Thread(target=self._bury_former, name="former", daemon=True).start()
        self._supervisor.run()

    def _store(self) -> TaskStore:
        if self._database is None:
            self._database = open_database(self._settings.database_url, migrate=False)
        return TaskStore(self._database, node=self._settings.node)

    def _deaths(self) -> Deaths:
        node = self._settings.node
        return Deaths(self._store(), node=node, alive_ms=self._settings.alive_ms)

    def _bury(self, instance: str) -> None:
        """Raises where the database is away, and is called again."""
        self._deaths().bury(instance, ended=self._supervisor.stopping)

    def _bury_former(self) -> None:
        """Take back what was in hand of a slot that was killed here: no lease is waited for."""
        try:
            self._deaths().bury_dead()
        except Exception:  # their leases run out
            logger.warning("former workers are left to their leases", exc_info=True)

    def _look(self) -> None:
        """End the whole application where nobody wants it any more; may raise."""
        if self._wanted is None:
            self._wanted = Wanted(self._store(), self._settings, pool=self._engine)
        if not self._wanted.look(time.monotonic()):
            name = serve.get_replica_context().app_name
            logger.warning("no keeper, no task: the slots end", extra={"application": name})
            serve.delete(name, _blocking=False)


def _node() -> str:
    """The machine as nodes are called: its name, and Ray's for what runs there.

    Two of Ray's nodes may be on one machine.
    """
    host = socket.gethostname().partition(".")[0]
    return f"{host[:45]}-ray-{ray.get_runtime_context().get_node_id()[:8]}"
