"""Schedulers by name: any spelling of one that goes with the checkpoint, or which ones do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.heavy import require
from tests.unit.diffusers_tiny import EXTRA, NOISE, diffusers

torch = require("torch", EXTRA)

from overpaint.engines.diffusers.checkpoint import Checkpoint  # noqa: E402
from overpaint.engines.diffusers.loading import load  # noqa: E402
from overpaint.engines.diffusers.options import Scheduler  # noqa: E402
from overpaint.engines.diffusers.schedulers import set_scheduler  # noqa: E402
from overpaint.engines.diffusers.source import read_engine_name  # noqa: E402
from overpaint.errors import EngineFailed  # noqa: E402

Tiny = Callable[[str], Path]


class Pipe:
    """A pipeline's scheduler, which is all that is asked of it here."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler


def of_noise() -> Pipe:
    return Pipe(diffusers().PNDMScheduler(**NOISE, steps_offset=1))


def of_flow() -> Pipe:
    return Pipe(diffusers().FlowMatchEulerDiscreteScheduler(shift=3.0))


def chosen(pipe: Pipe, name: str, *flavours: str) -> Any:
    set_scheduler(diffusers(), pipe, Scheduler(name=name, flavours=flavours))
    return pipe.scheduler


def refused(pipe: Pipe, name: str, *flavours: str) -> str:
    with pytest.raises(EngineFailed) as failed:
        chosen(pipe, name, *flavours)
    return str(failed.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DDIM", "DDIMScheduler"),
        ("ddimscheduler", "DDIMScheduler"),
        ("Euler", "EulerDiscreteScheduler"),
        ("EulerAncestral", "EulerAncestralDiscreteScheduler"),
        ("DPMSolver", "DPMSolverMultistepScheduler"),
        ("DPMSolverSinglestep", "DPMSolverSinglestepScheduler"),
        ("unipc", "UniPCMultistepScheduler"),
        ("Heun", "HeunDiscreteScheduler"),
        ("LCM", "LCMScheduler"),
        ("TCDScheduler", "TCDScheduler"),
        ("PNDM", "PNDMScheduler"),
    ],
)
def test_a_name_is_read_in_any_spelling_and_keeps_the_noise_levels(name: str, kind: str) -> None:
    scheduler = chosen(of_noise(), name)
    assert type(scheduler).__name__ == kind
    assert scheduler.config.beta_end == NOISE["beta_end"]
    assert scheduler.config.beta_schedule == NOISE["beta_schedule"]


@pytest.mark.parametrize(
    ("name", "flavour", "field", "value"),
    [
        ("DPMSolverMultistep", "karras", "use_karras_sigmas", True),
        ("Euler", "exponential", "use_exponential_sigmas", True),
        ("DPMSolverMultistep", "sde", "algorithm_type", "sde-dpmsolver++"),
        ("Euler", "trailing", "timestep_spacing", "trailing"),
        ("LCM", "leading", "timestep_spacing", "leading"),
    ],
)
def test_a_flavour_is_set(name: str, flavour: str, field: str, value: object) -> None:
    assert chosen(of_noise(), name, flavour).config[field] == value


def test_a_name_that_does_not_go_with_it_is_answered_with_those_that_do() -> None:
    assert refused(of_noise(), "FlowMatchEuler") == (
        "scheduler=FlowMatchEuler does not go with this checkpoint; possible are DDIM, DDPM, "
        "DEISMultistep, DPMSolverMultistep, DPMSolverSDE, DPMSolverSinglestep, "
        "EulerAncestralDiscrete, EulerDiscrete, HeunDiscrete, KDPM2AncestralDiscrete, "
        "KDPM2Discrete, LCM, LMSDiscrete, PNDM, TCD, UniPCMultistep"
    )


def test_a_flow_checkpoint_takes_those_of_flow_alone() -> None:
    assert type(chosen(of_flow(), "FlowMatchLCM")).__name__ == "FlowMatchLCMScheduler"
    assert chosen(of_flow(), "flowmatcheuler", "karras").config.use_karras_sigmas
    assert refused(of_flow(), "DDIM") == (
        "scheduler=DDIM does not go with this checkpoint; possible are FlowMatchEulerDiscrete, "
        "FlowMatchLCM"
    )


def test_a_flavour_that_it_does_not_know_is_said() -> None:
    assert refused(of_noise(), "LCM", "karras") == "scheduler=LCM:karras: LCM knows no karras"


def test_flavours_that_exclude_each_other_are_said_in_the_librarys_words() -> None:
    said = refused(of_noise(), "Euler", "karras", "exponential")
    assert said.startswith("scheduler=Euler:karras:exponential: Only one of ")
    assert refused(of_noise(), "DEIS", "sde").startswith("scheduler=DEIS:sde: ")


def test_one_that_needs_another_package_says_which() -> None:
    if diffusers().utils.is_torchsde_available():
        assert type(chosen(of_noise(), "DPMSolverSDE")).__name__ == "DPMSolverSDEScheduler"
    else:
        assert "torchsde" in refused(of_noise(), "DPMSolverSDE", "karras")


@pytest.mark.parametrize(
    ("family", "query", "kind"),
    [
        ("sd9", "LCM", "LCMScheduler"),
        ("sdxl4", "DPMSolverMultistep:karras", "DPMSolverMultistepScheduler"),
        ("kandinsky", "DDPM", "DDPMScheduler"),
    ],
)
def test_a_load_sets_it(family: str, query: str, kind: str, tiny: Tiny) -> None:
    source, options = read_engine_name(f"{tiny(family)}?device=cpu&scheduler={query}")
    pipe = load(Checkpoint.open(source, options), options).pipe
    assert type(pipe.scheduler).__name__ == kind
    assert type(getattr(pipe, "decoder_pipe", pipe).scheduler).__name__ == kind
