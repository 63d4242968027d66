"""The calibration: thresholds invert p-values, and p-values are as rare as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from detectors.arrays import Counts, Floats
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
from tests.detectors.comparisons.streams import everywhere, wandering

SIZES = np.full(200, 1000)


def one(
    centre: float, scale: float, excess: float, n_eff: float, windows: int, directions: float = 1.0
) -> Wander:
    """The wander of one column."""
    return Wander(at(centre), at(scale), at(excess), at(n_eff), events(windows), at(directions))


def of_distances(distance: Floats, n: Counts, m: Counts, c: float) -> Wander:
    return fit_distance(distance[None], n[None], m[None], np.array([c]), everywhere(len(n))[None])


def of_levels(x: Floats, n: Counts, m: Counts) -> Wander:
    return fit_level(x[None], n[None], m[None], everywhere(len(n))[None])


def at(x: float) -> Floats:
    return np.array([x])


def events(n: int) -> Counts:
    return np.array([n])


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
    wander = one(0.1, 1.2, excess, n_eff, 500, directions)
    sizes = events(n), events(10**6), at(10.0)
    threshold = distance_threshold(alpha, *sizes, wander)
    assert distance_p(threshold, *sizes, wander)[0] == pytest.approx(alpha, rel=1e-5)
    assert distance_p(threshold * 1.01, *sizes, wander)[0] < alpha


@given(st.floats(1e-6, 0.5), st.integers(1, 10**6), st.sampled_from(["both", "up"]))
def test_the_level_reach_has_the_p_value_alpha(alpha: float, n: int, sided: Sided) -> None:
    wander = one(0.3, 1.0, 0.01, 40.0, 100)
    reach = level_reach(alpha, events(n), events(10**6), wander, sided)
    p = level_p(0.3 + reach, events(n), events(10**6), wander, sided)
    assert p[0] == pytest.approx(alpha, rel=1e-5)


@pytest.mark.parametrize("c", [1, 5, 20])
def test_without_wander_the_p_value_is_that_of_the_chi_square(c: int) -> None:
    """A long independent history must reproduce the textbook within the cube root's precision."""
    m = np.full(4000, 10_000)
    n = np.full(4000, 1000)
    wander = of_distances(independent_distances(c, 4000, c), n, m, c)
    for tail in (0.05, 1e-3):
        distance = float(chi2.isf(tail, c)) * (1 / 1000 + 1 / 10_000)
        p = distance_p(at(distance), events(1000), events(10_000), at(c), wander)
        assert tail / 3 < p[0] < tail * 2


def test_wander_of_few_directions_is_not_called_drift() -> None:
    """New windows of a wandering stream fall below the 1 % bound about as rarely as promised."""
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        paths = 0.2 * wandering(rng, 250, 0.9)
        distance = rng.chisquare(19, 250) / 1000 + paths**2
        wander = of_distances(distance[:200], SIZES, SIZES * 1000, 20)
        threshold = distance_threshold(0.01, events(1000), events(10**6), at(20), wander)
        alarms += int(np.count_nonzero(distance[200:] > threshold))
    assert alarms / (40 * 50) < 0.02


def test_excess_is_what_sampling_does_not_explain() -> None:
    rng = np.random.default_rng(1)
    n, m = np.full(2000, 100), np.full(2000, 10**9)
    quiet = of_levels(rng.normal(5, 0.1, 2000), n, m)
    loud = of_levels(rng.normal(5, 0.5, 2000), n, m)
    assert quiet.excess[0] < 0.002
    assert loud.excess[0] == pytest.approx(0.25 - 0.01, rel=0.1)
    assert loud.centre[0] == pytest.approx(5, abs=0.05)


def test_a_level_is_standardised_by_sampling_wander_and_the_doubt_about_its_centre() -> None:
    wander = one(centre=1.0, scale=1.0, excess=0.02, n_eff=4.0, windows=20)
    expected = 0.5 / np.sqrt((1 / 50 + 1 / 100 + 0.02) * (1 + 1 / 4))
    assert level_z(at(1.5), events(50), events(100), wander)[0] == pytest.approx(expected)


