"""Models, concepts and the account, as a page asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.unit.dashscope_fixture import Caller, said
from tests.unit.family_fixture import LICENCE, SECRET, Point, family
from tests.unit.service_fixture import order, paint, service_in

from overpaint import STYLES
from overpaint.engines import registry
from overpaint.errors import EngineFailed, InvalidOption, OperationFailed
from overpaint.server.app import create_app
from overpaint.service import Service, catalog
from overpaint.service.catalog import Catalog
from overpaint.tasks.task import PLANS

TAKES = {
    *("prompt", "style", "reference", "sketch", "palette", "strength", "guidance"),
    *("negative_prompt", "steps"),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    models = {"wanx-x-painting": "auto", "collage": "collage", "erase": "erase"}
    with (
        pytest.MonkeyPatch.context() as patch,
        service_in(tmp_path_factory.mktemp("data"), models=models) as (service, _),
    ):
        patch.setenv("OVERPAINT_HOME", str(tmp_path_factory.mktemp("home")))
        yield service


@pytest.fixture(scope="module")
def app(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service)) as client:
        yield client


@pytest.fixture
def caller(app: TestClient, service: Service) -> Caller:
    return Caller(app, service, PLANS["free"])


@pytest.mark.parametrize("path", ["/models", "/concepts?q=hat", "/account"])
def test_each_needs_a_key_and_has_the_envelope(app: TestClient, caller: Caller, path: str) -> None:
    assert said(app.get(f"/api/v1{path}")) == (401, "InvalidApiKey")
    answer = caller.get(path)
    assert answer.status_code == 200
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_models_say_what_they_take_and_what_every_order_keeps_to(caller: Caller) -> None:
    body = caller.get("/models").json()
    assert [(row["name"], row["engine"]) for row in body["data"]] == [
        ("wanx-x-painting", "auto"),
        ("collage", "collage"),
        ("erase", "erase"),
    ]
    auto, collage, erase = (row["takes"] for row in body["data"])
    assert set(auto) == TAKES
    assert auto == {**dict.fromkeys(TAKES, True), "steps": False}
    assert collage == {**auto, "guidance": False}
    assert erase == dict.fromkeys(TAKES, False)
    assert all(row["summary"] for row in body["data"])
    assert all((row["languages"], row["licence"]) == (["zh", "en"], "") for row in body["data"])
    assert body["limits"] == {
        "min_side": 257,
        "max_side": 4095,
        "max_bytes": 10 * 1024**2,
        "max_n": 4,
        "max_prompt": 800,
        "max_palette": 8,
        "max_feather": 256,
        "guidance": [1, 10],
        "steps": [1, 150],
    }
    assert body["styles"] == list(STYLES)


def test_an_engine_that_cannot_be_loaded_is_said_to_be_so(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_engine(name: str) -> object:
        if name == "erase":
            raise EngineFailed("no such library")
        return registry.get_engine(name)

    monkeypatch.setattr(catalog, "get_engine", get_engine)
    *_, erase = caller.get("/models").json()["data"]
    assert "cannot be loaded" in erase["summary"]
    assert not any(erase["takes"].values())
    assert (erase["languages"], erase["licence"]) == ([], "")


def test_a_checkpoint_is_listed_with_what_it_takes_and_without_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {"photo": f"many:{SECRET}/sdxl?steps=8", "art": "many:org/art"}
    with (
        family(monkeypatch),
        service_in(tmp_path, models=models) as (service, _),
        TestClient(create_app(service)) as app,
    ):
        answer = Caller(app, service, PLANS["free"]).get("/models")
        photo, art = answer.json()["data"]
        assert (photo["name"], photo["engine"]) == ("photo", "many:sdxl")
        assert art["engine"] == "many:art"
        assert {name for name, takes in photo["takes"].items() if takes} == {
            *("prompt", "negative_prompt", "steps"),
        }
        assert (photo["languages"], photo["licence"]) == (["en"], LICENCE)
        assert SECRET not in answer.text

        def gone(rest: str) -> object:
            raise InvalidOption("engine", "must be a folder that exists", rest)

        monkeypatch.setattr(registry, "_family_points", lambda: {"many": Point(gone)})
        registry._open.cache_clear()
        answer = Caller(app, service, PLANS["free"]).get("/models")
        assert [row["engine"] for row in answer.json()["data"]] == ["many", "many"]
        assert "cannot be loaded" in answer.json()["data"][0]["summary"]
        assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("glasses", "glasses"),
        ("gla", "glasses"),
        ("  GLA ", "glasses"),
        ("眼镜", "glasses"),
        ("眼鏡", "glasses"),
        ("sunglasse", "sunglasses"),
    ],
)
def test_concepts_are_found_by_the_beginning_of_a_word(
    caller: Caller, word: str, first: str
) -> None:
    data = caller.get(f"/concepts?q={word}").json()["data"]
    assert data[0]["id"] == first
    assert 1 <= len(data) <= 8
    assert all(set(row) == {"id", "en", "zh"} and all(row.values()) for row in data)


def test_names_that_begin_so_go_before_other_names_of_things(caller: Caller) -> None:
    names = [row["en"] for row in caller.get("/concepts?q=g&limit=20").json()["data"]]
    assert len(names) == 20
    assert all(name.startswith("g") for name in names)


def test_no_word_finds_nothing_and_a_limit_is_kept(caller: Caller) -> None:
    assert caller.get("/concepts").json()["data"] == []
    assert caller.get("/concepts?q=%20").json()["data"] == []
    assert len(caller.get("/concepts?q=a&limit=3").json()["data"]) == 3


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=x", f"q={'a' * 101}"])
def test_what_is_out_of_range_is_refused(caller: Caller, query: str) -> None:
    assert said(caller.get(f"/concepts?{query}")) == (400, "InvalidParameter")


def test_a_longer_word_is_cut_and_a_higher_limit_lowered() -> None:
    found = Catalog({}).concepts("a", limit=10_000)
    assert len(found) == catalog.MAX_CONCEPTS


def test_an_account_is_the_key_without_its_secret(caller: Caller) -> None:
    key = caller.key
    data = {"name": key.name, "hint": key.hint, "plan": "free", "used": 0, "images": 500}
    assert caller.get("/account").json()["data"] == data
    task = caller.service.submit(key, order(options={"n": 2}))
    while paint(caller.service).id != task.id:
        pass
    assert caller.get("/account").json()["data"] == {**data, "used": 2}


def test_a_plan_without_a_limit_has_none(app: TestClient, service: Service) -> None:
    caller = Caller(app, service, PLANS["unlimited"])
    assert caller.get("/account").json()["data"]["images"] is None


def test_what_cannot_be_warmed_up_is_told_to_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> object:
        raise OperationFailed("the library is gone")

    made = Catalog({"m": "erase"})
    monkeypatch.setattr(made._knowledge, "now", broken)
    made.warm()
    with pytest.raises(OperationFailed, match="the library is gone"):
        made.concepts("a", limit=1)
