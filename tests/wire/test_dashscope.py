"""The real `dashscope` package against the real server; also run with its version 1.26.2."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import unquote, urlparse

import dashscope
import numpy as np
import pytest
import requests
from dashscope.aigc import image_synthesis
from dashscope.common.error import InvalidTask
from dashscope.utils.oss_utils import OssUtils
from dashscope.version import __version__
from tests.wire.client import Client
from tests.wire.host import PictureHost
from tests.wire.pictures import CENTER, mask, pixels_of, png, scene
from tests.wire.plugin import color_of
from tests.wire.process import ServeProcess

# Its sessions are closed when they are collected, by way of a call that Python deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:There is no current event loop:DeprecationWarning")

ImageSynthesis: Any = image_synthesis.ImageSynthesis  # its annotations are not what it takes
AioImageSynthesis: Any = image_synthesis.AioImageSynthesis
T = TypeVar("T")
KEPT = mask() == 0


@pytest.fixture(autouse=True)
def _pointed_here(server: ServeProcess, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashscope, "base_http_api_url", server.base)
    monkeypatch.setattr(dashscope, "api_key", key)


@pytest.fixture
def urls(client: Client) -> dict[str, Any]:
    return {"base_image_url": client.base, "mask_image_url": client.mask}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pictures with space")
    base, area = folder / "原图.png", folder / "mask.png"
    base.write_bytes(png(scene()))
    area.write_bytes(png(mask()))
    return base, area


@pytest.fixture
def held(
    server: ServeProcess,
    newcomer: Callable[[str], Client],
    closed_gate: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[str, str]]:
    """A running and a pending task of the key that the SDK now has."""
    owner = newcomer("free")
    monkeypatch.setattr(dashscope, "api_key", owner.key)
    running, pending = owner.create("gated"), owner.create("gated")
    owner.wait(running, "RUNNING")
    yield running, pending
    server.gate.touch()


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it in a loop of its own and close the session that the SDK keeps for the loop."""

    async def all_of_it() -> T:
        from dashscope.api_entities.aio_session import get_shared_aio_session

        try:
            return await work()
        finally:
            session = await get_shared_aio_session()
            await session.close()
            await asyncio.sleep(0)

    return asyncio.run(all_of_it())


def result_of(response: Any) -> Any:
    """The pixels of the first result, downloaded as the description's sample does."""
    assert response.status_code == HTTPStatus.OK, response
    assert response.output.task_status == "SUCCEEDED", response
    result = response.output.results[0]
    assert PurePosixPath(unquote(urlparse(result.url).path)).parts[-1].endswith(".png")
    answer = requests.get(result.url, timeout=30)
    assert answer.status_code == 200
    return pixels_of(answer.content)


def test_the_package_is_the_one_that_is_meant() -> None:
    assert __version__.startswith(os.environ.get("WIRE_DASHSCOPE", "2."))


def test_call_as_in_the_description(urls: dict[str, Any]) -> None:
    response = ImageSynthesis.call(
        model="instant",
        prompt="一只狗戴着红色眼镜",
        n=1,
        size="1024*1024",
        task="image2image",
        extra_input=urls,
    )
    assert result_of(response).shape == (1024, 1024, 3)
    assert response.usage.image_count == 1
    assert response.output.task_metrics["SUCCEEDED"] == 1
    assert response.request_id
    assert not response.code


def test_call_with_named_addresses(urls: dict[str, Any]) -> None:
    response = ImageSynthesis.call(
        model="instant",
        prompt="a red hat",
        task="image2image",
        size="original",
        n=2,
        seed=5,
        style="<watercolor>",
        negative_prompt="blur",
        **urls,
    )
    result = result_of(response)
    assert np.array_equal(result[KEPT], scene()[KEPT])
    wanted = color_of("a red hat", seed=5, style="watercolor", negative_prompt="blur")
    assert tuple(result[CENTER]) == wanted
    assert [one.seed for one in response.output.results] == ["5", "6"]


def test_every_other_named_argument_is_tolerated(client: Client, urls: dict[str, Any]) -> None:
    response = ImageSynthesis.async_call(
        model="instant",
        prompt="a red hat",
        task="image2image",
        function="description_edit_with_mask",
        size="original",
        prompt_extend=True,
        watermark=False,
        ref_strength=0.5,
        ref_mode="repaint",
        steps=30,
        scale=7,
        mask_color=[],
        workspace="llm-of-somebody",
        **urls,
    )
    assert response.status_code == 200, response
    client.wait(response.output.task_id)


def test_the_edit_model_needs_no_task(client: Client, urls: dict[str, Any]) -> None:
    response = ImageSynthesis.async_call(
        model="wanx2.1-imageedit",
        prompt="remove it",
        function="description_edit_with_mask",
        **urls,
    )
    assert response.status_code == 200, response
    client.wait(response.output.task_id)
    assert result_of(ImageSynthesis.fetch(response)).shape == scene().shape


