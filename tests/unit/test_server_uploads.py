"""Files sent ahead of their task, as DashScope's SDKs send them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.dashscope_fixture import ASYNC, Answer, Caller, said
from tests.unit.service_fixture import BASE, MASK, Clock, service_in

from overpaint.imaging.source import MAX_BYTES
from overpaint.server import schemas
from overpaint.server.app import create_app
from overpaint.service import Service
from overpaint.service.uploading import POLICY_SECONDS
from overpaint.tasks.task import PLANS

POLICY = "/api/v1/uploads?action=getPolicy&model=wanx-x-painting"
FILES = "/api/v1/uploads/files"


class Uploader(Caller):
    """Someone with a key, who uploads as the SDK does."""

    def policy(self, query: str = POLICY) -> dict[str, Any]:
        answer = self.client.get(query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def upload(
        self, policy: dict[str, Any], name: str, data: bytes = BASE, /, **change: str
    ) -> Answer:
        fields = {
            "OSSAccessKeyId": policy["oss_access_key_id"],
            "Signature": policy["signature"],
            "policy": policy["policy"],
            "key": f"{policy['upload_dir']}/{name}",
            "x-oss-object-acl": policy["x_oss_object_acl"],
            "x-oss-forbid-overwrite": policy["x_oss_forbid_overwrite"],
            "success_action_status": "200",
            "x-oss-content-type": "image/png",
            **change,
        }
        return self.client.post(
            policy["upload_host"], data=fields, files={"file": (name, io.BytesIO(data))}
        )

    def order(self, base: str, mask: str, **headers: str) -> Answer:
        urls = {"base_image_url": base, "mask_image_url": mask}
        return self.create({**ASYNC, **headers}, input={"prompt": "a hat", **urls})


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Clock]]:
    folder = tmp_path_factory.mktemp("data")
    with service_in(folder, upload_capacity_mb=30) as (service, clock):
        yield service, clock


@pytest.fixture(scope="module")
def client(opened: tuple[Service, Clock]) -> Iterator[TestClient]:
    with TestClient(create_app(opened[0]), base_url="http://paint.example") as client:
        yield client


@pytest.fixture
def caller(client: TestClient, opened: tuple[Service, Clock]) -> Uploader:
    return Uploader(client, opened[0], PLANS["unlimited"])


@pytest.mark.parametrize("path", ["/api/v1/uploads", "/api/v1/uploads/"])
def test_a_policy_has_what_the_sdks_read(caller: Uploader, path: str) -> None:
    query = f"{path}?action=getPolicy&model=wanx-x-painting"
    answer = caller.client.get(query, headers=caller.headers)
    assert set(answer.json()) == {"request_id", "data"}
    schemas.PolicyAnswer.model_validate(answer.json())
    data = answer.json()["data"]
    assert data["upload_host"] == "http://paint.example/api/v1/uploads/files"
    numbers = {"expire_in_seconds", "max_file_size_mb", "capacity_limit_mb"}
    assert all(isinstance(data[name], int) for name in numbers)
    assert all(isinstance(data[name], str) for name in set(data) - numbers)


@pytest.mark.parametrize(
    "query",
    ["", "?action=getPolicy", "?action=other&model=wanx-x-painting", "?action=getPolicy&model=x"],
)
def test_a_policy_is_for_a_model(caller: Uploader, query: str) -> None:
    answer = caller.client.get(f"/api/v1/uploads{query}", headers=caller.headers)
    assert said(answer) == (400, "InvalidParameter")


def test_a_policy_needs_a_key(client: TestClient) -> None:
    assert said(client.get(POLICY)) == (401, "InvalidApiKey")


def test_uploaded_files_become_a_task(caller: Uploader) -> None:
    policy = caller.policy()
    for name, data in (("base.png", BASE), ("mask.png", MASK)):
        answer = caller.upload(policy, name, data)
        assert answer.status_code == 200
        assert answer.content == b""
    base, mask = (f"oss://{policy['upload_dir']}/{name}.png" for name in ("base", "mask"))
    resolve = {"X-DashScope-OssResourceResolve": "enable"}
    assert caller.order(base, mask, **resolve).status_code == 200
    assert said(caller.order(base, mask)) == (400, "InvalidURL"), "without the header"
    assert said(caller.order(base + "x", mask, **resolve)) == (400, "InvalidURL")


def test_anothers_upload_stays_his(
    caller: Uploader, client: TestClient, opened: tuple[Service, Clock]
) -> None:
    policy = caller.policy()
    assert caller.upload(policy, "base.png").status_code == 200
    other = Uploader(client, opened[0], PLANS["unlimited"])
    url = f"oss://{policy['upload_dir']}/base.png"
    answer = other.order(url, url, **{"X-DashScope-OssResourceResolve": "enable"})
    assert said(answer) == (400, "InvalidURL")


@pytest.mark.parametrize("name", ["图片 1.png", "a&b=c;d.png", 'it\'s "x".png', "x" * 200, "%2e"])
def test_a_file_may_have_any_name(caller: Uploader, name: str) -> None:
    policy = caller.policy()
    assert caller.upload(policy, name).status_code == 200
    url = f"oss://{policy['upload_dir']}/{name}"
    answer = caller.order(url, url, **{"X-DashScope-OssResourceResolve": "enable"})
    assert "white" in answer.json().get("message", "white"), "found, and read as a mask"
    assert answer.json().get("code") != "InvalidURL"


@pytest.mark.parametrize(
    "change",
    [
        {"Signature": "x"},
        {"Signature": "红"},
        {"OSSAccessKeyId": "LTAI5tNoneOfOurs"},
        {"OSSAccessKeyId": ""},
        {"policy": "e30="},
        {"policy": ""},
        {"key": "elsewhere/a.png"},
        {"key": ""},
    ],
)
def test_a_form_must_keep_to_its_policy(caller: Uploader, change: dict[str, str]) -> None:
    answer = caller.upload(caller.policy(), "a.png", **change)
    assert said(answer) == (403, "AccessDenied")


@pytest.mark.parametrize("name", ["../a.png", "a/b.png", "", "a\nb"])
def test_a_name_is_no_path(caller: Uploader, name: str) -> None:
    policy = caller.policy()
    answer = caller.upload(policy, "a.png", key=f"{policy['upload_dir']}/{name}")
    assert said(answer) == (403, "AccessDenied")


def test_a_policy_ends(caller: Uploader, opened: tuple[Service, Clock]) -> None:
    policy = caller.policy()
    opened[1].forward(seconds=POLICY_SECONDS + 1)
    assert said(caller.upload(policy, "a.png")) == (403, "AccessDenied")


def test_what_is_there_is_not_overwritten(caller: Uploader) -> None:
    policy = caller.policy()
    assert caller.upload(policy, "a.png", BASE).status_code == 200
    assert caller.upload(policy, "a.png", BASE).status_code == 200, "a client that tries again"
    assert said(caller.upload(policy, "a.png", MASK)) == (409, "FileAlreadyExists")


def test_a_large_file_is_refused(caller: Uploader) -> None:
    policy = caller.policy()
    assert caller.upload(policy, "a", bytes(MAX_BYTES)).status_code == 200
    assert said(caller.upload(policy, "b", bytes(MAX_BYTES + 1))) == (400, "InvalidFile.Size")
    assert said(caller.upload(policy, "c", bytes(MAX_BYTES * 2))) == (400, "InvalidFile.Size")
    assert caller.upload(policy, "d", bytes(MAX_BYTES)).status_code == 200
    assert caller.upload(policy, "e", bytes(MAX_BYTES)).status_code == 200
    status, _ = said(caller.upload(policy, "f", bytes(MAX_BYTES)))
    assert status == 403, "more than a key may have"


def test_the_fields_are_looked_at_before_the_file(caller: Uploader) -> None:
    """They come first, so that a file that nothing allows need not be taken in."""
    policy = caller.policy()
    fields = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "policy": policy["policy"],
        "Signature": policy["signature"],
        "key": policy["upload_dir"] + "/a",
    }
    parts = [("file", "; filename=a", "x"), *((name, "", text) for name, text in fields.items())]

    def form(parts: list[tuple[str, str, str]]) -> bytes:
        said = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{text}\r\n'
            for name, more, text in parts
        )
        return f"{said}--x--\r\n".encode()

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = caller.client.post(FILES, content=form(parts), headers=headers)
    assert said(answer) == (403, "AccessDenied")
    answer = caller.client.post(FILES, content=form(parts[1:] + parts[:1]), headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"nothing"),
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\na\r\n--x--\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="policy"\r\n\r\n'
            + b"a" * 100_000
            + b"\r\n--x--\r\n",
        ),
        (
            "multipart/form-data; boundary=x; charset=utf-7",
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--x--\r\n',
        ),
        (
            "multipart/form-data; boundary=x; charset=undefined",  # a codec that always fails
            b'--x\r\nContent-Disposition: form-data; name="policy"\r\n\r\nx\r\n--x--\r\n',
        ),
    ],
)
def test_what_is_no_form_is_refused(client: TestClient, kind: str, content: bytes) -> None:
    answer = client.post(FILES, content=content, headers={"Content-Type": kind})
    assert said(answer) == (400, "InvalidParameter")


def test_too_many_fields_are_refused(client: TestClient) -> None:
    fields = {f"f{number}": "x" for number in range(100)}
    answer = client.post(FILES, data=fields, files={"file": ("a", b"x")})
    assert said(answer) == (400, "InvalidParameter")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=80) | st.binary(max_size=40).map(lambda b: b"--x\r\n" + b))
def test_no_form_is_more_than_the_server_can_take(client: TestClient, content: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post(FILES, content=content, headers=headers).status_code in (400, 403)
