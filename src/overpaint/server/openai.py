"""OpenAI's route for editing pictures: one call, and the answer is the picture.

The same task as at any other door: it is submitted, waited for, and stays in the key's list.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

import anyio
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from overpaint.errors import OverpaintError, StoreFailed
from overpaint.server.bodies import in_time
from overpaint.server.dashscope import PREFIX
from overpaint.server.deps import (
    BEARER,
    CurrentKey,
    CurrentService,
    RequestId,
    base_url,
)
from overpaint.server.errors import Declined
from overpaint.server.logs import CLIENT_LEFT, note_task
from overpaint.server.openai_errors import (
    NO_RETRY,
    DressedRoute,
    ErrorAnswer,
    TaskFailed,
    explain,
)
from overpaint.server.openai_form import ANSWER, DESCRIPTION, Wanted, open_form, read_form
from overpaint.server.turns import BlobThreads, Threads, Turns
from overpaint.service import Service
from overpaint.tasks.task import FINAL, Failure, Key, State, Task

router = APIRouter(
    prefix="/v1",
    tags=["openai"],
    route_class=DressedRoute,
    dependencies=[Depends(BEARER)],
)

#: How long a caller is kept waiting, s; OpenAI's clients wait as long for an answer.
WAIT_S = 600.0
#: How often the store is asked meanwhile, s: often at first, then seldom.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.5
#: How often a stream says that it is still there, s.
KEEP_ALIVE_S = 10.0
#: How many times in a row the database may not answer before the caller is told.
PATIENCE = 10

# Pictures are counted here, not tokens; clients want the keys.
USAGE = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorAnswer} for status in (*statuses, 500, 503)}


@router.post(
    "/images/edits",
    summary="Repaint a part of a picture, and wait for it",
    openapi_extra={"requestBody": DESCRIPTION},
    response_class=Response,
    responses={200: ANSWER, **_errors(400, 401, 404, 408, 409, 413, 429, 504)},
)
@router.post("/images/edits/", include_in_schema=False)
async def edit(
    request: Request, service: CurrentService, key: CurrentKey, request_id: RequestId
) -> Response:
    """The picture's part that the mask leaves transparent is repainted as the prompt says.

    Of pictures that fail, the others are answered; the call fails when all do. A caller who
    leaves takes a task with him that no worker has begun.
    """
    task, wanted = await _submit(request, service, key, request_id)
    note_task(request, task.id, task.model)
    if wanted.stream:
        events = _events(request, service, key, task, wanted)
        headers = {"X-Accel-Buffering": "no"}  # nginx is not to wait for the end
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)
    async for now in _watch(request, service, key, task):
        task = now
    if task.state not in FINAL:
        return Response(status_code=CLIENT_LEFT)
    _check(task)
    return JSONResponse(await _body(request, service, task, wanted))


async def _submit(
    request: Request, service: Service, key: Key, request_id: str
) -> tuple[Task, Wanted]:
    """Make a task of the form; what it held in memory is free when this returns."""
    turns = cast(Turns, request.app.state.turns)
    async with turns.of(key.id), AsyncExitStack() as stack:
        form = await in_time(stack.enter_async_context(open_form(request)))
        submission, wanted = await read_form(form, request_id)
        service.engine_of(submission.model)
        await run_in_threadpool(service.admit, key)
        threads = cast(Threads, request.app.state.threads)
        task = await threads.run(key.id, lambda: service.submit(key, submission))
    return task, wanted


@router.get("/models", summary="The names that may be given as model", responses=_errors(401))
async def list_models(service: CurrentService, key: CurrentKey) -> dict[str, Any]:
    """All rows of the server's table of models."""
    return {"object": "list", "data": [_model(name) for name in service.settings.models]}


@router.get("/models/{model}", summary="One of these names", responses=_errors(401, 404))
async def get_model(model: str, service: CurrentService, key: CurrentKey) -> dict[str, Any]:
    """One row of the server's table of models."""
    service.engine_of(model)
    return _model(model)


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "overpaint"}


