"""Keys: made once, found by their secret, admitted as their plan allows, revoked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.unit.task_fixture import GOOD, Stores, opened

from overpaint.errors import InvalidKey, InvalidOption, QuotaExhausted, RateLimited
from overpaint.tasks.schema import keys, signins
from overpaint.tasks.task import PLANS, Key, Plan

DAY = 24 * 3600 * 1000


@pytest.fixture
def stores(place: str) -> Iterator[Stores]:
    with opened(place) as stores:
        yield stores


def admitted(stores: Stores, key: Key, times: int) -> int:
    """How many of so many submissions at once are let in."""

    def one(_: int) -> bool:
        try:
            stores.keys.admit(key)
        except RateLimited:
            return False
        return True

    return sum(map(one, range(times)))


def test_a_key_is_found_by_its_secret_which_is_not_stored(stores: Stores) -> None:
    key, secret = stores.keys.create(" ann ", PLANS["free"])
    assert secret.startswith("sk-")
    assert len(secret) == 3 + 48
    assert (key.name, key.plan, key.hint) == (
        "ann",
        PLANS["free"],
        f"sk-{secret[3:5]}…{secret[-2:]}",
    )
    assert (key.used, key.reserved, key.revoked_ms) == (0, 0, None)
    assert stores.keys.find(secret) == stores.keys.get(key.id) == key
    stored = _everything_of(stores)
    assert key.id in stored
    assert secret[3:] not in stored


@pytest.mark.parametrize("secret", ["", "sk-", "sk-wrong", "\ud800", "\0", "é" * 10_000])
def test_a_wrong_secret_finds_nothing(stores: Stores, secret: str) -> None:
    stores.key()
    assert stores.keys.find(secret) is None


def test_a_plan_is_kept_as_it_was_when_the_key_was_made(stores: Stores) -> None:
    plan = Plan(name="own", images=3, days=1, submissions_per_s=9, running=2)
    key, secret = stores.keys.create("own", plan)
    assert stores.keys.find(secret) == key
    assert key.plan == plan


@pytest.mark.parametrize("name", ["", "  ", "a" * 101, "a\nb", "\ud800"])
def test_a_name_is_short_and_printable(stores: Stores, name: str) -> None:
    with pytest.raises(InvalidOption, match="name: must have 1 to 100 printable characters"):
        stores.keys.create(name, PLANS["free"])


def test_of_keys_of_one_name_an_id_says_which_is_meant(stores: Stores) -> None:
    first = stores.key("ann")
    stores.clock.now += 1
    second = stores.key("ann")
    assert [key.id for key in stores.keys.list()] == [first.id, second.id]
    both = f"must be an id, as several have this name: {first.id}, {second.id}, got 'ann'"
    with pytest.raises(InvalidOption, match=both):
        stores.keys.revoke("ann")
    assert stores.keys.revoke(first.id).id == first.id
    assert stores.keys.revoke("ann").id == second.id  # not the one that is revoked already


def test_a_revoked_key_opens_nothing(stores: Stores) -> None:
    key, secret = stores.keys.create("ann", PLANS["unlimited"])
    token = stores.keys.make_signin(key.id, 1000)
    stores.clock.now += 5
    revoked = stores.keys.revoke(key.id)
    assert revoked == replace(key, revoked_ms=stores.clock())
    stores.clock.now += 5
    assert stores.keys.revoke(key.id) == revoked  # once is enough
    assert stores.keys.find(secret) is None
    assert stores.keys.take_signin(token) is None
    with pytest.raises(InvalidKey):
        stores.keys.admit(key)
    assert stores.keys.get(key.id) == revoked


def test_revoking_what_is_not_there_is_said(stores: Stores) -> None:
    with pytest.raises(InvalidOption, match="must be the id or the name of a key, got 'bob'"):
        stores.keys.revoke("bob")
    assert stores.keys.get("bob") is None


def test_two_submissions_a_second_and_no_more(stores: Stores) -> None:
    key = stores.keys.create("free", PLANS["free"])[0]
    assert admitted(stores, key, 5) == 2
    stores.clock.now += 499
    assert admitted(stores, key, 5) == 0
    stores.clock.now += 1
    assert admitted(stores, key, 5) == 1
    stores.clock.now += 60_000
    assert admitted(stores, key, 5) == 2  # what was not used is not saved up


def test_over_ten_seconds_the_rate_is_exact(stores: Stores) -> None:
    key = stores.key(submissions_per_s=3)
    total = 0
    for _ in range(100):
        total += admitted(stores, key, 1)
        stores.clock.now += 100
    assert total == 3 + 3 * 10 - 1  # the first second's at once, then three a second


def test_the_rate_holds_when_the_clock_jumps(stores: Stores) -> None:
    key = stores.key(submissions_per_s=2)
    assert admitted(stores, key, 3) == 2
    stores.clock.now -= 30 * DAY
    assert admitted(stores, key, 3) == 0
    stores.clock.now += 1000
    assert admitted(stores, key, 3) == 2  # not after another thirty days
    stores.clock.now += 30 * DAY
    assert admitted(stores, key, 3) == 2


def test_the_rate_holds_for_many_threads(stores: Stores) -> None:
    key = stores.key(submissions_per_s=7)
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: admitted(stores, key, 3), range(8))) == 7


def test_a_key_without_limits_is_always_admitted(stores: Stores) -> None:
    assert admitted(stores, stores.key(), 50) == 50


def test_an_exhausted_key_is_not_admitted(stores: Stores) -> None:
    key = stores.key(images=2, days=10, submissions_per_s=100)
    stores.submit(key)
    stores.tasks.finish(stores.claim(), [GOOD])
    stores.keys.admit(key)
    stores.submit(key)
    with pytest.raises(QuotaExhausted, match="0 of 2"):
        stores.keys.admit(key)
    stores.clock.now = key.created_ms + 10 * DAY
    with pytest.raises(QuotaExhausted, match="The 10 days of the key are over"):
        stores.keys.admit(key)


def test_a_signin_token_is_taken_once_within_its_time(stores: Stores) -> None:
    key = stores.key()
    token, late = (stores.keys.make_signin(key.id, 1000) for _ in range(2))
    assert token not in _everything_of(stores)
    stores.clock.now += 999
    assert stores.keys.take_signin(token) == key
    assert stores.keys.take_signin(token) is None
    stores.clock.now += 1
    assert stores.keys.take_signin(late) is None
    assert stores.keys.take_signin("\ud800") is None


def test_a_token_that_was_made_up_waits_for_no_writer(stores: Stores) -> None:
    with stores.database.write():
        assert stores.keys.take_signin("made up") is None


def test_a_signin_token_is_taken_by_one_of_many_threads(stores: Stores) -> None:
    token = stores.keys.make_signin(stores.key().id, 1000)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: stores.keys.take_signin(token), range(8)))
    assert sum(key is not None for key in taken) == 1


def _everything_of(stores: Stores) -> str:
    with stores.database.read() as connection:
        return repr([connection.execute(table.select()).all() for table in (keys, signins)])
