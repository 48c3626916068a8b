"""Which device, which numbers, which class: what is chosen before a checkpoint is loaded."""

from __future__ import annotations

import importlib
import sys
import warnings

import pytest
from tests.heavy import require
from tests.unit.diffusers_tiny import EXTRA, diffusers

torch = require("torch", EXTRA)

from overpaint.engines.diffusers.devices import choose_device, choose_dtype  # noqa: E402
from overpaint.engines.diffusers.family import FAMILIES, family_of  # noqa: E402
from overpaint.engines.diffusers.library import import_library, pipeline_class  # noqa: E402
from overpaint.errors import EngineFailed  # noqa: E402


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    diffusers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit.script, in Kolors
        require("diffusers.pipelines.auto_pipeline")


def gpus(monkeypatch: pytest.MonkeyPatch, count: int, capability: tuple[int, int] = (9, 0)) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize(
    ("wanted", "count", "chosen"),
    [
        ("auto", 0, "cpu"),
        ("auto", 2, "cuda:0"),
        ("cuda", 1, "cuda:0"),
        ("cuda:1", 2, "cuda:1"),
        ("cpu", 2, "cpu"),
    ],
)
def test_a_device_that_is_there_is_chosen(
    wanted: str, count: int, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(monkeypatch, count)
    assert choose_device(wanted) == chosen


@pytest.mark.parametrize(
    ("wanted", "count", "said"),
    [
        ("cuda", 0, r"device=cuda: torch \S+ sees no CUDA GPU; install .*, or take device=cpu"),
        ("cuda:2", 2, "device=cuda:2: this machine has only cuda:0, cuda:1"),
        ("mps", 1, r"device=mps: torch \S+ sees no Metal GPU here; take device=auto"),
    ],
)
def test_a_device_that_is_not_there_is_said(
    wanted: str, count: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(monkeypatch, count)
    with pytest.raises(EngineFailed, match=said):
        choose_device(wanted)


@pytest.mark.parametrize(
    ("device", "capability", "family", "chosen"),
    [
        ("cpu", (9, 0), "sdxl", "float32"),
        ("cuda:0", (9, 0), "sdxl", "bfloat16"),
        ("cuda:0", (7, 5), "sdxl", "float16"),
        ("cuda:0", (7, 5), "qwen-image", "bfloat16"),  # it overflows in float16
        ("mps", (9, 0), "sd", "float16"),
        ("mps", (9, 0), "z-image", "bfloat16"),
    ],
)
def test_auto_takes_the_numbers_that_suit_the_device(
    device: str,
    capability: tuple[int, int],
    family: str,
    chosen: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpus(monkeypatch, 1, capability)
    assert choose_dtype("auto", device, FAMILIES[family]) == getattr(torch, chosen)
    assert choose_dtype("float32", device, FAMILIES[family]) == torch.float32


def test_float16_is_not_for_a_cpu() -> None:
    with pytest.raises(EngineFailed) as failed:
        choose_dtype("float16", "cpu", FAMILIES["sd"])
    assert str(failed.value) == (
        "dtype=float16 is not for a CPU: take dtype=float32, or bfloat16 in half the memory"
    )


def test_our_table_takes_the_classes_that_the_library_would_take() -> None:
    auto = require("diffusers.pipelines.auto_pipeline")
    agreed = set()
    for family in FAMILIES.values():
        assert pipeline_class(diffusers(), family, "").__name__ == family.pipeline
        for name in (family.pipeline, *family.also):
            found = auto._get_task_class(auto.AUTO_INPAINT_PIPELINES_MAPPING, name, False)
            if found is not None and "PAG" not in name:
                assert found.__name__ == family.pipeline
                agreed.add(family.name)
    assert {"sd", "sdxl", "sd3", "flux", "qwen-image", "z-image", "kandinsky"} <= agreed


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("AmusedInpaintPipeline", "AmusedInpaintPipeline"),  # takes a mask itself
        ("KandinskyPipeline", "KandinskyInpaintCombinedPipeline"),  # by the library's table
        ("IFPipeline", "IFInpaintingPipeline"),
    ],
)
def test_a_family_that_is_not_in_our_table_is_asked_of_the_library(name: str, found: str) -> None:
    other = family_of("AmusedInpaintPipeline")
    assert other is not None
    assert other.name == "other"
    assert pipeline_class(diffusers(), other, name).__name__ == found


def test_a_class_that_cannot_inpaint_is_said() -> None:
    other = family_of("AmusedInpaintPipeline")
    assert other is not None
    with pytest.raises(EngineFailed, match=r"diffusers 0\.\d+.* has no SanaPipeline that inpaints"):
        pipeline_class(diffusers(), other, "SanaPipeline")


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(
        EngineFailed, match=r'need accelerate: pip install "overpaint\[diffusers\]"'
    ):
        import_library()


def test_a_library_that_is_too_old_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffusers(), "__version__", "0.36.0")
    with pytest.raises(EngineFailed, match=r"diffusers 0\.36\.0 is older than 0\.42: pip install"):
        import_library()


def wrapped(cause: Exception) -> Exception:
    """As diffusers tells of a module of its own."""
    error = RuntimeError("Failed to import x because of the following error (look up ...):\n...")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            RuntimeError("operator torchvision::nms does not exist"),
            r"cannot be imported: torchvision is made for another torch; install the one that .* "
            r"or uninstall it \(operator torchvision::nms does not exist\)",
        ),
        (ImportError("numpy 1 needed\nmore"), "diffusers cannot be imported: numpy 1 needed$"),
        (wrapped(OSError("no libfoo.so")), "diffusers cannot be imported: no libfoo.so$"),
        (wrapped(MemoryError()), "diffusers cannot be imported: MemoryError$"),
    ],
)
def test_a_library_that_cannot_be_imported_says_why(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise error

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(EngineFailed, match=said):
        import_library()
