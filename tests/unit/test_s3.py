from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from tests.bucket import BUCKET, Way, past, soon

from overpaint.errors import BlobDamaged, OperationFailed, StorageFull, StoreFailed
from overpaint.storage import s3
from overpaint.storage.blobs import probe
from overpaint.storage.opening import BlobsAt, open_blobs
from overpaint.storage.s3 import S3Blobs
from overpaint.storage.s3_errors import translated

Open = Callable[..., S3Blobs]
PICTURE = bytes(range(256)) * 400


@pytest.fixture
def blobs(bucket_at: Open, way: Way) -> S3Blobs:
    """A place of the bucket that is reached by the way on which things go wrong."""
    return bucket_at(way.url, request_s=1, retry_s=0.9)


@pytest.mark.parametrize("fault", ["503", "507", "drop"])
def test_what_fails_once_is_tried_again(blobs: S3Blobs, way: Way, fault: str) -> None:
    way.faults.append(fault)
    ref = blobs.put("tasks/1/base", PICTURE)
    way.faults.append(fault)
    assert blobs.get(ref) == PICTURE
    way.faults.append(fault)
    blobs.delete("tasks/1")
    way.faults.append(fault)
    assert list(blobs.folders("tasks", older_than_s=-60)) == []


def test_a_request_that_is_not_answered_is_made_again(bucket_at: Open, way: Way) -> None:
    blobs = bucket_at(way.url, request_s=1, retry_s=10)
    way.faults.append("stall")
    ref = blobs.put("tasks/1/base", PICTURE)
    assert [method for method, _ in way.requests] == ["PUT"] * 2
    assert blobs.get(ref) == PICTURE


def test_an_answer_that_breaks_off_is_gone_on_with(blobs: S3Blobs, way: Way) -> None:
    ref = blobs.put("tasks/1/base", PICTURE)
    way.faults.extend(["cut", "cut"])
    assert blobs.get(ref) == PICTURE
    way.faults.append("cut")
    with pytest.raises(StoreFailed, match="the connection broke off"):
        blobs.delete("tasks/1")
    assert blobs.get(ref) == PICTURE


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("503", "it answers 503 SlowDown"),
        ("drop", "the connection broke off"),
        ("stall", "it does not answer in time"),
        ("AccessDenied", "access is denied to PUT; see the credentials' policy"),
        ("ExpiredToken", "the session's token has expired; see AWS_SESSION_TOKEN"),
        ("RequestTimeTooSkewed", "this machine's clock is wrong"),
        ("AuthorizationHeaderMalformed", "it is in another region; see AWS_REGION"),
    ],
)
def test_what_lasts_is_a_failure_of_the_store_and_keeps_nothing(
    blobs: S3Blobs, bucket_at: Open, way: Way, fault: str, said: str
) -> None:
    way.always = fault
    with pytest.raises(StoreFailed) as failed:
        blobs.put("tasks/1/base", PICTURE)
    assert str(failed.value).startswith(f"the bucket {BUCKET}/test/")
    assert str(failed.value).endswith(f" at {way.url}: {said}")
    assert list(bucket_at().folders("tasks", older_than_s=-60)) == []