def test_resemblance_of_neighbours_costs_independent_windows() -> None:
    """AR(0.9) has an integrated autocorrelation of 19; independent values have 1."""
    n, m = np.full(3000, 10**6), np.full(3000, 10**6)
    wandering_level = of_levels(wandering(np.random.default_rng(2), 3000, 0.9), n, m)
    assert 10 < wandering_level.autocorrelation[0] < 28
    free = of_levels(wandering(np.random.default_rng(2), 3000, 0.0), n, m)
    assert free.autocorrelation[0] < 1.2


def test_a_short_history_learns_and_never_alarms() -> None:
    few = WINDOWS_MIN - 1
    for wander in (
        of_distances(np.ones(few), SIZES[:few], SIZES[:few], 3.0),
        of_levels(np.ones(few), SIZES[:few], SIZES[:few]),
        of_levels(np.ones(0), SIZES[:0], SIZES[:0]),
    ):
        assert not wander.ready[0]
        n = events(1000)
        note = f"learning: {wander.windows[0]} of {WINDOWS_MIN} windows"
        assert wander.quiet(n, n, 30) == [note]
        assert distance_p(at(9.0), n, n, at(3.0), wander) == 1
        assert distance_threshold(0.01, n, n, at(3.0), wander) == np.inf
        assert level_p(at(9.0), n, n, wander, "both") == 1
        assert level_reach(0.01, n, n, wander, "both") == np.inf
        assert level_z(at(9.0), n, n, wander) == 0


def test_why_a_column_stays_quiet_is_said_of_each_by_itself() -> None:
    """Learning goes before an empty reference, and that before too few events."""
    windows, zeros = np.array([9, 20, 20, 20]), np.zeros(4)
    wander = Wander(zeros, zeros + 1, zeros, windows.astype(float), windows, zeros + 1)
    n, m = np.array([5, 5, 5, 50]), np.array([0, 0, 90, 90])
    assert wander.quiet(n, m, 30) == [
        "learning: 9 of 10 windows",
        "the reference is empty",
        "too few events: 5 of 30",
        "",
    ]


def test_windows_that_are_not_usable_are_as_if_they_were_not() -> None:
    rng = np.random.default_rng(4)
    x, usable = rng.normal(size=(2, 60)), rng.random((2, 60)) < 0.7
    n = np.full((2, 60), 50)
    together = fit_level(np.where(usable, x, 1e9), n, n, usable)
    for c in range(2):
        own = usable[c]
        alone = of_levels(x[c, own], n[c, own], n[c, own])
        assert (together.centre[c], together.excess[c]) == (alone.centre[0], alone.excess[0])
        assert (together.windows[c], together.n_eff[c]) == (alone.windows[0], alone.n_eff[0])


def test_a_constant_history_still_allows_for_sampling() -> None:
    wander = of_levels(np.full(20, 0.5), SIZES[:20], SIZES[:20] * 20)
    n, m, deviation = events(1000), events(20_000), 1 / np.sqrt(1000)
    assert level_p(at(0.5 + deviation), n, m, wander, "both")[0] > 0.2
    assert level_p(at(0.5 + 8 * deviation), n, m, wander, "both")[0] < 1e-5


def test_a_longer_history_gives_a_tighter_bound() -> None:
    reaches = []
    for windows in (10, 30, 200):
        x = wandering(np.random.default_rng(3), 200, 0.0)[:windows] / 30
        wander = of_levels(x, SIZES[:windows], SIZES[:windows])
        reaches.append(float(level_reach(1e-3, events(1000), events(1000), wander, "both")[0]))
    assert reaches == sorted(reaches, reverse=True)


@pytest.mark.parametrize(("phi", "windows"), [(0.5, 168), (0.9, 168), (0.99, 672)])
def test_short_histories_do_not_tell_the_autocorrelation_too_low(phi: float, windows: int) -> None:
    """In the middle of many histories at least two thirds of the truth, where the plain sum has a third."""
    n = np.full(windows, 10**9)
    paths = [wandering(np.random.default_rng(seed), windows, phi) for seed in range(60)]
    told = np.median([of_levels(path, n, n).autocorrelation[0] for path in paths])
    assert 2 / 3 < told / ((1 + phi) / (1 - phi)) < 3 / 2
