"""`overpaint keys ...`: who may use the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from overpaint.cli import console
from overpaint.cli.service_options import Config, DataDir, iso_time, make_data_folder
from overpaint.errors import InvalidOption

if TYPE_CHECKING:
    from overpaint.tasks.keys import KeyStore
    from overpaint.tasks.task import Key

keys = typer.Typer(help="The API keys of the service on this machine.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")]


@keys.callback()
def _keys() -> None:
    """The API keys of the service on this machine; what is changed counts at once."""


@keys.command()
def create(
    *,
    name: Annotated[str, typer.Option(help="Who or what the key is for.")],
    plan: Annotated[
        str,
        typer.Option(help="unlimited, or free: 500 pictures in 180 days, 2 submissions a second."),
    ] = "unlimited",
    data_dir: DataDir = None,
    config: Config = None,
    as_json: _Json = False,
) -> None:
    """Make a key and print it. It cannot be shown again: only its hash is kept."""
    from overpaint.tasks.task import PLANS

    if plan not in PLANS:
        raise InvalidOption("plan", f"must be one of {', '.join(PLANS)}", repr(plan))
    with _store(data_dir, config, make=True) as store:
        key, secret = store.create(name, PLANS[plan])
    if as_json:
        created = {"plan": key.plan.name, "key": secret, "created": iso_time(key.created_ms)}
        console.print_json({"id": key.id, "name": key.name, **created})
    else:
        print(secret)
        console.say_on_terminal(f"{key.name}, plan {key.plan.name}; keep it: it is not shown again")


@keys.command("list")
def list_keys(*, data_dir: DataDir = None, config: Config = None, as_json: _Json = False) -> None:
    """List the keys, without their secrets, and what they have used."""
    with _store(data_dir, config) as store:
        found = store.list()
    if as_json:
        console.print_json([_describe(key) for key in found])
        return
    console.print_table(
        ["id", "name", "key", "plan", "used", "created", "revoked"],
        [
            [
                key.id,
                key.name,
                key.hint,
                key.plan.name,
                f"{key.used}{f' of {key.plan.images}' if key.plan.images is not None else ''}",
                iso_time(key.created_ms) or "",
                iso_time(key.revoked_ms) or "",
            ]
            for key in found
        ],
    )


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID|NAME", help="The key's id or name.")],
    *,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: _Json = False,
) -> None:
    """Make a key invalid, for good. Tasks that it has submitted are still painted."""
    with _store(data_dir, config) as store:
        revoked = store.revoke(key)
    if as_json:
        console.print_json(_describe(revoked))
    else:
        print(f"{revoked.id} {revoked.name} is revoked")


def _describe(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "plan": key.plan.name,
        "hint": key.hint,
        "used": key.used,
        "reserved": key.reserved,
        "limit": key.plan.images,
        "created": iso_time(key.created_ms),
        "revoked": iso_time(key.revoked_ms),
    }


@contextmanager
def _store(data_dir: Path | None, config: Path | None, *, make: bool = False) -> Iterator[KeyStore]:
    """The keys of the data folder, which is brought up to date, or made, where it has to be.

    Raises `InvalidOption` where there is none and it is not to be made.
    """
    from overpaint import settings
    from overpaint.tasks.database import open_database
    from overpaint.tasks.keys import KeyStore

    found = settings.load(config, data_dir=data_dir)
    file = found.database_file
    if make and file is not None:
        make_data_folder(file.parent)
    elif file is not None and not file.exists():
        limit = "must be the data folder of a server; `keys create` or `serve` makes one"
        raise InvalidOption("data_dir", limit, found.data_dir)
    database = open_database(found.database_url, migrate=True)
    try:
        yield KeyStore(database)
    finally:
        database.dispose()