async def _watch(request: Request, service: Service, key: Key, task: Task) -> AsyncIterator[Task]:
    """The task as it stands, again and again, until it has ended or the caller has left.

    Raises:
        Declined: it took too long, or someone took the task away.
        StoreFailed: the database does not answer.
    """
    began = time.monotonic()
    pause, failures = FIRST_PAUSE_S, 0
    try:
        while True:
            try:
                now = await run_in_threadpool(service.get, key, task.id)
                failures = 0
            except StoreFailed:
                failures += 1
                if failures > PATIENCE:
                    raise
                now = task
            if now is None:
                raise Declined(409, "TaskGone", f"The task {task.id} is gone.", NO_RETRY)
            yield now
            if now.state in FINAL:
                return
            if await request.is_disconnected():
                await _cancel(service, key, task)
                return
            if time.monotonic() - began > WAIT_S:
                raise Declined(504, "TaskTimeOut", _too_slow(task), NO_RETRY)
            await anyio.sleep(pause)
            pause = min(pause * 1.3, LONGEST_PAUSE_S)
    except anyio.get_cancelled_exc_class():  # the server ends, or the stream's reader has left
        with anyio.CancelScope(shield=True):
            await _cancel(service, key, task)
        raise


def _too_slow(task: Task) -> str:
    return (
        f"The picture is not painted yet. It is not lost: the task {task.id} goes on, "
        f"GET {PREFIX}/tasks/{task.id} says where it stands."
    )


async def _cancel(service: Service, key: Key, task: Task) -> None:
    """Take the task back unless a worker has it: what is begun is ended."""
    try:
        await run_in_threadpool(service.cancel, key, task.id)
    except OverpaintError:
        return


def _check(task: Task) -> None:
    """Raise what an ended task failed with, unless it has a picture."""
    if task.state == State.CANCELED:
        raise Declined(409, "TaskCanceled", f"The task {task.id} was canceled.", NO_RETRY)
    if task.state == State.FAILED:
        failures = [one.failure for one in task.pictures if one.failure is not None]
        unsaid = Failure(kind="InternalError", message="The picture could not be painted.")
        raise TaskFailed(task.failure or next(iter(failures), unsaid))


def _painted(task: Task) -> list[int]:
    return [index for index, one in enumerate(task.pictures) if one.blob is not None]


def _created(task: Task) -> int:
    return (task.ended_ms or task.created_ms) // 1000


async def _base64(request: Request, service: Service, task: Task, index: int) -> str:
    def read() -> str:
        blob = task.pictures[index].blob
        assert blob is not None, "only painted ones are asked for"
        return base64.b64encode(service.blobs.get(blob)).decode("ascii")

    return await cast(BlobThreads, request.app.state.blob_threads).run(read)


async def _body(request: Request, service: Service, task: Task, wanted: Wanted) -> dict[str, Any]:
    data: list[dict[str, Any]] = []
    for index in _painted(task):
        entry: dict[str, Any] = {"seed": task.pictures[index].seed}
        if wanted.by_url:
            entry["url"] = f"{base_url(request)}{PREFIX}/{service.sign_file(task, index)}"
        else:
            entry["b64_json"] = await _base64(request, service, task, index)
        data.append(entry)
    body: dict[str, Any] = {
        "created": _created(task),
        "data": data,
        "output_format": wanted.format,
        "usage": USAGE,
        "task_id": task.id,
    }
    if wanted.size != "auto":
        body["size"] = wanted.size
    if wanted.quality:
        body["quality"] = wanted.quality
    notes = [*task.notes, *_failed(task)]
    return body | ({"notes": notes} if notes else {})


def _failed(task: Task) -> Sequence[str]:
    return [
        f"picture {index + 1} of {task.n} failed: {one.failure.message}"
        for index, one in enumerate(task.pictures)
        if one.failure is not None
    ]


async def _events(
    request: Request, service: Service, key: Key, task: Task, wanted: Wanted
) -> AsyncIterator[str]:
    """Server-sent events: one for each picture, or an error; comments while there is none."""
    said = time.monotonic()
    yield ": painting\n\n"
    try:
        async for now in _watch(request, service, key, task):
            task = now
            if time.monotonic() - said > KEEP_ALIVE_S:
                said = time.monotonic()
                yield ": painting\n\n"
        if task.state not in FINAL:
            return
        _check(task)
        for index in _painted(task):
            yield _event(
                "image_edit.completed",
                b64_json=await _base64(request, service, task, index),
                background="opaque",
                created_at=_created(task),
                output_format=wanted.format,
                quality=wanted.quality or "auto",
                size=wanted.size,
                usage=USAGE,
                seed=task.pictures[index].seed,
                task_id=task.id,
            )
    except (OverpaintError, Declined) as error:
        yield _event("error", error=explain(error)[1])


def _event(name: str, **data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n"
