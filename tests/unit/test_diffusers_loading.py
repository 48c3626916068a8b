"""Checkpoints of every family load as the library would, and every failure says what to do."""

from __future__ import annotations

import gc
import importlib
import json
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.heavy import require
from tests.unit.diffusers_files import save_single_file
from tests.unit.diffusers_tiny import EXTRA, TINY, diffusers

torch = require("torch", EXTRA)

from overpaint.engines.diffusers import memory  # noqa: E402
from overpaint.engines.diffusers.checkpoint import Checkpoint  # noqa: E402
from overpaint.engines.diffusers.library import hushed  # noqa: E402
from overpaint.engines.diffusers.loading import Loaded, load  # noqa: E402
from overpaint.engines.diffusers.parts import part_bytes  # noqa: E402
from overpaint.engines.diffusers.source import read_engine_name  # noqa: E402
from overpaint.errors import CheckpointMissing, EngineFailed  # noqa: E402
from overpaint.values import OnStep, Step  # noqa: E402

Tiny = Callable[[str], Path]
GB = 10**9
CLASSES = {
    "sd9": "StableDiffusionInpaintPipeline",
    "sd4": "StableDiffusionInpaintPipeline",
    "sdxl9": "StableDiffusionXLInpaintPipeline",
    "sdxl4": "StableDiffusionXLInpaintPipeline",
    "sd3": "StableDiffusion3InpaintPipeline",
    "fluxfill": "FluxFillPipeline",
    "flux": "FluxInpaintPipeline",
    "kontext": "FluxKontextInpaintPipeline",
    "klein": "Flux2KleinInpaintPipeline",
    "qwen": "QwenImageInpaintPipeline",
    "zimage": "ZImageInpaintPipeline",
    "kandinsky": "KandinskyV22InpaintCombinedPipeline",
    "chroma": "ChromaInpaintPipeline",
}


@pytest.fixture(autouse=True, scope="module")
def _collect_in_no_time() -> Any:
    """Let the collector pass over what the packages made when they were imported."""
    diffusers()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(name="sd9")
def _sd9(tiny: Tiny, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(tiny("sd9"), tmp_path / "sd9"))


def loaded(where: Path | str, query: str = "", on_step: OnStep | None = None) -> Loaded:
    source, options = read_engine_name(f"{where}?device=cpu&{query}")
    return load(Checkpoint.open(source, options), options, on_step)


def failure(where: Path | str, query: str = "") -> str:
    """What a load that fails says; it tells nobody where the checkpoint lies."""
    with pytest.raises(EngineFailed) as failed:
        loaded(where, query)
    assert "/" + Path(where).parts[1] not in str(failed.value)
    return str(failed.value)


def change(file: Path, **fields: Any) -> None:
    """Change fields of a JSON file; None takes one away."""
    told = {**json.loads(file.read_text()), **fields}
    file.write_text(json.dumps({name: value for name, value in told.items() if value is not None}))


def weights(pipe: Any) -> dict[str, Any]:
    return {
        f"{name}.{key}": tensor
        for name, part in pipe.components.items()
        if isinstance(part, torch.nn.Module)
        for key, tensor in part.state_dict().items()
    }


def assert_same(pipe: Any, other: Any) -> None:
    ours, theirs = weights(pipe), weights(other)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


@pytest.mark.parametrize("name", TINY)
def test_every_family_loads_with_the_class_that_inpaints(tiny: Tiny, name: str) -> None:
    steps: list[Step] = []
    done = loaded(tiny(name), on_step=steps.append)
    assert type(done.pipe).__name__ == CLASSES[name]
    assert (done.device, done.dtype, done.offload) == ("cpu", torch.float32, "none")
    assert {tensor.dtype for tensor in weights(done.pipe).values()} <= {torch.float32, torch.int64}
    assert not any(p.training for p in done.pipe.components.values() if hasattr(p, "training"))
    told = [step for step in steps if step.stage == "load"]
    assert (told[0].done, told[-1].done) == (0, told[-1].total)
    assert [step.done for step in told] == sorted(step.done for step in told)
    assert len(told) > 3
    assert steps[-1].stage == "speed"
    assert done.notes == ()
    assert done.seconds > 0


