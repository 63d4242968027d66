"""Total variation is the largest difference of chances; its law is the bridge's."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.comparisons.total_variation import total_variation

COUNTS = st.lists(st.integers(0, 1000), min_size=6, max_size=6).filter(any)


@given(COUNTS, COUNTS)
def test_it_is_the_largest_difference_of_chances_of_any_set_of_bins(
    window: list[int], reference: list[int]
) -> None:
    p, q = np.array(window) / sum(window), np.array(reference) / sum(reference)
    sets = np.array(list(product([0, 1], repeat=6)))
    distance, _ = total_variation(np.array(window), np.array(reference))
    assert float(distance) == pytest.approx(float(np.max(sets @ (p - q))), abs=1e-12)


def test_sides_with_nothing_in_common_are_one_apart() -> None:
    assert float(total_variation(np.array([3, 5, 0]), np.array([0, 0, 9]))[0]) == 1
