"""The training loop: batches in, checkpoints out, until the budget is spent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from overpaint.composer.checkpoint import load_checkpoint, save_checkpoint
from overpaint.composer.network import Painter, PainterConfig
from overpaint.diffusion.schedule import SIDES
from overpaint.errors import InvalidOption, OperationFailed
from overpaint.train.compose import Batch
from overpaint.train.config import Level, Settings, settings_of, table_of
from overpaint.train.ema import Average
from overpaint.train.feed import Feed
from overpaint.train.objective import draw_present, draw_starts, draw_times, inputs_of, loss_of
from overpaint.train.pace import draw_level, half_precision, rate_at, seed_of
from overpaint.train.report import Place, Report
from overpaint.train.share import Workers, part_of
from overpaint.train.sheets import sample_sheet
from overpaint.train.source import Source
from overpaint.train.state import NAME, State, read_state, write_state
from overpaint.train.validation import Scores, score, summary

#: The released form of a run's weights, beside its state.
WEIGHTS = "painter.safetensors"
SHEET = "sheet.png"
#: The exemplar's own loss is worked out every so many steps.
REFERENCE_EVERY = 8
#: A gradient so many times longer than usual is not followed.
OUTLIER = 10.0
#: What is usual forgets this much at each step.
FORGOTTEN = 0.02
#: So many steps in a row without a finite gradient end the run.
PATIENCE = 20


class Trainer:
    """A run in progress: the network, its average, the optimiser, and how far they are."""

    def __init__(self, settings: Settings, source: Source, device: torch.device, out: Path) -> None:
        self.settings = settings
        self.source = source
        self.device = device
        self.out = out
        self.step = 0
        self.seen = 0
        self.usual = 0.0
        self.bfloat16 = half_precision(settings.run.precision, device)
        torch.manual_seed(settings.run.seed)
        model = settings.model
        config = PainterConfig(
            words=len(source.vocabulary),
            channels=model.channels,
            blocks=model.blocks,
            vector=model.vector,
        )
        self.painter = _laid_out(Painter(config).to(device))
        self.average = Average(self.painter, settings.optimiser.half_life)
        self.network = self._compiled(self.painter)
        rates = settings.optimiser
        self.optimiser = torch.optim.AdamW(
            self.painter.parameters(),
            lr=rates.rate,
            betas=(rates.beta1, rates.beta2),
            weight_decay=rates.weight_decay,
            fused=True,
        )
        self.workers = Workers(settings.run.workers if device.type == "cpu" else 1)
        self._before_s = 0.0
        self._start = time.monotonic()
        self._stumbles = 0

    # -- a step ---------------------------------------------------------------------------------

    def batch(self, step: int) -> tuple[Level, Batch]:
        """The batch of a step: which level, and the pictures."""
        seed = self.settings.run.seed
        level = draw_level(self.settings.levels, np.random.default_rng((seed, step, 0)))
        return level, self.source.batch(
            level.batch, level.side, seed_of(seed, step), held_out=False
        )

    def learn(self, level: Level, batch: Batch, *, reference: bool) -> tuple[Tensor, Tensor | None]:
        """One step of the optimiser.

        Returns:
            The loss, and with `reference` what it would be for the exemplar as it is.
        """
        dice = np.random.default_rng((self.settings.run.seed, self.step, 1))
        number = SIDES.index(level.side)
        drawn = draw_times(level.batch, number, self.settings.loss.margin, dice)
        flags = draw_present(level.batch, self.settings.dropout, dice)
        times, present, starts = (
            torch.from_numpy(array).to(self.device)
            for array in (drawn, flags, draw_starts(drawn, flags, dice))
        )
        noises = torch.Generator(self.device)
        noises.manual_seed(int(dice.integers(2**62)))
        noise = torch.randn(batch.picture.shape, generator=noises, device=self.device)

        def loss_of_rows(rows: slice) -> Tensor:
            part = part_of(batch, rows)
            inputs = inputs_of(part, present[rows], times[rows], number, noise[rows], starts[rows])
            planes = inputs.planes.contiguous(memory_format=torch.channels_last)
            with torch.autocast(
                self.device.type, torch.bfloat16, enabled=self.bfloat16, cache_enabled=False
            ):
                guess = self.network(planes, *inputs[1:])
            losses = loss_of(guess.float(), part, times[rows], self.settings.loss)
            return losses.sum() / level.batch

        loss = self.workers.gradient(self.painter, loss_of_rows, level.batch)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        clip = self.settings.optimiser.clip
        length = float(nn.utils.clip_grad_norm_(self.painter.parameters(), clip))
        if not math.isfinite(length):
            self._stumble()
        else:
            self._stumbles = 0
            usual = self.usual or length
            if length <= OUTLIER * usual:
                self.optimiser.step()
            self.usual = usual + FORGOTTEN * (min(length, 2 * usual) - usual)
        self.step += 1
        self.seen += level.batch
        self.average.update(self.painter, level.batch, self.seen)
        still = None
        if reference:
            with torch.no_grad():
                still = loss_of(batch.exemplar, batch, times, self.settings.loss).mean()
        return loss, still

    def _stumble(self) -> None:
        self._stumbles += 1
        if self._stumbles >= PATIENCE:
            raise OperationFailed(
                f"the gradient was not finite for {PATIENCE} steps in a row at step {self.step}: "
                f"lower optimiser.rate (now {self.settings.optimiser.rate:g})"
            )

    # -- how far it is --------------------------------------------------------------------------

    def elapsed_s(self) -> float:
        """Seconds trained, over all resumes."""
        return self._before_s + time.monotonic() - self._start

    def progress(self) -> float:
        """The part of the budget that is spent: steps if they are given, else minutes."""
        run = self.settings.run
        if run.steps:
            return self.step / run.steps
        return self.elapsed_s() / (60.0 * run.minutes)

    def place(self) -> Place:
        """How far the run is, for its report."""
        return Place(self.step, self.seen, self.elapsed_s(), self.rate())

    def rate(self) -> float:
        """The learning rate of the next step."""
        return rate_at(self.progress(), self.step, self.settings.optimiser)

    # -- on disk --------------------------------------------------------------------------------

    def averaged(self) -> Painter:
        """A network with the averaged weights, ready to paint."""
        painter = _laid_out(Painter(self.painter.config).to(self.device))
        painter.load_state_dict(self.average.weights)
        return painter.eval()

    def save(self, scores: Mapping[str, Any] | None = None) -> None:
        """Write the state to go on from, and the averaged weights as they are released."""
        state = State(
            settings=table_of(self.settings),
            network=self.painter.state_dict(),
            average=self.average.weights,
            optimiser=self.optimiser.state_dict(),
            step=self.step,
            seen=self.seen,
            elapsed_s=self.elapsed_s(),
            usual=self.usual,
        )
        write_state(self.out / NAME, state)
        save_checkpoint(
            self.out / WEIGHTS,
            self.averaged(),
            self.source.vocabulary,
            data=self.source.about,
            training={
                "settings": table_of(self.settings),
                "steps": self.step,
                "pictures": self.seen,
                "seconds": round(self.elapsed_s()),
            },
            scores=scores,
        )

    def draw(self) -> None:
        """Write the sheet of held-out pictures painted by the averaged weights."""
        trained = [level.side for level in self.settings.levels if level.share > 0]
        if self.settings.run.sheet:
            sheet = sample_sheet(
                self.averaged(),
                self.source,
                count=self.settings.run.sheet,
                side=min(trained[-1], 256),
                levels=[SIDES.index(side) for side in trained],
            )
            Image.fromarray(sheet).save(self.out / SHEET)

    def resume(self, path: Path) -> None:
        """Go on from a run's state, or begin with the weights of a `.safetensors` or `.onnx` file.

        Errors: InvalidOption when it is another network's.
        """
        if path.suffix in (".safetensors", ".onnx"):
            painter, vocabulary, _ = load_checkpoint(path)
            if vocabulary.tokens != self.source.vocabulary.tokens:
                raise InvalidOption("resume", "weights with the words of this bank", path)
            if painter.config != self.painter.config:
                raise InvalidOption(
                    "resume", f"weights of the size {self.painter.config}", painter.config
                )
            self.painter.load_state_dict(painter.state_dict())
            self.average.load(painter.state_dict())
            return
        state = read_state(path)
        before = settings_of(state.settings)
        if before.model != self.settings.model:
            raise InvalidOption("resume", f"a run with {self.settings.model}", before.model)
        try:
            self.painter.load_state_dict(state.network)
        except RuntimeError as error:
            raise InvalidOption("resume", f"a run with the words of this bank ({error})") from error
        self.average.load(state.average)
        self.optimiser.load_state_dict(state.optimiser)
        self.step, self.seen, self.usual = state.step, state.seen, state.usual
        self._before_s, self._start = state.elapsed_s, time.monotonic()

    def _compiled(self, painter: Painter) -> Painter:
        if self.settings.run.compile and self.device.type == "cuda":
            return cast(Painter, torch.compile(painter, dynamic=False))
        return painter


def train(
    trainer: Trainer,
    *,
    say: Callable[[str], None],
    stop: Callable[[], bool] = lambda: False,
) -> Scores:
    """Train until the budget is spent or `stop` says so; the state is saved either way.

    Returns:
        The last scores on held-out pictures.
    """
    run = trainer.settings.run
    report = Report(trainer.out, run.log_seconds, say)
    saved = time.monotonic()
    with Feed(trainer.batch, trainer.step, run.prefetch) as feed:
        for level, batch in feed:
            loss, still = trainer.learn(level, batch, reference=trainer.step % REFERENCE_EVERY == 0)
            report.add(trainer.place(), level, loss, still)
            ended = trainer.progress() >= 1.0 or stop()
            if ended or time.monotonic() - saved >= 60.0 * run.checkpoint_minutes:
                trainer.save()  # first of all: scoring takes time
                scores = score(
                    trainer.averaged(), trainer.source, trainer.settings, trainer.bfloat16
                )
                trainer.save(summary(scores))
                report.validated(trainer.place(), scores)
                trainer.draw()
                saved = time.monotonic()
                if ended:
                    return scores
    raise OperationFailed("the feed ended before the run")


def _laid_out(painter: Painter) -> Painter:
    """Channels last: what convolutions on both kinds of device like best."""
    return painter.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
