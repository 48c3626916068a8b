"""The service with its pictures in a bucket, as a person runs it and DashScope's SDK uses it."""

from __future__ import annotations

import io
from http import HTTPStatus
from pathlib import Path
from typing import Any

import dashscope
import httpx
import numpy as np
import pytest
from dashscope.aigc import image_synthesis
from PIL import Image
from tests.acceptance.test_serve import Serve, pictures, secret_of
from tests.bucket import BUCKET, ENVIRONMENT, serve_bucket

import overpaint
from overpaint import settings
from overpaint.service import Service
from overpaint.tasks.database import now_ms

__all__ = ["pictures"]

# Its sessions are closed when they are collected, by way of a call that Python deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:There is no current event loop:DeprecationWarning")

ImageSynthesis: Any = image_synthesis.ImageSynthesis  # its annotations are not what it takes
SEED = 11
PROMPT = "一副红色眼镜"


def results_of(response: Any) -> list[tuple[str, bytes]]:
    """URL and bytes of each result, which needs no key."""
    assert response.status_code == HTTPStatus.OK, response
    assert response.output.task_status == "SUCCEEDED", response
    urls = [result.url for result in response.output.results]
    return [(url, httpx.get(url, trust_env=False).raise_for_status().content) for url in urls]


def pixels(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def test_pictures_go_through_a_bucket_from_the_order_to_the_sweep(
    tmp_path: Path, pictures: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_bucket() as store:
        for name, value in {
            **ENVIRONMENT,
            "AWS_ENDPOINT_URL": store,
            "OVERPAINT_BLOBS": f"s3://{BUCKET}/from/here",
            "OVERPAINT_RESULT_URLS": "bucket",
        }.items():
            monkeypatch.setenv(name, value)
        with Serve(tmp_path, "--port", "0", "--workers", "1") as serve:
            serve.ready()
            monkeypatch.setattr(dashscope, "base_http_api_url", f"{serve.url}/api/v1")
            monkeypatch.setattr(dashscope, "api_key", secret_of(serve.said()))
            files = {
                f"{name}_image_url": (tmp_path / f"{name}.png").as_uri()
                for name in ("base", "mask")
            }
            order = {"model": "builtin", "task": "image2image", "size": "original", "n": 2}
            response = ImageSynthesis.call(prompt=PROMPT, seed=SEED, **order, **files)
            first = results_of(response)
            chained = {**files, "base_image_url": first[0][0]}
            order |= {"model": "erase", "n": 1}
            ((_, last),) = results_of(
                ImageSynthesis.call(prompt="remove it", seed=1, **order, **chained)
            )
            assert serve.stop() == 0
            assert ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in serve.stderr.read_text()

        assert [url.startswith(f"{store}/{BUCKET}/from/here/tasks/") for url, _ in first] == [
            True
        ] * 2
        made = overpaint.repaint(
            tmp_path / "base.png", tmp_path / "mask.png", PROMPT, n=2, seed=SEED, engine="builtin"
        )
        for (_, data), picture in zip(first, made.pictures, strict=True):
            assert np.array_equal(pixels(data), picture.pixels)
        kept = pixels((tmp_path / "mask.png").read_bytes())[..., 0] == 0
        assert np.array_equal(pixels(last)[kept], pixels(first[0][1])[kept])

        assert not (serve.data / "blobs").exists()
        found = settings.load(data_dir=serve.data)
        later = Service(found, clock=lambda: now_ms() + 49 * 3_600_000)
        try:
            assert len(list(later.blobs.folders("tasks", older_than_s=-60))) == 2
            swept = later.sweep()
            assert (swept.tasks, swept.uploads) == (2, 3)
            for parent in ("tasks", "uploads"):
                assert list(later.blobs.folders(parent, older_than_s=-60)) == []
        finally:
            later.close()
