from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.checkpoint_folders import (
    SD_INDEX,
    SD_UNET,
    VAE,
    sd_files,
    weights,
    write,
    write_checkpoint,
)

from overpaint.engines.diffusers.checkpoint import Checkpoint
from overpaint.engines.diffusers.options import Options, read_options, read_query
from overpaint.engines.diffusers.source import read_source
from overpaint.errors import CheckpointMissing, EngineFailed, InvalidOption

Parts = dict[str, tuple[str, dict[str, Any]]]
SAFE = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def sd(tmp_path: Path) -> Path:
    return write(tmp_path / "sd", sd_files())


def read(path: Path, query: str = "") -> Checkpoint:
    return Checkpoint.read(read_source(str(path)), read_options(read_query(query)))


def refused(path: Path, query: str = "") -> str:
    with pytest.raises(EngineFailed) as caught:
        Checkpoint.open(read_source(str(path)), read_options(read_query(query)))
    return str(caught.value)


def test_a_folder_says_what_it_is(sd: Path) -> None:
    found = read(sd)
    assert (found.family.name, found.channels, found.family.side) == ("sd", 9, 512)
    assert found.card.licence == "creativeml-openrail-m"
    assert [part.name for part in found.parts] == [
        "scheduler",
        "text_encoder",
        "tokenizer",
        "unet",
        "vae",
    ]
    assert found.parameters == 30 * 10 + 40 * 9 * 9 + 16 * 16
    files = [file for part in found.parts for file in part.weights.files]
    assert found.bytes == sum(file.stat().st_size for file in files)
    assert (found.missing, found.pickled, found.custom_code, found.lacks) == ((), (), (), ())
    found.check(Options())


def test_it_tells_the_engine(sd: Path) -> None:
    info = read(sd).info(Options())
    assert info.name == "diffusers:sd"
    assert info.summary == "Stable Diffusion 1 and 2, licence creativeml-openrail-m"
    assert (info.native_sizes, info.max_side, info.batch) == ((512,), 512, 8)
    assert (info.licence, info.languages) == ("creativeml-openrail-m", ("en",))
    assert all((info.takes_negative, info.takes_steps, info.takes_strength, info.takes_guidance))
    assert not info.takes_reference
    assert read(sd).info(Options(device="cpu")).batch == 4
    assert read(sd).info(Options(device="cpu", batch=2)).batch == 2


def test_memory_is_the_weights_and_what_a_picture_takes(sd: Path) -> None:
    found = read(sd)
    assert found.memory("float32") == 2 * found.memory("bfloat16")
    assert found.memory("float16") > 2 * found.parameters


def transformer(family: str, **network: Any) -> tuple[str, Parts]:
    return family, {"transformer": ("SomeTransformer2DModel", network), "vae": ("Vae", VAE)}


@pytest.mark.parametrize(
    ("class_name", "network", "side", "multiple"),
    [
        ("FluxFillPipeline", {}, 1024, 16),
        ("ZImagePipeline", {"sample_size": 32}, 1024, 16),
        ("StableDiffusion3Pipeline", {"sample_size": 64}, 512, 16),
        ("ChromaPipeline", {}, 1024, 16),
    ],
)
def test_the_native_side_comes_from_the_configuration(
    tmp_path: Path, class_name: str, network: dict[str, Any], side: int, multiple: int
) -> None:
    found = read(write_checkpoint(tmp_path / "x", *transformer(class_name, **network)))
    assert (found.family.side, found.family.multiple) == (side, multiple)


def test_an_autoencoder_of_other_levels_scales_side_and_multiple(tmp_path: Path) -> None:
    parts = {
        "transformer": ("QwenImageTransformer2DModel", {}),
        "vae": ("AutoencoderKLQwenImage", {"temperal_downsample": [False, True]}),
    }
    family = read(write_checkpoint(tmp_path / "x", "QwenImagePipeline", parts)).family
    assert (family.side, family.multiple) == (512, 8)


