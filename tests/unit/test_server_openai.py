"""OpenAI's route, asked by the openai package over a real socket."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from PIL import Image
from tests.unit.http_fixture import Painter, failing, outcomes, painting, serving
from tests.unit.service_fixture import BASE, HEIGHT, PIXELS, WIDTH, png, service_in

from overpaint.errors import NotPending
from overpaint.server import openai as door
from overpaint.service import Service
from overpaint.tasks.task import PLANS, Failure, Key, PictureOutcome, Plan, Query, State, Task

_names = (f"key {i}" for i in itertools.count())


def with_alpha(hole: Any = np.s_[100:200, 120:200]) -> bytes:
    """The picture with a hole in it."""
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[hole] = 0
    return png(np.concatenate([PIXELS, alpha], axis=2))


MASK = with_alpha()


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A service, its address, and its painter."""
    folder = tmp_path_factory.mktemp("data")
    with (
        service_in(folder) as (service, _),
        painting(service) as painter,
        serving(service) as url,
    ):
        yield SimpleNamespace(service=service, url=url, painter=painter)


@pytest.fixture
def painter(at: SimpleNamespace) -> Iterator[Painter]:
    yield at.painter
    at.painter.paint = outcomes


def make_key(service: Service, plan: Plan = PLANS["unlimited"]) -> tuple[Key, str]:
    return service.keys.create(next(_names), plan)


@pytest.fixture
def key(at: SimpleNamespace) -> tuple[Key, str]:
    return make_key(at.service)


@pytest.fixture
def client(at: SimpleNamespace, key: tuple[Key, str]) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=key[1], base_url=f"{at.url}/v1", max_retries=0) as client:
        yield client


def edit(client: openai.OpenAI, **change: Any) -> Any:
    said = {"image": BASE, "mask": MASK, "prompt": "一顶红帽子", "model": "gpt-image-1"}
    return client.images.edit(**{**said, **change})


def newest(at: SimpleNamespace, key: tuple[Key, str]) -> Task:
    task: Task = at.service.list(key[0], Query()).tasks[0]
    return task


def state_in_the_end(at: SimpleNamespace, key: tuple[Key, str]) -> State:
    """The newest task's state, once it does not wait any more."""
    deadline = time.monotonic() + 30
    while newest(at, key).state is State.PENDING and time.monotonic() < deadline:
        time.sleep(0.02)
    return newest(at, key).state


def stored(at: SimpleNamespace, key: tuple[Key, str], name: str) -> bytes:
    data: bytes = at.service.blobs.get(newest(at, key).inputs[name])
    return data


def test_an_edit_is_answered_with_the_picture(client: openai.OpenAI) -> None:
    answer = edit(client)
    assert base64.b64decode(answer.data[0].b64_json) == BASE
    assert answer.data[0].url is None
    assert answer.output_format == "png"
    assert answer.usage.total_tokens == 0
    assert answer.created > 1_700_000_000


def test_the_task_behind_it_is_as_was_asked(
    at: SimpleNamespace, client: openai.OpenAI, key: tuple[Key, str]
) -> None:
    extensions = {
        "seed": 11,
        "style": "<anime>",
        "negative_prompt": "blue",
        "strength": 0.5,
        "guidance": 2.5,
        "steps": 12,
        "palette": ["red", "#ffcc00"],
        "grow": -2,
        "feather": 3,
        "watermark": True,
    }
    answer = edit(client, n=2, size="640x512", output_format="webp", extra_body=extensions)
    assert len(answer.data) == 2
    assert (answer.size, answer.output_format) == ("640x512", "webp")
    task = newest(at, key)
    assert answer.task_id == task.id
    assert (task.n, task.model, task.engine) == (2, "gpt-image-1", "auto")
    assert task.options == {
        "prompt": "一顶红帽子",
        "negative_prompt": "blue",
        "seed": 11,
        "size": "640x512",
        "style": "anime",
        "mask_color": [],
        "invert_mask": False,
        "grow": -2,
        "feather": 3.0,
        "soft_mask": False,
        "strength": 0.5,
        "guidance": 2.5,
        "steps": 12,
        "palette": task.options["palette"],
        "watermark": True,
        "format": "webp",
    }
    assert [255, 204, 0] in task.options["palette"]  # type: ignore[operator]
    assert [entry.seed for entry in answer.data] == [one.seed for one in task.pictures]


def test_what_is_transparent_is_what_is_repainted(
    at: SimpleNamespace, client: openai.OpenAI, key: tuple[Key, str]
) -> None:
    edit(client)
    mask = np.asarray(Image.open(io.BytesIO(stored(at, key, "mask"))))
    assert stored(at, key, "base") == BASE
    assert mask.shape == (HEIGHT, WIDTH)
    assert (mask[100:200, 120:200] == 255).all()
    assert mask.sum() == 100 * 80 * 255


