"""Makes the small pictures that those who wait for a task are shown."""

from __future__ import annotations

import cv2
import numpy as np

from overpaint.tasks.task import Preview
from overpaint.values import Step

LONGEST = 256  # px; the longer side
QUALITY = 70  # of JPEG, 1 to 100


def draw_preview(step: Step, *, serial: int) -> Preview | None:
    """The preview of a step, small, as JPEG; None where an engine gave none that can be drawn."""
    pixels, box = step.preview, step.box
    if pixels is None or box is None or not _is_rgb8(pixels):
        return None
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    bgr = cv2.cvtColor(np.ascontiguousarray(small, np.uint8), cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return Preview(jpeg=encoded.tobytes(), box=box, serial=serial) if done else None


def _is_rgb8(pixels: object) -> bool:
    """Engines of other packages need not be typed."""
    return (
        isinstance(pixels, np.ndarray)
        and pixels.dtype == np.uint8
        and pixels.ndim == 3
        and pixels.shape[2] == 3
        and pixels.size > 0
    )