def test_a_side_that_does_not_fit_is_refused(sd: Path) -> None:
    assert read(sd, "side=640").family.side == 640
    with pytest.raises(InvalidOption, match="engine: side must be a multiple of 8 px, got 644"):
        read(sd, "side=644")


def test_the_options_go_before_the_family_s_own(sd: Path) -> None:
    family = read(sd, "steps=12&guidance=3").family
    assert (family.steps, family.guidance, family.guidance_kind) == (12, 3.0, "cfg")


@pytest.mark.parametrize(
    ("name", "query", "steps"),
    [
        ("sd-turbo", "", 4),
        ("sdxl_lightning_8step", "", 8),
        ("sd", "scheduler=LCM", 4),
        ("sd", "lora=/x/sdxl-lightning-2step-lora.safetensors", 2),
        ("sd-turbo", "steps=1", 1),
    ],
)
def test_a_checkpoint_of_few_steps_is_not_guided(
    tmp_path: Path, name: str, query: str, steps: int
) -> None:
    found = read(write(tmp_path / name, sd_files()), query)
    assert found.few_steps
    assert (found.family.steps, found.family.guidance_kind) == (steps, "none")
    assert found.family.guidance == 1.0
    info = found.info(Options())
    assert not info.takes_guidance
    assert not info.takes_negative


@pytest.mark.parametrize("name", ["hyperreal", "my-turbofan", "sd-30k-stepsize", "lcmodel"])
def test_a_name_that_only_contains_such_a_word_is_an_ordinary_one(
    tmp_path: Path, name: str
) -> None:
    assert not read(write(tmp_path / name, sd_files())).few_steps


def test_whoever_says_guidance_gets_it_in_few_steps_too(tmp_path: Path) -> None:
    family = read(write(tmp_path / "sd-lcm", sd_files()), "guidance=1.5").family
    assert (family.guidance, family.guidance_kind, family.steps) == (1.5, "cfg", 4)


@pytest.mark.parametrize(
    ("class_name", "network", "more", "guidance"),
    [
        ("FluxPipeline", {"guidance_embeds": False}, {}, 1.0),
        ("Flux2KleinPipeline", {}, {"is_distilled": True}, 1.0),
    ],
)
def test_a_distilled_one_says_so_in_its_configuration(
    tmp_path: Path, class_name: str, network: dict[str, Any], more: Any, guidance: float
) -> None:
    made = write_checkpoint(tmp_path / "x", *transformer(class_name, **network), **more)
    family = read(made).family
    assert (family.guidance, family.guidance_kind, family.steps) == (guidance, "none", 4)


def test_guidance_that_the_network_takes_in_stays_in_few_steps(tmp_path: Path) -> None:
    made = write_checkpoint(tmp_path / "x", *transformer("FluxFillPipeline", guidance_embeds=True))
    family = read(made, "lora=/x/fill-turbo-8steps.safetensors").family
    assert (family.guidance, family.guidance_kind, family.steps) == (30.0, "distilled", 8)


def test_z_image_turbo_is_unguided_at_zero(tmp_path: Path) -> None:
    made = write_checkpoint(tmp_path / "Z-Image-Turbo", *transformer("ZImagePipeline"))
    assert (read(made).family.guidance, read(made).family.steps) == (0.0, 8)
    scheduler: Parts = {"scheduler": ("LCMScheduler", {})}
    made = write_checkpoint(tmp_path / "sd", "StableDiffusionPipeline", scheduler)
    assert read(made).few_steps


def test_what_applies_depends_on_the_checkpoint(sd: Path, tmp_path: Path) -> None:
    unet = read(sd).applicable
    assert {"batch", "variant", "guidance_until"} <= set(unet)
    assert not {"block_cache", "config", "download"} & set(unet)
    fill = read(write_checkpoint(tmp_path / "f", *transformer("FluxFillPipeline"))).applicable
    assert "block_cache" in fill
    assert "guidance_until" not in fill


