"""Looks at strangers' pictures in a process of its own, before a task is made of them.

A file that makes a decoder crash or hang takes down that process and not the service: it is
started anew, and the file is refused as damaged. Results are converted in such a process too, so
that the one that answers goes on answering.
"""

from __future__ import annotations

import faulthandler
import io
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import numpy as np
from PIL import Image

from overpaint.errors import (
    BlobDamaged,
    CorruptImage,
    EmptyMask,
    InvalidImage,
    InvalidMask,
    MaskSizeMismatch,
)
from overpaint.imaging.area import check_left, read_area
from overpaint.imaging.decode import decode_picture, decode_reference, decode_result
from overpaint.imaging.encode import encode
from overpaint.imaging.linework import decode_sketch
from overpaint.imaging.mask import grow_mask
from overpaint.imaging.provenance import read_provenance
from overpaint.imaging.region import mask_box

#: How long the pictures of one request may be looked at, s; whole seconds of a hung decoder.
LONGEST_S = 60

Given = ParamSpec("Given")
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The pictures of one request, as files, and what says how the mask is to be read."""

    base: bytes
    mask: bytes | None  # None: the base's own alpha marks, where it is transparent
    reference: bytes | None = None
    sketch: bytes | None = None
    mask_color: Sequence[tuple[int, int, int]] = ()
    invert_mask: bool = False
    grow: int = 0
    soft_mask: bool = False
    mask_by_alpha: bool = False  # OpenAI's dialect: transparent repaints


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What was found; a mask only where it had to be written anew, white = repaint."""

    width: int  # upright, px
    height: int
    mask: bytes | None = None


class Inspection:
    """A pool of processes that decode. Every method may be called from any thread."""

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._alone = threading.Lock()  # held by whoever tries a suspect a second time

    def inspect(self, inputs: Inputs) -> Inspected:
        """Decode everything once, and raise for the first thing that is wrong.

        Raises:
            InvalidInput: as `repaint` would, of the same fields.
        """
        try:
            return self._do(_inspect, inputs)
        except BrokenProcessPool as error:
            limit = "must be pictures that can be decoded"
            raise CorruptImage("base, mask", limit, "one that breaks the decoder") from error

    def convert(self, data: bytes, format: str, quality: int) -> bytes:
        """A result in another format, with the provenance that it carries.

        Args:
            data: a file that `encode` wrote.
            format: as `encode` takes it.
            quality: of lossy formats, 1 to 100.

        Raises:
            BlobDamaged: the file is not what it was.
        """
        try:
            return self._do(_convert, data, format, quality)
        except (BrokenProcessPool, InvalidImage) as error:
            raise BlobDamaged("a result cannot be decoded any more") from error

    def warm(self) -> None:
        """Start the processes, so that the first request does not wait for them."""
        pool = self._running()
        try:
            for started in [pool.submit(os.getpid) for _ in range(self._processes)]:
                started.result()
        except (BrokenProcessPool, CancelledError, RuntimeError):  # ended or closed meanwhile
            return

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(self._processes, *_SPAWNED)
            return self._pool

    def _discard(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = None
        broken.shutdown(wait=False, cancel_futures=True)

    def _do(self, work: Callable[Given, Found], *given: Given.args, **named: Given.kwargs) -> Found:
        """Do it in a process; what breaks that is tried once more, alone.

        Raises `BrokenProcessPool` where it breaks that one too.
        """
        pool = self._running()
        try:
            return self._submit(pool, work, *given, **named).result()
        except BrokenProcessPool:  # by this request or by one beside it
            self._discard(pool)
        with self._alone, ProcessPoolExecutor(1, *_SPAWNED) as single:
            return self._submit(single, work, *given, **named).result()

    @staticmethod
    def _submit(
        pool: ProcessPoolExecutor,
        work: Callable[Given, Found],
        *given: Given.args,
        **named: Given.kwargs,
    ) -> Future[Found]:
        try:
            return pool.submit(work, *given, **named)
        except RuntimeError as error:  # it was shut down between
            raise BrokenProcessPool from error


_stderr = 2  # where a hung decoder's traceback goes


def _begin() -> None:
    """End with the parent, however it ends; leave its Ctrl-C to it; and be quiet.

    Decoders write to file descriptor 2 what they think of damaged files: strangers could fill the
    service's log with it.
    """
    global _stderr
    _stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def watch() -> None:
            multiprocessing.connection.wait([sentinel])
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()


_SPAWNED = (multiprocessing.get_context("spawn"), _begin)


@contextmanager
def _in_time() -> Iterator[None]:
    """End the process where it takes too long."""
    faulthandler.dump_traceback_later(LONGEST_S, exit=True, file=_stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _inspect(inputs: Inputs) -> Inspected:
    with _in_time():
        return _look(inputs)


def _convert(data: bytes, format: str, quality: int) -> bytes:
    with _in_time():
        picture, provenance = decode_result(data), read_provenance(data)
        return encode(picture, format=format, provenance=provenance, quality=quality)


def _look(inputs: Inputs) -> Inspected:
    picture = decode_picture(inputs.base)
    size = (picture.height, picture.width)
    written = None
    if inputs.mask_by_alpha:
        by = picture if inputs.mask is None else decode_picture(inputs.mask, field="mask")
        field = "image" if inputs.mask is None else "mask"
        if not by.has_alpha:
            limit = "must have transparency: its transparent part is repainted"
            raise InvalidMask(field, limit, "a picture without alpha")
        if (by.height, by.width) != size:
            limit = f"must have the resolution of the picture, {size[1]} x {size[0]} px"
            raise MaskSizeMismatch("mask", limit, f"{by.width} x {by.height} px")
        clear = by.pixels[..., 3] < (np.iinfo(by.pixels.dtype).max + 1) // 2  # h x w, bool
        if not clear.any():
            raise EmptyMask(field, "must have a transparent part, which is repainted", "none")
        area = clear != inputs.invert_mask
        file = io.BytesIO()
        Image.fromarray(clear.astype(np.uint8) * np.uint8(255)).save(file, "PNG")
        written = file.getvalue()
    else:
        area, _ = read_area(
            inputs.mask or b"",
            size=size,
            colors=inputs.mask_color,
            invert=inputs.invert_mask,
            soft=inputs.soft_mask,
        )
    # Also of a soft mask, whose levels nobody asks for here: they take ten times as long to grow.
    area = grow_mask(area, inputs.grow)
    check_left(area, inputs.grow)
    if inputs.reference is not None:
        decode_reference(inputs.reference)
    if inputs.sketch is not None:
        decode_sketch(inputs.sketch, size=size, box=mask_box(area))
    return Inspected(width=picture.width, height=picture.height, mask=written)
