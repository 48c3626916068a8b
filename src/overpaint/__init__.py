"""Repaint the masked part of a picture as a prompt says; leave every other pixel as it was."""

from overpaint import errors
from overpaint._version import __version__
from overpaint.engines.protocol import Engine
from overpaint.repaint import RepaintResult, repaint
from overpaint.values import (
    STYLES,
    EngineInfo,
    PaintedRegion,
    PaintJob,
    Picture,
    Step,
    Style,
)

__all__ = [
    "STYLES",
    "Engine",
    "EngineInfo",
    "PaintJob",
    "PaintedRegion",
    "Picture",
    "RepaintResult",
    "Step",
    "Style",
    "__version__",
    "errors",
    "repaint",
]
