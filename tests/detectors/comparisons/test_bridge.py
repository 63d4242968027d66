"""The laws of sums over a bridge are those of the sums themselves, out to the tail."""

from functools import lru_cache

import numpy as np
import pytest
from scipy.stats import chi2

from detectors.arrays import Floats
from detectors.comparisons.bridge import Law, absolute_sum, bridge_covariance, square_sum
from detectors.comparisons.cramer_von_mises import CramerVonMises
from detectors.comparisons.total_variation import TotalVariation
from detectors.comparisons.wasserstein import Wasserstein

DRAWS = 40_000
EVENTS = 100_000
SHAPES = {
    "two": [1, 1],
    "even": [5] * 20,
    "uneven": [90, 5, 3, 2],
    "long tail": [60, *[1] * 40],
    "ties": [40, 1, 1, 1, 30, 1, 1, 25],
}


@lru_cache
def drawn_without_drift(shape: str) -> tuple[Floats, Floats]:
    """The shares, and by how much windows drawn from them differ from them."""
    q = np.array(SHAPES[shape]) / sum(SHAPES[shape])
    return q, np.random.default_rng(1).multinomial(EVENTS, q, size=DRAWS) / EVENTS - q


def squares_without_drift(kind: str, shape: str) -> Floats:
    """Squared statistic over 1/n of these windows."""
    q, drawn = drawn_without_drift(shape)
    if kind == "total_variation":
        return np.asarray(EVENTS * (np.abs(drawn).sum(axis=1) / 2) ** 2)
    gap = np.cumsum(drawn, axis=1)
    if kind == "cramer_von_mises":
        return np.asarray(EVENTS * gap**2 @ q)
    rank = np.cumsum(q) - q / 2
    spread = np.sqrt(q @ rank**2 - (q @ rank) ** 2)
    return np.asarray(EVENTS * (np.abs(gap[:, :-1]) @ np.diff(rank) / spread) ** 2)


@pytest.mark.parametrize(
    "kind", [TotalVariation, Wasserstein, CramerVonMises], ids=lambda k: k.name
)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_mean_is_exact_and_the_tail_right_within_a_factor_of_two(
    kind: type[TotalVariation | Wasserstein | CramerVonMises], shape: str
) -> None:
    law: Law = kind.law(1000 * np.array(SHAPES[shape]))
    squares = squares_without_drift(kind.name, shape)
    assert float(squares.mean()) == pytest.approx(law.scale * law.freedom, rel=0.02)
    for chance in (0.05, 0.01, 0.002):
        told = float(chi2.sf(np.quantile(squares, 1 - chance) / law.scale, law.freedom))
        assert chance / 2 < told < 2 * chance


def test_equal_independent_squares_are_chi_square() -> None:
    assert square_sum(np.diag([3.0] * 5)) == pytest.approx((3, 5))


def test_one_absolute_value_squared_is_chi_square_of_one() -> None:
    assert absolute_sum(np.array([[7.0]]), 7.0) == pytest.approx((7, 1))


def test_what_cannot_vary_has_a_law_all_the_same() -> None:
    assert square_sum(np.zeros((0, 0))) == Law(1, 1)
    for kind in (TotalVariation, Wasserstein, CramerVonMises):
        assert kind.law(np.array([70])) == kind.law(np.array([], np.int64)) == Law(1, 1)


def test_the_bridge_is_tied_at_both_ends() -> None:
    """Its covariance is that of cumulated multinomial shares."""
    q = np.array([0.1, 0.2, 0.3, 0.4])
    below = np.tri(4)[:3]
    assert bridge_covariance(q) == pytest.approx(below @ (np.diag(q) - np.outer(q, q)) @ below.T)
