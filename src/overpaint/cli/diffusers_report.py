"""What `overpaint doctor` says of the extra that large checkpoints need."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from overpaint.engines.diffusers.hub import INSTALL
from overpaint.errors import OverpaintError

#: The packages of the extra that are told about, torch first.
PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "peft")
_PATIENCE_S = 120

# In a process of its own: a package that is broken breaks nothing here, and doctor stays small.
_LOOK = """
import json
found = {"devices": [], "fault": ""}
try:
    import torch
    for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(i)
        found["devices"].append(
            {"device": f"cuda:{i}", "name": torch.cuda.get_device_name(i),
             "memory_gb": round(total / 1e9, 1), "free_gb": round(free / 1e9, 1)})
    if torch.backends.mps.is_available():
        found["devices"].append({"device": "mps", "name": "Apple GPU"})
except Exception as error:
    found["fault"] = f"torch cannot be imported: {error}"
else:
    try:
        import torchvision
    except ImportError:
        pass
    except Exception as error:
        found["fault"] = (
            f"torchvision is not made for this torch ({error}), so that diffusers cannot be "
            "imported: pip uninstall torchvision, or install the one that goes with torch")
print(json.dumps(found))
"""


def describe() -> dict[str, Any]:
    """Versions, devices with their memory, and `fault`, "" where nothing is wrong.

    torch is imported by another process, and only where it is installed.
    """
    versions = {name: _version(name) for name in PACKAGES}
    installed = all(versions.values())
    report: dict[str, Any] = {"installed": installed, "packages": versions, "devices": []}
    report["fault"] = _fault_of_setting()
    if versions["torch"] is None:
        return report
    try:
        ran = subprocess.run(
            [sys.executable, "-c", _LOOK],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=True,
        )
        found = json.loads(ran.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, OSError, ValueError, IndexError) as error:
        found = {"devices": [], "fault": f"torch cannot be looked at: {type(error).__name__}"}
    return {**report, **found, "fault": found["fault"] or report["fault"]}


def line(report: dict[str, Any]) -> str:
    """The same in one line for a person."""
    packages = ", ".join(f"{name} {v}" for name, v in report["packages"].items() if v)
    if not report["installed"]:
        lacking = ", ".join(name for name, v in report["packages"].items() if not v)
        return f"no {lacking}; for large checkpoints: {INSTALL}"
    devices = "; ".join(
        f"{one['device']} {one['name']}"
        + (f", {one['free_gb']} of {one['memory_gb']} GB free" if "memory_gb" in one else "")
        for one in report["devices"]
    )
    return f"{packages}; {devices or 'no GPU, so it runs on the CPU'}"


def _fault_of_setting() -> str:
    from overpaint.engines.diffusers.options import defaults

    try:
        defaults()
    except OverpaintError as error:
        return f"OVERPAINT_DIFFUSERS: {error}"
    return ""


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
