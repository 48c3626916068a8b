"""Memory of a device: what is chosen before a load, the rungs after it ran out, giving it back."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.heavy import require
from tests.unit.diffusers_tiny import EXTRA, diffusers

torch = require("torch", EXTRA)

from overpaint.engines.diffusers import memory  # noqa: E402
from overpaint.engines.diffusers.memory import Ladder, choose_offload  # noqa: E402
from overpaint.errors import EngineFailed  # noqa: E402

Tiny = Callable[[str], Path]
GB = 10**9
PARTS = {"unet": 5 * GB, "vae": GB, "text_encoder": 2 * GB}


@pytest.fixture(autouse=True, scope="module")
def _collect_in_no_time() -> Iterator[None]:
    """Let the collector pass over what the packages made when they were imported."""
    diffusers()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(name="pipe")
def _pipe(tiny: Tiny) -> Any:
    pipe = diffusers().StableDiffusionInpaintPipeline.from_pretrained(tiny("sd9"))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def call(pipe: Any, seeds: Sequence[int]) -> Any:
    """Pictures of 64 x 64, one a seed."""
    grey, n = np.full((64, 64, 3), 0.5, np.float32), len(seeds)
    mask = np.zeros((64, 64), np.float32)
    mask[16:40, 8:48] = 1
    return pipe(
        prompt=["a cat"] * n,
        image=np.stack([grey] * n),
        mask_image=np.stack([mask[..., None]] * n),
        generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
        num_inference_steps=2,
        height=64,
        width=64,
        output_type="np",
    ).images


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        RuntimeError("std::bad_alloc"),
    ],
    ids=["python", "cuda", "cpu", "mps", "cublas", "c++"],
)
def test_memory_that_ran_out_is_known_by_whatever_says_so(error: BaseException) -> None:
    assert memory.is_out_of_memory(error)
    outer = ValueError("the step failed")
    outer.__cause__ = error
    assert memory.is_out_of_memory(outer)


@pytest.mark.parametrize("error", [None, RuntimeError("shapes differ"), OSError("no memory card")])
def test_other_errors_are_not_taken_for_memory(error: BaseException | None) -> None:
    assert not memory.is_out_of_memory(error)


def test_free_memory_is_no_more_than_the_machine_has() -> None:
    total = require("psutil").virtual_memory().total
    assert 0 < memory.free_bytes("cpu") <= total


def test_a_container_limits_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("2500\n")
    (tmp_path / "memory.stat").write_text("anon 2000\ninactive_file 400\n")
    assert memory._left_of_container(tmp_path) == 900
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._left_of_container(tmp_path) is None
    assert memory._left_of_container(tmp_path / "none") is None
    monkeypatch.setattr(memory, "_left_of_container", lambda folder: 900)
    assert memory.free_bytes("cpu") == 900


def test_work_grows_with_the_square_the_numbers_and_the_rows() -> None:
    assert memory.work_bytes(1024, 2) == 4 * memory.work_bytes(512, 2)
    assert memory.work_bytes(512, 4, rows=3) == 6 * memory.work_bytes(512, 2)


@pytest.mark.parametrize(
    ("free_gb", "chosen"), [(10, "none"), (8.5, "model"), (6, "model"), (5.5, "sequential")]
)
def test_auto_takes_the_fastest_that_fits_a_gpu(
    free_gb: float, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 64 * GB)
    free = int(free_gb * GB)
    assert choose_offload("auto", PARTS, GB, "cuda:0", free) == chosen


@pytest.mark.parametrize(
    ("wanted", "device", "free_gb", "said"),
    [
        (
            "none",
            "cuda:1",
            7.5,
            "the weights need 8.0 GB of memory on cuda:1, and 7.5 GB are free: take offload=auto, "
            "a smaller checkpoint, or close other programs",
        ),
        (
            "model",
            "cuda:0",
            4,
            "the weights need 5.0 GB of memory on cuda:0, and 4.0 GB are free: take "
            "offload=sequential, a smaller checkpoint, or close other programs",
        ),
        (
            "auto",
            "cpu",
            3,
            "the weights need 8.0 GB of memory on cpu, and 3.0 GB are free: take dtype=bfloat16, "
            "a smaller checkpoint, or close other programs",
        ),
        (
            "group",
            "cpu",
            64,
            "offload=group needs a GPU to move the weights to; on cpu leave it out",
        ),
    ],
)
def test_too_little_memory_says_what_is_needed_and_what_to_do(
    wanted: Any, device: str, free_gb: float, said: str
) -> None:
    with pytest.raises(EngineFailed) as failed:
        choose_offload(wanted, PARTS, GB, device, int(free_gb * GB))
    assert str(failed.value) == said


def test_weights_that_wait_in_main_memory_have_to_fit_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 6 * GB)
    with pytest.raises(EngineFailed, match=r"offload=model .* need 8\.0 GB, and 6\.0 GB are free"):
        choose_offload("model", PARTS, GB, "cuda:0", 24 * GB)


@pytest.mark.parametrize("offload", ["model", "group"])  # accelerate's sequential needs a GPU
def test_offloading_leaves_the_pixels_as_they_are(pipe: Any, offload: Any) -> None:
    before = call(pipe, [3])
    memory.place(pipe, "cpu", offload)
    np.testing.assert_array_equal(call(pipe, [3]), before)


def test_a_pipeline_that_cannot_be_offloaded_says_so() -> None:
    with pytest.raises(EngineFailed, match="object does not go with offload=model: "):
        memory.place(object(), "cuda:0", "model")


class Narrow:
    """Runs out of memory beyond so many rows, as a device would."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.sizes: list[int] = []

    def __call__(self, rows: Sequence[int]) -> list[int]:
        self.sizes.append(len(rows))
        if len(rows) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [10 * row for row in rows]


