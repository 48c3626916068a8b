from __future__ import annotations

from pathlib import Path

import pytest

from overpaint import settings


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the system's limits are looked for, on a machine of eight cores."""
    files = [
        tuple(str(tmp_path / Path(file).name) for file in kind) for kind in settings._CPU_LIMITS
    ]
    monkeypatch.setattr(settings, "_CPU_LIMITS", files)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("limit", "cores"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("5000 100000\n", 1),
        ("max 100000\n", 8),
        ("6400000 100000\n", 8),
        ("", 8),
        ("100000 0", 8),
    ],
)
def test_a_container_s_limit_counts(groups: Path, limit: str, cores: int) -> None:
    (groups / "cpu.max").write_text(limit)
    assert settings.cores() == cores


@pytest.mark.parametrize(("quota", "cores"), [("300000", 3), ("-1", 8)])
def test_so_does_that_of_the_older_kind(groups: Path, quota: str, cores: int) -> None:
    (groups / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (groups / "cpu.cfs_period_us").write_text("100000\n")
    assert settings.cores() == cores


def test_without_a_limit_all_count(groups: Path) -> None:
    assert settings.cores() == 8
