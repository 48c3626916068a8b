"""A run from its first step to its last, through a stop, a kill and a resume."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.heavy import require

torch = require("torch")

from tests.unit.train_source import Discs, small  # noqa: E402

from overpaint.composer.checkpoint import load_checkpoint  # noqa: E402
from overpaint.composer.vocabulary import Vocabulary  # noqa: E402
from overpaint.errors import InvalidOption, OperationFailed  # noqa: E402
from overpaint.train.__main__ import chosen_device, main, overridden, resumed  # noqa: E402
from overpaint.train.config import Level, Optimiser, Settings  # noqa: E402
from overpaint.train.ema import Average  # noqa: E402
from overpaint.train.feed import Feed  # noqa: E402
from overpaint.train.loop import PATIENCE, SHEET, WEIGHTS, Trainer, train  # noqa: E402
from overpaint.train.pace import draw_level, half_precision, rate_at, seed_of  # noqa: E402
from overpaint.train.report import LOG  # noqa: E402
from overpaint.train.share import shares  # noqa: E402
from overpaint.train.state import NAME, read_state, write_state  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trainer_of(settings: Settings, out: Path) -> Trainer:
    return Trainer(settings, Discs(), CPU, out)


def losses_of(out: Path) -> list[object]:
    records = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    return [record["loss"] for record in records if "loss" in record]


def test_a_run_learns_and_leaves_weights_a_log_and_a_sheet(tmp_path: Path) -> None:
    trainer = trainer_of(small(60, sheet=1), tmp_path)
    said: list[str] = []
    scores = train(trainer, say=said.append)
    assert scores[64]["error"] < 0.8 * scores[64]["exemplar_error"]
    assert scores[64]["psnr"] > scores[64]["exemplar_psnr"]
    assert any("pictures/s" in line for line in said)
    assert any("held out 64px" in line for line in said)
    assert len(losses_of(tmp_path)) == 60
    painter, vocabulary, metadata = load_checkpoint(tmp_path / WEIGHTS)
    assert vocabulary.tokens == Discs.vocabulary.tokens
    assert metadata["training"]["steps"] == 60
    assert metadata["data"] == Discs.about
    assert metadata["scores"]["held_out_64px_error"] == round(scores[64]["error"], 4)
    averaged = trainer.averaged().state_dict()["leave.weight"]
    torch.testing.assert_close(painter.state_dict()["leave.weight"], averaged, rtol=1e-3, atol=1e-6)
    with Image.open(tmp_path / SHEET) as sheet:
        assert sheet.size == (4 * 132, 16 + 132)


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    settings = small(12, validation=0)
    whole = trainer_of(settings, tmp_path / "whole")
    train(whole, say=print)
    first = trainer_of(settings, tmp_path / "parts")
    train(first, say=print, stop=lambda: first.step == 5)
    second = trainer_of(settings, tmp_path / "parts")
    second.resume(tmp_path / "parts" / NAME)
    assert second.step == 5
    assert second.elapsed_s() >= read_state(tmp_path / "parts" / NAME).elapsed_s > 0
    train(second, say=print)
    assert losses_of(tmp_path / "parts") == losses_of(tmp_path / "whole")
    ends = (whole.painter.state_dict(), second.painter.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    averages = (whole.average.weights, second.average.weights)
    assert all(torch.equal(averages[0][name], averages[1][name]) for name in averages[0])


def test_a_killed_run_leaves_a_state_to_go_on_from(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
import torch
from overpaint.train.loop import Trainer, train
from tests.unit.train_source import Discs, small
torch.set_num_threads(1)
settings = small(10**6, validation=0, checkpoint_minutes=0.01)
train(Trainer(settings, Discs(), torch.device("cpu"), Path(sys.argv[1])), say=print)
"""
    root = Path(__file__).resolve().parent.parent.parent
    path = os.pathsep.join([str(root), str(root / "src")])
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (tmp_path / NAME).exists():
            assert process.poll() is None
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    trainer = trainer_of(small(10**6, validation=0), tmp_path)
    trainer.resume(tmp_path / NAME)
    assert trainer.step > 0
    trainer.learn(*trainer.batch(trainer.step), reference=False)


def test_new_runs_begin_with_released_weights(tmp_path: Path) -> None:
    before = trainer_of(small(3), tmp_path)
    for step in range(3):
        before.learn(*before.batch(step), reference=False)
    before.save()
    after = trainer_of(small(3), tmp_path / "after")
    after.resume(tmp_path / WEIGHTS)
    assert (after.step, after.seen) == (0, 0)
    wanted = before.average.weights["leave.weight"]
    torch.testing.assert_close(after.painter.leave.weight.data, wanted, rtol=1e-3, atol=1e-6)


def test_other_networks_are_not_resumed(tmp_path: Path) -> None:
    trainer = trainer_of(small(1), tmp_path)
    trainer.save()
    model = dataclasses.replace(small(1).model, channels=(8, 8, 16))
    larger = trainer_of(dataclasses.replace(small(1), model=model), tmp_path)
    with pytest.raises(InvalidOption, match="resume: a run with Model"):
        larger.resume(tmp_path / NAME)
    with pytest.raises(InvalidOption, match="resume: weights of the size"):
        larger.resume(tmp_path / WEIGHTS)
    source = Discs()
    source.vocabulary = Vocabulary(["concept:other"])
    other = Trainer(small(1), source, CPU, tmp_path)
    with pytest.raises(InvalidOption, match="resume: a run with the words of this bank"):
        other.resume(tmp_path / NAME)
    with pytest.raises(InvalidOption, match="resume: weights with the words of this bank"):
        other.resume(tmp_path / WEIGHTS)


