"""The pictures that an order names by address: fetched, uploaded before, or results of ours."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TypeAlias, cast

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from overpaint.errors import InvalidInput, InvalidURL, UnknownTask
from overpaint.imaging.source import LengthChecked
from overpaint.server.deps import own_authorities
from overpaint.server.errors import short
from overpaint.server.fetch import Fetcher
from overpaint.server.orders import REFERENCE_OF_SDKS, URLS, Order
from overpaint.server.turns import BlobThreads
from overpaint.server.web_address import read_web_address
from overpaint.service import Service
from overpaint.storage.blobs import is_presigned
from overpaint.tasks.task import Key
from overpaint.values import BlobRef

#: The bytes of a file, or the result of ours that it is, which is not read yet.
Given: TypeAlias = bytes | BlobRef

# The end of a result's path, as `Results.sign` makes it; a proxy may have put something before it.
_RESULT = re.compile(
    r"/api/v1/files/([0-9a-f-]{36})/([0-9]{1,15})/([0-9a-f]{64})/([0-9A-Za-z._-]{1,80})", re.ASCII
)


async def gather(
    request: Request, service: Service, key: Key, order: Order
) -> tuple[dict[str, Given], list[str]]:
    """What lies at the order's URLS, all fetched at once; the first that fails ends the others.

    Notes tell of those that failed and are not needed.
    """
    notes: list[str] = []

    async def one(name: str) -> Given | None:
        try:
            return await _given(request, service, key, order.urls[name], URLS[name])
        except InvalidInput as error:
            if name not in order.optional:
                raise
            notes.append(f"{REFERENCE_OF_SDKS} was passed over: {short(error.limit)}")
            return None

    try:
        async with asyncio.TaskGroup() as group:
            running = {name: group.create_task(one(name)) for name in order.urls}
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    given = {name: task.result() for name, task in running.items()}
    return {name: data for name, data in given.items() if data is not None}, notes


def read(service: Service, given: Mapping[str, Given]) -> dict[str, bytes]:
    """The bytes of all of them; results of ours are read from the store, each once.

    Raises `BlobMissing` or `BlobDamaged` where one is lost.
    """
    stored = {blob for blob in given.values() if isinstance(blob, BlobRef)}
    results = {blob: LengthChecked(service.blobs.get(blob)) for blob in stored}
    return {
        name: results[data] if isinstance(data, BlobRef) else data for name, data in given.items()
    }


async def _given(request: Request, service: Service, key: Key, url: str, field: str) -> Given:
    if url.startswith("oss://"):
        resolves = request.headers.get("x-dashscope-ossresourceresolve", "")
        if resolves.strip().lower() != "enable":
            limit = "oss:// needs the header X-DashScope-OssResourceResolve: enable"
            raise InvalidURL(field, limit)
        threads = cast(BlobThreads, request.app.state.blob_threads)
        return await threads.run(lambda: service.uploads.read(key, url, field=field))
    if url[:4].lower() == "http":
        place = read_web_address(url, field=field)
        path = _RESULT.search(place.target.partition("?")[0])
        if path is not None and path.end() == len(path.string):
            return await _result(request, service, path.groups(), url, field)
        if is_presigned(url):
            found = await run_in_threadpool(service.results.find_direct, key, url)
            if found is not None:
                return found
    return await _fetched(request, url, field)


async def _result(
    request: Request, service: Service, path: tuple[str, ...], url: str, field: str
) -> Given:
    """The result of ours that a signed path names, whatever host is before it; or what is there.

    A path that is not ours any more, or was never, may be another server's.
    """
    task_id, expires, signature, name = path
    results = service.results
    try:
        return await run_in_threadpool(results.find, task_id, expires, signature, name)
    except UnknownTask:
        signed = results.is_signed(task_id, expires, signature, name)
    limit = "must be the address of a result as this server gave it"
    if signed:
        limit = "must be the address of a result that has not expired"
    if read_web_address(url, field=field).authority in own_authorities(request):
        raise InvalidURL(field, limit)
    try:
        return await _fetched(request, url, field)
    except InvalidURL:  # its host is in this server's own network
        raise InvalidURL(field, limit) from None


async def _fetched(request: Request, url: str, field: str) -> bytes:
    return await cast(Fetcher, request.app.state.fetcher).fetch(url, field=field)