@pytest.mark.parametrize("name", ["sd9", "sdxl4", "fluxfill", "qwen", "kandinsky"])
def test_its_weights_are_those_that_the_library_loads(tiny: Tiny, name: str) -> None:
    kind = getattr(diffusers(), CLASSES[name])
    assert_same(loaded(tiny(name)).pipe, kind.from_pretrained(tiny(name)))


def test_the_safety_checker_is_never_loaded(sd9: Path) -> None:
    change(
        sd9 / "model_index.json",
        safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"],
        requires_safety_checker=True,
    )
    pipe = loaded(sd9).pipe
    assert pipe.safety_checker is None
    assert not pipe.config.requires_safety_checker


def test_the_licence_is_told_with_the_checkpoint(sd9: Path) -> None:
    header = "---\nlicense: creativeml-openrail-m\nlicense_link: https://example.org/l\n---\n"
    (sd9 / "README.md").write_text(header)
    told = ("licence of sd9: creativeml-openrail-m (https://example.org/l)",)
    assert loaded(sd9).notes == told


def test_a_variant_is_loaded_where_it_is_and_its_absence_is_told(
    tiny: Tiny, tmp_path: Path
) -> None:
    half = diffusers().StableDiffusionInpaintPipeline.from_pretrained(
        tiny("sd9"), torch_dtype=torch.bfloat16
    )
    half.save_pretrained(tmp_path / "half", variant="bf16")
    done = loaded(tmp_path / "half", "variant=bf16&dtype=bfloat16")
    assert done.notes == ()
    assert_same(done.pipe, half)
    assert loaded(tiny("sd9"), "variant=fp16").notes == (
        "sd9 has no variant fp16; its weights were loaded as they are",
    )


