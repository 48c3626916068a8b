"""Checkpoints through the service: each has a process and a queue of its own, tasks are painted
together, and what comes back is what the library gives.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from tests.acceptance.test_serve import Serve, alive, client, overpaint, secret_of, until
from tests.unit.http_fixture import serving

from overpaint import repaint
from overpaint.dispatch.engine import EngineWorker
from overpaint.policy import Permissive
from overpaint.service import Service
from overpaint.settings import Settings
from overpaint.tasks.task import PLANS

#: One of each way to embed, to guide and to batch.
FAMILIES = ("sd9", "sdxl4", "sd3", "fluxfill", "qwen", "zimage", "kandinsky")

Tiny: TypeAlias = Callable[[str], Path]
Pixels: TypeAlias = npt.NDArray[np.uint8]

HEIGHT, WIDTH = 280, 320
MASK = np.zeros((HEIGHT, WIDTH), np.uint8)
MASK[100:160, 120:200] = 255


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With base.png and mask.png."""
    rng = np.random.default_rng(3)
    smooth = Image.fromarray(rng.integers(0, 256, (7, 8, 3), dtype=np.uint8))
    smooth.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(tmp_path / "base.png")
    Image.fromarray(MASK).save(tmp_path / "mask.png")
    return tmp_path


def engine(tiny: Tiny, family: str, *, batch: int = 1) -> str:
    return f"diffusers:{tiny(family)}?steps=2&side=64&batch={batch}"


def read(file: Path) -> Pixels:
    with Image.open(file) as image:
        return np.asarray(image)


def painted(folder: Path, name: str, seed: int) -> Pixels:
    """What the library gives."""
    result = repaint(folder / "base.png", folder / "mask.png", "a red cat", engine=name, seed=seed)
    return np.asarray(result.pictures[0].pixels, np.uint8)


def check(folder: Path, file: str, name: str, seed: int, *, levels: int = 0) -> None:
    """Every pixel outside the mask is the base's; inside it is what the library gives.

    To so many levels of 255, where the service may have painted it together with others.
    """
    got, base = read(folder / file), read(folder / "base.png")
    assert np.array_equal(got[MASK == 0], base[MASK == 0])
    assert (got != base).any()
    assert np.abs(got.astype(int) - painted(folder, name, seed)).max() <= levels


@contextmanager
def service(data: Path, models: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A server behind a socket, and the workers of its engines in threads of this process.

    That spares each engine an import of torch; the next test has the processes too. Yields the
    environment of the commands that talk to it.
    """
    opened = Service(Settings(data_dir=data, models=models), migrate=True)
    workers = [
        EngineWorker(
            opened.settings, opened.tasks, Permissive(), instance=f"engine-{number}", engine=name
        )
        for number, name in enumerate(opened.pools.engines)
    ]
    threads = [threading.Thread(target=worker.serve) for worker in workers]
    with ExitStack() as stack:
        stack.callback(opened.close)
        url = stack.enter_context(serving(opened))
        for thread in threads:
            thread.start()
            stack.callback(thread.join)
        for worker in workers:
            stack.callback(worker.stop, 10.0)
        _, secret = opened.keys.create("test", PLANS["unlimited"])
        until(lambda: set(opened.pools.states().values()) == {"ready"}, "all engines are loaded")
        yield {"OVERPAINT_BASE_URL": f"{url}/api/v1", "OVERPAINT_API_KEY": secret}


def test_every_family_paints_for_the_service_what_it_paints_for_the_library(
    tiny: Tiny, folder: Path
) -> None:
    models = {family: engine(tiny, family) for family in FAMILIES}
    order = ("submit", "base.png", "mask.png", "a red cat", "--seed", "7")
    with service(folder / "data", models) as told:
        ids: dict[str, str] = {}
        for family in FAMILIES:
            done = overpaint(folder, *order, "--model", family, **told)
            assert done.returncode == 0, done.stderr
            ids[family] = done.stdout.strip()
        for family, task in ids.items():
            done = overpaint(folder, "wait", task, "-o", f"{family}.png", **told)
            assert done.returncode == 0, (family, done.stderr)
    for family in FAMILIES:
        check(folder, f"{family}.png", models[family], 7)


def test_a_server_paints_with_a_checkpoint_in_a_process_of_its_own(
    tiny: Tiny, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = engine(tiny, "sd9", batch=2)
    monkeypatch.setenv("OVERPAINT_MODELS", f"photo={photo},erase=erase")
    monkeypatch.setenv("OVERPAINT_DIFFUSERS", "device=cpu")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    order = ("submit", "base.png", "mask.png")
    with Serve(folder, "--port", "0", "--workers", "1") as serve:
        told = client(serve.ready(), secret_of(serve.said()))
        tasks: dict[int, str] = {}
        for seed in (7, 8, 9):
            more = ("--model", "photo", "--seed", str(seed))
            done = overpaint(folder, *order, "a red cat", *more, **told)
            assert done.returncode == 0, done.stderr
            tasks[seed] = done.stdout.strip()
        # Only who asks for a checkpoint waits while it is loaded.
        done = overpaint(folder, *order, "去掉它", "--model", "erase", "-o", "erased.png", **told)
        assert done.returncode == 0, done.stderr
        for seed, task in tasks.items():
            done = overpaint(folder, "wait", task, "-o", f"{seed}.png", **told)
            assert done.returncode == 0, done.stderr
        key = {"Authorization": f"Bearer {told['OVERPAINT_API_KEY']}"}
        listed = httpx.get(f"{serve.url}/api/v1/models", headers=key, trust_env=False).text
        assert "diffusers:sd9" in listed
        assert str(tiny("sd9")) not in listed  # where it lies is nobody's business
        (pid,) = serve.pids("engine")
        assert serve.stop() == 0
        assert not alive(pid)
        (ready,) = [line for line in serve.log() if line["event"] == "ready" and "hands" in line]
        assert (ready["engine"], ready["hands"]) == ("diffusers:sd9", 4)
    for seed in tasks:
        check(folder, f"{seed}.png", photo, seed, levels=1)
