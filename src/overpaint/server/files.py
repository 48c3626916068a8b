"""Results, by addresses that are signed and expire; who has one needs no key."""

from __future__ import annotations

import time

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool

from overpaint.server.dashscope import PREFIX
from overpaint.server.deps import CurrentService
from overpaint.server.errors import declared

router = APIRouter(prefix=PREFIX, tags=["files"])

_PATH = "/files/{task_id}/{expires}/{signature}/{name}"


@router.get(
    _PATH,
    summary="Get a result",
    response_class=Response,
    responses={
        200: {
            "description": "The picture.",
            "content": {"image/png": {}, "image/jpeg": {}, "image/webp": {}},
        },
        **declared(404),
    },
)
@router.head(_PATH, include_in_schema=False)
async def get_file(
    task_id: str, expires: str, signature: str, name: str, service: CurrentService
) -> Response:
    """The path is one of a task's `results[].url`."""
    data, media_type = await run_in_threadpool(service.open_file, task_id, expires, signature, name)
    left = max(0, int(expires) - int(time.time()))
    return Response(
        data,
        media_type=media_type,
        headers={
            "Content-Disposition": f'inline; filename="{name}"',
            "Cache-Control": f"private, immutable, max-age={left}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )
