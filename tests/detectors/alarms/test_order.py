"""Categories stand in the order in which they wander."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from detectors.alarms.order import wander_order
from detectors.arrays import Counts


def moved(rng: np.random.Generator, bins: int, windows: int = 300, n: int = 2000) -> Counts:
    """[windows, bins] counts of a normal of wandering mean, cut into bins in order."""
    edges = norm.ppf(np.arange(1, bins) / bins)
    means = rng.normal(size=windows) * 0.4
    shares = np.diff(norm.cdf(edges - means[:, None]), axis=1, prepend=0, append=1)
    return np.asarray(rng.multinomial(n, shares), np.int64)


@given(st.integers(0, 1000), st.integers(3, 10))
def test_the_order_behind_the_categories_is_found(seed: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(bins)
    order = wander_order(moved(rng, bins)[:, mixed])
    true = mixed[order].tolist()
    assert true in (list(range(bins)), list(range(bins))[::-1])


@given(st.integers(0, 1000), st.integers(1, 12), st.integers(1, 30))
def test_it_is_an_order_of_all_bins_whatever_the_windows(
    seed: int, bins: int, windows: int
) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 9, (windows, bins)) * rng.integers(0, 2, (windows, 1))
    assert sorted(wander_order(counts).tolist()) == list(range(bins))


def test_the_commonest_category_stands_on_the_lower_side() -> None:
    rng = np.random.default_rng(1)
    rows = np.array([[600 + d, 200, 200 - d] for d in rng.integers(-150, 150, 60)])
    assert wander_order(rows)[0] == 0
    assert wander_order(rows[:, ::-1].copy())[0] == 2


@pytest.mark.parametrize("value", [0, 7])
def test_windows_that_do_not_wander_have_some_order(value: int) -> None:
    assert sorted(wander_order(np.full((5, 4), value)).tolist()) == [0, 1, 2, 3]


def test_the_same_windows_have_the_same_order_in_whatever_order_they_come() -> None:
    windows = moved(np.random.default_rng(2), 6)
    assert (wander_order(windows[::-1]) == wander_order(windows)).all()
