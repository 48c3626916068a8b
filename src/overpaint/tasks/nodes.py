"""The roll of the nodes: each `overpaint serve` of a cluster, when last seen, what it told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select, update

from overpaint.tasks.database import Database, insert_or_replace
from overpaint.tasks.schema import nodes


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node, as it last said of itself."""

    name: str
    folder: str  # a word that its data folder keeps, unlike every other's
    run: str  # a word of its start, unlike every other's
    seen_ms: int = 0
    ended: bool = False  # it was told to end, and did
    told: Mapping[str, Any] = field(default_factory=dict)  # JSON values


class NodeRoll:
    """The nodes' part of the database.

    Args:
        database: what `open_database` gave.
        clock: milliseconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database, self._clock = database, clock

    def all(self) -> list[Node]:
        """Every node on the roll, by name."""
        with self._database.glance() as connection:
            rows = connection.execute(select(nodes).order_by(nodes.c.name)).all()
        return [Node(**row._mapping) for row in rows]

    def get(self, name: str) -> Node | None:
        """The node of this name."""
        with self._database.glance() as connection:
            row = connection.execute(select(nodes).where(nodes.c.name == name)).first()
        return None if row is None else Node(**row._mapping)

    def write(self, node: Node) -> None:
        """Put a node on the roll as seen now, over the one of its name that may be there."""
        rest = {"folder": node.folder, "run": node.run, "ended": node.ended}
        rest |= {"told": dict(node.told), "seen_ms": self._clock()}
        with self._database.write() as connection:
            insert_or_replace(connection, nodes, {"name": node.name}, rest)

    def beat(self, node: Node) -> bool:
        """Say that a node is alive; False where its row is another's, or is gone."""
        own = (nodes.c.name == node.name) & (nodes.c.run == node.run)
        seen = {"seen_ms": self._clock(), "told": dict(node.told), "ended": node.ended}
        with self._database.write() as connection:
            return connection.execute(update(nodes).where(own).values(seen)).rowcount == 1

    def strike(self, name: str) -> None:
        """Strike a node off the roll; an unknown one is no error."""
        with self._database.write() as connection:
            connection.execute(delete(nodes).where(nodes.c.name == name))