def test_async_call_wait_and_fetch(urls: dict[str, Any]) -> None:
    created = ImageSynthesis.async_call(
        model="instant", prompt="a red hat", task="image2image", extra_input=urls, size="original"
    )
    assert created.status_code == 200
    assert created.output.task_status == "PENDING"
    waited = ImageSynthesis.wait(created)
    fetched = ImageSynthesis.fetch(created.output.task_id)
    assert np.array_equal(result_of(waited), result_of(fetched))


def test_a_waiter_with_a_timeout_is_told_so(held: tuple[str, str]) -> None:
    response = ImageSynthesis.wait(held[0], wait_timeout=0.1)
    assert response.code == "WaitTaskTimeout"


def test_a_slash_after_the_base_address_does_no_harm(
    server: ServeProcess, client: Client, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashscope, "base_http_api_url", server.base + "/")
    response = ImageSynthesis.async_call(
        model="instant", prompt="a red hat", task="image2image", **urls
    )
    assert response.status_code == 200
    client.wait(response.output.task_id)
    assert ImageSynthesis.fetch(response).output.task_status == "SUCCEEDED"
    assert ImageSynthesis.list().output["total"] > 0


def test_cancel(held: tuple[str, str]) -> None:
    running, pending = held
    assert ImageSynthesis.fetch(pending).output.task_status == "PENDING"
    assert ImageSynthesis.fetch(running).output.task_status == "RUNNING"
    cancelled = ImageSynthesis.cancel(pending)
    assert cancelled.status_code == 200
    assert cancelled.request_id
    assert ImageSynthesis.wait(pending).output.task_status == "CANCELED"
    refused = ImageSynthesis.cancel(running)
    assert (refused.status_code, refused.code) == (400, "UnsupportedOperation")
    assert "PENDING" in refused.message


def test_list(client: Client, held: tuple[str, str]) -> None:
    answer = ImageSynthesis.list(page_no=1, page_size=5)
    assert answer.status_code == 200
    assert answer.request_id
    assert answer.output["total"] == 2
    assert [row["task_id"] for row in answer.output["data"]] == list(held[::-1])
    one = ImageSynthesis.list(status="RUNNING", model_name="gated", page_size=1)
    assert [row["task_id"] for row in one.output["data"]] == [held[0]]
    assert ImageSynthesis.list(status="FAILED").output["data"] == []
    refused = ImageSynthesis.list(status="NONSENSE")
    assert (refused.status_code, refused.code) == (400, "InvalidParameter")


def test_a_task_that_is_not_there_ends_the_waiting() -> None:
    response = ImageSynthesis.wait("5f8ee2e1-0000-4000-8000-0123456789ab")
    assert response.status_code == 200
    assert response.output.task_status == "UNKNOWN"
    assert ImageSynthesis.cancel("5f8ee2e1-0000-4000-8000-0123456789ab").code == "NotFound"


def test_failures_are_told_in_the_output(client: Client, urls: dict[str, Any]) -> None:
    whole = ImageSynthesis.async_call(model="broken", prompt="x", task="image2image", **urls)
    client.wait(whole.output.task_id)
    failed = ImageSynthesis.wait(whole)
    assert failed.status_code == 200
    assert failed.output.task_status == "FAILED"
    assert failed.output.code == "InternalError.Algo"
    assert failed.output.message
    part = ImageSynthesis.async_call(
        model="picky", prompt="x", n=2, seed=0, task="image2image", **urls
    )
    client.wait(part.output.task_id)
    partial = ImageSynthesis.wait(part)
    assert partial.output.task_status == "SUCCEEDED"
    assert partial.usage.image_count == 1
    assert partial.output.results[1].code == "InternalError.Algo"


@pytest.mark.parametrize("schema", ["file://", ""])
def test_local_files_are_uploaded(client: Client, files: tuple[Path, Path], schema: str) -> None:
    base, area = files
    response = ImageSynthesis.async_call(
        model="instant",
        prompt="a red hat",
        task="image2image",
        size="original",
        base_image_url=f"{schema}{base}",
        mask_image_url=f"{schema}{area}",
        ref_img=f"{schema}{base}",
        sketch_image_url=f"{schema}{area}",
        seed=1,
    )
    assert response.status_code == 200, response
    client.wait(response.output.task_id)
    result = result_of(ImageSynthesis.fetch(response))
    assert np.array_equal(result[KEPT], scene()[KEPT])
    assert tuple(result[CENTER]) == color_of("a red hat", seed=1, reference=True, sketch=True)


