"""For who runs the server: is it alive, is it ready, what does it do."""

from __future__ import annotations

import ipaddress
from typing import cast
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from overpaint.server.deps import CurrentService, key_of
from overpaint.server.draining import Draining
from overpaint.server.metrics import Metrics

router = APIRouter(tags=["operations"])


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
    Where models have workers of their own, `pools` says of each: ready, loading, failed, missing;
    or idle, where a Ray cluster starts one for the next task.
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
