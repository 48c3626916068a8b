from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

from overpaint.engines.diffusers.family import FAMILIES, Family, family_of

ROOT = Path(__file__).resolve().parents[2]


def test_no_class_leads_to_two_families() -> None:
    names = [name for one in FAMILIES.values() for name in (one.pipeline, *one.also)]
    assert len(names) == len(set(names))
    assert all(family_of(name) is not None for name in names)


@pytest.mark.parametrize(
    ("class_name", "name"),
    [
        ("StableDiffusionPipeline", "sd"),
        ("StableDiffusionXLInpaintPipeline", "sdxl"),
        ("StableDiffusion3Pipeline", "sd3"),
        ("FluxFillPipeline", "flux-fill"),
        ("FluxKontextPipeline", "flux-kontext"),
        ("Flux2KleinPipeline", "flux2-klein"),
        ("QwenImagePipeline", "qwen-image"),
        ("ZImagePipeline", "z-image"),
        ("KandinskyV22InpaintPipeline", "kandinsky"),
        ("ChromaPipeline", "chroma"),
    ],
)
def test_a_class_leads_to_its_family(class_name: str, name: str) -> None:
    assert family_of(class_name) is FAMILIES[name]


@pytest.mark.parametrize(
    "class_name", ["HunyuanDiTPipeline", "StableDiffusionControlNetInpaintPipeline", "", "None"]
)
def test_what_does_not_inpaint_has_none(class_name: str) -> None:
    assert family_of(class_name) is None


def test_another_class_that_inpaints_is_called_picture_by_picture() -> None:
    family = family_of("KandinskyInpaintCombinedPipeline")
    assert family is not None
    assert (family.pipeline, family.batches) == ("KandinskyInpaintCombinedPipeline", False)
    assert family.embedding == "none"


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_family_is_of_one_piece(family: Family) -> None:
    assert family.side % family.multiple == 0
    assert 1 <= family.few_steps < family.steps <= 150
    assert set(family.languages) <= {"zh", "en"}
    assert 0 < family.strength <= 1
    guided = family.guidance_kind in ("cfg", "true_cfg", "offset")
    assert family.guidance > family.unguided
    assert not guided or family.takes_negative
    if family.guidance_kind == "distilled":
        assert family.takes_negative == (family.negative_scale > 0)
    if family.guidance_kind == "true_cfg":  # the library leaves guidance out without one
        assert family.blank_negative


def test_every_class_is_one_of_the_installed_diffusers() -> None:
    """Looked up in the library's text: importing it takes seconds."""
    try:
        files = importlib.metadata.files("diffusers") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip('needs diffusers: pip install "overpaint[diffusers]"')
    (listed,) = (one for one in files if str(one) == "diffusers/__init__.py")
    known = set(re.findall(r'"(\w+)"', listed.read_text(encoding="utf-8")))
    named = {name for one in FAMILIES.values() for name in (one.pipeline, *one.also)}
    assert named <= known


def test_the_extra_is_new_enough_for_what_is_relied_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["diffusers"]
    assert "diffusers>=0.42" in extra  # the first that imports no library an index names
    assert not any(one.startswith("torchvision") for one in extra)
