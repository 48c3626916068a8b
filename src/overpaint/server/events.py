"""Server-sent events of tasks: each change, its place in the queue, previews. An extension.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from overpaint.errors import OverpaintError
from overpaint.server import answers
from overpaint.server import schemas_extensions as schemas
from overpaint.server.dashscope import PREFIX, is_id, url_of
from overpaint.server.deps import BEARER, CurrentKey, CurrentService, base_url
from overpaint.server.errors import declared
from overpaint.server.watching import Follower, Watcher
from overpaint.service import Service
from overpaint.tasks.task import FINAL, Key, Preview
from overpaint.tasks.watching import Seen

router = APIRouter(prefix=PREFIX, tags=["tasks"], dependencies=[Depends(BEARER)])

MAX_TASKS = 100  # that one stream follows
KEEP_ALIVE_S = 15.0  # silence at most; proxies and clients take longer for the end
LONGEST_S = 600.0  # then the client is to come again, with a key that is still good
RETRY_MS = 1000  # after which it does


class EventStream(StreamingResponse):
    """Leaves its follower however it ends."""

    def __init__(self, events: AsyncIterator[str], follower: Follower) -> None:
        headers = {"X-Accel-Buffering": "no"}  # nginx is not to wait for the end
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._follower = follower

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until their end, or until the client leaves."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._follower.leave()


@router.get(
    "/tasks/events",
    summary="Follow tasks as they go on",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events `task`, `preview` and `end`.",
            "content": schemas.described_events(
                task=schemas.TaskEvent, preview=schemas.PreviewEvent, end=schemas.EndEvent
            ),
        },
        **declared(400, 401, 403, 429),
    },
)
@router.get("/tasks/events/", include_in_schema=False)
async def follow_tasks(
    request: Request,
    service: CurrentService,
    key: CurrentKey,
    task_id: Annotated[
        list[str],
        Query(
            default_factory=list,
            max_length=MAX_TASKS,
            description="these; without it, all that have not ended",
        ),
    ],
) -> EventStream:
    """`task`: the `output` of a query, at once and after each change.

    While a task waits it has `position`, the tasks that are taken before it, and while it is
    painted `progress`. `preview`: how it looks. `end`: all have ended; close the connection, since
    an EventSource would come again.
    """
    seen = await run_in_threadpool(_first_look, service, key, task_id)
    watcher = cast(Watcher, request.app.state.watcher)
    clock, base = cast(answers.Clockface, request.app.state.clock), base_url(request)
    follower = watcher.follow(key.id, {one: now for one, now in seen.items() if now is not None})
    teller = _Teller(service, follower, clock, base)
    return EventStream(_events(service, key, follower, list(seen), teller), follower)


def _first_look(service: Service, key: Key, asked: list[str]) -> Mapping[str, Seen | None]:
    """Every task that is asked for, in that order; None where the key has none of this id."""
    if asked:
        ids = list(dict.fromkeys(asked))
    else:
        ids = [task.id for task in service.tasks.unfinished(key.id, limit=MAX_TASKS)]
    found = service.look(key, filter(is_id, ids))
    return {one: found.get(one) for one in ids}


async def _events(
    service: Service, key: Key, follower: Follower, ids: list[str], teller: _Teller
) -> AsyncIterator[str]:
    began = checked = time.monotonic()
    yield f"retry: {RETRY_MS}\n\n"
    while not follower.closing:
        said = False
        for task_id in ids:
            for event in teller.tell(task_id):
                said = True
                yield event
        if all(teller.has_ended(task_id) for task_id in ids):
            yield _event("end", {})
            return
        if not said and time.monotonic() - teller.said >= KEEP_ALIVE_S:
            teller.said = time.monotonic()
            yield ":\n\n"
        now = time.monotonic()
        if now - began >= LONGEST_S:
            return
        if now - checked >= KEEP_ALIVE_S:
            checked = now
            if await run_in_threadpool(_is_revoked, service, key):
                return
        await follower.wait(max(0.0, KEEP_ALIVE_S - (now - teller.said)))


def _is_revoked(service: Service, key: Key) -> bool:
    """Whether that is known; a store that does not answer is waited for."""
    try:
        now = service.keys.get(key.id)
    except OverpaintError:
        return False
    return now is None or now.revoked_ms is not None


class _Teller:
    """Remembers what one stream was told, and tells what is new."""

    def __init__(
        self, service: Service, follower: Follower, clock: answers.Clockface, base: str
    ) -> None:
        self._service, self._follower = service, follower
        self._clock, self._base = clock, base
        self._seen: dict[str, Seen | None] = {}
        self._told: dict[str, str] = {}
        self._shown: dict[str, tuple[int, int]] = {}
        self.said = time.monotonic()  # when something was

    def has_ended(self, task_id: str) -> bool:
        """Whether no more is to be told of a task that was told."""
        seen = self._seen[task_id]
        return seen is None or seen.task.state in FINAL

    def tell(self, task_id: str) -> list[str]:
        """The events of what has changed of a task."""
        seen = self._follower.seen(task_id)
        if task_id in self._seen and seen is self._seen[task_id]:
            return []
        self._seen[task_id] = seen
        events = []
        data = _event("task", self._output(task_id, seen))
        if data != self._told.get(task_id):  # a lease that was lengthened is no news
            self._told[task_id] = data
            events.append(data)
        preview = None if seen is None else seen.preview
        if preview is not None and self._shown.get(task_id) != (preview.fence, preview.serial):
            self._shown[task_id] = preview.fence, preview.serial
            events.append(_event("preview", _preview(task_id, preview)))
        if events:
            self.said = time.monotonic()
        return events

    def _output(self, task_id: str, seen: Seen | None) -> dict[str, Any]:
        if seen is None:
            return cast(dict[str, Any], answers.unknown_answer(task_id, "")["output"])
        task = seen.task
        urls = url_of(self._service, task, self._base)
        answer = answers.task_answer(task, "", url_of=urls, clock=self._clock)
        output: dict[str, Any] = answer["output"]
        if seen.position is not None:
            output["position"] = seen.position
        if task.progress is not None:
            output["progress"] = asdict(task.progress)
        return output


def _preview(task_id: str, preview: Preview) -> dict[str, Any]:
    box = preview.box
    return {
        "task_id": task_id,
        "url": "data:image/jpeg;base64," + base64.b64encode(preview.jpeg).decode("ascii"),
        "box": {"x": box.left, "y": box.top, "width": box.width, "height": box.height},
    }


def _event(name: str, data: Mapping[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
