"""Workers on the machines of a Ray cluster. Only this package imports Ray, and not before `check`.

Source: https://docs.ray.io/en/latest/serve/index.html
"""

from __future__ import annotations

from importlib.util import find_spec

from overpaint.dispatch.slots import read_slots
from overpaint.errors import OperationFailed
from overpaint.settings import Settings


def check(settings: Settings) -> None:
    """See that workers can be kept on a Ray cluster as the settings say.

    Raises:
        OperationFailed: Ray is not installed.
        InvalidOption: the slots are not valid.
    """
    if find_spec("ray") is None:
        raise OperationFailed('OVERPAINT_DISPATCH=ray needs Ray: pip install "overpaint[cluster]"')
    read_slots(settings.slots, settings.models)
