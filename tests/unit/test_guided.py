from __future__ import annotations

import numpy as np

from overpaint.imaging.guided import guided


def test_the_guided_filter_agrees_with_its_definition() -> None:
    """Against a plain per-pixel reading of the paper's equations."""
    rng = np.random.default_rng(2)
    guide = rng.random((14, 12, 3), dtype=np.float32)
    plane = rng.random((14, 12), dtype=np.float32)
    radius, epsilon = 2, 1e-2
    slopes, offsets = np.zeros((14, 12, 3)), np.zeros((14, 12))
    wide = [np.pad(a, [(2, 2), (2, 2), (0, 0)][: a.ndim], mode="symmetric") for a in (guide, plane)]
    for row in range(14):
        for column in range(12):
            window = (slice(row, row + 5), slice(column, column + 5))
            colors, values = wide[0][window].reshape(-1, 3), wide[1][window].ravel()
            spread = np.cov(colors.T, bias=True) + epsilon * np.eye(3)
            joint = (colors * values[:, None]).mean(axis=0) - colors.mean(axis=0) * values.mean()
            slopes[row, column] = np.linalg.solve(spread, joint)
            offsets[row, column] = values.mean() - slopes[row, column] @ colors.mean(axis=0)
    expected = np.zeros((14, 12))
    slopes = np.pad(slopes, [(2, 2), (2, 2), (0, 0)], mode="symmetric")
    offsets = np.pad(offsets, 2, mode="symmetric")
    for row in range(14):
        for column in range(12):
            window = (slice(row, row + 5), slice(column, column + 5))
            slope = slopes[window].reshape(-1, 3).mean(axis=0)
            expected[row, column] = slope @ guide[row, column] + offsets[window].mean()
    np.testing.assert_allclose(guided(plane, guide, radius, epsilon), expected, atol=2e-3)