def test_an_uploaded_file_is_used_again_by_its_oss_address(
    client: Client, files: tuple[Path, Path]
) -> None:
    addresses = []
    for path in files:
        uploaded = OssUtils.upload(model="instant", file_path=str(path), api_key=client.key)
        addresses.append(uploaded[0] if isinstance(uploaded, tuple) else uploaded)
    named = dict(zip(("base_image_url", "mask_image_url"), addresses, strict=True))
    response = ImageSynthesis.async_call(
        model="instant", prompt="a red hat", task="image2image", **named
    )
    assert response.status_code == 200, response
    through = ImageSynthesis.async_call(  # values of extra_input come without the header
        model="instant", prompt="a red hat", task="image2image", extra_input=named
    )
    assert (through.status_code, through.code) == (400, "InvalidURL")


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        ({"n": 5}, 400, "InvalidParameter"),
        ({"size": "1*1"}, 400, "InvalidParameter"),
        ({"model": "wanx-v1"}, 400, "InvalidParameter"),
        ({"base_image_url": "ftp://example.com/x.png"}, 400, "InvalidURL"),
        ({"api_key": "sk-wrong"}, 401, "InvalidApiKey"),
    ],
)
def test_a_creation_that_is_refused(
    urls: dict[str, Any], arguments: dict[str, Any], status: int, code: str
) -> None:
    said = {"model": "instant", "prompt": "x", "task": "image2image", **urls, **arguments}
    response = ImageSynthesis.async_call(**said)
    assert (response.status_code, response.code) == (status, code)
    assert response.message
    assert response.request_id
    assert response.output is None
    with pytest.raises(InvalidTask, match=code):
        ImageSynthesis.call(**said)


def test_sync_call_is_not_supported(urls: dict[str, Any]) -> None:
    response = ImageSynthesis.sync_call(model="instant", prompt="x", task="image2image", **urls)
    assert (response.status_code, response.code) == (403, "AccessDenied")
    assert response.message == "current user api does not support synchronous calls."


def test_a_wrong_key_is_told_by_every_call() -> None:
    for response in (
        ImageSynthesis.fetch("1", api_key="sk-wrong"),
        ImageSynthesis.wait("1", api_key="sk-wrong"),
        ImageSynthesis.cancel("1", api_key="sk-wrong"),
        ImageSynthesis.list(api_key="sk-wrong"),
    ):
        assert (response.status_code, response.code) == (401, "InvalidApiKey")
        assert response.message == "Invalid API-key provided."


def test_the_asynchronous_client_calls(urls: dict[str, Any]) -> None:
    async def work() -> Any:
        return await AioImageSynthesis.call(
            model="instant", prompt="a red hat", task="image2image", size="original", n=2, **urls
        )

    response = run(work)
    assert response.usage.image_count == 2
    assert np.array_equal(result_of(response)[KEPT], scene()[KEPT])


def test_the_asynchronous_client_creates_waits_fetches_and_lists(
    urls: dict[str, Any], files: tuple[Path, Path]
) -> None:
    async def work() -> None:
        created = await AioImageSynthesis.async_call(
            model="instant",
            prompt="a red hat",
            task="image2image",
            base_image_url=f"file://{files[0]}",
            mask_image_url=urls["mask_image_url"],
            size="original",
        )
        assert created.status_code == 200, created
        waited = await AioImageSynthesis.wait(created)
        assert waited.output.task_status == "SUCCEEDED"
        fetched = await AioImageSynthesis.fetch(created)
        assert fetched.output.results[0].url
        listed = await AioImageSynthesis.list(page_size=1)
        assert listed.output["data"][0]["task_id"] == created.output.task_id
        refused = await AioImageSynthesis.cancel(created)
        assert (refused.status_code, refused.code) == (400, "UnsupportedOperation")
        unknown = await AioImageSynthesis.fetch("nobody-s")
        assert unknown.output.task_status == "UNKNOWN"
        wrong = await AioImageSynthesis.async_call(
            model="instant", prompt="x", task="image2image", n=9, **urls
        )
        assert (wrong.status_code, wrong.code) == (400, "InvalidParameter")

    run(work)


def test_the_asynchronous_client_cancels(held: tuple[str, str]) -> None:
    async def work() -> None:
        cancelled = await AioImageSynthesis.cancel(held[1])
        assert cancelled.status_code == 200
        fetched = await AioImageSynthesis.fetch(held[1])
        assert fetched.output.task_status == "CANCELED"

    run(work)


def test_a_dropped_connection_is_not_noticed(
    client: Client, host: PictureHost, urls: dict[str, Any]
) -> None:
    for _ in range(3):  # the package keeps its connection between these
        response = ImageSynthesis.async_call(
            model="instant", prompt="a red hat", task="image2image", **urls
        )
        assert response.status_code == 200
