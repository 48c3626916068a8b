"""The requests of the Java SDK 2.22.29, replayed: its package cannot be had here.

It speaks through OkHttp; its models are filled by Gson, which `check_task` and `check_list` stand
for: results are `List<Map<String, String>>`, metrics `Integer`, times of a list `Long`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.wire.client import CREATE, Client, check_envelope, check_list, check_task
from tests.wire.pictures import mask, png, scene

AGENT = "dashscope/2.22.29; java/17.0.15; platform/Linux; processor/amd64"


def java(client: Client, **more: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {client.key}",
        "user-agent": AGENT,
        "Accept": "application/json; charset=utf-8",
        "Accept-Encoding": "gzip",
        "Connection": "Keep-Alive",
        **more,
    }


@pytest.fixture
def http() -> Any:
    with httpx.Client(timeout=30) as plain:
        plain.headers.clear()
        yield plain


def test_a_synchronous_call_is_a_creation_and_queries(client: Client, http: httpx.Client) -> None:
    body = {
        "model": "instant",
        "input": {
            "prompt": "一只狗戴着红色眼镜",
            "base_image_url": client.base,
            "mask_image_url": client.mask,
        },
        "parameters": {"size": "1024*1024", "n": 1},
    }
    response = http.post(
        client.address + CREATE,
        content=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        headers=java(
            client,
            **{"Content-Type": "application/json; charset=utf-8", "X-DashScope-Async": "enable"},
        ),
    )
    assert response.status_code == 200, response.text
    task_id = check_envelope(response)["output"]["task_id"]
    client.wait(task_id)
    response = http.get(f"{client.address}/tasks/{task_id}", headers=java(client))
    answer = check_task(check_envelope(response), task_id)
    assert answer["output"]["task_status"] == "SUCCEEDED"
    for result in answer["output"]["results"]:
        assert {type(value) for value in result.values()} == {str}


def test_a_cancellation_has_a_content_type_and_an_empty_body(
    client: Client, newcomer: Callable[[str], Client], closed_gate: None, http: httpx.Client
) -> None:
    asker = newcomer("free")
    first, second = asker.create("gated"), asker.create("gated")
    asker.wait(first, "RUNNING")
    headers = java(asker, **{"Content-Type": "application/json", "Content-Length": "0"})
    response = http.post(f"{asker.address}/tasks/{second}/cancel", headers=headers)
    assert response.status_code == 200, response.text
    assert set(check_envelope(response)) == {"request_id"}
    response = http.post(f"{asker.address}/tasks/{first}/cancel", headers=headers)
    assert response.status_code == 400
    assert response.json()["code"] == "UnsupportedOperation"


def test_a_list_has_data_and_no_output(client: Client, http: httpx.Client) -> None:
    client.create()
    response = http.get(f"{client.address}/tasks?page_no=1&page_size=10", headers=java(client))
    answer = check_list(check_envelope(response))
    assert answer["data"]
    assert "output" not in answer


def test_a_local_file_is_uploaded_in_a_form_whose_parts_have_lengths(
    client: Client, http: httpx.Client
) -> None:
    """OkHttp writes a Content-Length into every part."""
    url = f"{client.address}/uploads?action=getPolicy&model=wanx-x-painting"
    answer = check_envelope(http.get(url, headers=java(client)))
    assert "output" not in answer
    data = answer["data"]
    uploaded = {}
    for field, file in (("base_image_url", png(scene())), ("mask_image_url", png(mask()))):
        name = f"{field}.png"
        fields = {
            "OSSAccessKeyId": data["oss_access_key_id"],
            "Signature": data["signature"],
            "policy": data["policy"],
            "key": f"{data['upload_dir']}/{name}",
            "x-oss-object-acl": data["x_oss_object_acl"],
            "x-oss-forbid-overwrite": data["x_oss_forbid_overwrite"],
            "success_action_status": "200",
            "x-oss-content-type": "image/png",
        }
        boundary = "1b2f1f1e-4a53-4d8a-8a44-2a8d5f6c7d90"
        parts = [
            f'Content-Disposition: form-data; name="{key}"\r\n'
            f"Content-Length: {len(value.encode())}\r\n\r\n{value}".encode()
            for key, value in fields.items()
        ]
        parts.append(
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: image/png\r\nContent-Length: {len(file)}\r\n\r\n".encode()
            + file
        )
        dashes = f"--{boundary}\r\n".encode()
        body = b"".join(dashes + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
        response = http.post(
            data["upload_host"],
            content=body,
            headers={
                "user-agent": AGENT,
                "Accept": "application/json",
                "Date": "Sun, 22 Nov 2026 20:43:00 GMT",
                "Content-Type": f"multipart/form-data; boundary={boundary}",
            },
        )
        assert response.status_code == 200, response.text
        uploaded[field] = f"oss://{data['upload_dir']}/{name}"
    headers = {"X-DashScope-OssResourceResolve": "enable"}
    task_id = client.create(input=uploaded, headers=headers)
    assert client.wait(task_id)["output"]["task_status"] == "SUCCEEDED"


SOURCE = Path(__file__).with_name("Query.java")


@pytest.mark.skipif(shutil.which("java") is None, reason="needs java 11 or newer")
def test_java_s_own_client_creates_queries_and_cancels(client: Client) -> None:
    """It offers an upgrade to HTTP/2 with every request, which the server passes over."""
    body = json.dumps(client.body(input={"prompt": "一只狗戴着红色眼镜"}), ensure_ascii=False)
    done = subprocess.run(
        ["java", "-Dfile.encoding=UTF-8", str(SOURCE), client.address, client.key],
        input=body,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[:3] == ["200 application/json", "200 application/json", "200 SUCCEEDED"]
    assert said[3] == "400 UnsupportedOperation"
    assert said[4].startswith("200 image/png")
    assert urlsplit(said[4].split()[-1]).path.endswith(".png")