@pytest.mark.parametrize("fault", ["507", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded"])
def test_a_full_bucket_is_named(blobs: S3Blobs, way: Way, fault: str) -> None:
    way.always = fault
    with pytest.raises(StorageFull, match=f"no space left for pictures in the bucket {BUCKET}/"):
        blobs.put("tasks/1/base", PICTURE)


def test_a_bucket_that_is_away_for_a_while_is_waited_for(bucket_at: Open, way: Way) -> None:
    blobs = bucket_at(way.url, retry_s=20)
    way.go()
    back = soon(0.5, way.come)
    assert blobs.get(blobs.put("tasks/1/base", PICTURE)) == PICTURE
    back.join()
    way.go()
    with pytest.raises(StoreFailed, match="it cannot be connected to; see AWS_ENDPOINT_URL"):
        bucket_at(way.url, retry_s=0.2).put("tasks/1/base", PICTURE)
    way.come()


def test_bytes_that_came_changed_are_read_again(
    blobs: S3Blobs, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = blobs.put("tasks/1/base", PICTURE)
    blobs.put("tasks/1/base", PICTURE[::-1])
    way.requests.clear()
    with pytest.raises(BlobDamaged):
        blobs.get(ref)
    assert [method for method, _ in way.requests] == ["GET"] * 3
    right = S3Blobs._get
    torn = iter([PICTURE[:100], PICTURE])
    monkeypatch.setattr(S3Blobs, "_get", lambda *_: next(torn))
    assert blobs.get(ref) == PICTURE
    monkeypatch.setattr(S3Blobs, "_get", right)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("AWS_ACCESS_KEY_ID", "the access key is not known there; see AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "the secret is not that of the key; see AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_wrong_credentials_are_named_by_their_variable_and_not_told(
    bucket_at: Open, monkeypatch: pytest.MonkeyPatch, variable: str, said: str
) -> None:
    monkeypatch.setenv(variable, "hush-hush")
    with pytest.raises(StoreFailed, match=said) as failed:
        probe(bucket_at())
    assert "hush-hush" not in str(failed.value)


def test_without_credentials_it_says_what_to_set(
    bucket_at: Open, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    way.always = "AccessDenied"
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", way.url)  # where a machine in a cloud asks for some
    with pytest.raises(StoreFailed, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        probe(bucket_at())


def test_a_bucket_that_is_not_there_is_named(bucket_url: str) -> None:
    blobs = S3Blobs("elsewhere", endpoint=bucket_url)
    with pytest.raises(StoreFailed, match=r"elsewhere at .*: there is no such bucket; OVERPAINT_"):
        probe(blobs)
    ref = S3Blobs(BUCKET, "x", endpoint=bucket_url).put("tasks/1/base", b"one")
    with pytest.raises(StoreFailed, match="there is no such bucket"):
        blobs.get(ref)
    with pytest.raises(StoreFailed, match="there is no such bucket"):
        list(blobs.folders("tasks", older_than_s=0))


def test_an_error_without_a_code_is_told_all_the_same() -> None:
    said = translated(OSError("no idea"), "abc", "")
    assert str(said) == "the bucket abc: it does not answer"
    said = translated(OSError("status code: 401 Unauthorized"), "abc", "")
    assert str(said) == "the bucket abc: access is denied to that; see the credentials' policy"


def test_many_folders_have_their_turn_some_time(
    bucket_at: Open, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = bucket_at(way.url)
    names = {f"tasks/{digit:x}0" for digit in range(16)}
    for name in names:
        for n in range(3):
            blobs.put(f"{name}/{n}", b"one")
    monkeypatch.setattr(s3, "_PAGE", 4)  # as the server's is
    way.requests.clear()
    assert set(blobs.folders("tasks", older_than_s=-60)) == names
    assert len(way.requests) <= 48 / 4 + 3  # by pages of 4, round the end
    monkeypatch.setattr(s3, "LISTED", 10)
    met: set[str] = set()
    for start in range(0, 256, 16):
        monkeypatch.setattr("secrets.token_hex", lambda _, start=start: f"{start:02x}000000")
        way.requests.clear()
        some = list(blobs.folders("tasks", older_than_s=-60))
        assert len(some) == 3  # of the fourth there may be more
        assert len(way.requests) <= 5
        met |= set(some)
    assert met == names


@pytest.fixture(params=["bucket_url", "rclone_url"])
def either(request: pytest.FixtureRequest, bucket_at: Open) -> S3Blobs:
    """A place in the bucket of either server."""
    return bucket_at(request.getfixturevalue(request.param))


def fetch(url: str) -> tuple[bytes, dict[str, str]]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read(), {name.lower(): value for name, value in answer.headers.items()}


def test_a_presigned_url_needs_no_key_and_names_the_file(either: S3Blobs) -> None:
    blobs = either
    blobs.put("tasks/1/result-1-0.jpg", PICTURE, called="1-0.jpg")
    url = blobs.url("tasks/1/result-1-0.jpg", expires_s=60)
    assert url is not None
    data, headers = fetch(url)
    assert data == PICTURE
    assert headers["content-type"] == "image/jpeg"
    assert headers["content-disposition"] == 'inline; filename="1-0.jpg"'
    assert headers["cache-control"] == "private, immutable"
    for wrong in (url.replace("0.jpg?", "1.jpg?"), url[:-1] + "x", url.partition("?")[0]):
        with pytest.raises(urllib.error.HTTPError, match=r"40[03]"):
            fetch(wrong)


def test_a_presigned_url_ends(either: S3Blobs) -> None:
    blobs = either
    blobs.put("tasks/1/base", PICTURE)
    url = blobs.url("tasks/1/base", expires_s=0.2)  # at least a second
    assert url is not None
    past(time.time() // 1 + 2)
    with pytest.raises(urllib.error.HTTPError, match=r"40[03]"):
        fetch(url)
    longest = blobs.url("tasks/1/base", expires_s=10**9)
    assert longest is not None
    assert f"X-Amz-Expires={7 * 86_400}&" in longest
    assert fetch(longest)[0] == PICTURE


def test_a_url_is_signed_for_the_address_that_clients_know(
    bucket_at: Open, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://nowhere.invalid")
    blobs = bucket_at(public_url=way.url)
    blobs.put("tasks/1/base", PICTURE)
    url = blobs.url("tasks/1/base", expires_s=60)
    assert url is not None
    assert url.startswith(f"{way.url}/{BUCKET}/test/")
    assert fetch(url)[0] == PICTURE


def test_a_url_of_the_bucket_is_known_again(bucket_at: Open) -> None:
    blobs = bucket_at()
    assert blobs.name_of("http://127.0.0.1/x?X-Amz-Signature=1") is None
    url = blobs.url("tasks/1/base", expires_s=60)
    assert url is not None
    assert blobs.name_of(url) == "tasks/1/base"
    assert blobs.name_of(url.partition("?")[0]) is None  # not as we made it
    assert blobs.name_of(url.replace("tasks/1", "tasks/../1")) is None


def test_credentials_that_cannot_be_had_are_said_when_a_url_is_signed(
    bucket_at: Open, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    way.always = "AccessDenied"
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", way.url)
    with pytest.raises(StoreFailed, match="there are no credentials"):
        bucket_at().url("tasks/1/base", expires_s=60)


def test_a_bucket_is_opened_where_the_settings_name_one(bucket_url: str) -> None:
    blobs = open_blobs(BlobsAt(where=f"s3://{BUCKET}/opened", endpoint=bucket_url))
    assert isinstance(blobs, S3Blobs)
    probe(blobs)
    blobs = open_blobs(BlobsAt(where=f"s3://{BUCKET}", endpoint=bucket_url))
    probe(blobs)


def test_without_its_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
    with pytest.raises(OperationFailed, match=r'pip install "overpaint\[cluster\]"'):
        open_blobs(BlobsAt(where="s3://abc"))
