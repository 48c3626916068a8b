from __future__ import annotations

import sys
from pathlib import Path

import pytest

from overpaint.cli.journal import NAME, Journal
from overpaint.errors import InvalidOption


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "a.png"
    file.write_bytes(b"pixels")
    return file


def test_a_record_is_there_for_the_next_run(tmp_path: Path, picture: Path) -> None:
    with Journal(tmp_path) as journal:
        assert journal.find("k") is None
        journal.add("k", (picture,), {"seeds": [3]})
    with Journal(tmp_path) as journal:
        record = journal.find("k")
    assert record == {"key": "k", "files": {"a.png": 6}, "seeds": [3]}


def test_a_line_whose_file_is_gone_or_changed_is_not_finished(
    tmp_path: Path, picture: Path
) -> None:
    with Journal(tmp_path) as journal:
        journal.add("k", (picture,), {})
        picture.write_bytes(b"pix")
        assert journal.find("k") is None
        picture.unlink()
        assert journal.find("k") is None


def test_a_torn_last_record_is_cut_off(tmp_path: Path, picture: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.add("k", (picture,), {})
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole + whole[:20])
    with Journal(tmp_path) as journal:
        assert journal.find("k")
        journal.add("l", (picture,), {})
    with Journal(tmp_path) as journal:
        assert journal.find("k")
        assert journal.find("l")


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("[]\n")
    with pytest.raises(
        InvalidOption, match=f"output: must hold an undamaged {NAME}.*, got one whose line 1"
    ):
        Journal(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no lock that a kill lets go of")
def test_one_batch_at_a_time_writes_to_a_folder(tmp_path: Path) -> None:
    with (
        Journal(tmp_path),
        pytest.raises(
            InvalidOption, match="output: must be a folder that no other batch is writing to"
        ),
    ):
        Journal(tmp_path)
    Journal(tmp_path).__exit__(None, None, None)
