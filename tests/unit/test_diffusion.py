"""Schedule, resampling and sampler against closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from overpaint.diffusion.noise import gaussian
from overpaint.diffusion.resample import State, detail, double, halve, rise
from overpaint.diffusion.sampler import guide, sample
from overpaint.diffusion.schedule import (
    LEAVE,
    SIDES,
    STEPS,
    lowered,
    noisiest,
    plan,
    raised,
    sigma,
)


def _normal(seed: int, *shape: int) -> State:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


@pytest.mark.parametrize("t", [0.05, 0.3, 0.5, 0.9])
def test_the_noise_to_signal_ratio_doubles_going_up_and_halves_going_down(t: float) -> None:
    assert sigma(raised(t)) == pytest.approx(2 * sigma(t))
    assert sigma(lowered(t)) == pytest.approx(sigma(t) / 2)
    assert lowered(raised(t)) == pytest.approx(t)


def test_each_level_is_left_below_where_it_was_entered() -> None:
    for level, leave in enumerate(LEAVE):
        assert leave < noisiest(level)
        assert noisiest(level + 1) == raised(leave)


@pytest.mark.parametrize("top", range(len(SIDES)))
def test_a_plan_falls_from_noise_to_the_picture_without_gaps(top: int) -> None:
    stages = plan(top)
    assert [stage.level for stage in stages] == list(range(top + 1))
    assert [len(stage.times) - 1 for stage in stages] == list(STEPS[: top + 1])
    assert stages[0].times[0] == 1
    assert stages[-1].times[-1] == 0
    for below, above in itertools.pairwise(stages):
        assert above.times[0] == pytest.approx(raised(below.times[-1]))
    for stage in stages:
        assert list(stage.times) == sorted(stage.times, reverse=True)


def test_a_plan_that_starts_late_passes_over_levels_already_done() -> None:
    stages = plan(2, start=0.3)
    assert stages[0].level == 1
    assert stages[0].times[0] == pytest.approx(raised(0.3))


def test_a_plan_begins_where_the_noise_asked_for_is_due() -> None:
    assert plan(2, start=0.8)[0].times[0] == pytest.approx(0.8)
    with pytest.raises(ValueError, match="start must be over 0 and at most 1, got 0"):
        plan(2, start=0)
    with pytest.raises(ValueError, match="needs a level of 0 to 3"):
        plan(4)


def test_doubling_is_undone_by_halving_and_detail_is_what_halving_loses() -> None:
    x = _normal(1, 2, 3, 8, 8)
    np.testing.assert_allclose(halve(double(x)), x)
    np.testing.assert_allclose(double(halve(x)) + detail(x), x, atol=1e-6)
    np.testing.assert_allclose(halve(detail(x)), 0, atol=1e-6)


@pytest.mark.parametrize("t", [0.2, 0.5, 1.0])
def test_rising_gives_white_noise_of_the_level_above_exactly(t: float) -> None:
    """The map from noise below and fresh noise to noise above, A, has A A^T = t'^2 1."""
    size = 4  # of a side above; below it is 2
    columns = []
    for i in range(size * size // 4):
        below = np.zeros((1, 1, 2, 2), np.float32)
        below.flat[i] = t
        zero = np.zeros((1, 1, size, size), np.float32)
        columns.append(rise(below, t, zero, zero)[0].ravel())
    for i in range(size * size):
        fresh = np.zeros((1, 1, size, size), np.float32)
        fresh.flat[i] = 1
        none = np.zeros((1, 1, 2, 2), np.float32)
        columns.append(rise(none, t, np.zeros_like(fresh), fresh)[0].ravel())
    a = np.stack(columns, axis=1)
    np.testing.assert_allclose(a @ a.T, raised(t) ** 2 * np.eye(size * size), atol=1e-6)


@pytest.mark.parametrize("t", [0.0, 0.4, 0.8])
def test_rising_keeps_the_picture_at_its_due_strength(t: float) -> None:
    picture = _normal(2, 1, 3, 8, 8)
    state, upper = rise(np.float32(1 - t) * halve(picture), t, picture, np.zeros_like(picture))
    assert upper == pytest.approx(raised(t))
    np.testing.assert_allclose(state, (1 - upper) * picture, atol=1e-6)


def test_noise_depends_on_its_seed_and_level_alone() -> None:
    both = gaussian([7, 8], 1, (3, 16, 16))
    np.testing.assert_array_equal(both[1:], gaussian([8], 1, (3, 16, 16)))
    assert not np.array_equal(both[0], both[1])
    assert not np.array_equal(both[:1], gaussian([7], 2, (3, 16, 16)))
    assert abs(float(gaussian([0], 0, (3, 64, 64)).std()) - 1) < 0.02


def test_noise_is_the_same_on_every_machine() -> None:
    expected = [0.29250956, 1.9130098, -0.7764484]
    np.testing.assert_allclose(gaussian([2**63 - 1], 3, (1, 1, 3)).ravel(), expected, rtol=1e-6)


def test_sampling_through_the_levels_gives_the_law_of_the_data() -> None:
    """Pictures of one value a block of 4 x 4, N(mean, spread^2): the best denoiser is known."""
    mean, spread, side = 0.3, 0.5, 32

    def denoiser(x: State, t: float, level: int) -> State:
        block = 2**level  # a value of level 0 covers this many pixels a side
        means = x
        for _ in range(level):
            means = halve(means)
        signal, noise = (1 - t) ** 2 * spread**2, t**2 / block**2
        best: State = mean + (1 - t) * spread**2 / (signal + noise) * (means - (1 - t) * mean)
        for _ in range(level):
            best = double(best)
        return best

    guesses = {
        level: np.zeros((64, 1, side << level, side << level), np.float32) for level in range(3)
    }
    got = sample(
        denoiser,
        plan(2, (60, 40, 40)),
        guesses,
        lambda level: gaussian(range(64), level, guesses[level].shape[1:]),
    )
    values = halve(halve(got))
    np.testing.assert_allclose(double(double(values)), got, atol=1e-5)
    assert float(values.mean()) == pytest.approx(mean, abs=0.01)
    assert float(values.std()) == pytest.approx(spread, rel=0.05)


def test_a_perfect_denoiser_is_followed_whatever_the_steps() -> None:
    truth = {level: _normal(level, 1, 3, 8 << level, 8 << level) for level in range(2)}
    got = sample(lambda x, t, level: truth[level], plan(1, (1, 1)), truth, lambda i: truth[i])
    np.testing.assert_array_equal(got, truth[1])


def test_what_is_known_stays_and_every_step_is_told() -> None:
    guesses = {0: np.zeros((1, 1, 4, 4), np.float32)}
    told: list[tuple[int, int]] = []

    def keep(x: State, level: int) -> State:
        kept = x.copy()
        kept[..., 0] = 5
        return kept

    got = sample(
        lambda x, t, level: x * 0,
        plan(0, (3,)),
        guesses,
        lambda level: guesses[level],
        keep=keep,
        on_step=lambda done, total, picture: told.append((done, total)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert (got[..., 0] == 5).all()
    assert (got[..., 1:] == 0).all()


def test_starting_below_full_noise_keeps_the_first_guess() -> None:
    guess = {0: _normal(3, 1, 1, 8, 8)}
    got = sample(lambda x, t, _: x / (1 - t), plan(0, (1,), start=1e-6), guess, lambda _: guess[0])
    np.testing.assert_allclose(got, guess[0], atol=1e-4)


def test_guiding_pushes_away_from_what_is_predicted_without_a_condition() -> None:
    full = np.full((1, 1, 2, 2), 2, np.float32)
    without = {"text": full - 1, "sketch": full - 3}
    np.testing.assert_allclose(guide(full, without, {"text": 1, "sketch": 1}), full)
    np.testing.assert_allclose(
        guide(full, without, {"text": 3, "sketch": 1.5}), 2 + 2 * 1 + 0.5 * 3
    )
    assert math.isclose(float(guide(full, {}, {}).mean()), 2)
