"""The guided filter: a plane takes over the edges of a picture."""

from __future__ import annotations

import cv2
import numpy as np

from overpaint.imaging.oklab import Lab, Plane


def guided(plane: Plane, guide: Lab, radius: int, epsilon: float) -> Plane:
    """Filter H x W `plane` so that its edges follow H x W x 3 `guide`, both 0 to 1.

    He, Sun, Tang, "Guided image filtering", ECCV 2010, with the colour guide of section 3.5; the
    linear model is fitted at no more than 400 px (He, Sun, "Fast guided filter", 2015).
    """
    height, width = plane.shape
    scale = min(1.0, 400 / max(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    coarse_guide = cv2.resize(guide, small, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(plane, small, interpolation=cv2.INTER_AREA)
    reach = 2 * max(1, round(radius * scale)) + 1

    def mean(values: Lab) -> Lab:
        blurred = cv2.boxFilter(values, -1, (reach, reach), borderType=cv2.BORDER_REFLECT)
        return np.asarray(blurred, dtype=np.float32)

    guide_mean, coarse_mean = mean(coarse_guide), mean(coarse)
    joint = mean(coarse_guide * coarse[..., None]) - guide_mean * coarse_mean[..., None]
    spread = np.empty((*coarse.shape, 3, 3), dtype=np.float32)
    for row in range(3):
        products = mean(coarse_guide * coarse_guide[..., row : row + 1])
        spread[..., row, :] = products - guide_mean * guide_mean[..., row : row + 1]
    spread += epsilon * np.eye(3, dtype=np.float32)
    slope = np.linalg.solve(spread, joint[..., None])[..., 0]  # h x w x 3
    offset = coarse_mean - (slope * guide_mean).sum(axis=-1)
    model = np.dstack([mean(slope), mean(offset)])
    model = np.asarray(cv2.resize(model, (width, height)), dtype=np.float32)
    return np.asarray((model[..., :3] * guide).sum(axis=-1) + model[..., 3], dtype=np.float32)
