"""What prompts may name now: the built-in library and the user's own concepts beside it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from overpaint import settings
from overpaint.concepts.folder import stamp_of
from overpaint.concepts.lexicon import Lexicon
from overpaint.concepts.library import ConceptLibrary, built_in
from overpaint.concepts.shelf import Contents, Shelf
from overpaint.errors import OperationFailed


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known at one time. It does not change; a later one may know more."""

    library: ConceptLibrary
    lexicon: Lexicon
    faults: tuple[str, ...] = ()  # own concepts that were left out, and why


class Knowledge:
    """The built-in concepts and a shelf, read again when a file of the shelf has changed.

    Safe to share between threads.

    Args:
        path: the shelf's folder; None: the user's (see `settings`), asked for each time.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._state: tuple[object, ...] = ()
        self._known: Known | None = None

    def now(self) -> Known:
        """What is known now; cheap while nothing has changed.

        An own concept that cannot be read is left out and told in `faults`. Raises
        `OperationFailed` only if the built-in library cannot be read.
        """
        with self._lock:
            state, contents = self._look()
            if self._known is None or contents is not None:
                self._known = self._learnt(contents or Contents(entries=()))
            self._state = state
            return self._known

    def _look(self) -> tuple[tuple[object, ...], Contents | None]:
        """The state of the shelf, and what is on it unless that is as it was."""
        try:
            path = settings.own_concepts() if self._path is None else self._path
            state = (path, stamp_of(path))  # taken first: a change from here on shows next time
            return state, None if state == self._state else Shelf(path).contents()
        except OperationFailed as error:  # there is no shelf to be had; the rest is there
            failed = (str(error),)
            return failed, None if failed == self._state else Contents(entries=(), faults=failed)

    def _learnt(self, contents: Contents) -> Known:
        own = [entry.artefact for entry in contents.entries]
        library = ConceptLibrary([*built_in(), *own])
        lexicon = Lexicon(library.concepts.values())
        return Known(library=library, lexicon=lexicon, faults=contents.faults)
