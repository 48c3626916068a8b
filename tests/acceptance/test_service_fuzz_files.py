"""Whatever forms and damaged pictures strangers send: an answer, never a fault of the server."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.testclient import TestClient
from tests.acceptance.fuzz_stage import (
    EDIT,
    NUMBERS,
    ORDER,
    SOME,
    TEXTS,
    UPLOAD,
    check,
    data_url,
    opened,
    order,
)
from tests.unit.picture_files import file_of
from tests.unit.service_fixture import BASE, MASK, PIXELS


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with opened(tmp_path_factory.mktemp("server")) as (_, caller):
        yield caller


# Forms

_part = st.builds(
    lambda name, file, kind, body, end: b"".join([
        b'Content-Disposition: form-data; name="', name, b'"',
        b'; filename="' + file + b'"' if file is not None else b"",
        b"\r\n",
        b"Content-Type: " + kind + b"\r\n" if kind is not None else b"",
        b"\r\n", body, end,
    ]),
    st.one_of(
        st.sampled_from([b"image", b"image[]", b"mask", b"prompt", b"model", b"n", b"size", b"file",
                         b"policy", b"Signature", b"key", b"stream", b"sketch", b"seed", b"\xff"]),
        st.binary(max_size=10),
    ),
    st.one_of(st.none(), st.binary(max_size=10)),
    st.one_of(st.none(), st.sampled_from([b"image/png", b"text/plain; charset=nothing", b"\xff"])),
    st.one_of(st.binary(max_size=60), st.sampled_from([BASE, MASK, b"1", b"true", b"erase"])),
    st.sampled_from([b"\r\n", b"\r\n", b"\n", b""]),
)  # fmt: skip


# A form that ends within a file: Starlette leaves that file to be closed by being forgotten.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(SOME, max_examples=100)
@given(
    route=st.sampled_from([UPLOAD, EDIT, "/sign-in", ORDER]),
    parts=st.lists(_part, max_size=5),
    boundary=st.one_of(st.just("x"), st.text(st.characters(codec="ascii"), max_size=80)),
    ending=st.sampled_from(["--", "", "\r\n", "--\r\n", "-"]),
)
def test_any_form(
    client: TestClient, route: str, parts: list[bytes], boundary: str, ending: str
) -> None:
    mark = boundary.encode("ascii")
    body = b"".join(b"--" + mark + b"\r\n" + part for part in parts)
    body += b"--" + mark + ending.encode()
    kind = re.sub(r"[\r\n\x00]", "", f"multipart/form-data; boundary={boundary}")
    check(client.post(route, content=body, headers={"Content-Type": kind}))


@settings(SOME, max_examples=40)
@given(
    field=st.sampled_from(["policy", "Signature", "key", "OSSAccessKeyId", "x-oss-object-acl"]),
    change=st.one_of(
        st.text(max_size=40).map(lambda text: lambda _: text),
        st.text(max_size=8).map(lambda text: lambda value: value + text),
        st.integers(0, 60).map(lambda end: lambda value: value[:end]),
        st.just(lambda value: base64.b64encode(b'{"key_id": 1}').decode()),
    ),
)
def test_an_upload_with_a_changed_field(client: TestClient, field: str, change: Any) -> None:
    given = client.get("/api/v1/uploads?action=getPolicy&model=erase").json()["data"]
    fields = {
        "OSSAccessKeyId": given["oss_access_key_id"],
        "policy": given["policy"],
        "Signature": given["signature"],
        "key": f"{given['upload_dir']}/a.png",
        "x-oss-object-acl": "private",
    }
    fields[field] = change(fields[field])
    check(client.post(UPLOAD, data=fields, files={"file": ("a.png", BASE, "image/png")}))


@settings(SOME, max_examples=30)
@given(
    field=st.sampled_from(
        ["n", "size", "seed", "style", "palette", "strength", "guidance", "steps", "grow",
         "feather", "watermark", "stream", "response_format", "output_format", "quality", "model",
         "user", "mask", "image", "background", "prompt"]
    ),
    value=st.one_of(TEXTS, NUMBERS.map(str), st.sampled_from(["nan", "inf", "²", "١", "1_0"])),
)  # fmt: skip
def test_any_value_of_a_field_at_openais_door(client: TestClient, field: str, value: str) -> None:
    alpha = np.dstack([PIXELS, np.full(PIXELS.shape[:2], 255, np.uint8)])
    alpha[100:200, 120:200, 3] = 0
    fields = {"prompt": "remove it", "model": "erase", "output_format": "png", field: value}
    files = {"image": ("a.png", file_of(Image.fromarray(alpha), "PNG", compress_level=1))}
    check(client.post(EDIT, data=fields, files=files))


# Pictures


def _pictures() -> dict[str, bytes]:
    """One file of each format and of the ways to write it that differ most; small ones."""
    scene = Image.fromarray(PIXELS).resize((40, 40)).resize((260, 258))
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = Image.new("RGB", (1, 1)).info.get("icc_profile")
    return {
        "png": file_of(scene, "PNG"),
        "png-palette": file_of(scene.quantize(16), "PNG", transparency=3),
        "png-alpha": file_of(scene.convert("LA"), "PNG"),
        "png-16": file_of(Image.fromarray(np.full((258, 260), 40_000, np.uint16)), "PNG"),
        "jpeg": file_of(scene, "JPEG", exif=exif),
        "jpeg-progressive": file_of(scene, "JPEG", progressive=True, subsampling=0),
        "jpeg-cmyk": file_of(scene.convert("CMYK"), "JPEG"),
        "bmp": file_of(scene.quantize(16), "BMP"),
        "tiff-lzw": file_of(scene, "TIFF", compression="tiff_lzw", icc_profile=profile),
        "tiff-jpeg": file_of(scene, "TIFF", compression="jpeg"),
        "tiff-1": file_of(scene.convert("1"), "TIFF", compression="group4"),
        "webp": file_of(scene, "WEBP"),
        "webp-lossless": file_of(scene.convert("RGBA"), "WEBP", lossless=True, exif=exif),
        "gif": file_of(scene.quantize(16), "GIF"),
    }


PICTURES = _pictures()


@settings(SOME, max_examples=120)
@given(
    name=st.sampled_from(sorted(PICTURES)),
    place=st.sampled_from(
        ["base_image_url", "mask_image_url", "reference_image_url", "sketch_image_url"]
    ),
    data=st.data(),
)
def test_any_damage_to_a_picture(
    client: TestClient, name: str, place: str, data: st.DataObject
) -> None:
    picture = bytearray(PICTURES[name])
    for _ in range(data.draw(st.integers(0, 6), label="flips")):
        # headers are short, and more comes of them
        end = data.draw(st.sampled_from([32, 200, len(picture)]), label="within")
        at = data.draw(st.integers(0, min(end, len(picture)) - 1), label="at")
        picture[at] = data.draw(st.integers(0, 255), label="byte")
    cut = data.draw(st.one_of(st.none(), st.integers(1, len(picture))), label="cut")
    body = order()
    body["input"][place] = data_url(bytes(picture[:cut]), name.partition("-")[0])
    answer = check(client.post(ORDER, json=body))
    if answer.status_code != 200:
        assert place in answer.json()["message"] or "mask" in answer.json()["message"]
