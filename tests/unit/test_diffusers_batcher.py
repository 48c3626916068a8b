"""What the batcher promises its callers: company, turns, and that nobody suffers for another.

No test waits for time to pass as proof: a painter that is held, and callers that are known to be
in the line, make every order certain. Where something must not be waited for, the wait is an hour.
"""

from __future__ import annotations

import _thread
import gc
import random
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overpaint.engines.diffusers.batcher import Batcher
from overpaint.engines.diffusers.line import Line
from overpaint.engines.diffusers.rows import Outcome, Row, Tell
from overpaint.errors import EngineFailed, InvalidOption
from overpaint.values import OnStep, PaintJob, Rgb8, Step

HOUR = 3600.0
LONG = 20.0  # a test that waits so long has failed, s
SIDE = 4


def job(name: str, seed: int = 0) -> PaintJob:
    return PaintJob(
        pixels=np.zeros((SIDE, SIDE, 3), np.uint8),
        mask=np.ones((SIDE, SIDE), bool),
        prompt=name,
        seed=seed,
    )


def picture(of: PaintJob) -> Rgb8:
    """What every painter here makes of a job; it tells jobs apart."""
    return np.full((SIDE, SIDE, 3), [of.seed, len(of.prompt), ord(of.prompt[0])], np.uint8)


def plain(rows: Sequence[Row], tell: Tell) -> list[Outcome]:
    return [picture(row.job) for row in rows]


