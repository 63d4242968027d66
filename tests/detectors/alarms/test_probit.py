"""Location and spread from bins are maximum likelihood estimates with the variance that is promised."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm

from detectors.alarms.probit import fit_probit, probit_weights
from detectors.arrays import Counts, Floats

EDGES: Floats = norm.ppf(np.arange(1, 20) / 20)


def scores_of(edges: Floats) -> Floats:
    return np.append(edges, 0.0)[None]


def shares(edges: Floats, mu: float, spread: float) -> Floats:
    return np.diff(norm.cdf((edges - mu) / np.exp(spread)), prepend=0, append=1)


def off(edges: Floats, mu: float, spread: float) -> float:
    """How far the line a + b z lies off z at the centre of what normal values between these edges tell."""
    b = float(np.exp(-spread))
    a = -mu * b
    heights = np.concatenate([[0.0], norm.pdf(a + b * edges), [0.0]])
    tilts = np.concatenate([[0.0], norm.pdf(a + b * edges) * edges, [0.0]])
    rises, shared = np.diff(heights), np.maximum(shares(edges, mu, spread), 1e-12)
    centre = float((rises * np.diff(tilts) / shared).sum() / (rises**2 / shared).sum())
    return -a - (b - 1) * centre


def told_location(edges: Floats, mu: float, spread: float, n: int) -> float:
    """The location that n values tell: the more of mu, the more they are."""
    plain, many = off(edges, mu, spread), n**2 / (n**2 + 200**2)
    return plain + many * (mu - plain)


def fit(windows: Counts, edges: Floats) -> tuple[Floats, Floats, Floats]:
    bins = np.atleast_2d(windows)[None]
    mu, spread, misfit = fit_probit(bins, scores_of(edges), np.array([len(edges) + 1]))
    return mu[0], spread[0], misfit[0]


def likeliest(counts: Counts, edges: Floats) -> Floats:
    """The maximum of the likelihood of the window, blended with one value of the reference."""
    blended = counts + shares(edges, 0.0, 0.0)

    def loss(at: Floats) -> float:
        fitted = np.maximum(shares(edges, at[0], at[1]), 1e-12)
        return -float(blended @ np.log(fitted) / blended.sum())

    return np.asarray(minimize(loss, [0.0, 0.0], method="Nelder-Mead",
                               options={"xatol": 1e-7, "fatol": 1e-13, "maxiter": 2000}).x)  # fmt: skip


@pytest.mark.parametrize("mu", [-1.5, -0.3, 0.0, 0.5, 2.0])
@pytest.mark.parametrize("spread", [-0.4, 0.0, 0.5])
def test_it_recovers_location_and_spread_of_normal_values(mu: float, spread: float) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(mu, np.exp(spread), size=(400, 2000))
    windows = np.stack([np.bincount(np.searchsorted(EDGES, row), minlength=20) for row in values])
    location, width, misfit = fit(windows, EDGES)
    # Of values in few bins the variance is skewed, and with it the mean of the logarithm.
    for found, true in ((location, mu), (width, spread)):
        assert abs(found.mean() - true) < 0.003 + 4 * found.std() / 20 + 5 * found.var()
        assert found.std() < 0.12
    if (
        abs(mu) < 1 and spread >= 0
    ):  # all bins are filled: a chi-square of 20 - 3 degrees of freedom
        assert misfit.mean() * 2000 == pytest.approx(17, rel=0.1)


@pytest.mark.parametrize("mu", [0.0, 0.7, -1.3])
@pytest.mark.parametrize("bins", [3, 5, 20])
def test_the_variance_is_what_the_weights_say_wherever_the_level_is(bins: int, mu: float) -> None:
    edges = norm.ppf(np.arange(1, bins) / bins)
    n = 4000
    shares = np.diff(norm.cdf(np.concatenate([[-np.inf], edges, [np.inf]]) - mu))
    windows = np.random.default_rng(2).multinomial(n, shares, size=4000)
    location, width, _ = fit(windows, edges)
    of_mu, of_spread = probit_weights(scores_of(edges), np.array([bins]), np.array([mu]))
    if mu == 0:
        assert location.var() * n * of_mu[0, 0] == pytest.approx(1, abs=0.08)
    assert width.var() * n * of_spread[0, 0] == pytest.approx(1, abs=0.08)


def test_many_bins_tell_as_much_as_the_values() -> None:
    edges = norm.ppf(np.arange(1, 400) / 400)
    of_mu, of_spread = probit_weights(scores_of(edges), np.array([400]), np.zeros(1))
    assert (of_mu[0, 0], of_spread[0, 0]) == (
        pytest.approx(1, abs=0.01),
        pytest.approx(2, abs=0.05),
    )


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 15), st.floats(-3, 3), st.floats(-0.5, 0.7))
def test_it_is_the_maximum_of_the_likelihood(
    seed: int, bins: int, mu: float, spread: float
) -> None:
    rng = np.random.default_rng(seed)
    edges = np.sort(norm.ppf(np.cumsum(rng.dirichlet(np.full(bins, 5.0)))[:-1]))
    counts = rng.multinomial(500, shares(edges, mu, spread))
    twin = likeliest(counts, edges)
    if np.abs(twin).max() > 3:  # the window lies in one bin, or in two
        return
    location, width, _ = fit(counts, edges)
    assert [location[0], width[0]] == pytest.approx(
        [told_location(edges, float(twin[0]), float(twin[1]), 500), twin[1]], abs=1e-3
    )


@given(st.integers(0, 10_000), st.integers(3, 12))
def test_an_edge_that_stands_twice_adds_a_bin_that_changes_nothing(seed: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.normal(size=bins - 1))
    counts = rng.integers(20, 200, bins)
    at = int(rng.integers(0, bins - 1))
    plain = fit(counts, edges)
    twice = fit(np.insert(counts, at + 1, 0), np.insert(edges, at, edges[at]))
    for one, two in zip(plain[:2], twice[:2], strict=True):
        assert two == pytest.approx(one, abs=1e-6)
    weights = [
        np.concatenate(probit_weights(scores_of(some), np.array([len(some) + 1]), np.zeros(1)))
        for some in (edges, np.insert(edges, at, edges[at]))
    ]
    assert weights[1] == pytest.approx(weights[0], rel=1e-6)


@given(st.integers(0, 10_000), st.integers(3, 12))
def test_the_other_way_round_the_location_changes_its_sign_alone(seed: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.normal(size=bins - 1))
    counts = rng.integers(5, 200, bins)
    mu, spread, misfit = fit(counts, edges)
    other = fit(counts[::-1].copy(), -edges[::-1])
    assert [-other[0][0], other[1][0]] == pytest.approx([mu[0], spread[0]], abs=1e-6)
    assert other[2] == pytest.approx(misfit, abs=1e-6)


@given(st.lists(st.sampled_from([0, 0, 0, 1, 30, 10_000, 10**12]), min_size=2, max_size=20))
def test_the_most_extreme_window_has_a_finite_answer(counts: list[int]) -> None:
    edges = norm.ppf(np.arange(1, len(counts)) / len(counts))
    answer = np.concatenate(fit(np.array(counts), edges))
    assert np.isfinite(answer).all()
    assert answer[2] >= 0
    assert np.abs(answer[:2]).max() <= 8


@pytest.mark.parametrize("bins", [2, 3, 10, 20])
def test_all_values_in_the_last_bin_are_far_up(bins: int) -> None:
    edges = norm.ppf(np.arange(1, bins) / bins)
    counts = np.zeros((2, bins), np.int64)
    counts[0, -1] = counts[1, 0] = 1000
    mu, _, _ = fit(counts, edges)
    assert mu[0] > edges[-1]
    assert mu[1] < edges[0]


def test_a_larger_shift_is_a_larger_location() -> None:
    windows = np.stack([np.round(1e6 * shares(EDGES, mu, 0.0)) for mu in np.arange(-3, 3.1, 0.25)])
    mu, spread, _ = fit(windows.astype(np.int64), EDGES)
    assert mu == pytest.approx(np.arange(-3, 3.1, 0.25), abs=0.02)
    assert spread == pytest.approx(0, abs=0.02)


def test_a_window_whose_middle_categories_ran_dry_is_wide_and_not_far_away() -> None:
    """50 % and 30 % stand at the ends; a line through edges close together tells little of where half lies below."""
    edges = norm.ppf([0.5, 0.65, 0.7])
    location, width, _ = fit(np.array([39, 1, 1, 11]), edges)
    assert abs(location[0]) < 1.0
    assert width[0] > 0.5


def test_two_bins_have_no_spread_and_one_has_nothing() -> None:
    mu, spread, _ = fit_probit(
        np.array([[[30, 70]], [[100, 0]]]), np.zeros((2, 2)), np.array([2, 1])
    )
    assert mu[0, 0] == pytest.approx(norm.ppf((70 + 0.5) / 101), abs=1e-6)
    assert not spread.any()
    assert mu[1, 0] == 0
    of_mu, of_spread = probit_weights(np.zeros((2, 2)), np.array([2, 1]), np.zeros(1))
    assert of_mu == pytest.approx([2 / np.pi, 0])
    assert not of_spread.any()


def test_a_column_does_not_depend_on_its_neighbours_bit_for_bit() -> None:
    rng = np.random.default_rng(3)
    bins = rng.integers(0, 50, (6, 5, 20))
    scores, used = np.repeat(scores_of(EDGES), 6, axis=0), np.array([20, 5, 2, 12, 20, 1])
    together = np.stack(fit_probit(bins, scores, used))
    alone = np.stack(fit_probit(bins[[3]], scores[[3]], used[[3]]))
    assert (alone[:, 0] == together[:, 3]).all()
