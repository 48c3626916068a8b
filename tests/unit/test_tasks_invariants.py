"""A random walk through everything that can happen to tasks, beside a plain model of it."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.unit.task_fixture import BAD, BROKEN, GOOD, LEASE, new_task, opened

from overpaint.errors import NotPending, QueueFull, QuotaExhausted, UnknownTask
from overpaint.tasks.audit import audit
from overpaint.tasks.task import FINAL, MAX_TRIES, Query, State, Task

IMAGES = 12
MAX_PENDING = 4
POOLS = ("", "slow:model")


class TaskWalk(RuleBasedStateMachine):
    """What the store must hold is in `self.model`; who may write, in `self.held`."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.files = ExitStack()
        self.stores = self.files.enter_context(opened(Path(self.folder) / "tasks.db"))
        self.keys = [
            self.stores.key("ann", images=IMAGES, running=1),
            self.stores.key("bob", running=2),
        ]
        self.model: dict[str, Task] = {}  # in the order of their numbers
        self.held: dict[str, Task] = {}  # the claim that is valid, by task
        self.claims: list[Task] = []  # every claim there ever was
        self.used: Counter[str] = Counter()
        self.ended: Counter[State] = Counter()

    def teardown(self) -> None:
        self.files.close()
        shutil.rmtree(self.folder)

    def of(self, key_id: str, *states: State, pool: str | None = None) -> list[Task]:
        return [
            one
            for one in self.model.values()
            if one.key_id == key_id and one.state in states and pool in (None, one.pool)
        ]

    def end(self, task_id: str, state: State, successes: int = 0) -> None:
        task = self.model[task_id]
        self.model[task_id] = replace(task, state=state)
        self.held.pop(task_id, None)
        self.used[task.key_id] += successes
        self.ended[state] += 1

    def back(self, task_id: str) -> None:
        """As a lapse or a retry has it."""
        if self.model[task_id].tries >= MAX_TRIES:
            self.end(task_id, State.FAILED)
        else:
            self.held.pop(task_id)
            self.model[task_id] = replace(self.model[task_id], state=State.PENDING)

    @rule(which=st.integers(0, 1), n=st.integers(1, 4), pool=st.sampled_from(POOLS))
    def submit(self, which: int, n: int, pool: str) -> None:
        key = self.keys[which]
        unfinished = self.of(key.id, State.PENDING, State.RUNNING)
        reserved = sum(task.n for task in unfinished)
        exhausted = which == 0 and self.used[key.id] + reserved + n > IMAGES
        full = len(self.of(key.id, State.PENDING)) >= MAX_PENDING
        task = new_task(key.id, n=n, created_ms=self.stores.clock(), pool=pool)
        try:
            stored = self.stores.tasks.insert(task, max_pending=MAX_PENDING)
        except QuotaExhausted:
            assert exhausted
        except QueueFull:
            assert full
            assert not exhausted
        else:
            assert not exhausted
            assert not full
            self.model[stored.id] = stored

    @rule(worker=st.sampled_from(["w1", "w2"]), pool=st.sampled_from(POOLS))
    def claim(self, worker: str, pool: str) -> None:
        self.lapsed_by_now()
        allowed = []
        for key in self.keys:
            running = len(self.of(key.id, State.RUNNING))
            if self.of(key.id, State.PENDING, pool=pool) and running < (key.plan.running or 0):
                allowed.append((len(self.of(key.id, State.RUNNING, pool=pool)), key.id))
        claimed = self.stores.tasks.claim(worker, lease_ms=LEASE, pool=pool)
        if claimed is None:
            assert allowed == []
            return
        fewest = [key_id for running, key_id in allowed if running == min(allowed)[0]]
        assert claimed.key_id in fewest
        known = self.of(claimed.key_id, State.PENDING, pool=pool)[0]  # the oldest of the key
        assert claimed.id == known.id
        assert claimed.fence == 1 + max(
            (c.fence for c in self.claims if c.id == known.id), default=0
        )
        assert claimed.tries == known.tries + 1 <= MAX_TRIES
        self.model[claimed.id] = replace(known, state=State.RUNNING, tries=claimed.tries)
        self.held[claimed.id] = claimed
        self.claims.append(claimed)

    def lapsed_by_now(self) -> int:
        now = self.stores.clock()
        lapsed = [
            task_id
            for task_id, claim in self.held.items()
            if (claim.lease_until_ms or 0) < now
            or (claim.lease_until_ms or 0) - LEASE > now + 600_000
        ]
        for task_id in lapsed:
            self.back(task_id)
        return len(lapsed)

    def any_claim(self, data: st.DataObject) -> tuple[Task, bool]:
        """A claim, more often than not a late one, and whether it is still good."""
        claim = data.draw(st.sampled_from(self.claims))
        held = self.held.get(claim.id)
        return claim, held is not None and held.fence == claim.fence

    @rule(pool=st.sampled_from(POOLS))
    def dismiss(self, pool: str) -> None:
        waiting = [
            one.id for one in self.model.values() if one.state is State.PENDING and one.pool == pool
        ]
        assert self.stores.tasks.dismiss(pool, "no") == len(waiting)
        for task_id in waiting:
            self.end(task_id, State.FAILED)

    @rule(there=st.sampled_from(POOLS))
    def reroute(self, there: str) -> None:
        waiting = [
            one for one in self.model.values() if one.state is State.PENDING and one.pool != there
        ]
        sent = self.stores.tasks.reroute([there], lambda _: (there or "auto", there), "gone")
        assert sent == (len(waiting), 0)
        for one in waiting:
            self.model[one.id] = replace(one, pool=there, engine=there or "auto")

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), good=st.integers(0, 4))
    def finish(self, data: st.DataObject, good: int) -> None:
        claim, valid = self.any_claim(data)
        pictures = [GOOD if i < good else BAD for i in range(claim.n)]
        assert self.stores.tasks.finish(claim, pictures) == valid
        if valid:
            state = State.SUCCEEDED if good else State.FAILED
            self.end(claim.id, state, min(good, claim.n))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def heartbeat(self, data: st.DataObject) -> None:
        claim, valid = self.any_claim(data)
        assert self.stores.tasks.heartbeat(claim, lease_ms=LEASE, progress=None) == valid
        if valid:
            lease = self.stores.clock() + LEASE
            self.held[claim.id] = replace(self.held[claim.id], lease_until_ms=lease)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        claim, valid = self.any_claim(data)
        assert self.stores.tasks.retry(claim, BROKEN) == valid
        if valid:
            self.back(claim.id)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        claim, valid = self.any_claim(data)
        assert self.stores.tasks.give_back(claim) == valid
        if valid:
            self.held.pop(claim.id)
            known = self.model[claim.id]
            self.model[claim.id] = replace(known, state=State.PENDING, tries=known.tries - 1)

    @rule(worker=st.sampled_from(["w1", "w2"]))
    def die(self, worker: str) -> None:
        lost = [task_id for task_id, claim in self.held.items() if claim.worker == worker]
        assert self.stores.tasks.release_worker(worker) == len(lost)
        for task_id in lost:
            self.back(task_id)

    @rule(ms=st.sampled_from([1, LEASE // 2, LEASE + 1, -LEASE, -599_000, -601_000, -(10**9)]))
    def time_goes(self, ms: int) -> None:
        self.stores.clock.now += ms

    @rule()
    def lapse(self) -> None:
        assert self.stores.tasks.lapse() == self.lapsed_by_now()

    @precondition(lambda self: self.model)
    @rule(data=st.data(), own=st.booleans(), running=st.booleans())
    def cancel(self, data: st.DataObject, own: bool, running: bool) -> None:
        task = data.draw(st.sampled_from(list(self.model.values())))
        key_id = task.key_id if own else "other"
        allowed = {State.PENDING, State.RUNNING} if running else {State.PENDING}
        try:
            self.stores.tasks.cancel(task.id, key_id, running=running)
        except UnknownTask:
            assert not own
        except NotPending:
            assert task.state not in allowed
        else:
            assert own
            assert task.state in allowed
            self.end(task.id, State.CANCELED)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        task_id = data.draw(st.sampled_from(list(self.model)))
        self.stores.tasks.delete([task_id])
        if self.model[task_id].state in FINAL:
            del self.model[task_id]

    @invariant()
    def the_store_is_as_the_model(self) -> None:
        for task in self.model.values():
            stored = self.stores.tasks.get(task.id)
            assert stored is not None
            assert (stored.state, stored.tries) == (task.state, task.tries)
        states = Counter(task.state for task in self.model.values())
        assert self.stores.tasks.counts() == {state: states[state] for state in State}
        for key in self.keys:
            reserved = sum(task.n for task in self.of(key.id, State.PENDING, State.RUNNING))
            assert self.stores.quota(key) == (self.used[key.id], reserved)
            total = self.stores.tasks.list(key.id, Query(page_size=1)).total
            assert total == len(self.of(key.id, *State))
        totals: Counter[State] = Counter()
        for one in self.stores.tasks.totals():
            totals[one.outcome] += one.tasks
        assert totals == {state: count for state, count in self.ended.items() if count}
        assert audit(self.stores.database) == []


TestTaskWalk = TaskWalk.TestCase
TestTaskWalk.settings = settings(max_examples=8, stateful_step_count=40, deadline=None)
