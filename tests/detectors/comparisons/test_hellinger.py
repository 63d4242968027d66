"""Hellinger distance is what its definition says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.comparisons.hellinger import hellinger

COUNTS = st.lists(st.integers(0, 1000), min_size=6, max_size=6).filter(any)


@given(COUNTS, COUNTS)
def test_one_less_its_square_is_the_overlap_of_the_roots(
    window: list[int], reference: list[int]
) -> None:
    """Bhattacharyya's coefficient, computed another way."""
    p, q = np.array(window) / sum(window), np.array(reference) / sum(reference)
    distance, _ = hellinger(np.array(window), np.array(reference))
    assert 1 - float(distance) ** 2 == pytest.approx(float(np.sqrt(p * q).sum()), abs=1e-12)


def test_sides_with_nothing_in_common_are_one_apart() -> None:
    assert float(hellinger(np.array([3, 5, 0]), np.array([0, 0, 9]))[0]) == pytest.approx(1)


@given(COUNTS, COUNTS)
def test_it_is_the_same_both_ways(window: list[int], reference: list[int]) -> None:
    there, _ = hellinger(np.array(window), np.array(reference))
    back, _ = hellinger(np.array(reference), np.array(window))
    assert float(there) == float(back)