def test_a_batch_that_does_not_fit_is_painted_in_smaller_ones(pipe: Any) -> None:
    narrow, ladder = Narrow(3), Ladder(pipe, "cpu")
    assert ladder.run("512", range(9), narrow) == [10 * row for row in range(9)]
    # Whole; once more with the autoencoder slicing; halves; halves of these, which fit.
    assert narrow.sizes == [9, 9, 4, 2, 2, 2, 2, 1]
    assert ladder.taken == ["the autoencoder takes one picture at a time", "4 at once", "2 at once"]
    assert pipe.vae.use_slicing


def test_what_fits_is_kept_for_its_bucket_and_tried_higher_again_later(pipe: Any) -> None:
    clock = [0.0]
    ladder = Ladder(pipe, "cpu", now=lambda: clock[0])
    ladder.run("1024", range(4), Narrow(1))
    clock[0] = memory.RETRY_S - 1
    assert (ladder.limit("1024", 4), ladder.limit("512", 4)) == (1, 4)
    clock[0] = memory.RETRY_S
    assert ladder.limit("1024", 4) == 4


def test_at_one_picture_the_weights_are_moved_out(
    pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: list[object] = []
    narrow = Narrow(0)

    def place(moved: Any, device: str, offload: str) -> None:
        placed.append((moved, device, offload))
        narrow.most = 1 if offload == "sequential" else 0

    monkeypatch.setattr(memory, "place", place)
    ladder = Ladder(pipe, "cuda:0")
    assert ladder.run("512", [7], narrow) == [70]
    assert placed == [(pipe, "cuda:0", "model"), (pipe, "cuda:0", "sequential")]
    assert ladder.offload == "sequential"


def test_weights_that_main_memory_cannot_hold_are_not_moved_out(
    pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1000)
    ladder = Ladder(pipe, "cuda:0")
    with pytest.raises(EngineFailed, match="nothing is left to move out of it"):
        ladder.run("512", [7], Narrow(0))
    assert ladder.offload == "none"


def test_kandinsky_too_keeps_to_the_offload_it_fell_to(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = diffusers().KandinskyV22InpaintCombinedPipeline.from_pretrained(tiny("kandinsky"))
    memory.place(pipe, "cpu", "model")
    for part in (pipe.prior_pipe, pipe.decoder_pipe):  # accelerate's sequential needs a GPU
        monkeypatch.setattr(part, "enable_sequential_cpu_offload", lambda **given: None)
    memory.place(pipe, "cpu", "sequential")
    pipe.maybe_free_model_hooks()
    assert not hasattr(pipe.unet, "_hf_hook")


def test_when_every_rung_is_taken_the_error_says_what_to_do(
    pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: GB // 2)
    with pytest.raises(EngineFailed) as failed:
        Ladder(pipe, "cpu").run("512", range(2), Narrow(0))
    assert str(failed.value) == (
        "cpu ran out of memory over one picture, and nothing is left to move out of it; 0.5 GB are "
        "free. Choose a smaller side, tiling=1 or a smaller checkpoint, or close other programs "
        "(CUDA out of memory. Tried to allocate 2.00 GiB)"
    )


def test_errors_of_another_kind_pass_and_take_no_rung(pipe: Any) -> None:
    def broken(rows: Sequence[int]) -> list[int]:
        raise RuntimeError("shapes differ")

    ladder = Ladder(pipe, "cpu")
    with pytest.raises(RuntimeError, match="shapes differ"):
        ladder.run("512", range(2), broken)
    assert ladder.taken == []


def test_pictures_are_the_same_after_the_fall_as_without_it(pipe: Any) -> None:
    seeds = [5, 6]
    plain = call(pipe, seeds)

    def narrow(module: Any, inputs: tuple[Any, ...]) -> None:
        if len(inputs[0]) > 2:  # with and without words: one picture
            raise torch.OutOfMemoryError("CUDA out of memory.")

    pipe.unet.register_forward_pre_hook(narrow)
    ladder = Ladder(pipe, "cpu")
    fallen = np.stack(ladder.run("64", seeds, lambda some: list(call(pipe, some))))
    assert "1 at once" in ladder.taken
    assert np.abs((255 * fallen).round() - (255 * plain).round()).max() <= 1


def test_forgetting_an_error_frees_the_tensors_it_passed_through() -> None:
    held: list[weakref.ref[Any]] = []

    def failing() -> None:
        large = torch.zeros(1000)
        held.append(weakref.ref(large))
        raise RuntimeError("out of memory")

    try:
        failing()
    except RuntimeError as error:
        kept = error
    assert held[0]() is not None
    memory.forget(kept)
    gc.collect()
    assert held[0]() is None


def test_releasing_a_pipeline_frees_its_weights_though_it_is_still_held(pipe: Any) -> None:
    unet = pipe.unet
    weights = [weakref.ref(weight) for weight in (*unet.parameters(), *pipe.vae.parameters())]
    assert all(weight() is not None for weight in weights)
    memory.release(pipe)
    assert not any(weight() is not None for weight in weights)
    assert {weight.device.type for weight in unet.parameters()} == {"meta"}


def test_releasing_frees_what_was_offloaded_too(pipe: Any) -> None:
    memory.place(pipe, "cpu", "sequential")
    unet = pipe.unet
    assert {weight.device.type for weight in unet.parameters()} == {"meta"}  # they wait
    waiting = [weakref.ref(w) for w in unet.conv_in._hf_hook.weights_map.dataset.values()]
    assert any(weight() is not None for weight in waiting)
    memory.release(pipe)
    assert not any(weight() is not None for weight in waiting)
    assert {weight.device.type for weight in unet.parameters()} == {"meta"}
