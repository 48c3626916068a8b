"""The real `openai` package against the real server."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from PIL import Image
from tests.wire.client import Client
from tests.wire.pictures import CENTER, flat, mask, pixels_of, png, scene
from tests.wire.plugin import color_of
from tests.wire.process import ServeProcess

KEPT = mask() == 0
BASE = png(scene())


def transparent(area: Any) -> bytes:
    """OpenAI's kind of mask: transparent where the picture is repainted."""
    return png(
        np.dstack([np.zeros((*area.shape, 3), np.uint8), np.where(area > 0, 0, 255)]).astype(
            np.uint8
        )
    )


MASK = transparent(mask())


@pytest.fixture(scope="module")
def openai_client(server: ServeProcess, key: str) -> Iterator[openai.OpenAI]:
    made = openai.OpenAI(base_url=f"{server.root}/v1", api_key=key, max_retries=0)
    yield made
    made.close()


def edit(client: openai.OpenAI, **said: Any) -> Any:
    call: dict[str, Any] = {
        "model": "instant",
        "image": ("base.png", BASE, "image/png"),
        "mask": ("mask.png", MASK, "image/png"),
        "prompt": "a red hat",
        **said,
    }
    return client.images.edit(**{name: value for name, value in call.items() if value is not None})


def pictures(response: Any) -> list[Any]:
    return [pixels_of(base64.b64decode(one.b64_json)) for one in response.data]


def test_the_transparent_part_is_repainted_at_the_own_size(openai_client: openai.OpenAI) -> None:
    response = edit(openai_client, extra_body={"seed": 7})
    (result,) = pictures(response)
    assert np.array_equal(result[KEPT], scene()[KEPT])
    assert tuple(result[CENTER]) == color_of("a red hat", seed=7)
    assert response.created > 1_700_000_000
    assert response.data[0].url is None


def test_without_a_mask_the_picture_s_own_transparency_is_meant(
    openai_client: openai.OpenAI,
) -> None:
    image = np.dstack([scene(), np.where(mask() > 0, 0, 255).astype(np.uint8)])
    (result,) = pictures(edit(openai_client, image=("a.png", png(image)), mask=None))
    assert np.array_equal(result[KEPT][:, :3], scene()[KEPT])
    assert not np.array_equal(result[~KEPT][:, :3], scene()[~KEPT])


@pytest.mark.parametrize("n", [1, 3])
def test_n_pictures_come(openai_client: openai.OpenAI, n: int) -> None:
    results = pictures(edit(openai_client, n=n, extra_body={"seed": 7}))
    colors = [tuple(int(part) for part in result[CENTER]) for result in results]
    assert colors == [color_of("a red hat", seed=7 + index) for index in range(n)]


def test_a_size_is_kept_to(openai_client: openai.OpenAI) -> None:
    (result,) = pictures(edit(openai_client, size="512x512"))
    assert result.shape[:2] == (512, 512)
    (result,) = pictures(edit(openai_client, size="auto"))
    assert result.shape == scene().shape


def test_a_url_is_answered_on_request(openai_client: openai.OpenAI) -> None:
    response = edit(openai_client, response_format="url")
    assert response.data[0].b64_json is None
    answer = httpx.get(response.data[0].url)
    assert answer.status_code == 200
    assert np.array_equal(pixels_of(answer.content)[KEPT], scene()[KEPT])


