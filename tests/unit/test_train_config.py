"""A run's settings: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.heavy import require

from overpaint.errors import InvalidOption

require("torch")

from overpaint.train.config import (  # noqa: E402
    Level,
    Settings,
    read_settings,
    settings_of,
    table_of,
)

RUNS = Path(__file__).resolve().parent.parent.parent / "runs"


@pytest.mark.parametrize("name", ["cpu.toml", "gpu.toml"])
def test_the_recipes_are_valid(name: str) -> None:
    settings = read_settings(RUNS / name)
    assert [level.side for level in settings.levels][:3] == [64, 128, 256]


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("[run]\nminutes = 3\n", encoding="utf-8")
    settings = read_settings(tmp_path / "run.toml")
    assert settings.run.minutes == 3.0
    assert settings.model == Settings().model


def test_settings_go_through_plain_values_and_back() -> None:
    settings = Settings(levels=(Level(side=128, batch=3, share=0.5),))
    assert settings_of(table_of(settings)) == settings


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"run": {"minuts": 3}}, r"run\.minuts: one of minutes, .*, got an unknown key"),
        ({"optimizer": {}}, "optimizer: one of levels, model, .*, got an unknown key"),
        ({"run": {"minutes": "3"}}, r"run\.minutes: a number, got '3'"),
        ({"run": {"seed": 1.5}}, r"run\.seed: a whole number, got 1\.5"),
        ({"run": {"compile": 1}}, r"run\.compile: true or false, got 1"),
        ({"run": {"bank": 7}}, r"run\.bank: a text, got 7"),
        ({"run": {"minutes": -1}}, r"run\.minutes: 0\.01 to 1e\+06, got -1"),
        ({"run": {"precision": "half"}}, r"run\.precision: one of auto, float32, bfloat16"),
        ({"run": 5}, "run: a table, got 5"),
        ({"dropout": {"text": 1.1}}, r"dropout\.text: 0 to 1, got 1\.1"),
        ({"levels": 64}, "levels: a list, got 64"),
        ({"levels": []}, "levels: names at least one level"),
        ({"levels": [{"side": 64, "batch": 4}]}, r"levels\[0\]\.share: must be given"),
        (
            {"levels": [{"side": 100, "batch": 4, "share": 1}]},
            r"levels\[0\]\.side: one of \(64, 128, 256, 512\), got 100",
        ),
        (
            {"levels": [{"side": s, "batch": 4, "share": 1} for s in (128, 64)]},
            r"levels: each side once, the smallest first, got \[128, 64\]",
        ),
        (
            {"levels": [{"side": 64, "batch": 4, "share": 0}]},
            "levels: at least one share above 0",
        ),
        (
            {"model": {"channels": [8, 8], "blocks": [1]}},
            r"model\.blocks: as many numbers as model\.channels, got \[1\]",
        ),
        ({"model": {"channels": [8, 4]}}, r"model\.channels\[1\]: 8 to 2048, got 4"),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=f"^{message}"):
        settings_of(table)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("minutes =", encoding="utf-8")
    with pytest.raises(InvalidOption, match="config: a readable TOML file"):
        read_settings(tmp_path / "run.toml")
