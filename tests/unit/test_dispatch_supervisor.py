"""What the supervisor does when children die, stay, or hang, and when it dies itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.dispatch_stage import SRC, until

from overpaint.dispatch import chores, supervisor
from overpaint.dispatch.chores import ClockGuard
from overpaint.dispatch.supervisor import INSTANCE, Child, Supervisor, worker_children
from overpaint.settings import inherited

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals there")

#: Says its id, name and files in a file, then waits; "stubborn" does not end when asked.
CHILD = """
import os, pathlib, signal, sys, time
name, folder, manner = sys.argv[1:4]
if manner == "stubborn":
    signal.signal(signal.SIGTERM, lambda *_: None)
part = pathlib.Path(folder) / f".{name}"
part.write_text(str(os.getpid()))
part.rename(pathlib.Path(folder) / name)
if manner == "dies":
    sys.exit(1)
while True:
    time.sleep(0.05)
"""
LIFELINE = SRC / "overpaint/dispatch/lifeline.py"
#: The same with a lifeline, which stays whatever comes but the end of its parent.
TIED = (
    f"""
import importlib.util
spec = importlib.util.spec_from_file_location("lifeline", {str(LIFELINE)!r})
lifeline = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lifeline)
lifeline.watch_parent()
"""
    + CHILD
)


def child(folder: Path, manner: str = "", *, name: str = "one", code: str = CHILD) -> Child:
    argv = (sys.executable, "-S", "-c", code, INSTANCE, str(folder), manner)
    return Child(name=name, argv=argv, env=inherited())


def starts(folder: Path) -> dict[str, int]:
    """Name of each instance that ever started -> its process id."""
    found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return {path.name: int(path.read_text()) for path in found}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@contextmanager
def running(supervised: Supervisor) -> Iterator[list[int]]:
    """The supervisor in a thread; what `run` returned is in the list afterwards."""
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(supervised.run()))
    thread.start()
    try:
        yield codes
    finally:
        supervised.stop()
        thread.join(60)
    assert not thread.is_alive()


def test_a_killed_child_is_started_again_under_another_name(tmp_path: Path) -> None:
    dead: list[str] = []
    with running(Supervisor([child(tmp_path)], on_death=dead.append)) as codes:
        until(lambda: len(starts(tmp_path)) == 1)
        ((first, pid),) = starts(tmp_path).items()
        os.kill(pid, signal.SIGKILL)
        until(lambda: len(starts(tmp_path)) == 2)
        until(lambda: dead == [first])
    assert codes == [0]
    assert sorted(dead) == sorted(starts(tmp_path))
    assert all(name.startswith("one-") for name in dead)
    assert not any(alive(pid) for pid in starts(tmp_path).values())


def test_the_others_go_on_when_one_dies(tmp_path: Path) -> None:
    both = [child(tmp_path), child(tmp_path, name="two")]
    with running(Supervisor(both)):
        until(lambda: len(starts(tmp_path)) == 2)
        before = starts(tmp_path)
        name = next(name for name in before if name.startswith("one"))
        os.kill(before[name], signal.SIGKILL)
        until(lambda: len(starts(tmp_path)) == 3)
        assert [one for one in starts(tmp_path) if one.startswith("two")] == [
            one for one in before if one.startswith("two")
        ]


def test_a_child_that_dies_at_once_again_and_again_is_started_ever_more_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_BACKOFF_S", (0.0, 0.1, 3600.0))
    with running(Supervisor([child(tmp_path, "dies")])):
        until(lambda: len(starts(tmp_path)) == 3)
        time.sleep(0.3)
        assert len(starts(tmp_path)) == 3


def test_a_program_that_is_not_there_does_not_end_the_supervisor(tmp_path: Path) -> None:
    gone = Child(name="gone", argv=(str(tmp_path / "nothing"),), env={})
    folder = tmp_path / "seen"
    folder.mkdir()
    with running(Supervisor([gone, child(folder)])) as codes:
        until(lambda: len(starts(folder)) == 1)
    assert codes == [0]


def test_a_child_that_does_not_end_when_asked_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_GRACE_S", 0.2)
    with running(Supervisor([child(tmp_path, "stubborn")])) as codes:
        until(lambda: len(starts(tmp_path)) == 1)
    assert codes == [1]
    assert not any(alive(pid) for pid in starts(tmp_path).values())


def test_it_says_that_it_stops_before_its_children_do(tmp_path: Path) -> None:
    left: list[bool] = []

    def on_stop() -> None:
        left.extend(alive(pid) for pid in starts(tmp_path).values())

    with running(Supervisor([child(tmp_path)], on_stop=on_stop)):
        until(lambda: len(starts(tmp_path)) == 1)
    assert left == [True]


def test_children_have_the_time_to_drain_beside_the_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_GRACE_S", 0.0)
    with running(Supervisor([child(tmp_path)], drain_s=60)) as codes:
        until(lambda: len(starts(tmp_path)) == 1)
    assert codes == [0]


def test_asked_twice_it_kills_at_once(tmp_path: Path) -> None:
    supervised = Supervisor([child(tmp_path, "stubborn")])
    with running(supervised) as codes:
        until(lambda: len(starts(tmp_path)) == 1)
        supervised.stop()
        time.sleep(0.1)
        assert codes == []
    assert codes == [1]


def test_a_child_that_hangs_is_killed_and_started_again(tmp_path: Path) -> None:
    hanging: list[str] = []
    supervised = Supervisor([child(tmp_path)], stuck=lambda: hanging, tick_s=0.05)
    with running(supervised):
        until(lambda: len(starts(tmp_path)) == 1)
        ((first, pid),) = starts(tmp_path).items()
        hanging.append(first)
        until(lambda: len(starts(tmp_path)) == 2)
        assert not alive(pid)


def test_a_death_that_cannot_be_dealt_with_is_dealt_with_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "_AGAIN_S", 0.02)
    told: list[str] = []

    def on_death(instance: str) -> None:
        told.append(instance)
        if len(told) < 3:
            raise RuntimeError("the database is away")

    with running(Supervisor([child(tmp_path)], on_death=on_death)):
        until(lambda: len(starts(tmp_path)) == 1)
        ((first, pid),) = starts(tmp_path).items()
        os.kill(pid, signal.SIGKILL)
        until(lambda: told == [first] * 3)


def test_ticks_come_again_although_one_raised(tmp_path: Path) -> None:
    ticks: list[int] = []

    def on_tick() -> None:
        ticks.append(1)
        raise RuntimeError("no space")

    with running(Supervisor([child(tmp_path)], on_tick=on_tick, tick_s=0.02)):
        until(lambda: len(ticks) > 3)


def test_a_slow_tick_does_not_keep_the_dead_waiting(tmp_path: Path) -> None:
    end = threading.Event()

    def on_tick() -> None:
        end.wait(60)

    with running(Supervisor([child(tmp_path)], on_tick=on_tick, tick_s=0.01)):
        until(lambda: len(starts(tmp_path)) == 1)
        os.kill(next(iter(starts(tmp_path).values())), signal.SIGKILL)
        until(lambda: len(starts(tmp_path)) == 2)
        end.set()


def test_a_child_inherits_its_files_and_no_others(tmp_path: Path) -> None:
    given, others = (tmp_path / "given").open("w"), (tmp_path / "others").open("w")
    os.set_inheritable(others.fileno(), True)
    code = """
