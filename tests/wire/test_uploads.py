"""Local files: policy, signed form, and `oss://` addresses."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import numpy as np
import pytest
from tests.wire.client import Client, Json, check_envelope, check_error
from tests.wire.pictures import data_url, flat, mask, pixels_of, png, scene

RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}
TEXTS = {
    "upload_host",
    "upload_dir",
    "policy",
    "signature",
    "oss_access_key_id",
    "x_oss_object_acl",
    "x_oss_forbid_overwrite",
}
NUMBERS = {"expire_in_seconds", "max_file_size_mb", "capacity_limit_mb"}


def policy_of(client: Client) -> Json:
    response = client.http.get("/uploads?action=getPolicy&model=wanx-x-painting")
    assert response.status_code == 200, response.text
    answer = check_envelope(response)
    assert set(answer) == {"request_id", "data"}
    return dict(answer["data"])


def send(
    signed: Json, data: bytes, name: str = "base.png", *, file: str = "", **changed: str | None
) -> httpx.Response:
    """Post the form that the SDKs post; a field that is None is left out."""
    fields = {
        "OSSAccessKeyId": signed["oss_access_key_id"],
        "Signature": signed["signature"],
        "policy": signed["policy"],
        "key": f"{signed['upload_dir']}/{name}",
        "x-oss-object-acl": signed["x_oss_object_acl"],
        "x-oss-forbid-overwrite": signed["x_oss_forbid_overwrite"],
        "success_action_status": "200",
        "x-oss-content-type": "image/png",
        **changed,
    }
    return httpx.post(
        signed["upload_host"],
        data={key: value for key, value in fields.items() if value is not None},
        files={"file": (file or name, data)},
        timeout=30,
    )


def uploaded(client: Client, data: bytes | None = None) -> str:
    policy = policy_of(client)
    response = send(policy, png(scene()) if data is None else data)
    assert response.status_code == 200, response.text
    return f"oss://{policy['upload_dir']}/base.png"


def test_a_policy_has_every_field_in_its_type(client: Client) -> None:
    data = policy_of(client)
    assert set(data) == TEXTS | NUMBERS
    assert all(isinstance(data[name], str) and data[name] for name in TEXTS)
    assert all(float(data[name]) > 0 for name in NUMBERS)
    assert data["x_oss_object_acl"] == "private"
    assert data["x_oss_forbid_overwrite"] == "true"
    assert data["upload_dir"] != policy_of(client)["upload_dir"]


@pytest.mark.parametrize(
    "query", ["", "?action=getPolicy", "?model=wanx-x-painting", "?action=drop&model=x", "?action="]
)
def test_what_is_asked_for_otherwise_breaks_nothing(client: Client, query: str) -> None:
    response = client.http.get(f"/uploads{query}")
    assert response.status_code in (200, 400)
    check_envelope(response)


def test_uploads_are_painted_on(client: Client) -> None:
    policy = policy_of(client)
    assert send(policy, png(scene())).status_code == 200
    assert send(policy, png(mask()), "mask.png").status_code == 200  # one policy for both
    urls = {
        "base_image_url": f"oss://{policy['upload_dir']}/base.png",
        "mask_image_url": f"oss://{policy['upload_dir']}/mask.png",
    }
    task_id = client.create(input=urls, headers=RESOLVE)
    result = pixels_of(client.pictures(client.wait(task_id))[0])
    assert np.array_equal(result[mask() == 0], scene()[mask() == 0])


def test_without_its_header_an_oss_address_is_refused(client: Client) -> None:
    body = client.body(input={"base_image_url": uploaded(client)})
    codes = ("InvalidURL", "InvalidParameter")
    check_error(client.post(body), 400, *codes)
    disabled = {"X-DashScope-OssResourceResolve": "disable"}
    check_error(client.post(body, headers=disabled), 400, *codes)
    assert client.post(body, headers=RESOLVE).status_code == 200


def test_a_stranger_s_upload_is_not_there(client: Client, stranger: Client) -> None:
    urls = {"base_image_url": uploaded(client)}
    check_error(stranger.post(stranger.body(input=urls), headers=RESOLVE), 400, "InvalidURL")


@pytest.mark.parametrize(
    "name", ["oss://", "oss://x", "oss://../../etc/passwd", "oss://a/b/c", "oss://dashscope/x.png"]
)
def test_an_oss_address_that_is_not_there_is_refused(client: Client, name: str) -> None:
    response = client.post(client.body(input={"base_image_url": name}), headers=RESOLVE)
    check_error(response, 400, "InvalidURL", "InvalidParameter")


@pytest.mark.parametrize(
    "changed",
    [
        {"Signature": "AAAA"},
        {"Signature": None},
        {"OSSAccessKeyId": "LTAI5tNoneOfOurs"},
        {"OSSAccessKeyId": None},
        {"policy": base64.b64encode(b'{"conditions":[]}').decode()},
        {"policy": None},
        {"policy": "%%%"},
        {"key": "elsewhere/base.png"},
        {"key": "../base.png"},
        {"key": ""},
        {"key": None},
    ],
    ids=str,
)
def test_a_form_that_is_not_as_signed_is_refused(client: Client, changed: Any) -> None:
    response = send(policy_of(client), png(scene()), **changed)
    assert response.status_code in (400, 401, 403), response.text
    check_error(response, response.status_code)


def test_a_key_outside_the_policy_s_folder_is_refused(client: Client) -> None:
    policy = policy_of(client)
    for key in (f"{policy['upload_dir']}/../x/a.png", f"{policy['upload_dir']}x/a.png"):
        response = send(policy, b"x", key=key)
        assert response.status_code in (400, 403), key
        check_error(response, response.status_code)


def test_a_form_without_a_file_is_refused(client: Client) -> None:
    policy = policy_of(client)
    for options in ({"data": {"policy": policy["policy"]}}, {"content": b"x"}, {}):
        response = httpx.post(policy["upload_host"], **options)
        assert 400 <= response.status_code < 500
        check_error(response, response.status_code)


def test_an_upload_is_not_overwritten(client: Client) -> None:
    policy = policy_of(client)
    assert send(policy, png(scene())).status_code == 200
    response = send(policy, flat(300, 300))
    assert 400 <= response.status_code < 500
    urls = {"base_image_url": f"oss://{policy['upload_dir']}/base.png"}
    result = pixels_of(client.pictures(client.wait(client.create(input=urls, headers=RESOLVE)))[0])
    assert np.array_equal(result[mask() == 0], scene()[mask() == 0])


def test_a_file_that_is_too_large_is_refused(client: Client) -> None:
    response = send(policy_of(client), bytes(11 * 1024 * 1024))
    assert response.status_code in (400, 413)
    check_error(response, response.status_code)


def test_an_upload_that_is_no_picture_is_refused_when_it_is_used(client: Client) -> None:
    urls = {"base_image_url": uploaded(client, b"this is not a picture")}
    response = client.post(client.body(input=urls), headers=RESOLVE)
    check_error(response, 400, "InvalidImageFormat")


@pytest.mark.parametrize(
    "name",
    ["图片.png", "with space.png", "a+b%20c.png", "photo.final.v2.PNG", "no extension", "ä&b"],
)
def test_names_of_files_may_be_anything(client: Client, name: str) -> None:
    policy = policy_of(client)
    response = send(policy, png(scene()), name)
    assert response.status_code == 200, response.text
    urls = {"base_image_url": f"oss://{policy['upload_dir']}/{name}"}
    answer = client.wait(client.create(input=urls, headers=RESOLVE))
    assert answer["output"]["task_status"] == "SUCCEEDED"


def test_data_urls_are_taken(client: Client) -> None:
    urls = {"base_image_url": data_url(png(scene())), "mask_image_url": data_url(png(mask()))}
    result = pixels_of(client.pictures(client.done(input=urls))[0])
    assert np.array_equal(result[mask() == 0], scene()[mask() == 0])
