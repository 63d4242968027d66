"""Wasserstein distance agrees with scipy, and outliers do not decide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from detectors.comparisons.location import rank_scores
from detectors.comparisons.wasserstein import wasserstein

COUNTS = st.lists(st.integers(0, 1000), min_size=6, max_size=6).filter(any)
PLACES = st.lists(st.integers(-1000, 1000), min_size=6, max_size=6, unique=True).map(sorted)


@given(COUNTS, COUNTS, PLACES)
def test_it_is_the_distance_of_scipy_between_atoms(
    window: list[int], reference: list[int], places: list[int]
) -> None:
    distance, _ = wasserstein(np.array(window), np.array(reference), True, places)
    scipys = wasserstein_distance(places, places, window, reference)
    assert float(distance) == pytest.approx(float(scipys), rel=1e-12, abs=1e-12)


def test_without_places_it_counts_bins() -> None:
    assert float(wasserstein(np.array([5, 0, 0]), np.array([0, 0, 9]))[0]) == 2


@given(COUNTS, COUNTS)
def test_what_is_carried_to_the_next_bin_is_the_part_of_a_bin(
    window: list[int], reference: list[int]
) -> None:
    p, q = np.array(window) / sum(window), np.array(reference) / sum(reference)
    _, parts = wasserstein(np.array(window), np.array(reference))
    assert parts == pytest.approx(np.abs(np.cumsum(p - q)), abs=1e-12)


def test_at_rank_scores_the_difference_of_locations_is_a_lower_bound_reached_by_shifts() -> None:
    rng = np.random.default_rng(0)
    reference = rng.multinomial(5000, np.full(10, 0.1))
    scores = rank_scores(reference)
    for _ in range(20):
        window = rng.multinomial(300, rng.dirichlet(np.ones(10)))
        distance, _ = wasserstein(window, reference, True, scores)
        assert float(distance) >= abs(float(window @ scores) / 300) - 1e-12
    top = np.array([0] * 9 + [77])
    distance, _ = wasserstein(top, reference, True, scores)
    assert float(distance) == pytest.approx(float(scores[-1]))
