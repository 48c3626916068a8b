from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from overpaint.engines import registry
from overpaint.engines.protocol import Engine
from overpaint.errors import EngineFailed, UnknownEngine


class FakePoint:
    def __init__(self, made: object) -> None:
        self._made = made

    def load(self) -> object:
        if isinstance(self._made, Exception):
            raise self._made
        return lambda: self._made


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, FakePoint]]:
    """What entry points the installed packages offer."""
    offered: dict[str, FakePoint] = {}
    monkeypatch.setattr(registry, "_entry_points", lambda: offered)
    registry.get_engine.cache_clear()
    yield offered
    registry.get_engine.cache_clear()


def test_the_built_in_engines_come_in_through_the_plugin_door() -> None:
    assert {"builtin", "collage", "erase"} <= set(registry.engine_names())
    for name in ("builtin", "collage", "erase"):
        assert isinstance(registry.get_engine(name), Engine)
        assert registry.get_engine(name).info.name == name


def test_an_engine_is_made_once() -> None:
    assert registry.get_engine("collage") is registry.get_engine("collage")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownEngine, match=r"engine: must be one of auto, .*erase.*, got dall-e"):
        registry.get_engine("dall-e")


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
