"""Uploads: whose they are, how long they are kept, how much a key may have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.task_fixture import Stores, opened

from overpaint.errors import AlreadyUploaded, InvalidKey, QuotaExhausted
from overpaint.tasks.audit import audit
from overpaint.tasks.task import Key, Upload
from overpaint.values import BlobRef


@pytest.fixture
def stores(place: str) -> Iterator[Stores]:
    with opened(place) as stores:
        yield stores
        assert audit(stores.database) == []


def add(stores: Stores, key: Key, name: str = "dir/a.png", size: int = 60) -> Upload:
    upload = Upload(
        name=name,
        key_id=key.id,
        blob=BlobRef(name=f"uploads/{name}", bytes=size, sha256="cd" * 32),
        created_ms=stores.clock(),
        expires_ms=stores.clock() + 1000,
    )
    return stores.uploads.add(upload, capacity_bytes=100)


def test_an_upload_comes_back_as_it_was_until_it_expires(stores: Stores) -> None:
    upload = add(stores, stores.key(), name="目录/图 1.png")
    stores.clock.now += 999
    assert stores.uploads.get(upload.name) == upload
    assert stores.uploads.expired() == []
    stores.clock.now += 1
    assert stores.uploads.get(upload.name) is None
    assert stores.uploads.expired() == [upload]


def test_a_name_that_is_not_there_is_none(stores: Stores) -> None:
    for name in ("", "a", "\ud800", "\0"):
        assert stores.uploads.get(name) is None


def test_a_name_is_not_overwritten(stores: Stores) -> None:
    upload = add(stores, stores.key("ann"))
    with pytest.raises(AlreadyUploaded, match="another file of this name already"):
        add(stores, stores.key("bob"), size=1)
    assert stores.uploads.get(upload.name) == upload


def test_a_key_has_no_more_uploaded_than_it_may(stores: Stores) -> None:
    ann, bob = stores.key("ann"), stores.key("bob")
    add(stores, ann, "a")
    with pytest.raises(QuotaExhausted, match="would take 101 bytes, at most 100"):
        add(stores, ann, "b", 41)
    add(stores, ann, "b", 40)
    add(stores, bob, "c", 100)
    assert (stores.uploads.used_bytes(ann.id), stores.uploads.used_bytes(bob.id)) == (100, 100)
    stores.uploads.delete(["a", "unknown"])
    assert stores.uploads.used_bytes(ann.id) == 40
    add(stores, ann, "a")
    assert stores.uploads.used_bytes("unknown") == 0


def test_a_revoked_or_unknown_key_uploads_nothing(stores: Stores) -> None:
    key = stores.key()
    stores.keys.revoke(key.id)
    with pytest.raises(InvalidKey):
        add(stores, key)


def test_what_expired_first_is_listed_first(stores: Stores) -> None:
    key = stores.key()
    for name in ("b", "a", "c"):
        add(stores, key, name, 1)
        stores.clock.now += 10
    stores.clock.now += 1000
    assert [upload.name for upload in stores.uploads.expired(2)] == ["b", "a"]
    stores.uploads.delete(upload.name for upload in stores.uploads.expired())
    assert stores.uploads.expired() == []
