"""Pictures put into a bucket and got from it, beside a folder of this machine.

    python bench/blobs.py [--sizes 512 4095] [--calls 24] [--threads 1 4]

The bucket's server is rclone, on this machine, which keeps objects in a folder: wall time is mostly
its own. With `--bucket s3://BUCKET/PREFIX` it is another, reached by the usual variables. A
folder's put waits for the disk. Memory is the peak of the resident set above what was held before,
in pictures.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench._timing import Times, timed
from bench.stages import make_files, peak_above_start
from tests.bucket import BUCKET, ENVIRONMENT, serve_rclone

from overpaint.settings import Settings
from overpaint.storage.blobs import Blobs
from overpaint.storage.opening import BlobsAt, open_blobs


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one kind of store took."""

    put: Times
    get: Times
    memory: tuple[float, float]  # of a put and of a get, in pictures


@contextmanager
def bucket_at(chosen: str) -> Iterator[BlobsAt]:
    """A place of a bucket that is nobody else's: in the one that is chosen, or of the tests."""
    name = f"bench/{uuid.uuid4()}"
    if chosen:
        yield Settings(data_dir=Path(), blobs=f"{chosen.rstrip('/')}/{name}").blobs_at
        return
    with tempfile.TemporaryDirectory() as folder, serve_rclone(Path(folder)) as url:
        os.environ.update(ENVIRONMENT)
        yield BlobsAt(where=f"s3://{BUCKET}/{name}", endpoint=url)


def measure(blobs: Blobs, data: bytes, calls: int, threads: int) -> Found:
    """Put and get a picture so often, from so many threads; nothing is left."""
    numbers = itertools.count()
    blobs.put("tasks/0/warm", b"warm")
    try:
        before, peak = peak_above_start()  # first, while no heap is there to be used again
        ref = blobs.put("tasks/0/warm", data)
        memory_put = max(0, peak() - before) / len(data)
        before, peak = peak_above_start()
        blobs.get(ref)
        memory_get = max(0, peak() - before) / len(data)
        put = timed(
            calls,
            threads,
            nullcontext,
            lambda _: blobs.put(f"tasks/0/{next(numbers)}", data),
            time.process_time,
        )
        get = timed(calls, threads, nullcontext, lambda _: blobs.get(ref), time.process_time)
        return Found(put=put, get=get, memory=(memory_put, memory_get))
    finally:
        blobs.delete("tasks/0")


def row(side: int, data: bytes, threads: int, folder: Found, bucket: Found) -> str:
    """One line of the table; ratios are bucket to folder."""
    cells = [f"{side} px, {len(data) / 1e6:.1f} MB", str(threads)]
    for name in ("put", "get"):
        ours: Times = getattr(bucket, name)
        theirs: Times = getattr(folder, name)
        cells.append(f"{theirs.p50_ms:.1f} -> {ours.p50_ms:.1f} ms")
        cells.append(f"{ours.per_s / theirs.per_s:.2f}")
        cells.append(f"{theirs.spent_ms:.1f} -> {ours.spent_ms:.1f} ms")
    cells.append(" / ".join(f"{one:.1f}" for one in bucket.memory))
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 4095])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--calls", type=int, default=24)
    parser.add_argument("--bucket", default="", help="s3://BUCKET/PREFIX instead of rclone's")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load:.1f}")
    print("\n| picture | threads | put, median | calls a second, ratio | processor time |", end="")
    print(" get, median | calls a second, ratio | processor time | memory, put / get |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place, bucket_at(given.bucket) as at:
        folder, bucket = open_blobs(BlobsAt(where=f"{place}/blobs")), open_blobs(at)
        for side in given.sizes:
            data = make_files(Path(place), side, "PNG")[0].read_bytes()
            for threads in given.threads:
                of_folder = measure(folder, data, given.calls, threads)
                of_bucket = measure(bucket, data, given.calls, threads)
                print(row(side, data, threads, of_folder, of_bucket), flush=True)


if __name__ == "__main__":
    main()
