from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from overpaint.errors import BlobDamaged, BlobMissing, StorageFull, StoreFailed
from overpaint.storage.blobs import Blobs, checked_name, probe, ref_of
from overpaint.storage.local import LocalBlobs
from overpaint.storage.measured import MeasuredBlobs


@pytest.fixture(params=["folder", "bucket", "rclone"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return LocalBlobs(tmp_path / "blobs")
    url = request.getfixturevalue("rclone_url" if request.param == "rclone" else "bucket_url")
    opened: Blobs = request.getfixturevalue("bucket_at")(url)
    return opened


@pytest.fixture
def folder(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs")


def test_what_is_put_is_got(blobs: Blobs) -> None:
    ref = blobs.put("tasks/1/base", b"one")
    assert (ref.name, ref.bytes) == ("tasks/1/base", 3)
    assert blobs.get(ref) == b"one"
    assert blobs.put("tasks/1/base", b"one") == ref
    again = blobs.put("tasks/1/base", b"two!", called="1-0.png")
    assert blobs.get(again) == b"two!"


def test_nothing_but_the_blob_is_left_in_a_folder(folder: LocalBlobs, tmp_path: Path) -> None:
    folder.put("tasks/1/base", b"one")
    assert [path.name for path in (tmp_path / "blobs/tasks/1").iterdir()] == ["base"]


def test_bytes_that_changed_are_not_handed_out(blobs: Blobs) -> None:
    ref = blobs.put("tasks/1/base", b"the picture")
    blobs.put("tasks/1/base", b"the pictura")
    with pytest.raises(BlobDamaged, match="is not what was stored: tasks/1/base"):
        blobs.get(ref)
    blobs.put("tasks/1/base", b"the pict")
    with pytest.raises(BlobDamaged):
        blobs.get(ref)


def test_a_blob_that_is_gone_is_said_to_be(blobs: Blobs) -> None:
    ref = blobs.put("tasks/1/base", b"one")
    other = blobs.put("tasks/11/base", b"one")
    blobs.delete("tasks/1")
    with pytest.raises(BlobMissing, match="not there: tasks/1/base"):
        blobs.get(ref)
    assert blobs.get(other) == b"one"
    blobs.delete("tasks/1")  # nothing there is no error
    blobs.delete("tasks/11/base")
    with pytest.raises(BlobMissing):
        blobs.get(other)


def test_many_are_deleted_at_once(blobs: Blobs) -> None:
    refs = [blobs.put(f"tasks/{task}/{n}", b"one") for task in range(3) for n in range(6)]
    blobs.delete()
    blobs.delete("tasks/0", "tasks/1/2", "tasks/2", "tasks/never")
    for ref in refs:
        if ref.name.startswith("tasks/1/") and ref.name != "tasks/1/2":
            assert blobs.get(ref) == b"one"
        else:
            with pytest.raises(BlobMissing):
                blobs.get(ref)


def test_only_folders_that_rest_are_listed(blobs: Blobs) -> None:
    assert list(blobs.folders("tasks", older_than_s=60)) == []
    for name in ("a", "b"):
        for n in range(3):
            blobs.put(f"tasks/{name}/{n}", b"one")
    blobs.put("uploads/c/file", b"one")
    assert list(blobs.folders("tasks", older_than_s=60)) == []
    assert sorted(blobs.folders("tasks", older_than_s=-60)) == ["tasks/a", "tasks/b"]


def test_a_probe_leaves_nothing(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "1")
    monkeypatch.setattr("secrets.token_bytes", lambda _: b"one")
    probe(blobs)
    with pytest.raises(BlobMissing):
        blobs.get(ref_of("probe-1", b"one"))


def test_a_folder_has_no_url(folder: LocalBlobs) -> None:
    folder.put("tasks/1/base", b"one")
    assert folder.url("tasks/1/base", expires_s=60) is None
    assert folder.name_of("http://127.0.0.1/tasks/1/base?X-Amz-Signature=1") is None


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "a/../b", "..", "a//b", "a/", ".hidden", "a b", "图", "a\\b", "a\0"]
)
def test_a_name_cannot_lead_elsewhere(folder: LocalBlobs, name: str) -> None:
    with pytest.raises(ValueError, match="not a blob's name"):
        checked_name(name)
    with pytest.raises(ValueError, match="not a blob's name"):
        folder.put(name, b"")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_leaves_nothing(
    folder: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    folder.put("tasks/1/base", b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="no space left"):
        folder.put("tasks/1/base", b"new")
    monkeypatch.undo()
    assert (tmp_path / "blobs/tasks/1/base").read_bytes() == b"old"
    assert [path.name for path in (tmp_path / "blobs/tasks/1").iterdir()] == ["base"]


def test_a_folder_that_cannot_be_written_is_a_failure_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where the folder should be")
    with pytest.raises(StoreFailed, match="the folder of stored pictures"):
        LocalBlobs(tmp_path / "blobs").put("tasks/1/base", b"one")


def test_a_folders_own_time_says_whether_it_rests(folder: LocalBlobs, tmp_path: Path) -> None:
    for name in ("old", "new"):
        folder.put(f"tasks/{name}/base", b"one")
    os.utime(tmp_path / "blobs/tasks/old", (1, 1))
    assert list(folder.folders("tasks", older_than_s=60)) == ["tasks/old"]


def test_a_store_may_tell_how_long_it_takes_and_when_it_fails(tmp_path: Path) -> None:
    heard: list[tuple[str, bool]] = []
    measured = MeasuredBlobs(LocalBlobs(tmp_path / "blobs"))
    measured.listeners.append(lambda operation, seconds, failed: heard.append((operation, failed)))
    ref = measured.put("tasks/1/base", b"one", called="1-0.png")
    assert measured.get(ref) == b"one"
    assert list(measured.folders("tasks", older_than_s=-60)) == ["tasks/1"]
    assert measured.url(ref.name, expires_s=60) is None
    assert measured.name_of("https://example.com/tasks/1/base") is None
    measured.delete(ref.name)
    with pytest.raises(BlobMissing):
        measured.get(ref)
    assert heard == [("put", False), ("get", False), ("delete", False), ("get", True)]
