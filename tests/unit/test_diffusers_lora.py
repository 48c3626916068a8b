"""LoRAs are in the weights after a load, as their closed form says, or the load says why not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.heavy import require
from tests.unit.diffusers_files import save_lora
from tests.unit.diffusers_tiny import EXTRA

torch = require("torch", EXTRA)

from overpaint.engines.diffusers.checkpoint import Checkpoint  # noqa: E402
from overpaint.engines.diffusers.loading import load  # noqa: E402
from overpaint.engines.diffusers.lora import find_lora  # noqa: E402
from overpaint.engines.diffusers.options import Options  # noqa: E402
from overpaint.engines.diffusers.source import read_engine_name  # noqa: E402
from overpaint.errors import CheckpointMissing, EngineFailed  # noqa: E402

Tiny = Callable[[str], Path]
KINDS = {
    "sd9": ("StableDiffusionInpaintPipeline", "unet"),
    "sdxl9": ("StableDiffusionXLInpaintPipeline", "unet"),
    "sd3": ("StableDiffusion3InpaintPipeline", "transformer"),
    "fluxfill": ("FluxFillPipeline", "transformer"),
    "qwen": ("QwenImageInpaintPipeline", "transformer"),
    "zimage": ("ZImageInpaintPipeline", "transformer"),
}


@pytest.fixture(name="lora", scope="module")
def _lora(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA for `sd9`."""
    out = tmp_path_factory.mktemp("lora") / "one.safetensors"
    return save_lora(tiny("sd9"), *KINDS["sd9"], out, seed=1)


def network(where: Path, query: str, part: str = "unet") -> dict[str, Any]:
    """The weights of the part that denoises."""
    source, options = read_engine_name(f"{where}?device=cpu&{query}")
    done = load(Checkpoint.open(source, options), options)
    state: dict[str, Any] = getattr(done.pipe, part).state_dict()
    return state


def failure(where: Path, query: str) -> str:
    with pytest.raises(EngineFailed) as failed:
        network(where, query)
    return str(failed.value)


def change(lora: Path) -> dict[str, Any]:
    """What a LoRA of rank 2 and alpha 2 adds to each weight: B A."""
    tensors = require("safetensors.torch").load_file(lora)
    return {
        name.partition(".")[2].replace(".lora_A", ""): tensors[name.replace("_A.", "_B.")] @ down
        for name, down in tensors.items()
        if ".lora_A." in name
    }