import os, pathlib, sys, time
given, others, folder = sys.argv[1:4]
os.write(int(given), b"hello")
try:
    os.fstat(int(others))
except OSError:
    pathlib.Path(folder, "none").touch()
time.sleep(60)
"""
    numbers = (str(given.fileno()), str(others.fileno()))
    argv = (sys.executable, "-S", "-c", code, *numbers, str(tmp_path))
    with given, others:
        one = Child(name="one", argv=argv, env=inherited(), fds=(given.fileno(),))
        with running(Supervisor([one])):
            until(lambda: (tmp_path / "none").exists())
    assert (tmp_path / "given").read_text() == "hello"


# The supervisor as a process

PARENT = """
import sys
from overpaint.dispatch.supervisor import INSTANCE, Child, Supervisor
from overpaint.settings import inherited
code, folder, manner = sys.argv[1:4]
argv = (sys.executable, "-S", "-c", code, INSTANCE, folder, manner)
names = ("one", "two")
sys.exit(Supervisor([Child(name=name, argv=argv, env=inherited()) for name in names]).run())
"""


@contextmanager
def parent(folder: Path, manner: str, code: str) -> Iterator[subprocess.Popen[bytes]]:
    env = {**inherited(), "PYTHONPATH": str(SRC)}
    argv = [sys.executable, "-c", PARENT, code, str(folder), manner]
    process = subprocess.Popen(argv, env=env)
    try:
        until(lambda: len(starts(folder)) == 2)
        yield process
    finally:
        process.kill()
        process.wait()
        for pid in starts(folder).values():
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all(tmp_path: Path, number: signal.Signals) -> None:
    with parent(tmp_path, "", CHILD) as process:
        process.send_signal(number)
        assert process.wait(60) == 0
        assert not any(alive(pid) for pid in starts(tmp_path).values())


def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    with parent(tmp_path, "stubborn", TIED) as process:
        process.kill()
        process.wait()
        until(lambda: not any(alive(pid) for pid in starts(tmp_path).values()))


def test_a_process_started_by_hand_has_no_lifeline(tmp_path: Path) -> None:
    argv = [sys.executable, "-S", "-c", TIED, "name", str(tmp_path), "dies"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1
    assert set(starts(tmp_path)) == {"name"}


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    for workers, threads in ((1, "8"), (3, "2"), (20, "1")):
        children = worker_children(workers, {"OVERPAINT_WORKERS": str(workers)})
        assert len({one.name for one in children}) == workers
        for one in children:
            assert one.argv[-2:] == (INSTANCE, threads)
            assert one.env["OMP_NUM_THREADS"] == threads
            assert one.env["OVERPAINT_WORKERS"] == str(workers)


# The clock


class Clocks:
    def __init__(self) -> None:
        self.wall, self.monotonic = 1e9, 100.0

    def pass_s(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def guard(self) -> ClockGuard:
        return ClockGuard(lambda: self.wall, lambda: self.monotonic)


@pytest.mark.parametrize("jump_s", [61, -61, 10 * 365 * 86400])
def test_after_a_jump_of_the_clock_ten_minutes_go_by(jump_s: float) -> None:
    clocks = Clocks()
    guard = clocks.guard()
    assert guard.steady()
    clocks.pass_s(30)
    assert guard.steady()
    clocks.wall += jump_s
    assert not guard.steady()
    for _ in range(19):
        clocks.pass_s(30)
        assert not guard.steady()
    clocks.pass_s(31)
    assert guard.steady()


def test_each_jump_makes_the_wait_longer() -> None:
    clocks = Clocks()
    guard = clocks.guard()
    clocks.wall += 3600
    assert not guard.steady()
    clocks.pass_s(590)
    clocks.wall -= 3600  # put right again
    assert not guard.steady()
    clocks.pass_s(590)
    assert not guard.steady()
    clocks.pass_s(11)
    assert guard.steady()


def test_a_clock_that_is_put_right_bit_by_bit_is_trusted() -> None:
    clocks = Clocks()
    guard = clocks.guard()
    for _ in range(100):
        clocks.pass_s(30)
        clocks.wall += 1
        assert guard.steady()


def test_nothing_is_ticked_while_the_clock_is_not_trusted() -> None:
    class Never(ClockGuard):
        def steady(self) -> bool:
            looked.set()
            return False

    looked = threading.Event()
    ticks: list[int] = []
    kept = chores.Chores(
        on_death=None,
        on_tick=lambda: ticks.append(1),
        stuck=lambda: ["one"],
        kill=lambda instance: ticks.append(2),
        tick_s=0.01,
        guard=Never(),
    )
    kept.start()
    assert looked.wait(60)
    kept.finish(timeout_s=30)
    assert ticks == []
