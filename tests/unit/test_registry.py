from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from overpaint.engines import registry
from overpaint.engines.erase import EraseEngine as Erase
from overpaint.engines.protocol import Engine
from overpaint.errors import EngineFailed, InvalidOption, UnknownEngine


class FakePoint:
    def __init__(self, made: object) -> None:
        self._made = made

    def load(self) -> object:
        if isinstance(self._made, Exception):
            raise self._made
        return lambda: self._made


class FakeFamily:
    def __init__(self, opened: Callable[[str], object] | Exception) -> None:
        self._opened = opened

    def load(self) -> Callable[[str], object]:
        if isinstance(self._opened, Exception):
            raise self._opened
        return self._opened


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, FakePoint]]:
    """What entry points the installed packages offer."""
    offered: dict[str, FakePoint] = {}
    monkeypatch.setattr(registry, "_entry_points", lambda: offered)
    registry._open.cache_clear()
    yield offered
    registry._open.cache_clear()


@pytest.fixture
def families(
    points: dict[str, FakePoint], monkeypatch: pytest.MonkeyPatch
) -> dict[str, FakeFamily]:
    """What families they offer; none, at first."""
    offered: dict[str, FakeFamily] = {}
    monkeypatch.setattr(registry, "_family_points", lambda: offered)
    return offered


def test_the_built_in_engines_come_in_through_the_plugin_door() -> None:
    assert {"builtin", "collage", "erase"} <= set(registry.engine_names())
    for name in ("builtin", "collage", "erase"):
        assert isinstance(registry.get_engine(name), Engine)
        assert registry.get_engine(name).info.name == name


def test_an_engine_is_made_once() -> None:
    assert registry.get_engine("collage") is registry.get_engine("collage")


def test_an_unknown_name_lists_the_known_ones() -> None:
    known = r"engine: must be one of auto, .*erase, .*diffusers:ID_OR_PATH, got dall-e"
    with pytest.raises(UnknownEngine, match=known):
        registry.get_engine("dall-e")


def test_diffusers_is_a_family_and_no_engine_by_itself() -> None:
    assert "diffusers" in registry.family_names()
    assert "diffusers" not in registry.engine_names()
    with pytest.raises(UnknownEngine, match=r"diffusers:ID_OR_PATH, got diffusers$"):
        registry.get_engine("diffusers")


@pytest.mark.parametrize(
    ("name", "belongs"),
    [
        ("diffusers:org/name@main?steps=8", True),
        ("diffusers:/models/a:b", True),
        ("diffusers:", True),  # what is missing there is the family's to say
        ("diffusers", False),
        ("builtin", False),
        ("builtin:x", False),
        (":x", False),
    ],
)
def test_a_family_s_engine_is_known_by_what_is_before_the_colon(name: str, belongs: bool) -> None:
    assert registry.is_family(name) == belongs


def test_an_unknown_family_lists_the_known_names() -> None:
    with pytest.raises(UnknownEngine, match=r"engine: must be one of auto, .*, got onnx:x"):
        registry.get_engine("onnx:x")


def test_a_family_is_given_what_is_behind_the_first_colon(families: dict[str, FakeFamily]) -> None:
    asked: list[str] = []

    def opened(rest: str) -> Engine:
        asked.append(rest)
        return Erase()

    families["many"] = FakeFamily(opened)
    first = registry.get_engine("many:C:/a?lora=b:0.5")
    assert registry.get_engine("many:C:/a?lora=b:0.5") is first
    assert registry.get_engine("many:other") is not first
    assert asked == ["C:/a?lora=b:0.5", "other"]


def test_threads_that_ask_at_once_are_given_one_engine(families: dict[str, FakeFamily]) -> None:
    entered, go_on = threading.Event(), threading.Event()
    made: list[Engine] = []

    def opened(rest: str) -> Engine:
        entered.set()
        assert go_on.wait(10)
        made.append(Erase())
        return made[-1]

    families["many"] = FakeFamily(opened)
    got: list[Engine] = []
    asking = [
        threading.Thread(target=lambda: got.append(registry.get_engine("many:x"))) for _ in range(4)
    ]
    for thread in asking:
        thread.start()
    assert entered.wait(10)
    go_on.set()
    for thread in asking:
        thread.join(10)
    assert got == made * 4


