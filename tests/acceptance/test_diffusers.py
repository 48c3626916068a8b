"""Checkpoints as people use them: in a program, on the command line, through the service.

The checkpoints are tiny and random (tests/unit/diffusers_tiny.py), so what they paint is noise;
that it is the right noise, for the right caller, in the right place, is what is looked at.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from overpaint import RepaintResult, repaint
from overpaint.cli.app import run
from overpaint.engines.diffusers.engine import open_engine
from overpaint.engines.protocol import Measured, Prepared
from overpaint.engines.registry import get_engine
from overpaint.errors import CheckpointMissing, EngineFailed, InvalidOption
from overpaint.values import PaintJob, Step

#: What is small about a checkpoint of a family is said in its options.
FAMILIES = (
    "sd9",
    "sd4",
    "sdxl9",
    "sdxl4",
    "sd3",
    "fluxfill",
    "flux",
    "kontext",
    "klein",
    "qwen",
    "zimage",
    "kandinsky",
    "chroma",
)
READS_CHINESE = ("klein", "qwen", "zimage")

Tiny: TypeAlias = Callable[[str], Path]
Pixels: TypeAlias = npt.NDArray[np.uint8]

HEIGHT, WIDTH = 300, 320
MASK = np.zeros((HEIGHT, WIDTH), np.uint8)
MASK[100:160, 120:200] = 255
OUTSIDE = MASK == 0
LONG_S = 60.0


def scene() -> Pixels:
    """Smooth colours, another in each corner."""
    rng = np.random.default_rng(3)
    smooth = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return np.asarray(smooth.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


BASE = scene()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With base.png and mask.png."""
    Image.fromarray(BASE).save(tmp_path / "base.png")
    Image.fromarray(MASK).save(tmp_path / "mask.png")
    return tmp_path


@pytest.fixture(scope="module")
def engine(tiny: Tiny) -> Callable[..., str]:
    """The name of a family's engine, with options."""

    def name(family: str, **options: object) -> str:
        said = {"steps": 2, "side": 64, **options}
        query = "&".join(f"{key}={value}" for key, value in said.items())
        return f"diffusers:{tiny(family)}?{query}"

    return name


def painted(name: str, prompt: str = "a red cat", **more: Any) -> RepaintResult:
    return repaint(BASE, MASK, prompt, engine=name, **{"seed": 7, **more})


def pixels(result: RepaintResult) -> list[Pixels]:
    return [np.asarray(picture.pixels, np.uint8) for picture in result.pictures]


def levels_apart(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


# --- the library -----------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_repaints_the_mask_and_nothing_else(
    family: str, engine: Callable[..., str]
) -> None:
    steps: list[Step] = []
    result = painted(engine(family), n=2, on_step=steps.append)
    assert result.engine == f"diffusers:{family}"  # the folder's name, not its path
    assert result.seeds == (7, 8)
    for picture in pixels(result):
        assert np.array_equal(picture[OUTSIDE], BASE[OUTSIDE])
        assert (picture != BASE)[~OUTSIDE].mean() > 0.5
    first, second = pixels(result)
    assert levels_apart(first, second) > 8
    again = pixels(painted(engine(family), seed=8))[0]
    assert levels_apart(second, again) <= 2  # rounding, in a batch of another size
    assert any(step.stage == "paint" and 0 < step.done < step.total for step in steps)
    assert any(step.stage == "paint" and step.done == step.total for step in steps)


@pytest.mark.parametrize("family", ["sdxl4", "fluxfill", "qwen", "kandinsky"])
def test_what_is_asked_reaches_the_checkpoint(family: str, engine: Callable[..., str]) -> None:
    name = engine(family, steps=3)
    plain = pixels(painted(name))[0]
    info = get_engine(name).info
    asked: dict[str, dict[str, Any]] = {
        "prompt": {"prompt": "a blue house"},
        "steps": {"steps": 2},
        "style": {"style": "anime"},
        "guidance": {"guidance": 3.0},
        "strength": {"strength": 0.5},
        "negative": {"negative_prompt": "a dog"},
    }
    taken = {"strength": info.takes_strength, "negative": info.takes_negative}
    for what, option in asked.items():
        result = painted(name, **option)
        if taken.get(what, True):
            assert levels_apart(pixels(result)[0], plain) > 0, what
            assert not [note for note in result.notes if "does not take" in note], what
        else:
            assert levels_apart(pixels(result)[0], plain) == 0, what
            assert [note for note in result.notes if "does not take" in note], what


@pytest.mark.parametrize("family", ["sd9", "fluxfill", "qwen", "zimage"])
def test_chinese_is_passed_on_and_a_note_says_where_it_is_not_read(
    family: str, engine: Callable[..., str]
) -> None:
    notes = painted(engine(family), "一只猫").notes
    if family in READS_CHINESE:
        assert notes == ()
    else:
        assert notes == (f"{family} reads English only: 一只猫 was passed as it is",)


