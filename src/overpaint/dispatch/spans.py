"""The spans of a task in its worker: how long it waited, and each try."""

from __future__ import annotations

from overpaint import tracing
from overpaint.tasks.task import Failure, Task


def span_of(task: Task) -> tracing.Span:
    """The span of a try, with one before of the time that the task waited for its first."""
    began_ms = task.created_ms if task.started_ms is None else task.started_ms
    if task.fence == 1:
        start, end = task.created_ms, began_ms
        tracing.past("queue", parent=task.trace, start_ms=start, end_ms=end, task_id=task.id)
    return tracing.span(
        "task",
        parent=task.trace,
        kind="consumer",
        task_id=task.id,
        key_id=task.key_id,
        model=task.model,
        engine=task.engine.partition(":")[0],  # the rest may have a path in it
        n=task.n,
        worker=task.worker,
        fence=task.fence,
        waited_s=max(0, began_ms - task.created_ms) / 1000,
        **{"try": task.tries},
    )


def tell_failed(failure: Failure, what: str) -> None:
    """Say in the span of a try that it failed, and what comes of that: "retry" or "failed"."""
    span = tracing.here()
    span.event(what, kind=failure.kind)
    span.fail(failure.kind)


def tell_painted(painter: str, pictures: int) -> None:
    """Say in the span of a try what came of it."""
    tracing.here().set({"overpaint.engine": painter, "overpaint.pictures": pictures})
