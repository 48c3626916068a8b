from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from overpaint.errors import ContentRefused, InvalidOption, OperationFailed
from overpaint.policy import open_policy

PICTURE = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture
def listed(tmp_path: Path) -> str:
    path = tmp_path / "words.txt"
    path.write_text("# what we do not paint\n枪\nGun\n bad  word \ncafé\n\n", encoding="utf-8")
    return f"words:{path}"


@pytest.mark.parametrize("said", ["", "none"])
def test_by_default_everything_passes(said: str) -> None:
    policy = open_policy(said)
    policy.check_prompt("a gun")
    policy.check_picture(PICTURE, "a gun")


@pytest.mark.parametrize(
    "prompt",
    [
        "a gun",
        "GUN!",
        "ＧＵＮ",
        "一把枪在桌上",
        "a bad word",
        "Bad\n Word",
        "no gun, please",
        "g\u200bu\u00adn",
        "3×gun",
        "un CAFE\u0301.",
    ],
)
def test_a_listed_word_is_refused_and_not_repeated(listed: str, prompt: str) -> None:
    with pytest.raises(ContentRefused) as refused:
        open_policy(listed).check_prompt(prompt)
    assert str(refused.value) == "Input or output data may contain inappropriate content."


@pytest.mark.parametrize(
    "prompt",
    ["", "a gunner", "begun", "bad words", "a badword", "gunârd", "ägun", "cafés", "一只猫"],
)
def test_other_words_pass(listed: str, prompt: str) -> None:
    policy = open_policy(listed)
    policy.check_prompt(prompt)
    policy.check_picture(PICTURE, prompt)


def test_an_empty_list_refuses_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n")
    open_policy(f"words:{tmp_path}/empty.txt").check_prompt("# nothing")


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"^policy: .* \(No such file .*absent\.txt"):
        open_policy(f"words:{tmp_path}/absent.txt")
    with pytest.raises(InvalidOption, match=r"^policy: .* \(Could not determine .*~nobody"):
        open_policy("words:~nobody-here/words.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(InvalidOption, match="policy: must be a text file in UTF-8"):
        open_policy(f"words:{tmp_path}/latin.txt")


def install(folder: Path, body: str) -> None:
    (folder / "strict_policy.py").write_text(body)
    info = folder / "strict-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strict\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[overpaint.policies]\nstrict = strict_policy:Strict\n")


def test_a_plugin_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "strict_policy", raising=False)
    install(
        tmp_path,
        "from overpaint.errors import ContentRefused\n"
        "class Strict:\n"
        "    def check_prompt(self, prompt): pass\n"
        "    def check_picture(self, pixels, prompt):\n"
        "        if not pixels.any(): raise ContentRefused\n",
    )
    policy = open_policy("strict")
    policy.check_picture(PICTURE + 1, "")
    with pytest.raises(ContentRefused):
        policy.check_picture(PICTURE, "")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("class Strict: pass\n", "has not check_prompt and check_picture"),
        ("raise ImportError('no model')\n", "policy strict cannot be loaded: no model"),
    ],
)
def test_a_plugin_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, message: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "strict_policy", raising=False)
    install(tmp_path, body)
    with pytest.raises(OperationFailed, match=message):
        open_policy("strict")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidOption, match="must be words:FILE or the name of a plugin"):
        open_policy("nothing-like-it")