def test_without_a_mask_the_pictures_own_hole_is_repainted(
    at: SimpleNamespace, client: openai.OpenAI, key: tuple[Key, str]
) -> None:
    edit(client, image=with_alpha(np.s_[10:20, 30:40]), mask=openai.omit)
    mask = np.asarray(Image.open(io.BytesIO(stored(at, key, "mask"))))
    assert mask.sum() == 10 * 10 * 255
    assert mask[10, 30] == 255


def test_the_size_is_the_pictures_own_unless_said(
    at: SimpleNamespace, client: openai.OpenAI, key: tuple[Key, str]
) -> None:
    for said in (openai.omit, None, "auto"):
        edit(client, size=said)
        assert newest(at, key).options["size"] is None


def test_a_second_picture_is_the_reference(
    at: SimpleNamespace, client: openai.OpenAI, key: tuple[Key, str]
) -> None:
    edit(client, image=[BASE, ("ref.png", MASK, "image/png")])
    assert stored(at, key, "base") == BASE
    assert stored(at, key, "reference") == MASK


def test_a_long_prompt_is_cut_and_a_note_says_so(
    at: SimpleNamespace, client: openai.OpenAI, key: tuple[Key, str], painter: Painter
) -> None:
    painter.paint = None
    edit(client, prompt="a" * 2000, stream=True).close()
    task = newest(at, key)
    assert len(str(task.options["prompt"])) == 800
    assert task.notes == ("the prompt was cut to 800 characters",)


@pytest.mark.parametrize(
    ("model", "said", "by_url"),
    [
        ("gpt-image-1", None, False),
        ("dall-e-2", None, True),
        ("dall-e-2", "b64_json", False),
        ("overpaint", None, False),
        ("gpt-image-2", "url", True),
    ],
)
def test_pictures_come_as_the_model_sends_them(
    at: SimpleNamespace, client: openai.OpenAI, model: str, said: str | None, by_url: bool
) -> None:
    picture = edit(client, model=model, response_format=said or openai.omit).data[0]
    assert (picture.url is not None, picture.b64_json is None) == (by_url, by_url)
    if by_url:
        assert picture.url.startswith(f"{at.url}/api/v1/files/")
        assert httpx.get(picture.url).content == BASE  # without a key


def test_without_a_model_the_newest_of_openais_names_is_meant(
    at: SimpleNamespace, client: openai.OpenAI, key: tuple[Key, str]
) -> None:
    edit(client, model=openai.omit)
    assert newest(at, key).model == "gpt-image-1"


def test_options_without_meaning_here_are_tolerated(client: openai.OpenAI) -> None:
    answer = edit(
        client,
        user="u",
        quality="high",
        background="opaque",
        input_fidelity="high",
        output_compression=80,
        safety_identifier="x",
        extra_body={"moderation": "low"},
    )
    assert answer.quality == "high"
    assert answer.data


def test_of_pictures_that_fail_the_others_are_answered(
    client: openai.OpenAI, painter: Painter
) -> None:
    def half(service: Service, task: Task) -> list[PictureOutcome]:
        broken = PictureOutcome(seed=0, failure=Failure(kind="EngineFailed", message="no luck"))
        return [broken, *outcomes(service, task)[1:]]

    painter.paint = half
    answer = edit(client, n=2)
    assert len(answer.data) == 1
    assert answer.notes == ["picture 1 of 2 failed: no luck"]


