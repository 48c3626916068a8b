from __future__ import annotations

import pytest
from tests.heavy import require

torch = require("torch")

from overpaint.engines.diffusers.gauges import gpu_figures  # noqa: E402


def fail(*_: object) -> None:
    raise ModuleNotFoundError("No module named 'pynvml'")


def test_only_a_gpu_has_figures() -> None:
    assert gpu_figures("cpu") == {}


@pytest.mark.parametrize("counted", [True, False])
def test_a_gpu_tells_its_memory_and_where_the_driver_s_package_is_there_its_use(
    monkeypatch: pytest.MonkeyPatch, counted: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (30, 100))
    monkeypatch.setattr(torch.cuda, "utilization", (lambda device: 25) if counted else fail)
    memory = {"gpu_memory_used_bytes": 70, "gpu_memory_bytes": 100}
    assert gpu_figures("cuda:0") == memory | ({"gpu_use": 0.25} if counted else {})


def test_a_driver_that_has_gone_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(device: str) -> None:
        raise RuntimeError("CUDA error")

    monkeypatch.setattr(torch.cuda, "mem_get_info", gone)
    monkeypatch.setattr(torch.cuda, "utilization", gone)
    assert gpu_figures("cuda:0") == {}