@pytest.mark.parametrize(("said", "format"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_the_output_format_is_kept_to(openai_client: openai.OpenAI, said: str, format: str) -> None:
    response = edit(openai_client, output_format=said)
    with Image.open(io.BytesIO(base64.b64decode(response.data[0].b64_json))) as image:
        assert image.format == format


def test_other_parameters_of_openai_are_tolerated(openai_client: openai.OpenAI) -> None:
    edit(
        openai_client,
        quality="high",
        background="auto",
        input_fidelity="high",
        user="somebody",
        output_compression=90,
    )


def test_extensions_go_through_extra_body(openai_client: openai.OpenAI) -> None:
    extra = {"seed": 3, "style": "anime", "negative_prompt": "blur", "strength": 0.5}
    (result,) = pictures(edit(openai_client, extra_body=extra))
    assert tuple(result[CENTER]) == color_of(
        "a red hat", seed=3, style="anime", negative_prompt="blur", strength=0.5
    )


def test_a_second_image_is_the_reference(openai_client: openai.OpenAI) -> None:
    images = [("a.png", BASE), ("b.png", png(scene(seed=5)))]
    (result,) = pictures(edit(openai_client, image=images, extra_body={"seed": 3}))
    assert tuple(result[CENTER]) == color_of("a red hat", seed=3, reference=True)


def test_a_stream_ends_with_the_picture(openai_client: openai.OpenAI) -> None:
    events = list(edit(openai_client, stream=True, extra_body={"seed": 3}))
    assert [event.type for event in events] == ["image_edit.completed"]
    result = pixels_of(base64.b64decode(events[0].b64_json))
    assert tuple(result[CENTER]) == color_of("a red hat", seed=3)


def test_the_task_is_in_the_key_s_list(openai_client: openai.OpenAI, client: Client) -> None:
    edit(openai_client)
    assert client.list(page_size=1)["data"][0]["status"] == "SUCCEEDED"


def test_the_asynchronous_client_edits(server: ServeProcess, key: str) -> None:
    import asyncio

    async def work() -> Any:
        async with openai.AsyncOpenAI(
            base_url=f"{server.root}/v1", api_key=key, max_retries=0
        ) as client:
            return await client.images.edit(
                model="instant", image=("a.png", BASE), mask=("b.png", MASK), prompt="a red hat"
            )

    (result,) = pictures(asyncio.run(work()))
    assert np.array_equal(result[KEPT], scene()[KEPT])


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"n": 5}, "n"),
        ({"size": "9x9"}, "size"),
        ({"size": "big"}, "size"),
        ({"prompt": "x" * 0, "image": ("a.png", b"no picture")}, "image"),
        ({"image": ("a.png", b"")}, "image"),
        ({"image": ("a.png", flat(100, 100))}, "image"),
        ({"mask": ("b.png", flat(300, 300))}, "mask"),
        ({"mask": ("b.png", transparent(mask() * 0))}, "mask"),
        ({"mask": ("b.png", b"no picture")}, "mask"),
        ({"mask": None}, "image"),
        ({"image": ("a.png", BASE + bytes(11 * 1024 * 1024))}, "image"),
        ({"response_format": "xml"}, "response_format"),
        ({"extra_body": {"seed": -1}}, "seed"),
        ({"extra_body": {"style": "nonsense"}}, "style"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_request_that_is_not_valid_is_a_bad_request(
    openai_client: openai.OpenAI, said: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        edit(openai_client, **said)
    assert caught.value.type == "invalid_request_error"
    assert caught.value.param == param
    assert caught.value.request_id


def test_a_wrong_key_is_an_authentication_error(server: ServeProcess) -> None:
    with openai.OpenAI(base_url=f"{server.root}/v1", api_key="sk-wrong") as wrong:
        with pytest.raises(openai.AuthenticationError) as caught:
            edit(wrong)
        assert caught.value.code == "invalid_api_key"
        with pytest.raises(openai.AuthenticationError):
            wrong.models.list()


def test_an_unknown_model_is_not_found(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        edit(openai_client, model="gpt-9")
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        openai_client.models.retrieve("gpt-9")


def test_an_engine_s_failure_is_a_server_error(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError, match="The engine could not paint"):
        edit(openai_client, model="broken")


def test_too_many_submissions_are_a_rate_limit_error(
    server: ServeProcess, newcomer: Callable[[str], Client]
) -> None:
    secret = newcomer("free").key
    with openai.OpenAI(base_url=f"{server.root}/v1", api_key=secret, max_retries=0) as free:
        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(edit, free) for _ in range(8)]
        refused = [call.exception() for call in calls if call.exception() is not None]
        assert refused
        for error in refused:
            assert isinstance(error, openai.RateLimitError)
            assert error.code == "rate_limit_exceeded"
    with openai.OpenAI(base_url=f"{server.root}/v1", api_key=secret, max_retries=5) as patient:
        for _ in range(3):
            edit(patient)


def test_the_models_are_listed(openai_client: openai.OpenAI) -> None:
    names = {model.id for model in openai_client.models.list()}
    assert {"wanx-x-painting", "wanx2.1-imageedit", "instant", "gpt-image-1"} <= names
    assert openai_client.models.retrieve("instant").object == "model"


def test_a_wrong_path_and_method_are_answered(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        openai_client.chat.completions.create(model="x", messages=[])
    with pytest.raises(openai.APIStatusError) as caught:
        openai_client.get("/images/edits", cast_to=object)
    assert caught.value.status_code == 405


def test_the_default_engine_removes(openai_client: openai.OpenAI) -> None:
    (result,) = pictures(edit(openai_client, model="gpt-image-1", prompt=""))
    assert np.array_equal(result[KEPT], scene()[KEPT])
    assert not np.array_equal(result, scene())
