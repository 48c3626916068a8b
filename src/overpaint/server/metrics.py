"""What Prometheus is told: the requests of this process, and what the stores and workers know.

What is counted here is this process's own, and is to be summed over several API processes. What
the database tells, of tasks and of workers, each of them tells alike: take the maximum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from overpaint._version import __version__
from overpaint.engines.registry import open_name
from overpaint.errors import OverpaintError
from overpaint.server.worker_metrics import of_workers
from overpaint.service import Service
from overpaint.service.pools import Pool
from overpaint.tasks.reading import Total
from overpaint.tasks.task import State

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
STORE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What Prometheus is told by one app: its requests, and what the service's store knows."""

    def __init__(self, service: Service) -> None:
        self.registry = CollectorRegistry()
        Gauge(
            "overpaint_info", "The version that runs.", ["version"], registry=self.registry
        ).labels(__version__).set(1)
        self._requests = Counter(
            "overpaint_http_requests",
            "Requests answered, by route template; 499: the client left.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "overpaint_http_request_seconds",
            "How long answering took.",
            ["method", "route"],
            buckets=LATENCY_S,
            registry=self.registry,
        )
        self._stores = Histogram(
            "overpaint_store_seconds",
            "How long the stores took that this process asked: transactions, and pictures.",
            ["store", "operation"],
            buckets=STORE_S,
            registry=self.registry,
        )
        self._errors = Counter(
            "overpaint_store_errors",
            "Times that a store failed this process.",
            ["store"],
            registry=self.registry,
        )
        for store in ("database", "blobs"):
            self._errors.labels(store)
        service.on_store(self._heard)
        self.registry.register(_OfService(service))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is "" where no route took it."""
        method = method if method in METHODS else "other"  # callers may make methods up
        route = route or "none"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def _heard(self, store: str, operation: str, seconds: float, failed: bool) -> None:
        if failed:
            self._errors.labels(store).inc()
        else:
            self._stores.labels(store, operation).observe(seconds)

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        return generate_latest(self.registry)


class _OfService(Collector):
    """Asks the store each time that Prometheus asks; `overpaint_up` says whether it answered."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("overpaint_up", "Whether the database answered this time.")
        try:
            found = list(self._ask())
        except OverpaintError:
            found = []
        up.add_metric([], 1 if found else 0)
        yield up
        yield from found

    def describe(self) -> Iterator[Metric]:
        """Say nothing at registration: the store is asked later."""
        return iter(())

    def _ask(self) -> Iterator[Metric]:
        store = self._service.tasks
        pools = self._service.pools
        tasks = GaugeMetricFamily("overpaint_tasks", "Tasks that are stored.", labels=["state"])
        counts = store.counts()
        for state in State:
            tasks.add_metric([state.value.lower()], counts.get(state, 0))
        yield tasks

        yield GaugeMetricFamily(
            "overpaint_queue_age_seconds",
            "How long the oldest pending task has waited.",
            value=pools.queue_age_s(),
        )
        yield GaugeMetricFamily(
            "overpaint_workers_alive",
            "Workers seen lately, without those of single engines.",
            value=pools.ordinary_alive(),
        )
        yield from _of_pools(pools.look())
        yield from of_workers(pools.seen())

        labels = ["engine", "outcome"]
        ended = CounterMetricFamily("overpaint_tasks_ended", "Tasks that ended.", labels=labels)
        pictures = CounterMetricFamily(
            "overpaint_pictures", "Pictures that were painted.", labels=labels
        )
        seconds = CounterMetricFamily(
            "overpaint_painting_seconds", "Time that workers painted.", labels=labels
        )
        for (engine, outcome), found in _by_shown_name(store.totals()).items():
            of = [engine, outcome.lower()]
            ended.add_metric(of, sum(total.tasks for total in found))
            pictures.add_metric(of, sum(total.pictures for total in found))
            seconds.add_metric(of, sum(total.seconds for total in found))
        yield from (ended, pictures, seconds)


def _by_shown_name(totals: Iterable[Total]) -> dict[tuple[str, str], list[Total]]:
    """Totals by engine and outcome; a task that ended unpainted names its engine in full."""
    totals = list(totals)
    painters = {total.engine for total in totals if total.outcome is State.SUCCEEDED}
    found: dict[tuple[str, str], list[Total]] = {}
    for total in totals:
        name = total.engine if total.engine in painters else open_name(total.engine)
        found.setdefault((name, total.outcome), []).append(total)
    return found


def _of_pools(pools: Iterable[Pool]) -> Iterator[Metric]:
    """What each pool has; the ordinary one, and one for each engine with workers of its own."""
    labels = ["pool", "state"]
    tasks = GaugeMetricFamily(
        "overpaint_pool_tasks", "Tasks that wait and that are painted.", labels=labels
    )
    workers = GaugeMetricFamily("overpaint_pool_workers", "Workers seen lately.", labels=labels)
    wanted = GaugeMetricFamily(
        "overpaint_pool_workers_wanted",
        "Workers that are wanted on a Ray cluster.",
        labels=labels[:1],
    )
    age = GaugeMetricFamily(
        "overpaint_pool_queue_age_seconds",
        "How long the oldest pending task of the pool has waited.",
        labels=labels[:1],
    )
    for pool in pools:
        tasks.add_metric([pool.label, "pending"], pool.queue.pending)
        tasks.add_metric([pool.label, "running"], pool.queue.running)
        for state, count in pool.workers.items():
            workers.add_metric([pool.label, state], count)
        if pool.wanted is not None:
            wanted.add_metric([pool.label], pool.wanted)
        age.add_metric([pool.label], pool.age_s)
    yield from (tasks, workers, wanted, age)
