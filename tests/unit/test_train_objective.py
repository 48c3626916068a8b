"""What a step asks of the network, against plain formulas."""

from __future__ import annotations

import numpy as np
from tests.heavy import require

torch = require("torch")

from tests.unit.train_source import Discs  # noqa: E402

from overpaint.composer.conditions import CONDITIONS  # noqa: E402
from overpaint.diffusion.resample import rise  # noqa: E402
from overpaint.diffusion.schedule import LEAVE, noisiest  # noqa: E402
from overpaint.train.config import Dropout, Loss  # noqa: E402
from overpaint.train.objective import (  # noqa: E402
    draw_present,
    draw_starts,
    draw_times,
    inputs_of,
    loss_of,
    masked_error,
)


def test_each_condition_is_dropped_as_often_as_said_and_on_its_own() -> None:
    dropout = Dropout(without_exemplar=1.0)
    present = draw_present(20_000, dropout, np.random.default_rng(1))
    said = 1 - np.array([getattr(dropout, name) for name in CONDITIONS])
    np.testing.assert_allclose(present.mean(axis=0), said, atol=0.015)
    correlation = np.corrcoef(present.T) - np.eye(len(CONDITIONS))
    assert np.abs(correlation).max() < 0.03


def test_without_an_exemplar_more_is_kept() -> None:
    present = draw_present(20_000, Dropout(without_exemplar=0.5), np.random.default_rng(1))
    exemplar, sketch = CONDITIONS.index("exemplar"), CONDITIONS.index("sketch")
    there = present[:, exemplar] > 0
    assert abs(present[there, sketch].mean() - 0.4) < 0.02
    assert abs(present[~there, sketch].mean() - 0.7) < 0.02


def test_noise_is_drawn_over_what_the_level_serves() -> None:
    for level in range(4):
        times = draw_times(5_000, level, 0.05, np.random.default_rng(level))
        assert times.min() < 0.2
        assert times.max() == np.float32(min(1.0, noisiest(level) + 0.05))


def test_a_dropped_condition_is_not_seen() -> None:
    batch = Discs().batch(1, 64, 0, held_out=False)
    times, noise = torch.tensor([0.4]), torch.zeros(1, 3, 64, 64)
    nothing = inputs_of(batch, torch.zeros(1, 7), times, 0, noise)
    assert not nothing.planes[:, 3:6].any()  # context
    assert not nothing.planes[:, 7:].any()  # exemplar, silhouette, sketch, intensity
    assert not nothing.words.any()
    assert not nothing.palette.any()
    assert not (nothing.planes[:, :3] * (1 - batch.mask)).any()  # nor round about
    everything = inputs_of(batch, torch.ones(1, 7), times, 0, noise)
    outside = batch.picture * (1 - batch.mask)
    torch.testing.assert_close(everything.planes[:, 3:6], outside)
    torch.testing.assert_close(everything.planes[:, :3] * (1 - batch.mask), outside)
    torch.testing.assert_close(everything.planes[:, 7:10], batch.exemplar)


def test_the_state_at_the_top_of_a_level_is_what_the_sampler_rises_to() -> None:
    batch = Discs().batch(1, 128, 3, held_out=False)
    t = LEAVE[0]
    coarse = torch.nn.functional.avg_pool2d(batch.picture, 2).numpy()
    below = ((1 - t) * coarse).astype(np.float32)  # without noise, which is added alike
    noise = np.zeros((1, 3, 128, 128), np.float32)
    risen, upper = rise(below, t, batch.exemplar.numpy(), noise)
    inputs = inputs_of(batch, torch.ones(1, 7), torch.tensor([upper]), 1, torch.from_numpy(noise))
    inside = batch.mask.expand(1, 3, 128, 128).numpy() > 0
    np.testing.assert_allclose(inputs.planes[:, :3].numpy()[inside], risen[inside], atol=1e-5)


def test_where_painting_keeps_much_it_begins_from_the_exemplar() -> None:
    times = np.full(4_000, 0.3, np.float32)
    present = np.ones((4_000, 7), np.float32)
    starts = draw_starts(times, present, np.random.default_rng(0))
    assert 0.45 < (starts < 1).mean() < 0.55
    assert starts.min() >= np.float32(0.3)
    present[:, CONDITIONS.index("intensity")] = 0
    assert (draw_starts(times, present, np.random.default_rng(0)) == 1).all()
    batch = Discs().batch(1, 64, 0, held_out=False)
    begun = torch.tensor([0.3])
    inputs = inputs_of(batch, torch.ones(1, 7), begun, 0, torch.zeros(1, 3, 64, 64), begun)
    wanted = 0.7 * batch.exemplar * batch.mask
    torch.testing.assert_close(inputs.planes[:, :3] * batch.mask, wanted)


def test_the_loss_looks_inside_the_mask_alone_and_is_0_for_the_truth() -> None:
    batch = Discs().batch(2, 64, 0, held_out=False)
    times = torch.tensor([0.5, 0.9])
    outside = batch.picture + 5 * (1 - batch.mask)
    assert float(loss_of(outside, batch, times, Loss()).abs().max()) < 1e-6
    error, psnr = masked_error(outside, batch)
    assert float(error.max()) == 0
    assert float(psnr.min()) > 80


def test_the_loss_is_the_mean_error_over_the_noise_as_far_as_bounded() -> None:
    batch = Discs().batch(3, 64, 0, held_out=False)
    only = Loss(charbonnier=1e-6, gradient=0, coarse=0, boundary=0, low_noise=0.25)
    guess = batch.picture + 0.1
    loss = loss_of(guess, batch, torch.tensor([0.01, 0.25, 1.0]), only)
    torch.testing.assert_close(loss, torch.tensor([0.4, 0.4, 0.1]), atol=1e-4, rtol=0)


def test_an_error_at_the_border_costs_more_than_one_within() -> None:
    batch = Discs().batch(1, 64, 0, held_out=False)
    settings, times = Loss(gradient=0, coarse=0, boundary=0.5), torch.ones(1)
    rows, columns = torch.where(batch.mask[0, 0] > 0)
    border, middle = torch.zeros_like(batch.picture), torch.zeros_like(batch.picture)
    border[..., rows[0], columns[0]] = 1
    middle[..., 32, 32] = 1
    at_border = loss_of(batch.picture + border, batch, times, settings)
    within = loss_of(batch.picture + middle, batch, times, settings)
    assert float(at_border) > 1.2 * float(within)


def test_a_stain_costs_more_than_grain_of_the_same_strength() -> None:
    batch = Discs().batch(1, 64, 0, held_out=False)
    settings, times = Loss(gradient=0, boundary=0), torch.ones(1)
    grain = 0.1 * (2.0 * (torch.arange(64 * 64).reshape(1, 1, 64, 64) % 2) - 1)
    stained = float(loss_of(batch.picture + 0.1, batch, times, settings))
    grainy = float(loss_of(batch.picture + grain, batch, times, settings))
    assert stained > 1.4 * grainy