def test_callers_of_several_threads_are_painted_together_and_each_gets_its_own(
    engine: Callable[..., str],
) -> None:
    name = engine("sd9")
    alone = [pixels(painted(name, f"number {i}", seed=i))[0] for i in range(4)]
    gate = threading.Barrier(4)

    def call(number: int) -> Pixels:
        gate.wait(LONG_S)
        return pixels(painted(name, f"number {number}", seed=number))[0]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(call, range(4)))
    for one, other in zip(alone, together, strict=True):
        assert levels_apart(one, other) <= 1
        assert np.array_equal(other[OUTSIDE], BASE[OUTSIDE])


def test_with_exact_the_company_changes_no_bit(engine: Callable[..., str]) -> None:
    name = engine("sd9", exact=1, batch=2)
    for number, picture in enumerate(pixels(painted(name, n=3))):
        assert np.array_equal(picture, pixels(painted(name, seed=7 + number))[0])


def test_a_caller_that_goes_away_leaves_the_engine_in_order(engine: Callable[..., str]) -> None:
    class GoneError(BaseException):
        pass

    def leave(step: Step) -> None:
        if step.stage == "paint" and 0 < step.done < step.total:
            raise GoneError

    name = engine("sd9")
    before = pixels(painted(name))[0]
    with pytest.raises(GoneError):
        painted(name, n=4, steps=9, on_step=leave)
    assert np.array_equal(pixels(painted(name))[0], before)


# --- the engine ------------------------------------------------------------------------------


def test_what_an_engine_is_can_be_asked_without_torch(tiny: Tiny) -> None:
    asked = (
        "import sys; from overpaint.engines.registry import get_engine;"
        "info = get_engine(sys.argv[1]).info;"
        "heavy = {'torch', 'diffusers', 'transformers'} & set(sys.modules);"
        "print(info.name, info.native_sizes, info.batch, sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", asked, f"diffusers:{tiny('sd9')}?device=cpu"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "diffusers:sd9 (64,) 4 []\n"), done.stderr


def job(seed: int = 0) -> PaintJob:
    return PaintJob(
        pixels=np.ascontiguousarray(BASE[:64, :64]),
        mask=np.ones((64, 64), bool),
        prompt="a cat",
        seed=seed,
        steps=2,
    )


def test_prepare_loads_and_warms_up_once(tiny: Tiny) -> None:
    engine = open_engine(f"{tiny('sd9')}?batch=2")
    assert isinstance(engine, Prepared)
    steps: list[Step] = []
    engine.prepare(steps.append)
    stages = list(dict.fromkeys(step.stage for step in steps))
    assert stages == ["load", "speed", "warm up"]
    engine.prepare(steps.append)
    assert [step.stage for step in steps].count("warm up") == 3  # of 2 sizes, and no second time
    assert isinstance(engine, Measured)
    assert engine.figures() == {"batches": 0, "batch_pictures": 0}  # the warming up is none
    assert len(engine.paint([job(), job(), job()])) == 3
    assert engine.figures() == {"batches": 2, "batch_pictures": 3}
    engine.close()
    assert engine.figures() == {}


def test_callers_that_come_while_it_loads_wait_and_load_nothing_themselves(tiny: Tiny) -> None:
    engine = open_engine(str(tiny("sd9")))
    loads: list[int] = []
    loading, go = threading.Event(), threading.Event()

    def first(step: Step) -> None:
        if step.stage == "load" and not loading.is_set():
            loading.set()
            assert go.wait(LONG_S)

    def second(step: Step) -> None:
        if step.stage == "load":
            loads.append(step.total)
            go.set()

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(engine.paint, [job(1)], first)
        assert loading.wait(LONG_S)
        other = pool.submit(engine.paint, [job(2)], second)
        assert len(one.result(LONG_S)) == len(other.result(LONG_S)) == 1
    assert set(loads) == {1}  # it was told to wait, and nothing of megabytes
    engine.close()


def torn(tiny: Tiny, folder: Path) -> tuple[Path, bytes]:
    """A copy of a checkpoint, a weight file of which is damaged; and what was in that."""
    copy = folder / "torn"
    shutil.copytree(tiny("sd9"), copy)
    weights = copy / "unet/diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    return weights, whole


def test_a_checkpoint_that_cannot_be_loaded_says_so_at_once_until_it_is_changed(
    tiny: Tiny, tmp_path: Path
) -> None:
    weights, whole = torn(tiny, tmp_path)
    try:
        engine = open_engine(str(tmp_path / "torn"))
    except EngineFailed:  # its header tells already: it is looked at again each time
        weights.write_bytes(whole)
        engine = open_engine(str(tmp_path / "torn"))
        weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EngineFailed, match="torn") as first:
        engine.prepare()
    before = weights.stat()
    weights.write_bytes(whole)
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    steps: list[Step] = []
    with pytest.raises(EngineFailed) as second:
        engine.paint([job()], steps.append)
    assert (str(second.value), steps) == (str(first.value), [])
    assert second.value is not first.value
    weights.touch()
    assert len(engine.paint([job()])) == 1
    engine.close()


