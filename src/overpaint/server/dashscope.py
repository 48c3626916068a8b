"""DashScope's image synthesis: create, query, cancel and list tasks, as its SDKs speak.

Facts of the contract: help.aliyun.com, "vary region API reference" and "manage asynchronous tasks";
the sources of the public SDKs.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from overpaint.errors import InvalidInput, InvalidOption, UnknownTask
from overpaint.server import answers, schemas
from overpaint.server.bodies import read_object
from overpaint.server.deps import (
    BEARER,
    CurrentKey,
    CurrentService,
    RequestId,
    base_url,
    by_session,
)
from overpaint.server.errors import Declined, answer_for, declared
from overpaint.server.inputs import gather, read
from overpaint.server.logs import note_task
from overpaint.server.orders import URLS, read_model, read_order
from overpaint.server.turns import Threads, Turns
from overpaint.service import Service, Submission
from overpaint.tasks import task as stored
from overpaint.tasks.database import now_ms
from overpaint.tasks.task import Key, State, Task

PREFIX = "/api/v1"
MAX_PAGE_SIZE = 1000

# What is listed where no time is given; no more than that is kept, by default.
_LISTED_HOURS = 24
# States that the SDKs know and no stored task is in.
_NEVER_STORED = ("UNKNOWN", "SUSPENDED")

router = APIRouter(prefix=PREFIX, tags=["tasks"], dependencies=[Depends(BEARER)])


@router.post(
    "/services/aigc/image2image/image-synthesis",
    summary="Make a task",
    response_model=schemas.Created,
    responses=declared(400, 401, 403, 408, 413, 429),
    openapi_extra={
        **schemas.body_of(schemas.OrderBody),
        "parameters": [
            {
                "name": "X-DashScope-Async",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "enum": ["enable"]},
                "description": "there are no synchronous calls",
            },
            {
                "name": "X-DashScope-OssResourceResolve",
                "in": "header",
                "schema": {"type": "string", "enum": ["enable"]},
                "description": "needed where an address is oss://",
            },
        ],
    },
)
@router.post("/services/aigc/image2image/image-synthesis/", include_in_schema=False)
async def create_task(
    request: Request, service: CurrentService, request_id: RequestId, key: CurrentKey
) -> JSONResponse:
    """Check the order, fetch and store its pictures, put it into the queue."""
    if request.headers.get("x-dashscope-async", "").strip().lower() != "enable":
        message = "current user api does not support synchronous calls."
        raise Declined(403, "AccessDenied", message)
    async with cast(Turns, request.app.state.turns).of(key.id):
        task = await _create(request, service, key, request_id)
    note_task(request, task.id, task.model)
    output = {"task_id": task.id, "task_status": task.state.value}
    return JSONResponse({"request_id": request_id, "output": output})


async def _create(request: Request, service: Service, key: Key, request_id: str) -> Task:
    """Read the order, fetch its pictures and submit it; all it held is free when this returns.

    Results of our own are read when it is the key's turn to submit: they may be long.
    """
    body = await read_object(request)
    model = read_model(body)
    service.engine_of(model)
    order = read_order(model, body)
    await run_in_threadpool(service.admit, key)
    given, notes = await gather(request, service, key, order)

    def submit() -> Task:
        pictures = read(service, given)
        submission = Submission(
            model=order.model,
            prompt=order.prompt,
            base=pictures["base"],
            mask=pictures["mask"],
            reference=pictures.get("reference"),
            sketch=pictures.get("sketch"),
            options=order.options,
            notes=(*order.notes, *notes),
            request_id=request_id,
        )
        return service.submit(key, submission)

    return await _in_turn(request, key, submit)


async def _in_turn(request: Request, key: Key, submit: Callable[[], Task]) -> Task:
    """Submit in a thread; a picture that is wrong is told by the name that the wire has for it."""
    threads = cast(Threads, request.app.state.threads)
    try:
        return await threads.run(key.id, submit)
    except InvalidInput as error:
        problem = answer_for(error)
        message = problem.message
        if error.field in URLS and message.startswith(f"{error.field}: "):
            message = URLS[error.field] + message.removeprefix(error.field)
        raise Declined(problem.status, problem.code, message) from error


@router.get(
    "/tasks/{task_id}",
    summary="Ask where a task stands",
    response_model=schemas.Answer,
    responses=declared(400, 401, 403),
)
@router.get("/tasks/{task_id}/", include_in_schema=False)
async def get_task(
    task_id: str, request: Request, service: CurrentService, request_id: RequestId, key: CurrentKey
) -> JSONResponse:
    """Answer UNKNOWN for a task that is not there, was another key's, or has expired."""
    task = None
    if is_id(task_id):
        task = await run_in_threadpool(service.get, key, task_id)
    if task is None:
        return JSONResponse(answers.unknown_answer(task_id, request_id))
    # The page stays with the server: it may not connect elsewhere, and has pictures converted.
    direct = service.settings.result_urls == "bucket" and not by_session(request)
    urls = url_of(service, task, base_url(request), direct=direct)
    clock = _clock(request)
    if direct:  # to sign may mean to fetch credentials first
        answer = await run_in_threadpool(
            answers.task_answer, task, request_id, url_of=urls, clock=clock
        )
    else:
        answer = answers.task_answer(task, request_id, url_of=urls, clock=clock)
    return JSONResponse(answer)


