"""Workers on the machines of a Ray cluster. Only this package imports Ray, in processes of its own.

Source: https://docs.ray.io/en/latest/serve/index.html
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from overpaint.dispatch.slots import read_slots
from overpaint.errors import OperationFailed
from overpaint.settings import Settings

_ASK_S = 40.0


def check(settings: Settings) -> None:
    """See that workers can be kept on a Ray cluster as the settings say.

    Raises:
        OperationFailed: Ray is not installed.
        InvalidOption: the slots are not valid.
    """
    if find_spec("ray") is None:
        raise OperationFailed('OVERPAINT_DISPATCH=ray needs Ray: pip install "overpaint[cluster]"')
    read_slots(settings.slots, settings.models)


def ask(address: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """What a cluster has: its `address`, `nodes` that are alive, and `resources` as Ray tells them.

    Another process asks: Ray ends who asks it where it is away.

    Args:
        address: as Ray takes it.
        environ: of the process that asks.

    Raises:
        OperationFailed: it does not answer.
    """
    command = (sys.executable, "-m", "overpaint.dispatch.ray.asking", address)
    try:
        done = subprocess.run(
            command, env=dict(environ), capture_output=True, text=True, timeout=_ASK_S, check=False
        )
        line = done.stdout.strip().rpartition("\n")[2]
        return {"address": address, **json.loads(line)}
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        limit = f"Ray does not answer at {address}: see `ray status` and RAY_ADDRESS"
        raise OperationFailed(limit) from error
