"""Result URLs: without a key, unguessable, and only as they were handed out."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx
import pytest
from tests.wire.client import Client, check_error
from tests.wire.process import ServeProcess


@pytest.fixture(scope="module")
def url(client: Client) -> str:
    return str(client.done()["output"]["results"][0]["url"])


def test_a_result_is_fetched_without_a_key_as_often_as_one_likes(url: str) -> None:
    first = httpx.get(url)
    assert first.status_code == 200
    assert first.headers["content-type"] == "image/png"
    assert first.headers["content-length"] == str(len(first.content))
    assert httpx.get(url).content == first.content
    assert httpx.get(url, headers={"Authorization": "Bearer nonsense"}).status_code == 200


def test_a_result_is_not_run_by_browsers(url: str) -> None:
    assert httpx.get(url).headers["x-content-type-options"] == "nosniff"


def test_head_tells_the_size(url: str) -> None:
    head = httpx.head(url)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == "image/png"


def test_a_url_names_the_server_as_the_request_did(server: ServeProcess, client: Client) -> None:
    task_id = client.create()
    client.wait(task_id)
    port = urlsplit(server.root).port
    named = client.http.get(f"/tasks/{task_id}", headers={"Host": f"localhost:{port}"})
    url = named.json()["output"]["results"][0]["url"]
    assert url.startswith(f"http://localhost:{port}/api/v1/")


def test_a_url_that_was_changed_anywhere_is_refused(url: str) -> None:
    parts = urlsplit(url)
    segments = parts.path.split("/")
    changed = set()
    for index in range(segments.index("v1") + 2, len(segments)):
        for old, new in (("0", "1"), ("1", "2"), ("a", "b"), ("e", "f"), ("png", "jpg")):
            other = list(segments)
            other[index] = other[index].replace(old, new)
            if other != segments:
                changed.add("/".join(other))
        other = [*segments[:index], *segments[index + 1 :]]
        changed.add("/".join(other))
    changed.add(parts.path + "/")
    changed.add(re.sub(r"-\d+\.png$", "-9.png", parts.path))
    assert len(changed) > 8
    for path in changed:
        response = httpx.get(f"{parts.scheme}://{parts.netloc}{path}")
        assert response.status_code in (403, 404), path
        check_error(response, response.status_code)


def test_paths_out_of_the_folder_lead_nowhere(server: ServeProcess) -> None:
    for path in ("/files/../../etc/passwd", "/files/%2e%2e/%2e%2e/etc/passwd", "/files/", "/files"):
        response = httpx.get(server.base + path)
        assert response.status_code in (403, 404)


def test_another_task_s_signature_opens_nothing(client: Client, url: str) -> None:
    other = str(client.done()["output"]["results"][0]["url"])
    segments, others = url.split("/"), other.split("/")
    mixed = "/".join([*segments[:-1], others[-1]])
    assert httpx.get(mixed).status_code in (403, 404)


def test_a_damaged_result_is_answered_not_served(server: ServeProcess, client: Client) -> None:
    answer = client.done()
    task_id, url = answer["output"]["task_id"], answer["output"]["results"][0]["url"]
    found = [path for path in server.data.rglob("*") if path.is_file() and task_id in str(path)]
    (stored,) = [path for path in found if "result" in path.name]
    data = stored.read_bytes()
    stored.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    check_error(httpx.get(url), 500, "InternalError")
    stored.unlink()
    check_error(httpx.get(url), 500, "InternalError")
    assert client.task(task_id)["output"]["task_status"] == "SUCCEEDED"