@pytest.mark.parametrize("error", [InvalidOption("engine", "no"), EngineFailed("fetch it first")])
def test_what_a_family_says_on_purpose_goes_up_as_it_is(
    families: dict[str, FakeFamily], error: Exception
) -> None:
    def opened(rest: str) -> Engine:
        raise error

    families["many"] = FakeFamily(opened)
    with pytest.raises(type(error)) as caught:
        registry.get_engine("many:x")
    assert caught.value is error


@pytest.mark.parametrize("early", [True, False])
def test_a_family_without_its_extra_says_what_to_install(
    families: dict[str, FakeFamily], early: bool
) -> None:
    missing = ModuleNotFoundError("No module named 'torch'", name="torch")

    def opened(rest: str) -> Engine:
        raise missing

    families["many"] = FakeFamily(missing if early else opened)
    with pytest.raises(EngineFailed) as caught:
        registry.get_engine("many:x")
    assert str(caught.value) == (
        'engine many needs torch, which is not installed: pip install "overpaint[many]"'
    )


def test_diffusers_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineFailed) as caught:
        registry.get_engine("diffusers:org/name")
    assert str(caught.value) == (
        'engine diffusers needs torch, which is not installed: pip install "overpaint[diffusers]"'
    )


def test_outsiders_are_told_the_engine_s_own_name_and_never_a_path(
    families: dict[str, FakeFamily],
) -> None:
    families["many"] = FakeFamily(lambda rest: Erase())
    families["gone"] = FakeFamily(ValueError("no such file"))
    assert registry.shown_name("auto") == "auto"
    assert registry.shown_name("many:/models/secret?steps=8") == "erase"
    assert registry.shown_name("gone:/models/secret") == "gone"
    assert registry.shown_name("never:/models/secret") == "never"


def test_metrics_open_no_engine_to_learn_its_name(families: dict[str, FakeFamily]) -> None:
    families["many"] = FakeFamily(lambda rest: Erase())
    families["never"] = FakeFamily(AssertionError("is opened"))
    assert registry.open_name("many:/models/secret?steps=9") == "many"
    registry.get_engine("many:/models/secret?steps=9")
    assert registry.open_name("many:/models/secret?steps=9") == "erase"
    assert registry.open_name("never:/models/secret") == "never"
    assert registry.open_name("erase") == "erase"


def test_a_family_that_breaks_says_why(families: dict[str, FakeFamily]) -> None:
    families["many"] = FakeFamily(ValueError("bad header"))
    with pytest.raises(EngineFailed, match="engine many:x cannot be loaded: bad header"):
        registry.get_engine("many:x")
    families["many"] = FakeFamily(lambda rest: object())
    with pytest.raises(EngineFailed, match="engine many:x has not the members info, paint"):
        registry.get_engine("many:x")


def test_an_engine_that_cannot_be_loaded_says_why(points: dict[str, FakePoint]) -> None:
    points["broken"] = FakePoint(ImportError("no module named torch"))
    with pytest.raises(EngineFailed, match="engine broken cannot be loaded: no module named torch"):
        registry.get_engine("broken")


@pytest.mark.parametrize("thing", [None, object()])
def test_an_object_that_is_no_engine_is_refused(thing: Any) -> None:
    with pytest.raises(UnknownEngine) as caught:
        registry.choose_engine(thing, "a cat")
    assert str(caught.value) == (
        "engine: must be a name, or an object with info, paint and close,"
        f" got {type(thing).__name__}"
    )


def test_something_that_is_no_engine_is_refused(points: dict[str, FakePoint]) -> None:
    points["odd"] = FakePoint(object())
    with pytest.raises(EngineFailed, match="engine odd has not the members info, paint and close"):
        registry.get_engine("odd")


@pytest.mark.parametrize(
    ("prompt", "has_reference", "chosen"),
    [
        ("", False, "erase"),
        ("移除这只猫", False, "erase"),
        ("remove the cat", False, "erase"),
        ("", True, "builtin"),
        ("a red hat", False, "builtin"),
        ('the text "remove"', False, "builtin"),
    ],
)
def test_auto_goes_by_the_prompt(prompt: str, has_reference: bool, chosen: str) -> None:
    found = registry.choose_engine("auto", prompt, has_reference=has_reference)
    assert found.info.name == chosen


def test_an_engine_may_be_given_itself() -> None:
    own = registry.get_engine("erase")
    assert registry.choose_engine(own, "a hat") is own