def test_a_torn_state_is_refused(tmp_path: Path) -> None:
    trainer = trainer_of(small(1), tmp_path)
    trainer.save()
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidOption, match="resume: a file that a run left"):
        read_state(tmp_path / NAME)
    (tmp_path / NAME).write_bytes(whole)
    torch.save({"layout": 0}, tmp_path / "old.pt")
    with pytest.raises(InvalidOption, match="resume: a run of layout 1, got 0"):
        read_state(tmp_path / "old.pt")
    write_state(tmp_path / "again.pt", read_state(tmp_path / NAME))
    assert not list(tmp_path.glob("*.tmp"))


def test_a_run_whose_gradient_is_not_finite_ends(tmp_path: Path) -> None:
    trainer = trainer_of(small(1), tmp_path)
    level, batch = trainer.batch(0)
    batch = dataclasses.replace(batch, picture=batch.picture * float("nan"))
    before = trainer.painter.enter.weight.detach().clone()
    for _ in range(PATIENCE - 1):
        trainer.learn(level, batch, reference=False)
    with pytest.raises(OperationFailed, match=r"not finite for 20 steps .* lower optimiser\.rate"):
        trainer.learn(level, batch, reference=False)
    assert torch.equal(trainer.painter.enter.weight, before)


def test_a_gradient_far_longer_than_usual_is_not_followed(tmp_path: Path) -> None:
    trainer = trainer_of(small(1), tmp_path)
    level, batch = trainer.batch(0)
    for _ in range(3):
        trainer.learn(level, batch, reference=False)
    before = trainer.painter.leave.weight.detach().clone()
    usual = trainer.usual
    trainer.learn(level, dataclasses.replace(batch, exemplar=1e3 * batch.exemplar), reference=False)
    assert torch.equal(trainer.painter.leave.weight, before)
    assert usual < trainer.usual < 1.1 * usual
    trainer.learn(level, batch, reference=False)
    assert not torch.equal(trainer.painter.leave.weight, before)


def test_workers_share_a_batch_and_get_the_same_gradient(tmp_path: Path) -> None:
    assert [(part.start, part.stop) for part in shares(5, 2)] == [(0, 2), (2, 5)]
    assert len(shares(2, 8)) == 2
    grads = []
    for workers in (1, 2):
        settings = small(1, workers=workers, precision="float32")
        trainer = trainer_of(settings, tmp_path)
        trainer.learn(*trainer.batch(0), reference=False)
        grad = trainer.painter.leave.weight.grad
        assert grad is not None
        grads.append(grad)
    assert grads[0].abs().max() > 0
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("ahead", [0, 3])
def test_batches_come_in_order_and_errors_come_through(ahead: int) -> None:
    def make(step: int) -> int:
        if step == 9:
            raise ValueError("no more")
        return step * step

    with Feed(make, 5, ahead) as feed:
        assert [next(feed) for _ in range(4)] == [25, 36, 49, 64]
        with pytest.raises(ValueError, match="no more"):
            next(feed)


def test_the_rate_warms_up_holds_and_comes_down() -> None:
    settings = Optimiser(rate=1.0, warmup=9, hold=0.5, floor=0.01)
    assert rate_at(0.0, 0, settings) == pytest.approx(0.1)
    assert rate_at(0.5, 50, settings) == 1.0
    assert rate_at(0.75, 75, settings) == pytest.approx(0.5)
    assert rate_at(1.5, 150, settings) == 0.01
    cosine = dataclasses.replace(settings, decay="cosine", hold=0.0)
    assert rate_at(0.5, 50, cosine) == pytest.approx(0.5)


def test_levels_come_by_their_shares_and_seeds_never_twice() -> None:
    levels = (Level(side=64, batch=1, share=3.0), Level(side=128, batch=1, share=1.0))
    drawn = [draw_level(levels, np.random.default_rng(seed)).side for seed in range(2000)]
    assert 0.72 < drawn.count(64) / 2000 < 0.78
    assert len({seed_of(0, step) for step in range(1000)}) == 1000


def test_precision_is_as_said() -> None:
    assert half_precision("bfloat16", CPU)
    assert not half_precision("float32", CPU)
    assert isinstance(half_precision("auto", CPU), bool)


def test_the_average_forgets_the_start_and_then_follows_by_its_half_life() -> None:
    network = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(network.weight, 100.0)
    average = Average(network, half_life=10)
    torch.nn.init.constant_(network.weight, 0.0)
    average.update(network, pictures=4, seen=4)
    assert float(average.weights["weight"]) < 0.1  # the first weights are gone
    torch.nn.init.constant_(network.weight, 1.0)
    average.weights["weight"].zero_()
    average.update(network, pictures=10, seen=1000)
    assert float(average.weights["weight"]) == pytest.approx(0.5)


def test_the_command_line_refuses_what_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert overridden(Settings(), 2.0, None, 3).run.minutes == 2.0
    with pytest.raises(InvalidOption, match=r"--minutes: 0\.01 to 1e\+06, got 0"):
        overridden(Settings(), 0.0, None, None)
    (tmp_path / NAME).write_bytes(b"")
    with pytest.raises(InvalidOption, match="--out: a folder without a run, or --resume auto"):
        resumed(None, tmp_path)
    assert resumed("auto", tmp_path) == tmp_path / NAME
    assert resumed("auto", tmp_path / "new") is None
    with pytest.raises(InvalidOption, match="--resume: a file that exists, or auto"):
        resumed("nowhere.pt", tmp_path)
    if not torch.cuda.is_available():
        with pytest.raises(InvalidOption, match="--device: cuda needs a GPU"):
            chosen_device("cuda")
    assert main([str(tmp_path / "none.toml")]) == 2
    assert "config: a readable TOML file" in capsys.readouterr().err
