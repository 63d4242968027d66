"""The calibration: thresholds invert p-values, and p-values are as rare as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from detectors.comparisons.wander import (
    WINDOWS_MIN,
    Sided,
    Wander,
    distance_p,
    distance_threshold,
    fit_distance,
    fit_level,
    level_p,
    level_reach,
    level_z,
)
from tests.detectors.comparisons.streams import wandering

SIZES = np.full(200, 1000)


def independent_distances(
    seed: int, windows: int, c: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).chisquare(c, windows) / 1000 * 1.1


@given(
    alpha=st.floats(1e-6, 0.3),
    n=st.integers(30, 10**6),
    excess=st.sampled_from([0.0, 1e-4, 0.1]),
    directions=st.sampled_from([1.0, 3.0]),
    n_eff=st.floats(5, 500),
)
def test_the_distance_threshold_has_the_p_value_alpha(
    alpha: float, n: int, excess: float, directions: float, n_eff: float
) -> None:
    wander = Wander(0.1, 1.2, excess, n_eff, 500, directions)
    threshold = distance_threshold(alpha, n, 10**6, 10.0, wander)
    assert distance_p(threshold, n, 10**6, 10.0, wander) == pytest.approx(alpha, rel=1e-5)
    assert distance_p(threshold * 1.01, n, 10**6, 10.0, wander) < alpha


@given(st.floats(1e-6, 0.5), st.integers(1, 10**6), st.sampled_from(["both", "up"]))
def test_the_level_reach_has_the_p_value_alpha(alpha: float, n: int, sided: Sided) -> None:
    wander = Wander(0.3, 1.0, 0.01, 40.0, 100)
    reach = level_reach(alpha, n, 10**6, wander, sided)
    assert level_p(0.3 + reach, n, 10**6, wander, sided) == pytest.approx(alpha, rel=1e-5)


@pytest.mark.parametrize("c", [1, 5, 20])
def test_without_wander_the_p_value_is_that_of_the_chi_square(c: int) -> None:
    """A long independent history must reproduce the textbook within the cube root's precision."""
    m = np.full(4000, 10_000)
    n = np.full(4000, 1000)
    wander = fit_distance(independent_distances(c, 4000, c), n, m, c)
    for tail in (0.05, 1e-3):
        distance = float(chi2.isf(tail, c)) * (1 / 1000 + 1 / 10_000)
        assert tail / 3 < distance_p(distance, 1000, 10_000, c, wander) < tail * 2


def test_wander_of_few_directions_is_not_called_drift() -> None:
    """New windows of a wandering stream fall below the 1 % bound about as rarely as promised."""
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        paths = 0.2 * wandering(rng, 250, 0.9)
        distance = rng.chisquare(19, 250) / 1000 + paths**2
        wander = fit_distance(distance[:200], SIZES, SIZES * 1000, 20)
        threshold = distance_threshold(0.01, 1000, 10**6, 20, wander)
        alarms += int(np.count_nonzero(distance[200:] > threshold))
    assert alarms / (40 * 50) < 0.02


def test_excess_is_what_sampling_does_not_explain() -> None:
    rng = np.random.default_rng(1)
    n, m = np.full(2000, 100), np.full(2000, 10**9)
    quiet = fit_level(rng.normal(5, 0.1, 2000), n, m)
    loud = fit_level(rng.normal(5, 0.5, 2000), n, m)
    assert quiet.excess < 0.002
    assert loud.excess == pytest.approx(0.25 - 0.01, rel=0.1)
    assert loud.centre == pytest.approx(5, abs=0.05)


def test_a_level_is_standardised_by_sampling_wander_and_the_doubt_about_its_centre() -> None:
    wander = Wander(centre=1.0, scale=1.0, excess=0.02, n_eff=4.0, windows=20)
    expected = 0.5 / np.sqrt((1 / 50 + 1 / 100 + 0.02) * (1 + 1 / 4))
    assert level_z(1.5, 50, 100, wander) == pytest.approx(expected)


def test_resemblance_of_neighbours_costs_independent_windows() -> None:
    """AR(0.9) has an integrated autocorrelation of 19; independent values have 1."""
    n, m = np.full(3000, 10**6), np.full(3000, 10**6)
    wandering_level = fit_level(wandering(np.random.default_rng(2), 3000, 0.9), n, m)
    assert 10 < wandering_level.autocorrelation < 28
    free = fit_level(wandering(np.random.default_rng(2), 3000, 0.0), n, m)
    assert free.autocorrelation < 1.2


def test_a_short_history_learns_and_never_alarms() -> None:
    few = WINDOWS_MIN - 1
    for wander in (
        fit_distance(np.ones(few), SIZES[:few], SIZES[:few], 3.0),
        fit_level(np.ones(few), SIZES[:few], SIZES[:few]),
        fit_level(np.ones(0), SIZES[:0], SIZES[:0]),
    ):
        assert not wander.ready
        assert wander.note == f"learning: {wander.windows} of {WINDOWS_MIN} windows"
        assert distance_p(9.0, 1000, 1000, 3.0, wander) == 1
        assert distance_threshold(0.01, 1000, 1000, 3.0, wander) == np.inf
        assert level_p(9.0, 1000, 1000, wander, "both") == 1
        assert level_reach(0.01, 1000, 1000, wander, "both") == np.inf
        assert level_z(9.0, 1000, 1000, wander) == 0


def test_a_constant_history_still_allows_for_sampling() -> None:
    wander = fit_level(np.full(20, 0.5), SIZES[:20], SIZES[:20] * 20)
    assert level_p(0.5 + 1 / np.sqrt(1000), 1000, 20_000, wander, "both") > 0.2
    assert level_p(0.5 + 8 / np.sqrt(1000), 1000, 20_000, wander, "both") < 1e-5


def test_a_longer_history_gives_a_tighter_bound() -> None:
    reaches = []
    for windows in (10, 30, 200):
        x = wandering(np.random.default_rng(3), 200, 0.0)[:windows] / 30
        wander = fit_level(x, SIZES[:windows], SIZES[:windows])
        reaches.append(level_reach(1e-3, 1000, 1000, wander, "both"))
    assert reaches == sorted(reaches, reverse=True)