def test_an_option_that_changes_nothing_is_told(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ("the option config has no effect on sd9",)
    assert loaded(tiny("sd9"), "config=org/other").notes == told
    monkeypatch.setenv("OVERPAINT_DIFFUSERS", "config=org/other")  # for files among many
    assert loaded(tiny("sd9"), "config=org/other").notes == ()


def test_all_of_it_computes_with_the_numbers_that_were_asked_for(tiny: Tiny) -> None:
    done = loaded(tiny("sd3"), "dtype=bfloat16")
    assert done.dtype == torch.bfloat16
    kinds = {t.dtype for name, t in weights(done.pipe).items() if "position_ids" not in name}
    assert kinds == {torch.bfloat16}


def test_a_single_file_is_loaded_with_the_configuration_of_a_folder(
    tiny: Tiny, tmp_path: Path
) -> None:
    file = save_single_file(tiny("sd9"), tmp_path / "one.safetensors")
    steps: list[Step] = []
    done = loaded(file, f"config={tiny('sd9')}", steps.append)
    assert_same(done.pipe, loaded(tiny("sd9")).pipe)
    assert [step.stage for step in steps[:2]] == ["load", "load"]


def test_a_single_file_without_text_encoder_and_autoencoder_takes_those_of_the_folder(
    tiny: Tiny, tmp_path: Path
) -> None:
    file = tmp_path / "network.safetensors"
    save_single_file(tiny("sd9"), file, lambda name: name.startswith("model.diffusion_model"))
    done = loaded(file, f"config={tiny('sd9')}")
    assert_same(done.pipe, loaded(tiny("sd9")).pipe)


def test_a_single_file_with_the_configuration_of_another_kind_says_so(
    tiny: Tiny, tmp_path: Path
) -> None:
    file = save_single_file(tiny("sd9"), tmp_path / "one.safetensors")
    said = failure(file, f"config={tiny('sd4')}")
    other = tiny("sd4").name
    assert said.startswith(
        f"checkpoint one.safetensors: does not go with config={other}; name another ("
    )


def test_a_single_file_without_configuration_says_what_to_fetch(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(require("huggingface_hub.constants"), "HF_HUB_CACHE", str(tmp_path))
    file = save_single_file(tiny("sd9"), tmp_path / "one.safetensors")
    assert failure(file).endswith(
        "overpaint checkpoints fetch stable-diffusion-v1-5/stable-diffusion-inpainting "
        "--no-weights, or ?config=FOLDER"
    )


def test_a_single_file_says_which_of_its_parts_take_how_much(tiny: Tiny, tmp_path: Path) -> None:
    file = save_single_file(tiny("sd9"), tmp_path / "one.safetensors")
    source, options = read_engine_name(f"{file}?config={tiny('sd9')}")
    split = part_bytes(Checkpoint.open(source, options), 4)
    whole = part_bytes(Checkpoint.open(*read_engine_name(str(tiny("sd9")))), 4)
    assert split["network"] == whole["unet"]
    assert split["autoencoder"] == whole["vae"]
    assert split["text encoders"] == whole["text_encoder"]


def in_cache(folder: Path, cache: Path, repo: str) -> Path:
    """Put a checkpoint where the hub's own cache would have it."""
    kept = cache / f"models--{repo.replace('/', '--')}"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs/main").write_text("0" * 40)
    return Path(shutil.copytree(folder, kept / "snapshots" / ("0" * 40)))


def test_a_checkpoint_of_the_hub_is_loaded_from_its_cache(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(require("huggingface_hub.constants"), "HF_HUB_CACHE", str(tmp_path))
    in_cache(tiny("sd9"), tmp_path, "org/tiny")
    assert_same(loaded("org/tiny").pipe, loaded(tiny("sd9")).pipe)
    with pytest.raises(CheckpointMissing, match="org/other is not on this machine"):
        loaded("org/other")


def test_a_decoder_of_kandinsky_comes_with_the_prior_that_its_card_names(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = loaded(tiny("kandinsky")).pipe
    whole.prior_pipe.save_pretrained(tmp_path / "prior")
    whole.decoder_pipe.save_pretrained(tmp_path / "decoder")
    cache = tmp_path / "cache"
    in_cache(tmp_path / "prior", cache, "org/prior")
    monkeypatch.setattr(require("huggingface_hub.constants"), "HF_HUB_CACHE", str(cache))
    (tmp_path / "decoder/README.md").write_text("---\nprior:\n- org/prior\n---\n")
    done = loaded(tmp_path / "decoder").pipe
    assert type(done).__name__ == CLASSES["kandinsky"]
    assert_same(done, whole)


def test_pickles_are_loaded_only_when_that_is_said(sd9: Path) -> None:
    file = sd9 / "unet/diffusion_pytorch_model.safetensors"
    torch.save(require("safetensors.torch").load_file(file), file.with_suffix(".bin"))
    expected = loaded(sd9).pipe  # there are safetensors yet
    file.unlink()
    assert "pickled weights, which can run any code (unet)" in failure(sd9)
    assert_same(loaded(sd9, "pickle=1").pipe, expected)


def test_code_of_its_own_runs_only_when_that_is_said(sd9: Path) -> None:
    ran = sd9 / "ran"
    (sd9 / "pipeline.py").write_text(
        f"open({str(ran)!r}, 'w').close()\n"
        "from diffusers import StableDiffusionInpaintPipeline\n"
        "class MyPipeline(StableDiffusionInpaintPipeline): pass\n"
    )
    change(sd9 / "model_index.json", _class_name=["pipeline", "MyPipeline"])
    assert "runs code of its own (pipeline.py)" in failure(sd9)
    assert not ran.exists()
    assert type(loaded(sd9, "remote_code=1").pipe).__name__ == "MyPipeline"
    assert ran.exists()


def test_code_of_a_part_is_not_run_either(sd9: Path) -> None:
    (sd9 / "unet/mine.py").write_text("raise SystemExit('ran')")
    change(sd9 / "model_index.json", unet=["mine", "MyUNet"])
    assert "runs code of its own" in failure(sd9)


def test_a_damaged_file_is_named(sd9: Path) -> None:
    file = sd9 / "unet/diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    assert failure(sd9).endswith(
        f"(unet: {file.name} has 3969696 bytes and not 3970696: it is damaged); download it again"
    )


def test_weights_of_other_shapes_than_the_configuration_are_said(sd9: Path) -> None:
    change(sd9 / "unet/config.json", cross_attention_dim=48)
    said = failure(sd9)
    assert said.startswith(
        "checkpoint sd9: its weights do not fit its configuration; download it again ("
    )


def test_a_missing_file_is_named(sd9: Path) -> None:
    shutil.rmtree(sd9 / "vae")
    assert "checkpoint sd9 is not whole (vae: " in failure(sd9)


def test_a_checkpoint_that_says_it_is_another_family_is_found_out(sd9: Path) -> None:
    change(sd9 / "model_index.json", _class_name="StableDiffusionXLInpaintPipeline")
    assert failure(sd9) == (
        "checkpoint sd9 has no text_encoder_2, tokenizer_2, which "
        "StableDiffusionXLInpaintPipeline needs: it is of another family than it says"
    )


def test_what_the_library_cannot_load_is_said_in_its_words(sd9: Path) -> None:
    change(sd9 / "unet/config.json", layers_per_block="many")
    assert failure(sd9).startswith("checkpoint sd9 cannot be loaded: ValueError: Must provide")


def test_a_file_that_only_the_library_misses_is_named(sd9: Path) -> None:
    (sd9 / "scheduler/scheduler_config.json").rename(sd9 / "scheduler/other.json")
    assert failure(sd9) == (
        "checkpoint sd9: a file is not there; download it again (Error no file named "
        "scheduler_config.json found in directory sd9/scheduler.)"
    )


def test_too_little_memory_is_found_before_anything_is_read(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1_000_000)
    steps: list[Step] = []
    with pytest.raises(EngineFailed, match=r"the weights need 0\.0 GB of memory on cpu"):
        loaded(tiny("sd9"), on_step=steps.append)
    assert steps == []


def test_memory_that_runs_out_in_a_load_is_freed_and_told(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[weakref.ref[Any]] = []

    def place(pipe: Any, device: str, offload: str) -> None:
        held.extend(weakref.ref(weight) for weight in pipe.unet.parameters())
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(memory, "place", place)
    monkeypatch.setattr(memory, "free_bytes", lambda device: GB)
    assert failure(tiny("sd9")) == (
        "cpu ran out of memory while sd9 was loaded, 1.0 GB are free: take offload=auto, "
        "dtype=bfloat16 or a smaller checkpoint, or close other programs"
    )
    assert held
    assert not any(weight() is not None for weight in held)


def test_what_on_step_raises_ends_the_load_as_it_is(tiny: Tiny) -> None:
    def stop(step: Step) -> None:
        if step.done:
            raise ValueError("nobody waits")

    with pytest.raises(ValueError, match="nobody waits"):
        loaded(tiny("sd9"), on_step=stop)


def test_closing_frees_the_weights(tiny: Tiny) -> None:
    done = loaded(tiny("sdxl9"))
    held = [weakref.ref(tensor) for tensor in done.pipe.unet.parameters()]
    done.close()
    done.close()
    assert done.pipe is None
    assert not any(weight() is not None for weight in held)


def test_loading_leaves_the_logs_and_bars_of_the_libraries_as_they_were(tiny: Tiny) -> None:
    logs = [diffusers().utils.logging, require("transformers").utils.logging]
    before = [(log.get_verbosity(), log.is_progress_bar_enabled()) for log in logs]
    try:
        for log in logs:
            log.set_verbosity_info()
            log.enable_progress_bar()
        loaded(tiny("sd9"))
        for log in logs:
            assert log.get_verbosity() == log.INFO
            assert log.is_progress_bar_enabled()
    finally:
        for log, (verbosity, bars) in zip(logs, before, strict=True):
            log.set_verbosity(verbosity)
            (log.enable_progress_bar if bars else log.disable_progress_bar)()


def test_the_libraries_are_hushed_while_they_work_and_as_talkative_as_before_afterwards() -> None:
    logs = [
        importlib.import_module(f"{name}.utils.logging") for name in ("diffusers", "transformers")
    ]
    before = [log.get_verbosity() for log in logs]
    with hushed():
        assert [log.get_verbosity() for log in logs] == [log.CRITICAL for log in logs]
    assert [log.get_verbosity() for log in logs] == before
