"""A node's place on the roll of nodes, from the start of `overpaint serve` to its end.

Two nodes of one name would bury each other's workers, so the second is not let in. Which data
folder a name belongs to is remembered by a word in the folder: a node that was killed and starts
again takes its place at once, and one whose host was renamed takes its former workers along.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from overpaint.errors import InvalidOption, OverpaintError, StoreFailed
from overpaint.tasks.nodes import Node, NodeRoll

logger = logging.getLogger("overpaint.supervisor")

BEAT_S = 5.0
#: Without a sign for so long a node is gone; it may be one of the same name that starts anew.
SILENT_S = 3 * BEAT_S
_LOOK_S = 0.5
_WORD = "node"  # the file in the data folder


class Membership:
    """The place of one node.

    Args:
        roll: of the nodes.
        name: what the node is called.
        folder: its data folder, which no other process uses.
        tell: what it tells the others, JSON values; asked at each sign of life.
    """

    def __init__(
        self, roll: NodeRoll, *, name: str, folder: Path, tell: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._roll, self._tell = roll, tell
        self.node = Node(name=name, folder=_word_of(folder), run=secrets.token_hex(8))
        self._clashes = False
        self._silenced = False  # the database did not answer, and that was said
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="membership", daemon=True)

    def join(self, *, silent_s: float = SILENT_S) -> list[str]:
        """Take the place, and give the names that this folder's node had before.

        Where another node of the name seems to be alive, it is watched for `silent_s`.

        Raises:
            InvalidOption: it is alive.
        """
        name = self.node.name
        former = self._roll.get(name)
        if former is not None and former.folder != self.node.folder and not former.ended:
            self._wait_for_its_end(former, silent_s)
        self._roll.write(self._now())
        ours = [one.name for one in self._roll.all() if one.folder == self.node.folder]
        before = [one for one in ours if one != name]
        for one in before:
            self._roll.strike(one)
        return before

    def start(self) -> None:
        """Give signs of life from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Say that the node has ended."""
        self._stopping.set()
        self._thread.join()
        try:
            self._roll.beat(replace(self._now(), ended=True))
        except OverpaintError as error:
            logger.warning("the end of the node is not told", extra={"reason": str(error)})

    def _wait_for_its_end(self, former: Node, silent_s: float) -> None:
        name = former.name
        logger.warning("another node has this name; is it alive?", extra={"node": name})
        deadline = time.monotonic() + silent_s
        while time.monotonic() < deadline:
            time.sleep(_LOOK_S)
            now = self._roll.get(name)
            if now is None or now.ended:
                return
            if (now.seen_ms, now.run) != (former.seen_ms, former.run):
                limit = "must be a name that no other node of this database has; that one is alive"
                raise InvalidOption("node", limit, name)

    def _run(self) -> None:
        while not self._stopping.wait(BEAT_S):
            self.beat()

    def beat(self) -> None:
        """Give one sign of life; the thread does so, and goes on whatever happens."""
        try:
            if not self._roll.beat(self._now()):
                self._take_again()
            self._silenced = False
        except OverpaintError as error:
            if not self._silenced:
                logger.warning("no sign of life given", extra={"reason": str(error)})
            self._silenced = True
        except Exception:
            logger.exception("no sign of life given")

    def _take_again(self) -> None:
        """Somebody else has the place, or it was struck off while the database was away."""
        other = self._roll.get(self.node.name)
        if other is not None and other.run != self.node.run:
            logger.error(
                "another node has the same name; give one of them another OVERPAINT_NODE",
                extra={"node": self.node.name},
            )
            self._clashes = True
        self._roll.write(self._now())

    def _now(self) -> Node:
        told = {**self._tell(), **({"clash": True} if self._clashes else {})}
        return replace(self.node, told=told)


def _word_of(folder: Path) -> str:
    """The word that tells this data folder from all others; made when it is not there."""
    path = folder / _WORD
    try:
        word = path.read_text("ascii").strip() if path.exists() else ""
        if not word:
            word = secrets.token_hex(8)
            path.write_text(f"{word}\n", "ascii")
    except (OSError, ValueError) as error:
        raise StoreFailed(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    return word
