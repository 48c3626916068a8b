"""Reads the values of options from text; each reader raises `Wrong`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

#: What may follow a scheduler's name after a colon, and what it sets in its configuration.
SCHEDULER_FLAVOURS: Mapping[str, Mapping[str, object]] = {
    "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True},
    "beta": {"use_beta_sigmas": True},
    "sde": {"algorithm_type": "sde-dpmsolver++"},
    "leading": {"timestep_spacing": "leading"},
    "trailing": {"timestep_spacing": "trailing"},
    "linspace": {"timestep_spacing": "linspace"},
}


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """A scheduler by name."""

    name: str  # a class of diffusers, with or without "Scheduler" at its end, in any case
    flavours: tuple[str, ...] = ()  # keys of SCHEDULER_FLAVOURS

    @property
    def config(self) -> dict[str, object]:
        """What the flavours set in the scheduler's configuration."""
        return {k: v for name in self.flavours for k, v in SCHEDULER_FLAVOURS[name].items()}


@dataclass(frozen=True, kw_only=True)
class Lora:
    """A LoRA to add to the weights."""

    where: str  # what `source.read_source` reads: a file, a folder, or an id of the hub
    weight: float = 1.0


class Wrong(Exception):
    """What is wrong with a value: "must be ..."."""


def choice(*allowed: str) -> Callable[[str], object]:
    """One of these words, in any case."""

    def read(text: str) -> str:
        if text.lower() not in allowed:
            raise Wrong(f"must be one of {', '.join(allowed)}")
        return text.lower()

    return read


def pattern(allowed: str, limit: str) -> Callable[[str], object]:
    """What the expression allows; `limit` says it in words."""

    def read(text: str) -> str:
        if not re.fullmatch(allowed, text):
            raise Wrong(f"must be {limit}")
        return text

    return read


def number(low: float, high: float, *, whole: bool, unset: bool) -> Callable[[str], object]:
    """A number; where `unset`, "" and "auto" are None."""

    def read(text: str) -> float | None:
        if unset and text in ("", "auto"):
            return None
        value = math.nan
        with suppress(ValueError):
            value = int(text, 10) if whole else float(text)
        if not low <= value <= high:  # not true of nan either
            what = "a whole number" if whole else "a number"
            raise Wrong(f"must be {what} between {low:g} and {high:g}")
        return value

    return read


def flag(text: str) -> bool:
    """0 or 1."""
    if text not in ("0", "1"):
        raise Wrong("must be 0 or 1")
    return text == "1"


def flag_or_auto(text: str) -> bool | None:
    """0, 1, or None for what is chosen by itself."""
    if text in ("", "auto"):
        return None
    if text not in ("0", "1"):
        raise Wrong("must be one of auto, 0, 1")
    return text == "1"


def scheduler(text: str) -> Scheduler | None:
    """NAME[:FLAVOUR...]; None is the checkpoint's own."""
    if text in ("", "auto"):
        return None
    name, *flavours = text.split(":")
    flavours = [flavour.lower() for flavour in flavours]
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name) or not set(flavours) <= set(
        SCHEDULER_FLAVOURS
    ):
        raise Wrong(f"must be NAME[:FLAVOUR...], a flavour one of {', '.join(SCHEDULER_FLAVOURS)}")
    return Scheduler(name=name, flavours=tuple(flavours))


def lora(text: str) -> Lora | None:
    """FILE_OR_ID[:WEIGHT]; None is none."""
    if not text:
        return None
    where, colon, weight = text.rpartition(":")
    if not colon or re.fullmatch(r"[A-Za-z]", where):  # no weight; C:\ is a drive
        return Lora(where=text)
    value = math.nan
    with suppress(ValueError):
        value = float(weight)
    if not where or not -10 <= value <= 10:
        raise Wrong("must be FILE_OR_ID[:WEIGHT], the weight a number between -10 and 10")
    return Lora(where=where, weight=value)


def plain(text: str) -> str:
    """Any text."""
    return text
