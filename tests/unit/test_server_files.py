"""Results, by signed addresses."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.unit.service_fixture import BASE, order, paint, service_in

from overpaint.imaging.encode import encode
from overpaint.imaging.provenance import Provenance, read_provenance
from overpaint.server.app import create_app
from overpaint.tasks.task import PLANS, PictureOutcome
from overpaint.values import Picture


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A service with a painted task, and the path of its picture."""
    with service_in(tmp_path_factory.mktemp("data")) as (service, clock):
        key = service.keys.create("k", PLANS["unlimited"])[0]
        clock.now = time.time_ns() // 1_000_000
        service.submit(key, order())
        task = paint(service)
        with TestClient(create_app(service)) as client:
            path = f"/api/v1/{service.sign_file(task, 0)}"
            yield SimpleNamespace(client=client, path=path, task=task, service=service, clock=clock)


def test_a_result_needs_no_key_and_is_a_picture(at: SimpleNamespace) -> None:
    answer = at.client.get(at.path)
    assert answer.status_code == 200
    assert answer.content == BASE
    headers = answer.headers
    assert headers["content-type"] == "image/png"
    assert headers["content-length"] == str(len(BASE))
    assert headers["content-disposition"] == f'inline; filename="{at.task.id}-0.png"'
    assert headers["cache-control"].startswith("private, immutable, max-age=")
    assert 86_000 < int(headers["cache-control"].rpartition("=")[2]) <= 86_401
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["x-request-id"]


def test_its_head_can_be_asked_for(at: SimpleNamespace) -> None:
    answer = at.client.head(at.path)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-length"] == str(len(BASE))
    assert answer.headers["content-type"] == "image/png"


def test_a_path_that_was_changed_leads_nowhere(at: SimpleNamespace) -> None:
    parts = at.path.split("/")
    changes = {4: "x", 5: "9" * 10, 6: "0" * 64, 7: f"{at.task.id}-1.png"}
    for index, part in changes.items():
        changed = "/".join([*parts[:index], part, *parts[index + 1 :]])
        answer = at.client.get(changed)
        assert answer.status_code == 404
        assert answer.json()["code"] == "NotFound"
        assert answer.headers["content-type"] == "application/json"
    for odd in ("%E7%BA%A2", "%00", "%22"):
        assert at.client.get("/".join([*parts[:6], odd, parts[7]])).status_code == 404


def test_a_lost_picture_is_the_servers_fault(at: SimpleNamespace) -> None:
    key = at.service.keys.get(at.task.key_id)
    at.service.submit(key, order())
    task = paint(at.service)
    path = f"/api/v1/{at.service.sign_file(task, 0)}"
    at.service.blobs.delete(f"tasks/{task.id}")
    answer = at.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (500, "InternalError")
    assert str(at.service.settings.data_dir) not in answer.text


def test_a_path_ends(at: SimpleNamespace) -> None:
    at.clock.forward(hours=25)
    try:
        answer = at.client.get(at.path)
    finally:
        at.clock.forward(hours=-25)
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")


def result_of(at: SimpleNamespace, format: str = "png") -> tuple[str, bytes]:
    """The path of a result as a worker writes it, and its bytes."""
    pixels = np.random.default_rng(3).integers(0, 256, (70, 90, 4), dtype=np.uint8)
    made = Provenance(engine="builtin", prompt="一顶红帽子", seed=7, whole=False)
    data = encode(Picture(pixels=pixels), format=format, provenance=made)
    at.service.submit(at.service.keys.get(at.task.key_id), order())
    task = at.service.tasks.claim("worker-1", lease_ms=10_000)
    suffix = "jpg" if format == "jpeg" else format
    blob = at.service.blobs.put(f"tasks/{task.id}/result-1-0.{suffix}", data)
    assert at.service.tasks.finish(task, [PictureOutcome(seed=7, blob=blob)])
    return f"/api/v1/{at.service.sign_file(at.service.tasks.get(task.id), 0)}", data


@pytest.mark.parametrize(("format", "suffix"), [("jpeg", "jpg"), ("webp", "webp")])
def test_a_result_is_converted_with_its_provenance(
    at: SimpleNamespace, format: str, suffix: str
) -> None:
    path, data = result_of(at)
    answer = at.client.get(f"{path}?format={format}")
    assert answer.status_code == 200
    plain = at.client.get(path)
    assert plain.content == data
    same = ("cache-control", "content-security-policy", "cross-origin-resource-policy")
    for name in same:
        assert (
            answer.headers[name].partition("max-age")[0]
            == (plain.headers[name].partition("max-age")[0])
        )
    assert answer.headers["content-type"] == f"image/{format}"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["content-disposition"].endswith(f'-0.{suffix}"')
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == (format.upper(), (90, 70))
        assert image.mode == ("RGB" if format == "jpeg" else "RGBA")
    before, after = read_provenance(data), read_provenance(answer.content)
    assert after is not None
    assert after == before
    assert after.prompt == "一顶红帽子"
    assert at.client.get(f"{path}?format={format}").content == answer.content
    small = at.client.get(f"{path}?format={format}&quality=20").content
    assert len(small) < len(answer.content)
    assert read_provenance(small) == before


@pytest.mark.parametrize("query", ["format=png", "format=png&quality=30", "quality=30"])
def test_a_png_stays_byte_for_byte(at: SimpleNamespace, query: str) -> None:
    path, data = result_of(at)
    answer = at.client.get(f"{path}?{query}")
    assert answer.content == data
    assert answer.headers["content-type"] == "image/png"


def test_a_lossy_result_stays_unless_another_quality_is_asked_for(at: SimpleNamespace) -> None:
    path, data = result_of(at, "jpeg")
    assert at.client.get(f"{path}?format=jpeg").content == data
    small = at.client.get(f"{path}?quality=10")
    assert len(small.content) < len(data)
    assert small.headers["content-type"] == "image/jpeg"
    png = at.client.get(f"{path}?format=png")
    assert png.headers["content-disposition"].endswith('-0.png"')
    assert read_provenance(png.content) == read_provenance(data)


def test_the_head_of_a_conversion_tells_its_size(at: SimpleNamespace) -> None:
    path, _ = result_of(at)
    head, got = at.client.head(f"{path}?format=webp"), at.client.get(f"{path}?format=webp")
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))


@pytest.mark.parametrize(
    "query", ["format=gif", "format=", "quality=0", "quality=101", "quality=x"]
)
def test_what_cannot_be_converted_to_is_refused(at: SimpleNamespace, query: str) -> None:
    answer = at.client.get(f"{at.path}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


def test_a_conversion_needs_a_good_signature_too(at: SimpleNamespace) -> None:
    parts = at.path.split("/")
    changed = "/".join([*parts[:6], "0" * 64, parts[7]])
    assert at.client.get(f"{changed}?format=jpeg").status_code == 404
