"""Stores of blobs for tests of every kind of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from tests.bucket import BUCKET, ENVIRONMENT, Way, serve_bucket, serve_rclone, way_to

from overpaint.storage.s3 import S3Blobs


@pytest.fixture(scope="session")
def bucket_url() -> Iterator[str]:
    """A server that has the bucket `BUCKET`; its keys are in the environment."""
    with serve_bucket() as url, pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield url


@pytest.fixture(scope="session")
def rclone_url(bucket_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another program that has the same bucket and keys, empty."""
    with serve_rclone(tmp_path_factory.mktemp("rclone")) as url:
        yield url


@pytest.fixture
def way(bucket_url: str) -> Iterator[Way]:
    """A way to that server on which things go wrong."""
    with way_to(bucket_url) as found:
        yield found


@pytest.fixture
def bucket_at(bucket_url: str) -> Callable[..., S3Blobs]:
    """Opens a place of the bucket that is the test's own."""
    prefix = f"test/{uuid.uuid4()}"

    def open_at(endpoint: str = bucket_url, **options: object) -> S3Blobs:
        said = {"request_s": 5, "retry_s": 3, **options}
        return S3Blobs(BUCKET, prefix, endpoint=endpoint, **said)  # type: ignore[arg-type]

    return open_at