# What is missing or not allowed.


def test_a_path_where_nothing_is(tmp_path: Path) -> None:
    assert refused(tmp_path / "no") == f"there is no checkpoint at {tmp_path}/no"
    assert refused(tmp_path / "no.safetensors").startswith("there is no checkpoint at")


def test_a_checkpoint_of_the_hub_that_is_not_here() -> None:
    with pytest.raises(CheckpointMissing) as caught:
        Checkpoint.open(read_source("org/nothing-of-the-kind@v1"), Options())
    assert str(caught.value) == (
        "checkpoint org/nothing-of-the-kind@v1 is not on this machine; overpaint checkpoints "
        "fetch org/nothing-of-the-kind@v1, or say ?download=1"
    )


def test_a_folder_without_an_index(tmp_path: Path) -> None:
    assert refused(tmp_path) == (
        f"{tmp_path.name} has no model_index.json, so it is no checkpoint; name the folder that "
        "has it, or one .safetensors file"
    )


@pytest.mark.parametrize("index", ["{", "[]", "{}", b"\xff\xfe"])
def test_an_index_that_cannot_be_read(tmp_path: Path, index: Any) -> None:
    write(tmp_path, {"model_index.json": index})
    assert refused(tmp_path).startswith(f"model_index.json of {tmp_path.name} cannot be read: ")


def test_a_pipeline_that_cannot_inpaint(tmp_path: Path) -> None:
    write(tmp_path, {"model_index.json": {"_class_name": "HunyuanDiTPipeline"}})
    said = refused(tmp_path)
    assert "is a HunyuanDiTPipeline, which cannot inpaint; what can: Stable Diffusion 1" in said


@pytest.mark.parametrize(
    ("lost", "what"),
    [
        (f"vae/{SAFE}", "vae: weights"),
        ("unet/config.json", "unet: config.json"),
        ("scheduler/scheduler_config.json", "scheduler: all files"),
    ],
)
def test_what_is_missing_is_named(sd: Path, lost: str, what: str) -> None:
    (sd / lost).unlink()
    assert read(sd).missing == (what,)
    assert refused(sd) == f"checkpoint sd is not whole ({what}); download it again"


def test_the_safety_checker_is_not_needed(sd: Path) -> None:
    assert SD_INDEX["safety_checker"][1] == "StableDiffusionSafetyChecker"
    assert not (sd / "safety_checker").exists()
    assert read(sd).missing == ()


def test_a_file_that_was_cut_short(sd: Path) -> None:
    path = sd / "vae" / SAFE
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    said = f"vae: {SAFE} has {len(whole) - 1} bytes and not {len(whole)}: it is damaged"
    assert read(sd).missing == (said,)
    path.write_bytes(whole[:5])
    assert read(sd).missing == (f"vae: {SAFE} is no safetensors file",)


def test_parts_of_the_weights_that_are_missing(sd: Path) -> None:
    (sd / "unet" / SAFE).unlink()
    for number in (1, 3):
        name = f"unet/diffusion_pytorch_model-0000{number}-of-00003.safetensors"
        write(sd, {name: weights({"a": (number,)})})
    found = read(sd)
    assert found.missing == ("unet: part 2 of 3 of the weights",)
    write(sd, {"unet/diffusion_pytorch_model-00002-of-00003.safetensors": weights({"b": (2,)})})
    (unet,) = (part for part in read(sd).parts if part.name == "unet")
    assert unet.weights.parameters == 6
    assert [file.name[24:29] for file in unet.weights.files] == ["00001", "00002", "00003"]


