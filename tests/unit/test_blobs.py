from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from overpaint.errors import BlobDamaged, BlobMissing, StorageFull, StoreFailed
from overpaint.storage.blobs import checked_name
from overpaint.storage.local import LocalBlobs


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs")


def test_what_is_put_is_got(blobs: LocalBlobs, tmp_path: Path) -> None:
    ref = blobs.put("tasks/1/base", b"one")
    assert (ref.name, ref.bytes) == ("tasks/1/base", 3)
    assert blobs.get(ref) == b"one"
    again = blobs.put("tasks/1/base", b"two!")
    assert blobs.get(again) == b"two!"
    assert [path.name for path in (tmp_path / "blobs/tasks/1").iterdir()] == ["base"]


def test_bytes_that_changed_are_not_handed_out(blobs: LocalBlobs, tmp_path: Path) -> None:
    ref = blobs.put("tasks/1/base", b"the picture")
    (tmp_path / "blobs/tasks/1/base").write_bytes(b"the pictura")
    with pytest.raises(BlobDamaged, match="is not what was stored: tasks/1/base"):
        blobs.get(ref)
    (tmp_path / "blobs/tasks/1/base").write_bytes(b"the pict")
    with pytest.raises(BlobDamaged):
        blobs.get(ref)


def test_a_blob_that_is_gone_is_said_to_be(blobs: LocalBlobs) -> None:
    ref = blobs.put("tasks/1/base", b"one")
    other = blobs.put("tasks/2/base", b"one")
    blobs.delete("tasks/1")
    with pytest.raises(BlobMissing, match="not there: tasks/1/base"):
        blobs.get(ref)
    assert blobs.get(other) == b"one"
    blobs.delete("tasks/1")  # nothing there is no error
    blobs.delete("tasks/2/base")
    with pytest.raises(BlobMissing):
        blobs.get(other)


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "a/../b", "..", "a//b", "a/", ".hidden", "a b", "图", "a\\b", "a\0"]
)
def test_a_name_cannot_lead_elsewhere(blobs: LocalBlobs, name: str) -> None:
    with pytest.raises(ValueError, match="not a blob's name"):
        checked_name(name)
    with pytest.raises(ValueError, match="not a blob's name"):
        blobs.put(name, b"")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_leaves_nothing(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    blobs.put("tasks/1/base", b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="no space left"):
        blobs.put("tasks/1/base", b"new")
    monkeypatch.undo()
    assert (tmp_path / "blobs/tasks/1/base").read_bytes() == b"old"
    assert [path.name for path in (tmp_path / "blobs/tasks/1").iterdir()] == ["base"]


def test_a_folder_that_cannot_be_written_is_a_failure_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where the folder should be")
    with pytest.raises(StoreFailed, match="the folder of stored pictures"):
        LocalBlobs(tmp_path / "blobs").put("tasks/1/base", b"one")


def test_only_folders_that_rest_are_listed_as_old(blobs: LocalBlobs, tmp_path: Path) -> None:
    assert list(blobs.folders("tasks", older_than_s=60)) == []
    for name in ("old", "new"):
        blobs.put(f"tasks/{name}/base", b"one")
    os.utime(tmp_path / "blobs/tasks/old", (1, 1))
    assert list(blobs.folders("tasks", older_than_s=60)) == ["tasks/old"]
