from __future__ import annotations

import numpy as np
import pytest

from overpaint.imaging.oklab import to_oklab
from overpaint.imaging.relight import carry_shading

MASK = np.ones((100, 100), bool)


def folded() -> np.ndarray:
    light = 150 + 60 * np.sin(np.arange(100) / 5)
    return np.repeat(np.rint(light)[None, :, None], 100, axis=0).repeat(3, axis=2).astype(np.uint8)


def flat_red() -> np.ndarray:
    layer = np.zeros((100, 100, 4), np.float32)
    layer[..., 0], layer[..., 3] = 0.8, 1
    return layer


def lightness(layer: np.ndarray) -> np.ndarray:
    return to_oklab(np.rint(layer[..., :3] * 255).astype(np.uint8))[..., 0]


def test_folds_are_carried_over_as_strong_as_asked() -> None:
    before = to_oklab(folded())[..., 0]
    contrast = []
    for share in (0.0, 0.5, 1.0):
        shaded = lightness(carry_shading(flat_red(), folded(), MASK, share=share))
        contrast.append(float(shaded.std()))
        if share:
            assert np.corrcoef(shaded.ravel(), before.ravel())[0, 1] > 0.95
    assert contrast[0] < 1e-5
    assert contrast[2] == pytest.approx(2 * contrast[1], rel=0.2)


def test_opacity_stays_and_what_is_outside_does_not_count() -> None:
    mask = MASK.copy()
    mask[:, 50:] = False
    layer = flat_red() * np.float32(0.5)
    bright = folded()
    bright[:, 50:] = 255
    shaded = carry_shading(layer, folded(), mask, share=1)
    assert np.array_equal(shaded[..., 3], layer[..., 3])
    other = carry_shading(layer, bright, mask, share=1)
    assert np.array_equal(shaded[:, :50], other[:, :50])


def test_nothing_masked_changes_nothing() -> None:
    assert np.array_equal(carry_shading(flat_red(), folded(), ~MASK, share=1), flat_red())