@pytest.mark.parametrize(
    "half",
    [
        "diffusion_pytorch_model.fp16.safetensors",
        "diffusion_pytorch_model.fp16-00001-of-00001.safetensors",
        "diffusion_pytorch_model-00001-of-00001.fp16.safetensors",
    ],
)
def test_a_variant_is_taken_where_there_is_one(sd: Path, half: str) -> None:
    write(sd, {f"unet/{half}": weights({"a": (7,)})})

    def unet(query: str) -> tuple[str, str]:
        (part,) = (part for part in read(sd, query).parts if part.name == "unet")
        return part.weights.files[0].name, part.weights.variant

    assert unet("variant=fp16") == (half, "fp16")
    assert unet("") == (SAFE, "")
    assert unet("variant=other") == (SAFE, "")
    (sd / "unet" / SAFE).unlink()
    assert unet("") == (half, "fp16")  # the only one there is
    assert read(sd).missing == ()


def test_pickles_need_leave(sd: Path) -> None:
    (sd / "unet" / SAFE).rename(sd / "unet/diffusion_pytorch_model.bin")
    assert read(sd).pickled == ("unet",)
    assert refused(sd) == (
        "checkpoint sd has pickled weights, which can run any code (unet); if you trust it, "
        "say ?pickle=1"
    )
    found = Checkpoint.open(read_source(str(sd)), Options(pickle=True))
    assert found.missing == ()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"unet": ["os", "system"]}, "unet: os.system"),
        ({"_class_name": ["pipeline", "MyPipeline"]}, "pipeline.py"),
    ],
)
def test_code_of_its_own_needs_leave(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    made = write(tmp_path / "x", sd_files({**SD_INDEX, **changed}))
    assert refused(made) == (
        f"checkpoint x runs code of its own ({told}); if you trust it, say ?remote_code=1"
    )
    Checkpoint.open(read_source(str(made)), Options(remote_code=True))


# Kandinsky's decoder needs a second checkpoint, which its card names.


def test_a_decoder_takes_its_prior_along(tmp_path: Path) -> None:
    parts: Parts = {"unet": ("UNet2DConditionModel", SD_UNET), "movq": ("VQModel", VAE)}
    decoder = write_checkpoint(tmp_path / "decoder", "KandinskyV22InpaintPipeline", parts)
    assert read(decoder).missing == ("prior: README.md names none",)
    write(decoder, {"README.md": f"---\nlicense: apache-2.0\nprior:\n- {tmp_path}/prior\n---\n"})
    assert read(decoder).missing == (f"prior: {tmp_path}/prior",)
    prior: Parts = {"prior": ("PriorTransformer", {})}
    write_checkpoint(tmp_path / "prior", "KandinskyV22PriorPipeline", prior)
    found = read(decoder)
    assert found.missing == ()
    assert [part.name for part in found.parts] == ["unet", "movq", "prior"]
    assert (found.family.side, found.family.multiple) == (512, 64)


# Licences.


@pytest.mark.parametrize(
    ("header", "licence", "link"),
    [
        ("license: mit", "mit", ""),
        ("license: other\nlicense_name: 'flux-1'  # no\nlicense_link: L.md", "flux-1", "L.md"),
        ('license:\n- "a"\n- b\ntags:\n- c', "a b", ""),
        ("title: x", "", ""),
    ],
)
def test_the_licence_stands_in_the_card(sd: Path, header: str, licence: str, link: str) -> None:
    write(sd, {"README.md": f"---\n{header}\n---\n\nlicense: not this\n"})
    card = read(sd).card
    assert (card.licence, card.link) == (licence, link)


@pytest.mark.parametrize(
    ("link", "told"), [("https://a.org/l", "mit (https://a.org/l)"), ("LICENSE.md", "mit")]
)
def test_a_licence_is_told_with_the_address_where_it_can_be_read(
    sd: Path, link: str, told: str
) -> None:
    write(sd, {"README.md": f"---\nlicense: mit\nlicense_link: {link}\n---\n"})
    assert read(sd).info(Options()).licence == told


def test_without_a_card_the_licence_s_file_is_named(sd: Path) -> None:
    (sd / "README.md").unlink()
    assert read(sd).card.licence == ""
    write(sd, {"LICENSE.md": "text"})
    assert read(sd).card.licence == "see LICENSE.md"
