"""KL divergence agrees with scipy, and keeps its direction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from detectors.comparisons.g import g_test
from detectors.comparisons.kullback_leibler import kullback_leibler

COUNTS = st.lists(st.integers(0, 10**6), min_size=5, max_size=5).filter(any)
FULL = st.lists(st.integers(1, 10**6), min_size=5, max_size=5)


@given(COUNTS, FULL)
def test_without_smoothing_it_is_the_relative_entropy_of_scipy(
    window: list[int], reference: list[int]
) -> None:
    own, _ = kullback_leibler(np.array(window), np.array(reference), smoothing=0.0)
    assert float(own) == pytest.approx(float(entropy(window, reference)), rel=1e-12, abs=1e-12)


def test_half_an_event_more_in_every_bin_of_the_reference_is_the_default() -> None:
    window, reference = np.array([30, 0, 1]), np.array([400, 90, 0])
    own, _ = kullback_leibler(window, reference)
    assert float(own) == pytest.approx(float(entropy(window, reference + 0.5)), rel=1e-12)


def test_a_bin_that_fills_weighs_more_than_one_that_empties() -> None:
    even, uneven = np.array([500, 500]), np.array([999, 1])
    filling, emptying = kullback_leibler(even, uneven)[0], kullback_leibler(uneven, even)[0]
    assert float(filling) > 3 * float(emptying)


@given(COUNTS, FULL)
def test_it_is_g_over_twice_the_events(window: list[int], reference: list[int]) -> None:
    sides = np.array(window), np.array(reference)
    nats, g = kullback_leibler(*sides, smoothing=0.0)[0], g_test(*sides, smoothing=0.0)[0]
    assert float(g) / (2 * sum(window)) == pytest.approx(float(nats), rel=1e-9, abs=1e-12)
