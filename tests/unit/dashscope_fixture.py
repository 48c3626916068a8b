"""Someone who speaks DashScope's dialect to the app."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any, TypeAlias

from fastapi.testclient import TestClient
from tests.unit.service_fixture import BASE, MASK

from overpaint.service import Service
from overpaint.tasks.task import Key, Plan

Answer: TypeAlias = Any  # of httpx, or of what Starlette has in its place

CREATE = "/api/v1/services/aigc/image2image/image-synthesis"
ASYNC = {"X-DashScope-Async": "enable"}


def data_url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


INPUT = {"prompt": "a hat", "base_image_url": data_url(BASE), "mask_image_url": data_url(MASK)}
_names = (f"key {number}" for number in itertools.count())


class Caller:
    """Someone with a key."""

    def __init__(self, client: TestClient, service: Service, plan: Plan) -> None:
        self.client, self.service = client, service
        self.key: Key
        self.key, secret = service.keys.create(next(_names), plan)
        self.headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str) -> Answer:
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def post(self, path: str, **more: Any) -> Answer:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.client.post(f"/api/v1{path}", headers=headers, **more)

    def create(self, headers: dict[str, str] = ASYNC, **change: Any) -> Answer:
        body = {"model": "erase", "parameters": {}, "input": INPUT, **change}
        content = json.dumps({k: v for k, v in body.items() if v is not ...}, ensure_ascii=False)
        said = {**self.headers, "Content-Type": "application/json; charset=utf-8", **headers}
        return self.client.post(CREATE, headers=said, content=content.encode())

    def created(self, **change: Any) -> str:
        answer = self.create(**change)
        assert answer.status_code == 200, answer.text
        task_id: str = answer.json()["output"]["task_id"]
        return task_id


def said(answer: Answer) -> tuple[int, str]:
    """Status and code of an error, which looks like every error."""
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}
    assert body["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    assert body["message"]
    return answer.status_code, body["code"]