def test_closing_frees_the_weights_and_ends_the_thread_and_it_can_be_loaded_again(
    tiny: Tiny,
) -> None:
    def threads() -> int:
        return sum(thread.name == "painting" for thread in threading.enumerate())

    before = threads()
    engine = open_engine(str(tiny("sd9")))
    region = engine.paint([job()])[0]
    assert engine._ready is not None
    weights = [weakref.ref(one) for one in engine._ready._loaded.pipe.unet.parameters()]
    assert threads() == before + 1
    engine.close()
    left = [one() for one in weights]
    assert {one.device.type for one in left if one is not None} <= {"meta"}
    assert threads() == before
    assert np.array_equal(engine.paint([job()])[0].pixels, region.pixels)
    engine.close()
    engine.close()


def test_the_batch_is_what_is_said_or_what_suits_the_device(tiny: Tiny) -> None:
    for said, batch in (("&batch=3", 3), ("", 4)):
        engine = open_engine(f"{tiny('sd9')}?device=cpu{said}")
        assert engine.info.batch == batch
        assert len(engine.paint([job()])) == 1
        assert engine.info.batch == batch
        engine.close()


def test_options_that_change_pixels_are_told(tiny: Tiny) -> None:
    engine = open_engine(f"{tiny('sd9')}?guidance_until=0.5")
    notes = engine.paint([job()])[0].notes
    assert "sd9 runs with guidance_until=0.5, which changes pixels" in notes
    engine.close()


def test_an_option_without_effect_is_not_said_to_change_pixels(tiny: Tiny) -> None:
    engine = open_engine(f"{tiny('sd9')}?block_cache=0.1")
    notes = engine.paint([job()])[0].notes
    assert [note for note in notes if "block_cache" in note] == [
        "block_cache has no effect: diffusers caches none of UNet2DConditionModel"
    ]
    engine.close()


def test_what_is_not_there_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(CheckpointMissing, match="there is no checkpoint at"):
        get_engine(f"diffusers:{tmp_path}/nothing")
    with pytest.raises(CheckpointMissing, match="overpaint checkpoints fetch nobody/nothing"):
        get_engine("diffusers:nobody/nothing")
    with pytest.raises(InvalidOption, match="engine: batch must be a whole number"):
        get_engine(f"diffusers:{tmp_path}?batch=0")


def test_without_the_extra_it_says_what_to_install(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "diffusers" else found(name)
    )
    limit = r'engine diffusers needs diffusers, .*: pip install "overpaint\[diffusers\]"'
    with pytest.raises(EngineFailed, match=limit):
        get_engine(f"diffusers:{tiny('sd9')}?steps=7")


# --- the command line ------------------------------------------------------------------------


def overpaint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command line, in this process: it has torch already."""
    with chdir(folder), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = run(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def read(file: Path) -> Pixels:
    with Image.open(file) as image:
        return np.asarray(image)


@pytest.mark.parametrize(
    "family", ["sd9", "sdxl4", "sd3", "fluxfill", "klein", "qwen", "zimage", "kandinsky"]
)
def test_the_command_line_paints_what_the_library_does(
    family: str, engine: Callable[..., str], folder: Path
) -> None:
    name = engine(family)
    more = ("--seed", "7", "--engine", name, "-o", "out.png", "--json")
    done = overpaint(folder, "repaint", "base.png", "mask.png", "a red cat", *more)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["engine"] == f"diffusers:{family}"
    assert np.array_equal(read(folder / "out.png"), pixels(painted(name))[0])


def test_a_batch_file_may_name_several_checkpoints(
    engine: Callable[..., str], folder: Path
) -> None:
    lines: list[dict[str, object]] = [
        {"prompt": "a red cat", "engine": engine("sd9"), "seed": 7, "output": "a.png"},
        {"prompt": "a red cat", "engine": engine("zimage"), "seed": 7, "output": "b.png"},
        {"prompt": "", "engine": "erase", "seed": 7, "output": "c.png"},
    ]
    files = {"base": "base.png", "mask": "mask.png"}
    text = "".join(json.dumps({**files, **line}) + "\n" for line in lines)
    (folder / "manifest.jsonl").write_text(text, encoding="utf-8")
    done = overpaint(folder, "batch", "manifest.jsonl", "-o", "out")
    assert done.returncode == 0, done.stderr
    for file, family in (("a.png", "sd9"), ("b.png", "zimage")):
        assert np.array_equal(read(folder / "out" / file), pixels(painted(engine(family)))[0])


def test_the_command_line_says_what_is_wrong(folder: Path) -> None:
    call = ("repaint", "base.png", "mask.png", "a cat", "-o", "out.png", "--engine")
    done = overpaint(folder, *call, f"diffusers:{folder}/nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no checkpoint at" in done.stderr
    done = overpaint(folder, *call, f"diffusers:{folder}?bach=8")
    assert done.returncode == 2
    assert "an option must be one of device, dtype" in done.stderr
