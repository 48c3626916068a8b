"""What workers tell of themselves, for Prometheus: see `dispatch.figures`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric

from overpaint.dispatch.figures import COUNTS, OF_ENGINE, TIMES, failures_of, histogram_of
from overpaint.tasks.workers import Worker

#: What tells workers apart; the figures of each begin at 0 with its process.
LABELS = ("node", "pool", "worker")
_COUNTED = ("batches", "batch_pictures")


def of_workers(seen: Iterable[tuple[str, Worker]]) -> Iterator[Metric]:
    """The metrics of workers, with the labels of their pools."""
    workers = [(worker, (worker.node, label, worker.id)) for label, worker in seen]
    yield _nodes(workers)
    for name, help in COUNTS.items():
        counter = CounterMetricFamily(f"overpaint_worker_{name}", help, labels=LABELS)
        for worker, labels in workers:
            counter.add_metric(labels, worker.figures.get(name, 0))
        yield counter
    failures = CounterMetricFamily(
        "overpaint_worker_failures",
        "Tasks that failed in a worker's hands, by the kind of the error.",
        labels=(*LABELS, "kind"),
    )
    for worker, labels in workers:
        for kind, value in failures_of(worker.figures).items():
            failures.add_metric((*labels, kind), value)
    yield failures
    for name, help in TIMES.items():
        histogram = HistogramMetricFamily(f"overpaint_task_{name}_seconds", help, labels=LABELS)
        for worker, labels in workers:
            histogram.add_metric(labels, *histogram_of(worker.figures, name))
        yield histogram
    for name, help in OF_ENGINE.items():
        of = CounterMetricFamily if name in _COUNTED else GaugeMetricFamily
        family = of(f"overpaint_worker_{name}", help, labels=LABELS)
        for worker, labels in workers:
            if name in worker.figures:
                family.add_metric(labels, worker.figures[name])
        yield family


def _nodes(workers: Iterable[tuple[Worker, tuple[str, str, str]]]) -> Metric:
    family = GaugeMetricFamily(
        "overpaint_node_workers", "Workers seen lately.", labels=("node", "pool", "state")
    )
    count = Counter((node, label, worker.state) for worker, (node, label, _) in workers)
    for labels, number in sorted(count.items()):
        family.add_metric(labels, number)
    return family
