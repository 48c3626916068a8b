"""How long the database takes, as this process sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InterfaceError, OperationalError

from overpaint.tasks.database import Database

_BEGAN = "overpaint_began"


def time_transactions(database: Database, heard: Callable[[float, bool], None]) -> None:
    """Have `heard` called with the seconds of each transaction, begin to commit.

    For a database that does not answer it is called with 0 and True besides. What a transaction
    waits for a turn or a connection of this process is not in it.
    """

    def out(_connection: Any, record: Any, _proxy: Any) -> None:
        record.info[_BEGAN] = time.perf_counter()

    def back(_connection: Any, record: Any) -> None:
        began = record.info.pop(_BEGAN, None)
        if began is not None:  # else the connection was lost, and with it what is noted of it
            heard(time.perf_counter() - began, False)

    def failed(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, OperationalError | InterfaceError):
            heard(0.0, True)

    event.listen(database.engine, "checkout", out)
    event.listen(database.engine, "checkin", back)
    event.listen(database.engine, "handle_error", failed)
