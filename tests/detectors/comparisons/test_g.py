"""The G test agrees with scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, power_divergence

from detectors.comparisons.g import g_test

COUNTS = st.lists(st.integers(0, 10**6), min_size=5, max_size=5).filter(any)
FULL = st.lists(st.integers(1, 10**6), min_size=5, max_size=5)


@given(COUNTS, FULL)
def test_without_smoothing_it_is_the_log_likelihood_ratio_of_scipy(
    window: list[int], reference: list[int]
) -> None:
    expected = sum(window) * np.array(reference) / sum(reference)
    own, _ = g_test(np.array(window), np.array(reference), smoothing=0.0)
    scipys = power_divergence(window, expected, lambda_="log-likelihood").statistic
    # Both add terms of the size of the counts.
    assert float(own) == pytest.approx(float(scipys), rel=1e-12, abs=1e-12 * sum(window))


def test_without_smoothing_a_value_unknown_to_the_reference_is_infinitely_far() -> None:
    window, reference = np.array([9, 1]), np.array([50, 0])
    assert float(g_test(window, reference, smoothing=0.0)[0]) == np.inf
    assert np.isfinite(g_test(window, reference)[0])


def test_half_an_event_more_in_every_bin_of_the_reference_is_the_default() -> None:
    window, reference = np.array([30, 5, 1]), np.array([400, 90, 0])
    shares = (reference + 0.5) / 491.5
    scipys = power_divergence(window, 36 * shares, lambda_="log-likelihood").statistic
    assert float(g_test(window, reference)[0]) == pytest.approx(float(scipys), rel=1e-12)


def test_against_a_large_reference_g_is_chi_square() -> None:
    rng = np.random.default_rng(0)
    g, _ = g_test(rng.multinomial(2000, np.full(8, 1 / 8), size=4000), np.full(8, 10**9))
    for alpha in (0.05, 0.01):
        assert float(np.mean(chi2.sf(g, 7) < alpha)) == pytest.approx(alpha, rel=0.25)