def url_of(
    service: Service, task: Task, base: str, *, direct: bool = False
) -> Callable[[int], str]:
    """Gives the URL of a task's picture by its index.

    Args:
        service: that has the task.
        task: one that has pictures.
        base: how clients reach the server.
        direct: in the bucket itself.
    """

    def url(index: int) -> str:
        found = service.direct_url(task, index) if direct else None
        return found or f"{base}{PREFIX}/{service.sign_file(task, index)}"

    return url


@router.post(
    "/tasks/{task_id}/cancel",
    summary="Cancel a task",
    response_model=schemas.Done,
    responses=declared(400, 401, 403, 404),
)
@router.post("/tasks/{task_id}/cancel/", include_in_schema=False)
async def cancel_task(
    task_id: str,
    service: CurrentService,
    request_id: RequestId,
    key: CurrentKey,
    running: Annotated[
        bool, Query(description="end it while it is painted, too (an extension)")
    ] = False,
) -> JSONResponse:
    """One that is pending, unless `running` says more; a body is passed over.

    The SDKs send none, an empty one, or an empty order. What is canceled costs no picture.
    """
    if not is_id(task_id):
        raise UnknownTask
    await run_in_threadpool(service.cancel, key, task_id, running=running)
    return JSONResponse({"request_id": request_id})


@router.get(
    "/tasks",
    summary="List tasks, newest first",
    response_model=schemas.Page,
    responses=declared(400, 401, 403),
)
@router.get("/tasks/", include_in_schema=False)
async def list_tasks(
    request: Request,
    service: CurrentService,
    request_id: RequestId,
    key: CurrentKey,
    page_no: Annotated[int, Query(ge=1, le=10**9)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 10,
    start_time: Annotated[
        str, Query(description="made at or after: YYYYMMDDhhmmss; at most 24 h before end_time")
    ] = "",
    end_time: Annotated[str, Query(description="made at or before: YYYYMMDDhhmmss")] = "",
    model_name: Annotated[str, Query(description="only of this model")] = "",
    status: Annotated[str, Query(description="only in this state: PENDING, ...")] = "",
    task_id: Annotated[str, Query(description="only this one")] = "",
    api_key_id: Annotated[str, Query(description="only of this key, which must be your own")] = "",
    region: Annotated[str, Query(description=f"only of this region, {answers.REGION}")] = "",
) -> JSONResponse:
    """One page of the key's own tasks of the last 24 hours, or of a time that is given."""
    state = _state(status)
    from_ms, until_ms = answers.window(_clock(request), start_time, end_time)
    nothing = (
        status.strip().upper() in _NEVER_STORED
        or region not in ("", answers.REGION)
        or api_key_id not in ("", key.id)
        or (task_id and not is_id(task_id))
    )
    if from_ms is None and service.settings.retention_hours > _LISTED_HOURS:
        from_ms = now_ms() - _LISTED_HOURS * 3_600_000
    listing = stored.Listing(tasks=(), total=0)
    if not nothing:
        query = stored.Query(
            page_no=page_no,
            page_size=page_size,
            from_ms=from_ms,
            until_ms=until_ms,
            model=model_name or None,
            state=state,
            task_id=task_id or None,
        )
        listing = await run_in_threadpool(service.list, key, query)
    return JSONResponse(
        {
            "request_id": request_id,
            "data": [answers.row_of(task) for task in listing.tasks],
            "total": listing.total,
            "total_page": -(-listing.total // page_size),
            "page_no": page_no,
            "page_size": page_size,
        }
    )


def _state(text: str) -> State | None:
    """The state that a listing is of; None is every one."""
    name = text.strip().upper()
    if not name or name in _NEVER_STORED:
        return None
    if name not in State.__members__:
        allowed = ", ".join([*State.__members__, *_NEVER_STORED])
        raise InvalidOption("status", f"must be one of {allowed}", repr(text[:40]))
    return State[name]


def is_id(task_id: str) -> bool:
    """Whether it looks like the id of a task; nothing else is looked up."""
    try:
        return str(uuid.UUID(task_id)) == task_id
    except ValueError:
        return False


def _clock(request: Request) -> answers.Clockface:
    return cast(answers.Clockface, request.app.state.clock)
