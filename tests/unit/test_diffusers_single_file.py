from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.unit.checkpoint_folders import SD_INDEX, sd_files, weights, write

from overpaint.engines.diffusers.checkpoint import Checkpoint
from overpaint.engines.diffusers.options import read_options, read_query
from overpaint.engines.diffusers.single_file import recognise
from overpaint.engines.diffusers.source import read_source
from overpaint.engines.diffusers.weights import Header, read_header
from overpaint.errors import CheckpointMissing, EngineFailed

NET = "model.diffusion_model."
PARTS = {"first_stage_model.conv.weight": (4,), "cond_stage_model.x.weight": (4,)}
CROSS = f"{NET}input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"
SD = {f"{NET}input_blocks.0.0.weight": (32, 9, 3, 3), CROSS: (32, 768), **PARTS}
XL = "conditioner.embedders.{}.model.transformer.resblocks.9.mlp.c_proj.bias"
FLUX = {"double_blocks.0.img_attn.norm.key_norm.scale": (128,)}
SD3 = "joint_blocks.0.context_block.adaLN_modulation.1.bias"


def header(shapes: dict[str, Sequence[int]]) -> Header:
    return Header(shapes={k: tuple(v) for k, v in shapes.items()}, dtypes={}, metadata={})


def unet(channels: int, **more: Sequence[int]) -> dict[str, Sequence[int]]:
    return {f"{NET}input_blocks.0.0.weight": (320, channels, 3, 3), **more}


@pytest.mark.parametrize(
    ("shapes", "family", "config", "channels", "side"),
    [
        (unet(9), "sd", "stable-diffusion-v1-5/stable-diffusion-inpainting", 9, None),
        (unet(4), "sd", "stable-diffusion-v1-5/stable-diffusion-v1-5", 4, None),
        (
            unet(9, **{CROSS: (320, 1024)}),
            "sd",
            "stabilityai/stable-diffusion-2-inpainting",
            9,
            None,
        ),
        (unet(4, **{CROSS: (320, 1024)}), "sd", "stabilityai/stable-diffusion-2-1", 4, 768),
        (
            unet(9, **{XL.format(1): (1280,)}),
            "sdxl",
            "diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
            9,
            None,
        ),
        (
            unet(4, **{XL.format(1): (1280,)}),
            "sdxl",
            "stabilityai/stable-diffusion-xl-base-1.0",
            4,
            None,
        ),
        (
            {**FLUX, "img_in.weight": (3072, 384)},
            "flux-fill",
            "black-forest-labs/FLUX.1-Fill-dev",
            None,
            None,
        ),
        (
            {"distilled_guidance_layer.in_proj.bias": (1,), **FLUX},
            "chroma",
            "lodestones/Chroma1-HD",
            None,
            None,
        ),
        (
            {f"{NET}{SD3}": (9216,), f"{NET}pos_embed": (1, 36864, 1536)},
            "sd3",
            "stabilityai/stable-diffusion-3-medium-diffusers",
            None,
            None,
        ),
        (
            {SD3: (9216,), "pos_embed": (1, 147456, 1536)},
            "sd3",
            "stabilityai/stable-diffusion-3.5-medium",
            None,
            None,
        ),
        (
            {SD3: (1,), "joint_blocks.37.x_block.mlp.fc1.weight": (1, 1)},
            "sd3",
            "stabilityai/stable-diffusion-3.5-large",
            None,
            None,
        ),
        (
            {"layers.0.adaLN_modulation.0.weight": (1, 1)},
            "z-image",
            "Tongyi-MAI/Z-Image-Turbo",
            None,
            None,
        ),
    ],
)
def test_a_file_is_known_by_the_names_in_it(
    shapes: dict[str, Sequence[int]],
    family: str,
    config: str,
    channels: int | None,
    side: int | None,
) -> None:
    found = recognise(header(shapes), "x.safetensors")
    assert (found.family, found.config) == (family, config)
    assert (found.channels, found.side) == (channels, side)
    xl = family == "sdxl"  # its text encoders are what it is known by
    assert found.lacks == (("autoencoder",) if xl else ("autoencoder", "text encoders"))
    assert recognise(header({**shapes, **PARTS}), "x.safetensors").lacks == ()


