"""For who runs the server: is it alive, is it ready, what does it do."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import cast
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from overpaint._version import __version__
from overpaint.engines.registry import shown_name
from overpaint.errors import OverpaintError
from overpaint.server.deps import CurrentService, key_of
from overpaint.server.draining import Draining
from overpaint.service import Service
from overpaint.service.pools import Pool
from overpaint.tasks.reading import Total
from overpaint.tasks.task import State

router = APIRouter(tags=["operations"])

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


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
        self.registry.register(_OfService(service))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is "" where no route took it."""
        method = method if method in METHODS else "other"  # callers may make methods up
        route = route or "none"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

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
    found: dict[tuple[str, str], list[Total]] = {}
    for total in totals:
        found.setdefault((shown_name(total.engine), total.outcome), []).append(total)
    return found


def _of_pools(pools: Iterable[Pool]) -> Iterator[Metric]:
    """What each pool has; the ordinary one, and one for each engine with workers of its own."""
    labels = ["pool", "state"]
    tasks = GaugeMetricFamily(
        "overpaint_pool_tasks", "Tasks that wait and that are painted.", labels=labels
    )
    workers = GaugeMetricFamily("overpaint_pool_workers", "Workers seen lately.", labels=labels)
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
        age.add_metric([pool.label], pool.age_s)
    yield from (tasks, workers, age)


@router.get("/healthz", summary="Is this process alive?")
@router.head("/healthz", include_in_schema=False)
async def alive() -> JSONResponse:
    """200 as long as the process answers at all; it asks nothing else."""
    return JSONResponse({"status": "alive"})


@router.get(
    "/readyz",
    summary="Are tasks taken and painted?",
    responses={503: {"description": "No; `problems` says why, in words."}},
)
@router.head("/readyz", include_in_schema=False)
async def ready(request: Request, service: CurrentService) -> JSONResponse:
    """200 when database, disk space and workers are there, else 503 with what is wrong.

    503 also when the server was told to end, while it still answers (OVERPAINT_DRAIN_SECONDS).
    Where models have workers of their own, `pools` says of each: ready, loading, failed, missing.
    """
    if cast(Draining, request.app.state.draining).begun:
        leaving = {"status": "not ready", "problems": {"draining": "the server is about to end"}}
        return JSONResponse(leaving, status_code=503)
    problems = await run_in_threadpool(service.ready)
    body: dict[str, object] = {"status": "not ready" if problems else "ready"}
    if problems:
        body["problems"] = problems
    if "database" not in problems:
        pools = await run_in_threadpool(service.pools.states)
        body |= {"pools": pools} if pools else {}
    return JSONResponse(body, status_code=503 if problems else 200)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}, "description": "The text format of Prometheus."},
        401: {"description": "Asked from another machine or through a proxy, without a key."},
    },
)
async def metrics(request: Request) -> Response:
    """Open to this machine itself; from elsewhere, and through a proxy, it needs a key."""
    if not _from_this_machine(request):
        await key_of(request)
    told = cast(Metrics, request.app.state.metrics)
    text = await run_in_threadpool(told.text)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _from_this_machine(request: Request) -> bool:
    """Whether a program here asks for itself: a loopback peer, by a loopback name, no proxy.

    The name is looked at since a web page can make a browser ask here under the page's own name.
    """
    headers = request.headers
    if any(name in headers for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via")):
        return False
    try:
        name = urlsplit("//" + headers.get("host", "")).hostname or ""
    except ValueError:
        return False
    if name.lower() != "localhost" and not _is_loopback(name):
        return False
    return request.client is not None and _is_loopback(request.client.host)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
