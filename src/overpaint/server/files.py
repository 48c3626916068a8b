"""Results, by addresses that are signed and expire; who has one needs no key."""

from __future__ import annotations

import time
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query, Request, Response

from overpaint.server.dashscope import PREFIX
from overpaint.server.deps import CurrentService
from overpaint.server.errors import declared
from overpaint.server.turns import BlobThreads, Threads
from overpaint.service import Service

router = APIRouter(prefix=PREFIX, tags=["files"])

#: Of a JPEG or WEBP that is asked for without one; workers write theirs so, too.
QUALITY = 95

_PATH = "/files/{task_id}/{expires}/{signature}/{name}"
_SUFFIXES = {"png": "png", "jpeg": "jpg", "webp": "webp"}
_LOSSLESS = "png"


@router.get(
    _PATH,
    summary="Get a result",
    response_class=Response,
    responses={
        200: {
            "description": "The picture.",
            "content": {"image/png": {}, "image/jpeg": {}, "image/webp": {}},
        },
        **declared(400, 404),
    },
)
@router.head(_PATH, include_in_schema=False)
async def get_file(
    task_id: str,
    expires: str,
    signature: str,
    name: str,
    request: Request,
    service: CurrentService,
    format: Annotated[
        Literal["png", "jpeg", "webp"] | None,
        Query(description="converted to this (an extension); without it, as it was made"),
    ] = None,
    quality: Annotated[
        int | None,
        Query(ge=1, le=100, description=f"of jpeg and webp; {QUALITY} where it is converted"),
    ] = None,
) -> Response:
    """The path is one of a task's `results[].url`.

    What is asked for as it is stored comes byte for byte. Provenance is in every format.
    """

    def read() -> tuple[bytes, str]:
        data, media_type = service.open_file(task_id, expires, signature, name)
        return _converted(service, data, media_type.removeprefix("image/"), format, quality)

    if format is None and quality is None:
        data, kind = await cast(BlobThreads, request.app.state.blob_threads).run(read)
    else:  # few at a time: each holds the picture in memory
        conversions = cast(Threads, request.app.state.conversions)
        data, kind = await conversions.run(task_id, read)
    left = max(0, int(expires) - int(time.time()))
    called = f"{name.rpartition('.')[0]}.{_SUFFIXES[kind]}"
    return Response(
        data,
        media_type=f"image/{kind}",
        headers={
            "Content-Disposition": f'inline; filename="{called}"',
            "Cache-Control": f"private, immutable, max-age={left}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )


def _converted(
    service: Service, data: bytes, stored: str, format: str | None, quality: int | None
) -> tuple[bytes, str]:
    """The file in the format that is asked for, and which that is."""
    kind = format or stored
    if kind == stored and (quality is None or kind == _LOSSLESS):
        return data, kind
    return service.conversion.convert(data, kind, QUALITY if quality is None else quality), kind
