"""Jensen-Shannon distance agrees with scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from detectors.comparisons.jensen_shannon import jensen_shannon

COUNTS = st.lists(st.integers(0, 1000), min_size=6, max_size=6).filter(any)


@given(COUNTS, COUNTS)
def test_it_is_the_distance_of_scipy_to_base_two(window: list[int], reference: list[int]) -> None:
    """A root turns rounding by e near 0 into sqrt(e), on both sides: so squares are compared."""
    own, _ = jensen_shannon(np.array(window), np.array(reference))
    scipys = float(np.nan_to_num(jensenshannon(window, reference, base=2)))
    assert float(own) ** 2 == pytest.approx(scipys**2, rel=1e-12, abs=1e-15)
    if scipys > 1e-2:
        assert float(own) == pytest.approx(scipys, rel=1e-12)


@given(COUNTS, COUNTS)
def test_it_is_the_same_both_ways(window: list[int], reference: list[int]) -> None:
    there, _ = jensen_shannon(np.array(window), np.array(reference))
    back, _ = jensen_shannon(np.array(reference), np.array(window))
    assert float(there) == pytest.approx(float(back), rel=1e-12)


def test_sides_with_nothing_in_common_are_one_apart() -> None:
    assert float(jensen_shannon(np.array([3, 5, 0]), np.array([0, 0, 9]))[0]) == pytest.approx(1)


@given(COUNTS, COUNTS, COUNTS)
def test_no_detour_is_shorter(a: list[int], b: list[int], c: list[int]) -> None:
    way = [float(jensen_shannon(np.array(x), np.array(y))[0]) for x, y in ((a, c), (a, b), (b, c))]
    assert way[0] <= way[1] + way[2] + 1e-9
