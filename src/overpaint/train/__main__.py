"""Train the painter: `python -m overpaint.train runs/cpu.toml`; docs/training.md tells more."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from overpaint.errors import InvalidOption, OverpaintError
from overpaint.train.config import Run, Settings, read_settings
from overpaint.train.loop import WEIGHTS, Trainer, train
from overpaint.train.source import BankSource
from overpaint.train.state import NAME


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 when the run ended well, 2 when the request was wrong."""
    given = _parser().parse_args(arguments)
    try:
        _run(given)
    except OverpaintError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, InvalidOption) else 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m overpaint.train", description=__doc__)
    parser.add_argument("config", type=Path, help="a TOML file such as runs/cpu.toml")
    parser.add_argument("--out", type=Path, help="folder of the run; default build/NAME")
    parser.add_argument(
        "--resume",
        help="a run's last.pt, weights to begin with (.safetensors or .onnx), or auto: "
        "the folder's own last.pt if there is one",
    )
    parser.add_argument("--bank", type=Path, help="the training data instead of the config's")
    parser.add_argument("--minutes", type=float, help="length of the run, resumed time included")
    parser.add_argument("--steps", type=int, help="length in steps instead of minutes")
    parser.add_argument("--threads", type=int, help="of the processor; 0: all")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    return parser


def _run(given: argparse.Namespace) -> None:
    settings = overridden(read_settings(given.config), given.minutes, given.steps, given.threads)
    device = chosen_device(given.device)
    if settings.run.threads:
        torch.set_num_threads(settings.run.threads)
    out = given.out or Path("build") / given.config.stem
    stop = Stop()
    say(f"{device}, {torch.get_num_threads()} threads, {out}")
    trainer = Trainer(
        settings, BankSource(given.bank or Path(settings.run.bank), device), device, out
    )
    resume = resumed(given.resume, out)
    if resume:
        trainer.resume(resume)
        say(f"resumed from {resume} at step {trainer.step}, {trainer.elapsed_s() / 60:.1f} min")
    size = sum(value.numel() for value in trainer.painter.parameters()) / 1e6
    say(f"{size:.1f} M parameters, {'bfloat16' if trainer.bfloat16 else 'float32'}")
    train(trainer, say=say, stop=stop)
    say(f"weights: {out / WEIGHTS}")


def overridden(
    settings: Settings, minutes: float | None, steps: int | None, threads: int | None
) -> Settings:
    """The settings with what the command line says instead, checked like the file.

    Errors: InvalidOption with the field.
    """
    given = {"minutes": minutes, "steps": steps, "threads": threads}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if minutes is not None and steps is None:
        changes["steps"] = 0
    for spec in dataclasses.fields(Run):
        value = changes.get(spec.name)
        if value is not None and not spec.metadata["low"] <= value <= spec.metadata["high"]:
            limit = f"{spec.metadata['low']:g} to {spec.metadata['high']:g}"
            raise InvalidOption(f"--{spec.name}", limit, value)
    return dataclasses.replace(settings, run=dataclasses.replace(settings.run, **changes))


def chosen_device(name: str) -> torch.device:
    """The device of that name; auto: CUDA if there is one.

    Errors: InvalidOption where CUDA is asked for and missing.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise InvalidOption("--device", "cuda needs a GPU and a build of torch for it", name)
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def resumed(name: str | None, out: Path) -> Path | None:
    """What to go on from; None: from nothing.

    Errors: InvalidOption where the file is missing.
    """
    if name is None:
        if (out / NAME).exists():
            raise InvalidOption("--out", "a folder without a run, or --resume auto", out)
        return None
    if name == "auto":
        return out / NAME if (out / NAME).exists() else None
    if not Path(name).is_file():
        raise InvalidOption("--resume", "a file that exists, or auto", name)
    return Path(name)


class Stop:
    """Notes that the process was asked to end, so that it saves first; asked twice, it ends."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def __call__(self) -> bool:
        """Whether it was asked."""
        return self.asked

    def _note(self, number: int, _: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
