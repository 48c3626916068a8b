from __future__ import annotations

import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.unit.service_fixture import BASE, png
from tests.unit.service_fixture import MARKED as MASK

from overpaint import inspection
from overpaint.errors import (
    BlobDamaged,
    CorruptImage,
    EmptyMask,
    InvalidInput,
    InvalidMask,
    InvalidOption,
    MaskSizeMismatch,
    NotAnImage,
    ResolutionOutOfRange,
)
from overpaint.imaging.encode import encode
from overpaint.imaging.provenance import Provenance, read_provenance
from overpaint.inspection import Inputs, Inspected, Inspection
from overpaint.values import Picture

CLEAR = np.full((300, 320, 4), 255, np.uint8)
CLEAR[100:200, 120:200, 3] = 0


@pytest.fixture(scope="module")
def looker() -> Iterator[Inspection]:
    looker = Inspection()
    looker.warm()
    yield looker
    looker.close()


def test_good_inputs_are_measured(looker: Inspection) -> None:
    sketch = png(255 - MASK)
    inputs = Inputs(base=BASE, mask=png(MASK), reference=BASE, sketch=sketch)
    assert looker.inspect(inputs) == Inspected(width=320, height=300)


def test_a_faint_mask_is_good_where_it_is_said_to_be_soft(looker: Inspection) -> None:
    inputs = Inputs(base=BASE, mask=png(MASK // 255 * 9), soft_mask=True)
    assert looker.inspect(inputs) == Inspected(width=320, height=300)


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"base": b"no picture"}, NotAnImage, "base"),
        ({"base": BASE[:-400]}, CorruptImage, "base"),
        ({"base": png(MASK[:200])}, ResolutionOutOfRange, "base"),
        ({"mask": png(MASK[:280])}, MaskSizeMismatch, "mask"),
        ({"mask": png(MASK * 0)}, EmptyMask, "mask"),
        ({"mask": png(MASK), "mask_color": ((1, 2, 3),)}, EmptyMask, "mask"),
        ({"grow": -90}, EmptyMask, "grow"),
        ({"grow": -90, "soft_mask": True}, EmptyMask, "grow"),
        ({"mask": png(MASK // 255 * 9)}, EmptyMask, "mask"),
        ({"reference": b"GIF89a"}, InvalidInput, "reference"),
        ({"sketch": png(MASK[:, :100])}, InvalidOption, "sketch"),
        ({"mask_by_alpha": True}, InvalidMask, "mask"),
        ({"mask_by_alpha": True, "mask": None}, InvalidMask, "image"),
        ({"mask_by_alpha": True, "mask": png(CLEAR | 255)}, EmptyMask, "mask"),
        ({"mask_by_alpha": True, "mask": png(CLEAR[:290])}, MaskSizeMismatch, "mask"),
    ],
)
def test_what_is_wrong_comes_back_as_the_error_that_repaint_raises(
    looker: Inspection, change: dict[str, Any], error: type[InvalidInput], field: str
) -> None:
    inputs: dict[str, Any] = {"base": BASE, "mask": png(MASK), **change}
    with pytest.raises(error) as raised:
        looker.inspect(Inputs(**inputs))
    assert raised.value.field == field
    assert str(raised.value).startswith(f"{field}: {raised.value.limit}")


@pytest.mark.parametrize("apart", [True, False])
def test_a_transparent_mask_is_written_as_a_white_one(looker: Inspection, apart: bool) -> None:
    clear = png(CLEAR)
    base, mask = (BASE, clear) if apart else (clear, None)
    written = looker.inspect(Inputs(base=base, mask=mask, mask_by_alpha=True)).mask
    assert written is not None
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(written))), MASK)


def test_a_process_that_is_killed_costs_nobody_an_answer(looker: Inspection) -> None:
    pool = looker._running()
    answers: list[Inspected] = []
    inputs = Inputs(base=BASE, mask=png(MASK))
    asking = [
        threading.Thread(target=lambda: answers.append(looker.inspect(inputs))) for _ in range(4)
    ]
    for thread in asking:
        thread.start()
    for pid in list(pool._processes):
        os.kill(pid, signal.SIGKILL)
    for thread in asking:
        thread.join()
    assert answers == [Inspected(width=320, height=300)] * 4
    assert looker.inspect(inputs) == Inspected(width=320, height=300)


def crash(inputs: Inputs) -> Inspected:
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(5)
    raise AssertionError


def hang(inputs: Inputs) -> Inspected:
    import faulthandler

    faulthandler.dump_traceback_later(0.2, exit=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    time.sleep(10)
    raise AssertionError


@pytest.mark.parametrize("ending", [crash, hang])
def test_a_picture_that_breaks_the_decoder_is_refused_and_the_next_one_is_not(
    looker: Inspection, monkeypatch: pytest.MonkeyPatch, ending: Any
) -> None:
    good = Inputs(base=BASE, mask=png(MASK))
    with monkeypatch.context() as patch:
        patch.setattr(inspection, "_inspect", ending)
        with pytest.raises(CorruptImage, match="one that breaks the decoder"):
            looker.inspect(good)
    assert looker.inspect(good) == Inspected(width=320, height=300)


def test_what_decoders_say_of_damaged_files_does_not_reach_the_log(
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = io.BytesIO()
    Image.fromarray(MASK).save(file, "TIFF", compression="tiff_lzw")
    damaged = bytearray(file.getvalue())
    damaged[8:200] = bytes(192)
    looker = Inspection()
    try:
        with pytest.raises(InvalidInput):
            looker.inspect(Inputs(base=BASE, mask=bytes(damaged)))
    finally:
        looker.close()
    assert capfd.readouterr().err == ""


def test_a_result_is_converted_however_large_or_small_it_is(looker: Inspection) -> None:
    for height, width in ((1, 3), (2000, 2000)):  # the latter has more than 10 MB
        pixels = np.random.default_rng(1).integers(0, 65536, (height, width, 3), dtype=np.uint16)
        made = Provenance(engine="erase", prompt="红", seed=1)
        data = encode(Picture(pixels=pixels), format="PNG", provenance=made)
        converted = looker.convert(data, "jpeg", 90)
        assert read_provenance(converted) == read_provenance(data)
        with Image.open(io.BytesIO(converted)) as image:
            assert (image.format, image.size) == ("JPEG", (width, height))
        said = read_provenance(data)
        same = encode(Picture(pixels=pixels), format="jpeg", provenance=said, quality=90)
        assert converted == same  # as if it had been asked for at first


def test_a_result_that_is_none_any_more_is_said_to_be_damaged(looker: Inspection) -> None:
    with pytest.raises(BlobDamaged, match="cannot be decoded"):
        looker.convert(b"\x89PNG\r\n\x1a\n and then nothing", "jpeg", 90)