@pytest.mark.parametrize(
    ("shapes", "why"),
    [
        (unet(4, **{XL.format(0): (1,)}), "is a refiner, which does not inpaint alone"),
        ({**FLUX, "img_in.weight": (3072, 64)}, "is FLUX.1 in one file, of which diffusers"),
        ({"lora_unet_down.lora_up.weight": (4, 4)}, "is a LoRA and no checkpoint; add it to one"),
        ({"down_blocks.0.weight": (4,)}, "is one part of a checkpoint; name the folder"),
        ({"something": (4,)}, "is no checkpoint that inpaints from a single file"),
        (unet(8), "is no checkpoint that inpaints from a single file"),
    ],
)
def test_what_cannot_be_painted_with_says_why(shapes: dict[str, Sequence[int]], why: str) -> None:
    with pytest.raises(EngineFailed, match=f"x.safetensors {why}"):
        recognise(header(shapes), "x.safetensors")


def read(path: Path, query: str = "") -> Checkpoint:
    return Checkpoint.read(read_source(str(path)), read_options(read_query(query)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(weights(SD))
    return path


def test_a_file_goes_with_the_configuration_that_is_named(file: Path, tmp_path: Path) -> None:
    config = write(tmp_path / "sd", sd_files())
    found = read(file, f"config={config}")
    assert (found.family.name, found.family.side, found.channels) == ("sd", 512, 9)
    assert (found.config, found.missing) == (config, ())
    assert found.bytes == file.stat().st_size
    assert found.parameters == read_header(file).parameters
    found.check(read_options(()))
    assert "config" in found.applicable
    assert "variant" not in found.applicable


def test_without_it_the_one_that_it_needs_is_named(file: Path) -> None:
    found = read(file)
    needed = "stable-diffusion-v1-5/stable-diffusion-inpainting"
    assert found.missing == (f"configuration and tokenizers of {needed}",)
    with pytest.raises(CheckpointMissing) as caught:
        found.check(read_options(()))
    assert f"; overpaint checkpoints fetch {needed} --no-weights, or ?config=FOLDER" in str(
        caught.value
    )
    found.check(read_options(read_query("download=1")))


def test_the_configuration_of_another_family_is_refused(file: Path, tmp_path: Path) -> None:
    index = {**SD_INDEX, "_class_name": "StableDiffusionXLPipeline"}
    config = write(tmp_path / "xl", sd_files(index))
    with pytest.raises(EngineFailed) as caught:
        read(file, f"config={config}")
    assert str(caught.value) == (
        "mine.safetensors is of the family Stable Diffusion 1 and 2, and config=xl of Stable "
        "Diffusion XL; name the configuration of a checkpoint of the same family"
    )


def test_parts_that_are_not_in_the_file_may_be_in_the_folder(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    file.write_bytes(weights({f"{NET}input_blocks.0.0.weight": (32, 4, 3, 3)}))
    config = write(tmp_path / "sd", sd_files())
    assert read(file, f"config={config}").lacks == ()
    (config / "vae/diffusion_pytorch_model.safetensors").unlink()
    found = read(file, f"config={config}")
    assert found.lacks == ("autoencoder",)
    with pytest.raises(CheckpointMissing, match=r"\(autoencoder\); say \?config=FOLDER of a"):
        found.check(read_options(read_query("download=1")))


def test_a_file_of_its_own_size_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "v2.safetensors"
    file.write_bytes(weights({**unet(4), CROSS: (8, 1024), **PARTS}))
    assert read(file).family.side == 768
    assert read(file, "side=512").family.side == 512


def test_a_damaged_file_is_told(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(EngineFailed, match="it is damaged; download it again"):
        read(file)
    for nonsense in (b"", b"12345678", b"\xff" * 20, b"\2\0\0\0\0\0\0\0[]", b"\x7f" * 8):
        file.write_bytes(nonsense)
        with pytest.raises(EngineFailed, match=r"mine\.safetensors is no safetensors file"):
            read(file)


def test_a_pickle_needs_leave_and_what_it_goes_with(tmp_path: Path) -> None:
    file = tmp_path / "mine.ckpt"
    file.write_bytes(b"\x80\x04.")
    config = write(tmp_path / "sd", sd_files())
    for query in ("", "pickle=1", f"config={config}"):
        with pytest.raises(EngineFailed, match=r"mine.ckpt is a pickle, which can run any code"):
            read(file, query)
    with pytest.raises(CheckpointMissing, match="needs the configuration of org/no; overpaint"):
        read(file, "pickle=1&config=org/no")
    found = read(file, f"pickle=1&config={config}")
    assert (found.family.name, found.pickled) == ("sd", ("checkpoint",))


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(EngineFailed, match=r"mine\.gguf is neither a folder nor a \.safetensors"):
        read(file)