@pytest.mark.parametrize(
    ("change", "param", "code", "words"),
    [
        ({"image": b"no picture"}, "image", "not_an_image", "image: "),
        ({"mask": BASE}, "mask", "invalid_mask", "mask: must have transparency"),
        ({"mask": with_alpha(np.s_[:0])}, "mask", "empty_mask", "mask: must have a transparent"),
        ({"mask": openai.omit}, "image", "invalid_mask", "image: must have transparency"),
        (
            {"mask": png(np.zeros((300, 300, 4), np.uint8))},
            "mask",
            "mask_size_mismatch",
            "mask: must have the resolution of the picture, 320 x 300 px, got 300 x 300 px",
        ),
        ({"image": [BASE] * 3}, "image", "invalid_image", "image: must be one picture"),
        ({"image": [BASE, b"x"]}, "image[]", "not_an_image", "image[]: "),
        ({"n": 5}, "n", "invalid_option", "n: must be a whole number between 1 and 4, got 5"),
        ({"n": 0}, "n", "invalid_option", "n: must be a whole number between 1 and 4, got 0"),
        ({"extra_body": {"n": "two"}}, "n", "invalid_option", "n: must be a whole number"),
        ({"size": "big"}, "size", "invalid_option", 'size: must be "WIDTHxHEIGHT"'),
        ({"size": "9999x10"}, "size", "invalid_option", "size: must be"),
        ({"response_format": "gif"}, "response_format", "invalid_option", "one of url, b64_json"),
        ({"output_format": "svg"}, "output_format", "invalid_option", "one of png, jpeg"),
        ({"extra_body": {"strength": "nan"}}, "strength", "invalid_option", "must be a number"),
        ({"extra_body": {"strength": 2}}, "strength", "invalid_option", "between 0 and 1"),
        ({"extra_body": {"seed": -1}}, "seed", "invalid_option", "seed: must be a whole number"),
        ({"extra_body": {"style": "cubist"}}, "style", "invalid_option", "style: must be one of"),
        ({"extra_body": {"watermark": "x"}}, "watermark", "invalid_option", "true or false"),
        (
            {"stream": True, "response_format": "url"},
            "stream",
            "invalid_option",
            "stream: must be false",
        ),
    ],
)
def test_what_is_wrong_is_said(
    client: openai.OpenAI, change: dict[str, Any], param: str, code: str, words: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        edit(client, **change)
    assert caught.value.type == "invalid_request_error"
    assert (caught.value.param, caught.value.code) == (param, code)
    assert words in caught.value.body["message"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"json": {"prompt": "x"}}, "body: must be a form (multipart/form-data)"),
        ({"data": {"prompt": "x"}}, "body: must be a form (multipart/form-data)"),
        ({"files": {"mask": MASK}, "data": {"prompt": "x"}}, "image: must be a picture's file"),
        ({"files": {"image": BASE}}, "prompt: must be text, got none"),
        ({"files": {"image": BASE, "prompt": b"x"}}, "prompt: must be text, got a file"),
        ({"files": {"mask": MASK}, "data": {"image": "x"}}, "image: must be sent as a file"),
        (
            {"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data"}},
            "boundary",
        ),
        (
            {
                "content": b"--x--\r\n",
                "headers": {"Content-Type": "multipart/form-data; boundary=x; charset=punycode"},
            },
            "charset must be utf-8",
        ),
    ],
)
def test_a_form_that_is_none_is_refused(
    at: SimpleNamespace, key: tuple[Key, str], content: dict[str, Any], words: str
) -> None:
    content["headers"] = {**content.get("headers", {}), "Authorization": f"Bearer {key[1]}"}
    answer = httpx.post(f"{at.url}/v1/images/edits", **content)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        edit(client, model="dall-e-9")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert "'dall-e-9' does not exist" in caught.value.message
    with pytest.raises(openai.NotFoundError) as caught:
        edit(client, model="m" * 100_000)
    assert len(caught.value.message) < 1000


def test_without_a_key_nothing_is_answered(at: SimpleNamespace) -> None:
    client = openai.OpenAI(api_key="sk-wrong", base_url=f"{at.url}/v1", max_retries=0)
    with client, pytest.raises(openai.AuthenticationError) as caught:
        edit(client)
    assert caught.value.code == "invalid_api_key"
    with client, pytest.raises(openai.AuthenticationError):
        openai.OpenAI(api_key="sk-wrong", base_url=f"{at.url}/v1").models.list()


def test_a_used_up_quota_is_not_asked_for_again(at: SimpleNamespace) -> None:
    _, secret = make_key(at.service, Plan(name="tiny", images=1))
    with openai.OpenAI(api_key=secret, base_url=f"{at.url}/v1", max_retries=2) as client:
        edit(client)
        with pytest.raises(openai.RateLimitError) as caught:
            edit(client)
    assert caught.value.code == "insufficient_quota"
    assert caught.value.response.headers["x-should-retry"] == "false"


def test_who_submits_too_fast_may_try_again(at: SimpleNamespace) -> None:
    _, secret = make_key(at.service, Plan(name="slow", submissions_per_s=1))
    with openai.OpenAI(api_key=secret, base_url=f"{at.url}/v1", max_retries=0) as client:
        edit(client)  # the service's clock stands still
        with pytest.raises(openai.RateLimitError) as caught:
            edit(client)
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "1"
    assert "x-should-retry" not in caught.value.response.headers


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        ("ContentRefused", openai.BadRequestError, "content_policy_violation"),
        ("UnknownConcept", openai.BadRequestError, "unknown_concept"),
        ("EngineFailed", openai.InternalServerError, "engine_failed"),
        ("InternalError", openai.InternalServerError, "internal_error"),
    ],
)
def test_a_task_that_fails_is_an_error_that_is_not_tried_again(
    client: openai.OpenAI, painter: Painter, kind: str, error: type[Exception], code: str
) -> None:
    painter.paint = failing(kind, "it did not work")
    with pytest.raises(error) as caught:
        edit(client, n=2)
    failed: Any = caught.value
    assert failed.code == code
    assert failed.body["message"] == "it did not work"
    assert failed.response.headers["x-should-retry"] == "false"


