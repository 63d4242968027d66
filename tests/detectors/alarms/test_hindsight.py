"""A window's surprise is that of the smallest chance over all lags, whatever is seen not to be it beforehand."""

import numpy as np
import pytest
from scipy.special import erfc

from detectors.alarms.hindsight import _surprise, tails_of
from detectors.arrays import Floats


def plainly(Z: Floats, weight: Floats, freedom: float) -> float:
    """Work out every chance of every lag."""
    normal = np.sqrt(freedom * np.log1p(Z * Z / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return float(-np.log(np.maximum(weight @ erfc(normal / np.sqrt(2)), 1e-300).min()))


@pytest.mark.parametrize("spread", [0.1, 1.0, 4.0, 40.0])
@pytest.mark.parametrize("apart", [0.0, 0.02, 1.0])
def test_surprise_is_of_the_smallest_chance_over_all_lags(spread: float, apart: float) -> None:
    rng = np.random.default_rng(7)
    for freedom in (3.0, 50.0, 660.0):
        tails = tails_of(freedom)
        for _ in range(200):
            Z = spread * (rng.normal(size=9) + apart * rng.normal(size=(7, 9)))
            weight = rng.exponential(size=7) ** rng.integers(0, 20)
            weight /= weight.sum()
            expected = plainly(Z, weight, freedom)
            assert _surprise(Z, weight, freedom, tails) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("z", [np.inf, np.nan, 1e300])
def test_a_score_beyond_all_numbers_is_no_place_in_the_table(z: float) -> None:
    Z, tails = np.ones((7, 9)), tails_of(100.0)
    Z[3, 4] = z
    assert not _surprise(Z, np.full(7, 1 / 7), 100.0, tails) < 0
