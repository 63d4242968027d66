"""Cramer-von Mises agrees with scipy where every value has a bin of its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import cramervonmises_2samp

from detectors.comparisons.cramer_von_mises import cramer_von_mises

SAMPLES = st.lists(st.booleans(), min_size=8, max_size=60).filter(
    lambda sides: 1 < sum(sides) < len(sides) - 1
)


@given(SAMPLES)
def test_with_a_bin_a_value_and_no_ties_it_is_the_two_sample_statistic_of_scipy(
    sides: list[bool],
) -> None:
    """A sample is an order of its values: which of them are the window's."""
    window = np.array(sides, np.int64)
    reference = 1 - window
    omega2, _ = cramer_von_mises(window, reference, pooled=True)
    values = np.arange(len(sides))
    scipys = cramervonmises_2samp(values[window == 1], values[reference == 1], method="asymptotic")
    n, m = window.sum(), reference.sum()
    assert float(omega2 / (1 / n + 1 / m)) == pytest.approx(float(scipys.statistic), rel=1e-10)


def test_with_ties_it_is_the_sum_of_anderson_which_is_less_than_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.poisson(3, 300), rng.poisson(3, 500)
    window, reference = np.bincount(x, minlength=20), np.bincount(y, minlength=20)
    both = np.concatenate([x, y])
    gaps = [np.mean(x <= value) - np.mean(y <= value) for value in both]
    own = float(cramer_von_mises(window, reference, pooled=True)[0] / (1 / 300 + 1 / 500))
    assert own == pytest.approx(300 * 500 / 800**2 * float(np.sum(np.square(gaps))))
    assert own < cramervonmises_2samp(x, y).statistic


def test_a_window_that_moves_on_into_one_bin_loses_only_with_pooled_weights() -> None:
    """Which is why the reference's weights are the default."""
    reference = np.array([0, 250, 250, 250, 250, 0])
    near, far = 10_000 * np.array([0, 0, 0, 1, 1, 0]), 10_000 * np.array([0, 0, 0, 0, 0, 2])
    plain = [float(cramer_von_mises(side, reference)[0]) for side in (near, far)]
    pooled = [float(cramer_von_mises(side, reference, pooled=True)[0]) for side in (near, far)]
    assert plain[0] < plain[1]
    assert pooled[0] > pooled[1]