def assert_added(changed: dict[str, Any], plain: dict[str, Any], added: dict[str, Any]) -> None:
    assert changed.keys() == plain.keys()
    assert added.keys() <= plain.keys()
    for name, weight in plain.items():
        expected = weight + added[name].reshape(weight.shape) if name in added else weight
        torch.testing.assert_close(changed[name], expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("family", KINDS)
def test_a_lora_is_added_to_the_weights_times_its_weight(
    family: str, tiny: Tiny, tmp_path: Path
) -> None:
    kind, part = KINDS[family]
    file = save_lora(tiny(family), kind, part, tmp_path / "lora.safetensors")
    plain = network(tiny(family), "", part)
    added = {name: 0.7 * delta for name, delta in change(file).items()}
    assert max(float(delta.abs().max()) for delta in added.values()) > 1e-4
    assert_added(network(tiny(family), f"lora={file}:0.7", part), plain, added)


def test_several_are_added_together(tiny: Tiny, lora: Path, tmp_path: Path) -> None:
    other = save_lora(tiny("sd9"), *KINDS["sd9"], tmp_path / "other.safetensors", seed=2)
    second = change(other)
    added = {name: 0.5 * delta - 2 * second[name] for name, delta in change(lora).items()}
    changed = network(tiny("sd9"), f"lora={lora}:0.5&lora={other}:-2")
    assert_added(changed, network(tiny("sd9"), ""), added)


def test_one_of_weight_0_is_left_out_wherever_it_is(tiny: Tiny) -> None:
    changed = network(tiny("sd9"), "lora=/nowhere/at/all.safetensors:0")
    assert_added(changed, network(tiny("sd9"), ""), {})


def test_a_folder_stands_for_the_one_file_in_it(tiny: Tiny, lora: Path, tmp_path: Path) -> None:
    shutil.copy(lora, tmp_path / "style.safetensors")
    changed = network(tiny("sd9"), f"lora={tmp_path}")
    assert_added(changed, network(tiny("sd9"), ""), change(lora))
    usual = Path(shutil.copy(lora, tmp_path / "pytorch_lora_weights.safetensors"))
    assert find_lora(str(tmp_path), Options()) == usual  # whatever else is there


def test_a_file_of_the_hub_is_taken_from_its_cache(
    lora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(require("huggingface_hub.constants"), "HF_HUB_CACHE", str(tmp_path))
    kept = tmp_path / "models--org--style"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs/main").write_text("0" * 40)
    snapshot = kept / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    there = Path(shutil.copy(lora, snapshot / "style.safetensors"))
    assert find_lora("org/style", Options()) == there
    assert find_lora("org/style/style.safetensors", Options()) == there
    with pytest.raises(CheckpointMissing) as failed:
        find_lora("org/other/style.safetensors", Options())
    assert str(failed.value) == (
        "lora=org/other/style.safetensors is not on this machine: overpaint checkpoints fetch "
        "org/other/style.safetensors, or say download=1"
    )


def test_a_lora_of_another_family_is_refused_and_not_passed_over(
    tiny: Tiny, tmp_path: Path
) -> None:
    file = save_lora(tiny("fluxfill"), *KINDS["fluxfill"], tmp_path / "flux.safetensors")
    assert failure(tiny("sd9"), f"lora={file}") == (
        "lora=flux.safetensors does not fit this checkpoint, which StableDiffusionInpaintPipeline "
        "runs: it is made for another kind, and would have no effect"
    )


def test_a_lora_of_other_shapes_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    file = save_lora(tiny("sdxl9"), *KINDS["sdxl9"], tmp_path / "xl.safetensors")
    said = failure(tiny("sd9"), f"lora={file}")
    assert said.startswith(
        "lora=xl.safetensors does not fit this checkpoint, which StableDiffusionInpaintPipeline "
        "runs: it is made for another kind (size mismatch for "
    )


def test_a_pipeline_that_takes_none_says_so(tiny: Tiny, lora: Path) -> None:
    assert failure(tiny("kandinsky"), f"lora={lora}") == (
        "KandinskyV22InpaintCombinedPipeline takes no LoRA; leave lora= out"
    )


def test_a_damaged_lora_is_named(tiny: Tiny, lora: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(lora.read_bytes()[:-100])
    assert failure(tiny("sd9"), f"lora={torn}").startswith("torn.safetensors has ")


def test_what_is_no_lora_file_says_why(lora: Path, tmp_path: Path) -> None:
    def refused(where: Path | str) -> str:
        with pytest.raises(EngineFailed) as failed:
            find_lora(str(where), Options())
        return str(failed.value)

    said = "lora=none.safetensors: there is no such file"
    assert refused(tmp_path / "none.safetensors") == said
    assert refused(tmp_path) == f"lora={tmp_path.name}: the folder has no .safetensors file"
    for name in ("b", "a"):
        shutil.copy(lora, tmp_path / f"{name}.safetensors")
    said = "the folder has several: a.safetensors, b.safetensors; say which"
    assert refused(tmp_path) == f"lora={tmp_path.name}: {said}"
    assert refused("no-such-thing").startswith("lora: must be an id of the hub")


def test_a_pickled_lora_is_loaded_only_when_that_is_said(
    tiny: Tiny, lora: Path, tmp_path: Path
) -> None:
    pickled = tmp_path / "style.bin"
    torch.save(require("safetensors.torch").load_file(lora), pickled)
    assert failure(tiny("sd9"), f"lora={pickled}") == (
        "lora=style.bin is a pickle, which can run code: take its .safetensors, or say pickle=1 "
        "if you trust who made it"
    )
    changed = network(tiny("sd9"), f"lora={pickled}&pickle=1")
    assert_added(changed, network(tiny("sd9"), ""), change(lora))


def test_without_peft_a_lora_says_what_to_install(
    tiny: Tiny, lora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = require("diffusers").StableDiffusionInpaintPipeline

    def without(*args: Any, **kwargs: Any) -> None:
        raise ImportError("PEFT backend is required for this method.")

    monkeypatch.setattr(kind, "load_lora_weights", without)
    assert failure(tiny("sd9"), f"lora={lora}") == (
        'a LoRA needs peft: pip install "overpaint[diffusers]" '
        "(PEFT backend is required for this method.)"
    )
