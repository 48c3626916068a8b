"""What may be painted: a check of every prompt and every result that a deployer can plug in.

Off by default. A plugin is a class in the entry point group `overpaint.policies`, made without
arguments; the one that is built in reads a list of words.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Protocol, runtime_checkable

from overpaint.errors import ContentRefused, InvalidOption, OperationFailed
from overpaint.values import Rgb8

GROUP = "overpaint.policies"
_LATIN = "[0-9a-zà-öø-ɏḀ-ỿ]"  # and digits; folded, as words and prompts are compared


@runtime_checkable
class Policy(Protocol):
    """Says no by raising `ContentRefused`."""

    def check_prompt(self, prompt: str) -> None:
        """Look at what a caller wrote, negative prompts and lettering included."""
        ...

    def check_picture(self, pixels: Rgb8, prompt: str) -> None:
        """Look at a result: height x width x 3, sRGB, uint8."""
        ...


class Permissive:
    """Lets everything pass."""

    def check_prompt(self, prompt: str) -> None:
        """Pass."""

    def check_picture(self, pixels: Rgb8, prompt: str) -> None:
        """Pass."""


class WordList:
    """Refuses prompts that contain a listed word; pictures pass.

    The file has a word or phrase a line, UTF-8; lines that begin with # are comments. Case, width
    (ＡＢ is AB), accents' composition and invisible characters do not matter. A word in Latin
    letters is found only as a whole word, one in other scripts anywhere.
    """

    def __init__(self, path: Path) -> None:
        try:
            lines = path.expanduser().read_text(encoding="utf-8-sig").splitlines()
        except (OSError, RuntimeError) as error:  # RuntimeError: no home
            reason = getattr(error, "strerror", None) or error
            limit = f"must name a file of words that can be read ({reason})"
            raise InvalidOption("policy", limit, path) from error
        except ValueError as error:
            raise InvalidOption("policy", "must be a text file in UTF-8", path) from error
        words = [_folded(line) for line in lines if not line.lstrip().startswith("#")]
        self._pattern = _any_of([word for word in words if word])

    def check_prompt(self, prompt: str) -> None:
        """Raise `ContentRefused` where a listed word is in the prompt; it is not repeated."""
        if self._pattern is not None and self._pattern.search(_folded(prompt)):
            raise ContentRefused

    def check_picture(self, pixels: Rgb8, prompt: str) -> None:
        """Pass."""


def open_policy(said: str) -> Policy:
    """The policy of the setting: "", "words:FILE" or the name of a plugin.

    Raises:
        InvalidOption: there is no plugin of this name, or no such file.
        OperationFailed: the plugin cannot be loaded.
    """
    if not said or said == "none":
        return Permissive()
    if said.startswith("words:"):
        return WordList(Path(said.removeprefix("words:")))
    from importlib.metadata import entry_points  # here, so that importing stays quick

    found = {point.name: point for point in entry_points(group=GROUP)}.get(said)
    if found is None:
        raise InvalidOption("policy", "must be words:FILE or the name of a plugin", repr(said))
    try:
        policy = found.load()()
    except Exception as error:
        raise OperationFailed(f"policy {said} cannot be loaded: {error}") from error
    if not isinstance(policy, Policy):
        raise OperationFailed(f"policy {said} has not check_prompt and check_picture")
    return policy


def _folded(text: str) -> str:
    """Lower case, one width and composition, single spaces, no characters that nobody sees."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c for c in folded if unicodedata.category(c) != "Cf").split())


def _any_of(words: list[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    bounded = []
    for word in sorted(words, key=len, reverse=True):
        start = f"(?<!{_LATIN})" if re.match(_LATIN, word) else ""
        end = f"(?!{_LATIN})" if re.match(_LATIN, word[-1]) else ""
        bounded.append(f"{start}{re.escape(word)}{end}")
    return re.compile("|".join(bounded))