def test_a_caller_who_leaves_takes_a_waiting_task_with_him(
    at: SimpleNamespace, key: tuple[Key, str], painter: Painter
) -> None:
    painter.paint = None

    async def ask_and_leave() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            call = client.post(
                f"{at.url}/v1/images/edits",
                headers={"Authorization": f"Bearer {key[1]}"},
                files={"image": BASE, "mask": MASK},
                data={"prompt": "x"},
            )
            asking = asyncio.create_task(call)
            while not at.service.list(key[0], Query()).tasks:
                await asyncio.sleep(0.02)
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking

    asyncio.run(ask_and_leave())
    assert state_in_the_end(at, key) is State.CANCELED


def test_a_reader_who_leaves_a_stream_does_so_too(
    at: SimpleNamespace, client: openai.OpenAI, key: tuple[Key, str], painter: Painter
) -> None:
    painter.paint = None
    edit(client, stream=True).close()
    assert state_in_the_end(at, key) is State.CANCELED


def test_a_task_that_someone_cancels_is_said_to_be(
    at: SimpleNamespace, client: openai.OpenAI, key: tuple[Key, str], painter: Painter
) -> None:
    painter.paint = None
    stream = edit(client, stream=True)
    at.service.cancel(key[0], newest(at, key).id)
    with pytest.raises(openai.APIError, match="was canceled"):
        list(stream)


def test_who_has_waited_long_enough_is_told_where_the_task_is(
    at: SimpleNamespace,
    client: openai.OpenAI,
    key: tuple[Key, str],
    painter: Painter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    painter.paint = None
    monkeypatch.setattr(door, "WAIT_S", 0.1)
    with pytest.raises(openai.InternalServerError) as caught:
        edit(client)
    task = newest(at, key)
    assert caught.value.status_code == 504
    assert caught.value.code == "task_time_out"
    assert f"/api/v1/tasks/{task.id}" in caught.value.message
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert task.state is State.PENDING  # it goes on
    at.service.cancel(key[0], task.id)


def test_a_stream_ends_with_the_picture(client: openai.OpenAI) -> None:
    with edit(client, stream=True, n=2, quality="low", partial_images=2) as stream:
        events = list(stream)
    assert [event.type for event in events] == ["image_edit.completed"] * 2
    for event in events:
        assert isinstance(event, openai.types.ImageEditCompletedEvent)
        assert base64.b64decode(event.b64_json) == BASE
        assert (event.quality, event.size, event.output_format) == ("low", "auto", "png")
        assert event.usage.total_tokens == 0


def test_a_stream_says_what_went_wrong(client: openai.OpenAI, painter: Painter) -> None:
    painter.paint = failing("ContentRefused", "not for everyone")
    with pytest.raises(openai.APIError, match="not for everyone"):
        list(edit(client, stream=True))


def test_a_stream_says_meanwhile_that_it_is_still_there(
    at: SimpleNamespace,
    key: tuple[Key, str],
    painter: Painter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    painter.paint = None
    monkeypatch.setattr(door, "KEEP_ALIVE_S", 0.0)
    lines = []
    with httpx.stream(
        "POST",
        f"{at.url}/v1/images/edits",
        headers={"Authorization": f"Bearer {key[1]}"},
        files={"image": BASE, "mask": MASK},
        data={"prompt": "x", "stream": "true"},
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            lines.append(line)
            if len(lines) > 6:
                painter.paint = outcomes
    assert lines[0] == lines[2] == ": painting"
    assert "event: image_edit.completed" in lines
    data = next(line for line in lines if line.startswith("data: "))
    assert json.loads(data.removeprefix("data: "))["type"] == "image_edit.completed"


def test_a_task_that_a_worker_has_is_not_taken_away(
    at: SimpleNamespace, client: openai.OpenAI, key: tuple[Key, str], painter: Painter
) -> None:
    painter.paint = None
    stream = edit(client, stream=True)
    task = at.service.tasks.claim("busy", lease_ms=60_000)
    with pytest.raises(NotPending):
        at.service.cancel(key[0], task.id)
    stream.close()
    assert at.service.tasks.finish(task, outcomes(at.service, task))
    assert newest(at, key).state is State.SUCCEEDED


def test_the_models_are_the_servers(at: SimpleNamespace, client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == list(at.service.settings.models)
    assert client.models.retrieve("wanx-x-painting").owned_by == "overpaint"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-9")
    assert caught.value.code == "model_not_found"


def test_a_body_that_is_too_large_is_refused_unread(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        edit(client, image=bytes(33 * 1024**2))
    assert caught.value.status_code == 413