class Studio:
    """A painter that paints when the test lets it, as the test says."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.began: SimpleQueue[tuple[Sequence[Row], Tell]] = SimpleQueue()
        self.how: SimpleQueue[Callable[[Sequence[Row], Tell], Sequence[Outcome]]] = SimpleQueue()

    def __call__(self, rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        self.batches.append([row.job.prompt for row in rows])
        self.began.put((rows, tell))
        return self.how.get(timeout=LONG)(rows, tell)

    def wait(self) -> tuple[Sequence[Row], Tell]:
        """Wait until the next batch has begun."""
        return self.began.get(timeout=LONG)

    def go(self, how: Callable[[Sequence[Row], Tell], Sequence[Outcome]] = plain) -> None:
        """Let one batch be painted."""
        self.how.put(how)


class Callers:
    """Threads that call a batcher; each is in the line when `send` returns."""

    def __init__(self, batcher: Batcher, threads: int = 8) -> None:
        self._batcher = batcher
        self._pool = ThreadPoolExecutor(threads)

    def send(
        self, *names: str, bucket: object = None, on_step: OnStep | None = None
    ) -> Future[list[Rgb8]]:
        there = threading.Event()

        def step(step: Step) -> None:
            there.set()
            if on_step is not None:
                on_step(step)

        jobs = [(job(name, seed), bucket) for seed, name in enumerate(names)]
        future = self._pool.submit(self._batcher.paint, jobs, step)
        assert there.wait(LONG)
        return future


@pytest.fixture
def studio() -> Studio:
    return Studio()


def colors(future: Future[list[Rgb8]]) -> list[list[int]]:
    return [one[0, 0].tolist() for one in future.result(LONG)]


def of(*names: str) -> list[list[int]]:
    return [picture(job(name, seed))[0, 0].tolist() for seed, name in enumerate(names)]


# --- company ---------------------------------------------------------------------------------


def test_rows_of_several_callers_are_painted_together(studio: Studio) -> None:
    batcher = Batcher(studio, batch=4, wait_s=0)
    callers = Callers(batcher)
    first = callers.send("first")
    studio.wait()
    b, c = callers.send("b", "bb"), callers.send("c")
    studio.go()
    studio.go()
    assert colors(first) == of("first")
    assert (colors(b), colors(c)) == (of("b", "bb"), of("c"))
    assert studio.batches == [["first"], ["b", "c", "bb"]]
    batcher.close()


def test_buckets_are_kept_apart_and_taken_in_turn(studio: Studio) -> None:
    batcher = Batcher(studio, batch=4, wait_s=0)
    callers = Callers(batcher)
    sent = [callers.send("a", bucket="small")]
    studio.wait()
    for name, bucket in (("b", "small"), ("c", "large"), ("d", "small"), ("e", "large")):
        sent.append(callers.send(name, bucket=bucket))
    for _ in range(3):
        studio.go()
    assert [colors(one) for one in sent] == [of(name) for name in "abcde"]
    assert studio.batches == [["a"], ["b", "d"], ["c", "e"]]
    batcher.close()


def test_a_batch_is_no_larger_than_it_may_be(studio: Studio) -> None:
    batcher = Batcher(studio, batch=2, wait_s=0)
    callers = Callers(batcher)
    one = callers.send("a", "aa", "aaa", "aaaa", "aaaaa")
    for _ in range(3):
        studio.go()
    assert colors(one) == of("a", "aa", "aaa", "aaaa", "aaaaa")
    assert studio.batches == [["a", "aa"], ["aaa", "aaaa"], ["aaaaa"]]
    batcher.close()


def test_a_caller_who_is_alone_does_not_wait() -> None:
    batcher = Batcher(plain, batch=8, wait_s=HOUR)
    for name in ("a", "bb"):
        assert len(batcher.paint([(job(name), None)])) == 1
    batcher.close()


def test_company_that_is_known_is_waited_for_until_all_are_there(studio: Studio) -> None:
    batcher = Batcher(studio, batch=8, wait_s=HOUR)
    one, other = Callers(batcher, 1), Callers(batcher, 1)
    for _ in range(3):
        studio.go()
    assert colors(one.send("known")) == of("known")
    first = other.send("b")
    second = one.send("a")
    assert (colors(first), colors(second)) == (of("b"), of("a"))
    assert studio.batches == [["known"], ["b", "a"]]
    batcher.close()


def test_a_full_batch_waits_for_nobody(studio: Studio) -> None:
    batcher = Batcher(studio, batch=2, wait_s=HOUR)
    one, other = Callers(batcher, 1), Callers(batcher, 1)
    for _ in range(2):
        studio.go()
    assert colors(one.send("known")) == of("known")
    assert colors(other.send("b", "bb")) == of("b", "bb")  # "known" never comes again
    batcher.close()


def test_company_that_does_not_come_is_not_waited_for_long(studio: Studio) -> None:
    batcher = Batcher(studio, batch=8, wait_s=0.001)
    one, other = Callers(batcher, 1), Callers(batcher, 1)
    for _ in range(2):
        studio.go()
    assert colors(one.send("known")) == of("known")
    assert colors(other.send("b")) == of("b")
    batcher.close()


def test_nothing_to_paint_is_nothing_painted() -> None:
    before = threading.active_count()
    assert Batcher(plain, batch=8, wait_s=0).paint([]) == []
    assert threading.active_count() == before


# --- turns -----------------------------------------------------------------------------------

ROWS = st.lists(
    st.lists(st.sampled_from("xyz"), min_size=1, max_size=6),  # a caller's rows, by bucket
    min_size=1,
    max_size=8,
)


def seats(asked: Sequence[Sequence[str]]) -> list[list[Row]]:
    return [
        [Row(job=job("j"), bucket=bucket, caller=caller, place=p) for p, bucket in enumerate(mine)]
        for caller, mine in enumerate(asked)
    ]


@settings(max_examples=150, deadline=None)
@given(ROWS, st.integers(1, 5))
def test_everybody_gets_every_row_once_and_in_order(asked: list[list[str]], most: int) -> None:
    line: Line[Row] = Line()
    rows = seats(asked)
    for mine in rows:
        line.add(mine)
    taken: list[Row] = []
    while line.callers:
        batch = line.take(most)
        assert 0 < len(batch) <= most
        assert len({row.bucket for row in batch}) == 1
        taken += batch
    assert sorted(map(id, taken)) == sorted(id(row) for mine in rows for row in mine)
    for caller, buckets in enumerate(asked):
        for bucket in "xyz":
            places = [row.place for row in taken if (row.caller, row.bucket) == (caller, bucket)]
            assert places == [place for place, own in enumerate(buckets) if own == bucket]


@settings(max_examples=150, deadline=None)
@given(ROWS, st.integers(1, 5))
def test_a_batch_is_shared_evenly(asked: list[list[str]], most: int) -> None:
    line: Line[Row] = Line()
    waiting: list[Row] = []
    for mine in seats(asked):
        line.add(mine)
        waiting += mine
    while line.callers:
        front = line.callers[0]
        batch = line.take(most)
        got = Counter(row.caller for row in batch)
        assert got[front] >= 1
        wanted = Counter(row.caller for row in waiting if row.bucket == batch[0].bucket)
        waiting = [row for row in waiting if row not in batch]
        for caller, count in wanted.items():
            if got[caller] < count:  # whoever got not all got no fewer than others, less one
                assert got[caller] >= max(got.values()) - 1


@settings(max_examples=80, deadline=None)
@given(ROWS, st.integers(1, 5), st.randoms(use_true_random=False))
def test_nobody_starves_however_many_come_in_behind(
    asked: list[list[str]], most: int, chance: random.Random
) -> None:
    line: Line[Row] = Line()
    for mine in seats(asked):
        line.add(mine)
    left = sum(map(len, asked))
    newcomer = len(asked)
    rounds = max(map(len, asked))  # in each a turn for all who were there, and who came meanwhile
    batches = 0
    while left:
        assert batches < len(asked) * rounds * (rounds + 1) / 2, "somebody starves"
        batch = line.take(most)
        batches += 1
        left -= sum(row.caller < len(asked) for row in batch)
        if chance.random() < 0.9:  # newcomers come as fast as batches are painted
            line.add([Row(job=job("j"), bucket=chance.choice("xyz"), caller=newcomer)])
            newcomer += 1


def test_a_caller_of_many_rows_lets_others_through(studio: Studio) -> None:
    batcher = Batcher(studio, batch=1, wait_s=0)
    callers = Callers(batcher)
    many = callers.send("a", "aa", "aaa", "aaaa")
    studio.wait()
    few = callers.send("b")
    for _ in range(5):
        studio.go()
    assert (colors(many), colors(few)) == (of("a", "aa", "aaa", "aaaa"), of("b"))
    assert [one for (one,) in studio.batches] == ["a", "aa", "b", "aaa", "aaaa"]
    batcher.close()


# --- nobody suffers for another --------------------------------------------------------------


def picky(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
    """Fail as a whole where a bad row is in the batch."""
    if any(row.job.prompt == "bad" for row in rows):
        raise RuntimeError(f"{len(rows)} rows failed")
    return plain(rows, tell)


def test_a_batch_that_fails_is_painted_again_row_by_row(studio: Studio) -> None:
    batcher = Batcher(studio, batch=4, wait_s=0)
    callers = Callers(batcher)
    first = callers.send("first")
    studio.wait()
    good, bad, fine = callers.send("g", "gg"), callers.send("bad"), callers.send("f")
    for _ in range(6):
        studio.go(picky)
    assert colors(first) == of("first")
    assert (colors(good), colors(fine)) == (of("g", "gg"), of("f"))
    with pytest.raises(RuntimeError, match="1 rows failed"):
        bad.result(LONG)
    assert studio.batches[1:] == [["g", "bad", "f", "gg"], ["g"], ["bad"], ["f"], ["gg"]]
    batcher.close()


def test_what_one_row_came_to_is_its_callers_alone(studio: Studio) -> None:
    def one_bad(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        return [
            InvalidOption("guidance", "is too much") if row.job.prompt == "bad" else made
            for row, made in zip(rows, plain(rows, tell), strict=True)
        ]

    batcher = Batcher(studio, batch=4, wait_s=0)
    callers = Callers(batcher)
    first = callers.send("first")
    studio.wait()
    good, bad = callers.send("g"), callers.send("bad", "b")
    studio.go(one_bad)
    studio.go(one_bad)
    assert (colors(first), colors(good)) == (of("first"), of("g"))
    with pytest.raises(InvalidOption, match="guidance: is too much"):
        bad.result(LONG)
    assert len(studio.batches) == 2  # nothing was painted again
    batcher.close()


def test_a_painter_that_returns_too_few_rows_has_failed(studio: Studio) -> None:
    batcher = Batcher(lambda rows, tell: [], batch=4, wait_s=0)
    with pytest.raises(EngineFailed, match="0 of 1 rows were painted"):
        batcher.paint([(job("a"), None)])
    batcher.close()


def test_a_painter_that_would_end_python_ends_nothing(studio: Studio) -> None:
    def leave(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        raise SystemExit(3)

    batcher = Batcher(studio, batch=1, wait_s=0)
    studio.go(leave)
    studio.go()
    with pytest.raises(SystemExit):
        batcher.paint([(job("a"), None)])
    assert len(batcher.paint([(job("a"), None)])) == 1
    batcher.close()


def test_an_error_holds_nothing_of_the_batch() -> None:
    class Tensor:
        """Stands for gigabytes."""

    def fail(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        large = Tensor()
        alive.append(weakref.ref(large))
        try:
            raise MemoryError("inner")
        except MemoryError as error:
            raise EngineFailed("outer") from error

    alive: list[weakref.ref[Tensor]] = []
    batcher = Batcher(fail, batch=1, wait_s=0)
    with pytest.raises(EngineFailed, match="outer") as caught:
        batcher.paint([(job("a"), None)])
    gc.collect()
    assert caught.value.__cause__ is not None
    assert alive[0]() is None
    batcher.close()


# --- callers that go away --------------------------------------------------------------------


class GoneError(BaseException):
    """What ends a caller."""


def test_a_caller_that_goes_away_loses_its_own_rows_alone(studio: Studio) -> None:
    batcher = Batcher(studio, batch=3, wait_s=0)
    callers = Callers(batcher)
    gone = threading.Event()

    def leave(step: Step) -> None:
        if step.total == 2:
            gone.set()
            raise GoneError

    first = callers.send("first")
    studio.wait()
    dying, living = callers.send("d", "dd", "ddd", on_step=leave), callers.send("l")
    studio.go()
    rows, tell = studio.wait()
    assert [row.job.prompt for row in rows] == ["d", "l", "dd"]
    assert not any(tell.lost(row) for row in range(3))

    def paint(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        tell.step(1, 2)
        with pytest.raises(GoneError):
            dying.result(LONG)
        assert [tell.lost(row) for row in range(3)] == [True, False, True]
        assert not tell.all_lost
        return plain(rows, tell)

    studio.go(paint)
    assert (colors(first), colors(living)) == (of("first"), of("l"))
    studio.go()
    assert colors(callers.send("next")) == of("next")
    assert studio.batches == [["first"], ["d", "l", "dd"], ["next"]]  # no "ddd"
    batcher.close()


def test_a_batch_that_nobody_waits_for_ends_early(studio: Studio) -> None:
    batcher = Batcher(studio, batch=3, wait_s=0)

    def leave(step: Step) -> None:
        if step.done:
            raise GoneError

    def paint(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        tell.step(1, 2)
        with pytest.raises(GoneError):
            sent.result(LONG)
        assert tell.all_lost
        raise InterruptedError

    sent = Callers(batcher).send("a", "aa", on_step=leave)
    studio.wait()
    studio.go(paint)
    studio.go()
    assert len(batcher.paint([(job("next"), None)])) == 1
    assert studio.batches == [["a", "aa"], ["next"]]  # and nothing row by row
    batcher.close()


def test_a_caller_in_the_line_may_go_away_too(studio: Studio) -> None:
    batcher = Batcher(studio, batch=3, wait_s=0)
    callers = Callers(batcher)
    told: list[Step] = []

    def leave(step: Step) -> None:
        told.append(step)
        if len(told) == 2:  # nothing has happened: it is asked whether it still wants to wait
            raise GoneError

    first = callers.send("first")
    studio.wait()
    with pytest.raises(GoneError):
        callers.send("waiting", on_step=leave).result(LONG)
    assert [(step.done, step.total) for step in told] == [(0, 1), (0, 1)]
    studio.go()
    assert colors(first) == of("first")
    studio.go()
    assert colors(callers.send("next")) == of("next")
    assert studio.batches == [["first"], ["next"]]
    batcher.close()


def test_an_interrupt_from_the_keyboard_comes_through_and_leaves_all_in_order() -> None:
    def interrupt(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        _thread.interrupt_main()
        interrupted.wait(LONG)
        assert tell.all_lost
        ended.set()
        return plain(rows, tell)

    interrupted, ended = threading.Event(), threading.Event()
    batcher = Batcher(interrupt, batch=1, wait_s=0)
    with pytest.raises(KeyboardInterrupt):
        batcher.paint([(job("a"), None)])
    interrupted.set()
    assert ended.wait(LONG)
    batcher.close()


def test_whatever_happens_nobody_waits_for_ever_and_nobody_gets_anothers_picture() -> None:
    chance = random.Random(6)
    lock = threading.Lock()

    def draw() -> float:
        with lock:
            return chance.random()

    def paint(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        assert len({row.bucket for row in rows}) == 1
        tell.step(1, 2, [picture(row.job) for row in rows])
        if draw() < 0.1:
            raise RuntimeError("all of it")
        return [ValueError("this one") if draw() < 0.05 else one for one in plain(rows, tell)]

    def call(number: int) -> str:
        names = [chr(97 + number % 26) * (i + 1) for i in range(number % 4 + 1)]

        def step(step: Step) -> None:
            if draw() < 0.05:
                raise GoneError

        jobs = [(job(name, number % 200), number % 3) for name in names]
        try:
            got = batcher.paint(jobs, step)
        except (RuntimeError, ValueError, GoneError) as error:
            return type(error).__name__
        for (asked, _), one in zip(jobs, got, strict=True):
            assert (one == picture(asked)).all()
        return "painted"

    batcher = Batcher(paint, batch=4, wait_s=0.0005)
    with ThreadPoolExecutor(8) as pool:
        became = Counter(pool.map(call, range(200)))
    assert became.total() == 200
    assert became["painted"] > 50
    assert set(became) == {"painted", "RuntimeError", "ValueError", "GoneError"}
    batcher.close()


# --- steps -----------------------------------------------------------------------------------


def test_steps_and_previews_come_in_the_callers_own_thread_and_are_its_own(
    studio: Studio,
) -> None:
    def paint(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        assert threading.current_thread().name == "painting"
        tell.step(1, 2, [None if row.job.prompt == "a" else picture(row.job) for row in rows])
        tell.step(2, 2)
        return plain(rows, tell)

    def hear(mine: list[tuple[int, Step]]) -> OnStep:
        return lambda step: mine.append((threading.get_ident(), step))

    batcher = Batcher(studio, batch=3, wait_s=0)
    callers = Callers(batcher)
    a: list[tuple[int, Step]] = []
    b: list[tuple[int, Step]] = []
    first = callers.send("first")
    studio.wait()
    futures = callers.send("a", "aa", "aaa", on_step=hear(a)), callers.send("b", on_step=hear(b))
    for _ in range(3):
        studio.go(paint)
    assert [colors(one) for one in (first, *futures)] == [
        of("first"),
        of("a", "aa", "aaa"),
        of("b"),
    ]
    assert studio.batches == [["first"], ["a", "b", "aa"], ["aaa"]]
    assert len({thread for thread, _ in a}) == len({thread for thread, _ in b}) == 1
    assert {step.stage for _, step in a} == {"paint"}
    said = list(dict.fromkeys((step.done, step.total) for _, step in a))
    assert said == [(0, 1), (0, 2), (1, 2), (2, 2)]
    assert list(dict.fromkeys((step.done, step.total) for _, step in b)) == [(0, 1), (1, 2), (2, 2)]
    previews = [step.preview[0, 0].tolist() for _, step in a if step.preview is not None]
    assert previews == [of("a", "aa", "aaa")[1], of("a", "aa", "aaa")[2]]
    assert [s.preview[0, 0].tolist() for _, s in b if s.preview is not None] == of("b")
    batcher.close()


def test_what_was_done_stays_done_when_a_batch_is_painted_again(studio: Studio) -> None:
    def far_then_fail(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        tell.step(3, 4)
        raise RuntimeError

    def again(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        tell.step(1, 4)
        return plain(rows, tell)

    heard: list[int] = []
    batcher = Batcher(studio, batch=2, wait_s=0)
    studio.go(far_then_fail)
    studio.go(again)
    studio.go(again)
    assert len(batcher.paint([(job("a"), None)] * 2, lambda step: heard.append(step.done))) == 2
    assert heard == sorted(heard)
    assert max(heard) == 3  # of 4
    batcher.close()


def test_a_tell_of_its_own_has_nobody_to_tell() -> None:
    tell = Tell()
    tell.step(1, 2, [None])
    assert not tell.lost(0)
    assert not tell.all_lost


# --- the end ---------------------------------------------------------------------------------


def painters() -> int:
    return sum(thread.name == "painting" for thread in threading.enumerate())


def test_closing_fails_who_waits_and_ends_the_thread(studio: Studio) -> None:
    def paint(rows: Sequence[Row], tell: Tell) -> Sequence[Outcome]:
        closing.set()
        while not tell.all_lost:  # it is told of the end as it is of lost callers
            pass
        raise InterruptedError

    before = painters()
    batcher = Batcher(studio, batch=1, wait_s=0)
    callers = Callers(batcher)
    closing = threading.Event()
    painting = callers.send("a")
    waiting = callers.send("b", "bb")
    studio.go(paint)
    assert closing.wait(LONG)
    batcher.close()
    for one in (painting, waiting):
        with pytest.raises(EngineFailed, match="the engine was closed"):
            one.result(LONG)
    assert painters() == before
    assert studio.batches == [["a"]]
    batcher.close()
    with pytest.raises(EngineFailed, match="the engine was closed"):
        batcher.paint([(job("late"), None)])


def test_a_batcher_that_nobody_holds_ends_its_thread() -> None:
    before = painters()
    batcher = Batcher(plain, batch=1, wait_s=0)
    assert len(batcher.paint([(job("a"), None)])) == 1
    assert painters() == before + 1
    del batcher
    gc.collect()
    assert painters() == before


def test_the_thread_starts_when_it_is_needed() -> None:
    before = painters()
    batcher = Batcher(plain, batch=1, wait_s=0)
    assert painters() == before
    batcher.close()
    assert painters() == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_painting_thread_that_dies_leaves_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(line: Line[Row], most: int) -> list[Row]:
        raise RuntimeError("as no painter can make it")

    batcher = Batcher(plain, batch=1, wait_s=0)
    with monkeypatch.context() as patch:
        patch.setattr(Line, "take", die)
        with pytest.raises(EngineFailed, match="the painting thread has ended"):
            batcher.paint([(job("a"), None)])
    batcher.close()
