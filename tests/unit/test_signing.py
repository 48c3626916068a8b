"""The secret that signs: made once, shared by all processes of a database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.unit.service_fixture import service_in

from overpaint.errors import StoreFailed
from overpaint.service import Service
from overpaint.service.signing import Signer
from overpaint.settings import Settings
from overpaint.tasks.database import open_database
from overpaint.tasks.schema import secrets


def test_the_secret_that_an_older_version_kept_in_a_file_is_taken_over(tmp_path: Path) -> None:
    former = Signer(b"s" * 32)
    (tmp_path / "secret").write_text((b"s" * 32).hex())
    for _ in range(2):
        with service_in(tmp_path) as (service, _):
            assert service._signer.holds("p", "text", former.sign("p", "text"))
        (tmp_path / "secret").unlink(missing_ok=True)  # it is not read again


def test_a_secret_that_is_damaged_is_not_made_anew_silently(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")
    with pytest.raises(StoreFailed, match="secret: is not the secret that it was; restore"):
        Service.open(Settings(data_dir=tmp_path), migrate=True)
    (tmp_path / "secret").write_bytes(b"\xff")
    with pytest.raises(StoreFailed, match="secret: is not the secret that it was; restore"):
        Service.open(Settings(data_dir=tmp_path), migrate=True)
    (tmp_path / "secret").unlink()
    with service_in(tmp_path) as (service, _), service._database.write() as connection:
        connection.execute(secrets.update().values(value="short"))
    with pytest.raises(StoreFailed, match="The secret in the database is not what it was; rest"):
        Service.open(Settings(data_dir=tmp_path))


def test_of_processes_that_make_the_secret_at_once_all_have_the_same(tmp_path: Path) -> None:
    url = Settings(data_dir=tmp_path).database_url
    database = open_database(url, migrate=True)
    with ThreadPoolExecutor(8) as pool:
        folders = [tmp_path / str(number) for number in range(8)]
        signers = list(pool.map(lambda folder: Signer.open(database, folder), folders))
    database.dispose()
    assert len({signer.sign("p", "text") for signer in signers}) == 1
