from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from overpaint import settings
from overpaint.cli.app import run
from overpaint.tasks.database import open_database
from overpaint.tasks.keys import KeyStore
from overpaint.tasks.task import PLANS

Keys = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def keys(folder: Path, capsys: pytest.CaptureFixture[str]) -> Keys:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(("keys", *arguments, "--data-dir", str(folder)))
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_a_key_is_printed_alone_once_and_opens_the_service(keys: Keys, folder: Path) -> None:
    code, out, err = keys("create", "--name", "shop")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"sk-[0-9a-f]{48}\n", out)
    secret = out.strip()
    database = open_database(settings.load(data_dir=folder).database_url, migrate=False)
    found = KeyStore(database).find(secret)
    database.dispose()
    assert found is not None
    assert (found.name, found.plan) == ("shop", PLANS["unlimited"])
    _, listed, _ = keys("list", "--json")
    assert secret not in listed
    assert not any(secret.encode() in file.read_bytes() for file in folder.iterdir())


def test_json_is_one_object_of_the_new_key(keys: Keys) -> None:
    code, out, err = keys("create", "--name", "店铺", "--plan", "free", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    made = json.loads(out)
    assert list(made) == ["id", "name", "plan", "key", "created"]
    assert (made["name"], made["plan"]) == ("店铺", "free")
    assert made["key"].startswith("sk-")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["created"])


def test_keys_are_listed_with_what_they_used_and_without_their_secrets(keys: Keys) -> None:
    made = [
        json.loads(keys("create", "--name", name, "--plan", plan, "--json")[1])
        for name, plan in (("a", "unlimited"), ("b", "free"))
    ]
    keys("revoke", "a")
    first, second = json.loads(keys("list", "--json")[1])
    assert first["revoked"] is not None
    assert second == {
        "id": made[1]["id"],
        "name": "b",
        "plan": "free",
        "hint": f"{made[1]['key'][:5]}…{made[1]['key'][-2:]}",
        "used": 0,
        "reserved": 0,
        "limit": 500,
        "created": made[1]["created"],
        "revoked": None,
    }
    rows = [line.split("\t") for line in keys("list")[1].splitlines()]
    assert [row[1:5] for row in rows] == [
        ["a", first["hint"], "unlimited", "0"],
        ["b", second["hint"], "free", "0 of 500"],
    ]


@pytest.mark.parametrize("named_by", ["id", "name"])
def test_a_key_is_revoked_by_id_or_name_and_its_name_is_free_again(
    keys: Keys, named_by: str
) -> None:
    made = json.loads(keys("create", "--name", "guest", "--json")[1])
    code, out, err = keys("revoke", made[named_by])
    assert (code, out, err) == (0, f"{made['id']} guest is revoked\n", "")
    again = json.loads(keys("create", "--name", "guest", "--json")[1])
    told = json.loads(keys("revoke", "guest", "--json")[1])
    assert told["id"] == again["id"]
    assert told["revoked"] is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("create",), "error: missing option '--name' (see overpaint keys create --help)\n"),
        (("revoke", "taken"), "error: key: must be an id, as several have this name: k"),
        (("create", "--name", " "), "error: name: must have 1 to 100 printable characters"),
        (
            ("create", "--name", "x", "--plan", "gold"),
            "error: plan: must be one of unlimited, free, got 'gold'\n",
        ),
        (("revoke", "no"), "error: key: must be the id or the name of a key, got 'no'\n"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    keys: Keys, arguments: tuple[str, ...], message: str
) -> None:
    for _ in range(2):
        keys("create", "--name", "taken")
    code, out, err = keys(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(message)


def test_the_data_folder_comes_from_environment_or_file_as_the_service_s_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERPAINT_DATA_DIR", str(tmp_path / "one"))
    assert run(("keys", "create", "--name", "a")) == 0
    monkeypatch.delenv("OVERPAINT_DATA_DIR")
    file = tmp_path / "overpaint.toml"
    file.write_text(f"data_dir = {json.dumps(str(tmp_path / 'two'))}\n")
    assert run(("keys", "create", "--name", "a", "--config", str(file))) == 0
    capsys.readouterr()
    assert (tmp_path / "one/overpaint.db").exists()
    assert (tmp_path / "two/overpaint.db").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_data_folder_is_its_owner_s_alone(keys: Keys, folder: Path) -> None:
    keys("create", "--name", "a")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "overpaint.db").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    code = run(("keys", "create", "--name", "a", "--data-dir", str(tmp_path / "file")))
    assert code == 2
    assert capsys.readouterr().err == (
        "error: data_dir: must be a folder that can be made (File exists),"
        f" got {tmp_path / 'file'}\n"
    )


@pytest.mark.parametrize("command", [("list",), ("revoke", "a")])
def test_where_there_are_no_keys_no_folder_is_made(
    keys: Keys, folder: Path, command: tuple[str, ...]
) -> None:
    code, out, err = keys(*command)
    assert (code, out) == (2, "")
    assert err.startswith("error: data_dir: must be the data folder of a server; ")
    assert not folder.exists()
