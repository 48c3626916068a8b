"""Edits in a chain: a result's own address as the picture of the next order, at full resolution."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.unit.picture_files import file_of
from tests.wire.client import Client, check_error
from tests.wire.host import PictureHost
from tests.wire.pictures import Array, data_url, pixels_of, png
from tests.wire.process import ServeProcess

LIMIT = 10 * 1024 * 1024
HEIGHT, WIDTH = 2000, 2400


def box(top: int, left: int) -> Array:
    """A mask of the large picture: 300 x 300 px."""
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    drawn[top : top + 300, left : left + 300] = 255
    return drawn


FIRST, SECOND = box(200, 300), box(1200, 1700)


@pytest.fixture(scope="module")
def first(client: Client, host: PictureHost) -> tuple[str, bytes, Array]:
    """The address of a result over 10 MB, its file, and the picture that it was made of."""
    grain = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    photo = file_of(grain, "JPEG", quality=75)
    assert len(photo) < LIMIT
    with Image.open(io.BytesIO(photo)) as image:
        pixels = np.asarray(image)
    base = host.put(photo, kind="image/jpeg")
    answer = client.done(input={"base_image_url": base, "mask_image_url": data_url(png(FIRST))})
    (file,) = client.pictures(answer)
    assert len(file) > LIMIT
    return str(answer["output"]["results"][0]["url"]), file, pixels


def test_a_heavy_result_is_gone_on_from(client: Client, first: tuple[str, bytes, Array]) -> None:
    url, file, photo = first
    urls = {"base_image_url": url, "mask_image_url": data_url(png(SECOND))}
    answer = client.done(input=urls, prompt="a blue hat")
    before, after = pixels_of(file), pixels_of(client.pictures(answer)[0])
    assert np.array_equal(after[SECOND == 0], before[SECOND == 0])
    assert not np.array_equal(after[SECOND != 0], before[SECOND != 0])
    untouched = (FIRST == 0) & (SECOND == 0)
    assert np.array_equal(after[untouched], photo[untouched])


def test_the_same_file_is_refused_where_it_is_sent(
    client: Client, host: PictureHost, first: tuple[str, bytes, Array]
) -> None:
    given = {"base_image_url": host.put(first[1]), "mask_image_url": data_url(png(SECOND))}
    check_error(client.post(client.body(input=given)), 400, "InvalidFile.Size")


def test_a_signature_that_is_not_ours_is_refused(
    client: Client, first: tuple[str, bytes, Array]
) -> None:
    *start, signature, name = first[0].split("/")
    changed = "/".join([*start, signature[::-1], name])
    response = client.post(client.body(input={"base_image_url": changed}))
    assert "as this server gave it" in check_error(response, 400, "InvalidURL")


def test_the_command_line_goes_on_from_an_address(
    server: ServeProcess, key: str, tmp_path: Path, first: tuple[str, bytes, Array]
) -> None:
    url, file, _ = first
    (tmp_path / "mask.png").write_bytes(png(SECOND))
    command = [sys.executable, "-m", "overpaint", "submit", url, "mask.png", "a hat"]
    command += ["--model", "instant", "-o", "next.png", "--base-url", server.base, "--key", key]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    after, before = pixels_of((tmp_path / "next.png").read_bytes()), pixels_of(file)
    assert np.array_equal(after[SECOND == 0], before[SECOND == 0])
