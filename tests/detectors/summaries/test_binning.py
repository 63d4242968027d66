"""From raw numbers to cells: the same bins, sums and answers as a reference's own columns have."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import Cells, MeanShift, Psi, count, quantile_edges
from detectors.summaries.column import learn_column
from tests.detectors.comparisons.streams import everywhere

NUMBERS = st.lists(st.floats(-1e300, 1e300) | st.integers(-3, 3).map(float), min_size=1)


@given(NUMBERS, st.integers(1, 30))
def test_edges_ascend_around_all_values_and_the_inner_ones_are_values(
    values: list[float], bins: int
) -> None:
    edges = quantile_edges(values, bins)
    assert (np.diff(edges) > 0).all()
    assert 2 <= len(edges) <= bins + 1
    assert edges[0] <= min(values) <= max(values) < edges[-1]
    assert set(edges[1:-1].tolist()) <= set(values)


@given(NUMBERS.filter(lambda values: any(x % 1 for x in values) and len(set(values)) > 1))
def test_a_learned_column_has_these_edges(values: list[float]) -> None:
    column = learn_column("x", values, 8, 5)
    assert column is not None
    assert column.edges == tuple(quantile_edges(values, 8).tolist())


def test_bins_between_the_outer_edges_hold_about_as_many_each() -> None:
    values = np.random.default_rng(0).normal(size=10_000)
    cells = count([values], quantile_edges(values))
    assert cells.bins[0, 0].tolist() == [0, *[500] * 20, 0]


@given(st.lists(st.lists(st.floats(width=16, allow_nan=True), max_size=20), max_size=4))
def test_every_value_is_counted_once_where_it_belongs(windows: list[list[float]]) -> None:
    edges = [-2.0, 0.0, 0.5, 3.0]
    cells = count(windows, edges)
    assert cells.shape == (1, len(windows), 5)
    assert cells.grid.tolist() == [True]
    for t, window in enumerate(windows):
        finite = [x for x in window if np.isfinite(x)]
        expected = np.bincount(np.searchsorted(edges, finite, side="right"), minlength=5)
        assert cells.bins[0, t].tolist() == expected.tolist()
        assert int(cells.missing[0, t]) == sum(np.isnan(x) for x in window)
        assert int(cells.invalid[0, t]) == sum(np.isinf(x) for x in window)
        assert (cells.lo[0, t], cells.hi[0, t]) == (
            min(finite, default=np.inf),
            max(finite, default=-np.inf),
        )


def test_the_grid_gives_mean_and_spread_within_a_step_and_clips_what_is_far() -> None:
    rng = np.random.default_rng(1)
    values, edges = rng.normal(3, 2, 5000), np.array([-10.0, 3.0, 16.0])
    step = 26 / 32767
    cells = count([values, [1e9]], edges)
    mean = cells.sums[0, 0] / 5000 * step + 3
    assert mean == pytest.approx(values.mean(), abs=step)
    assert (cells.squares[0, 0] / 5000 * step**2) == pytest.approx(
        np.mean((values - 3) ** 2), rel=1e-3
    )
    assert int(cells.sums[0, 1]) == 32767


def test_bad_edges_and_no_numbers_are_refused() -> None:
    for edges in ([1.0], [0.0, np.inf], [0.0, np.nan, 1.0], [[0.0, 1.0]]):
        with pytest.raises(ValueError, match="two finite edges"):
            count([[1.0]], edges)
    with pytest.raises(ValueError, match="ascend"):
        count([[1.0]], [0.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="without a number"):
        quantile_edges([np.nan, np.inf])
    with pytest.raises(ValueError, match="one bin at least"):
        quantile_edges([1.0], 0)


def test_from_raw_numbers_to_an_alarm_in_a_few_lines() -> None:
    rng = np.random.default_rng(2)
    usual = [rng.normal(size=300) for _ in range(30)]
    edges = quantile_edges(np.concatenate(usual))
    history = count(usual, edges)
    for kind in (Psi, MeanShift):
        compare = kind(history.total(), history, everywhere(30))
        calm, moved = (count([rng.normal(at, 1, 300)], edges) for at in (0.0, 1.0))
        assert not compare.judge(calm, 1e-4)[0].alarm
        assert compare.judge(moved, 1e-4)[0].alarm
    assert isinstance(history, Cells)


def test_numbers_without_windows_and_bins_that_are_not_whole_are_refused() -> None:
    for windows in ([1.0, 2.0], [[[1.0]]]):
        with pytest.raises(ValueError, match="windows of numbers"):
            count(windows, [0, 1])
    wrong: list[Any] = [2.5, "3", np.nan]
    for bins in wrong:
        with pytest.raises(ValueError, match="whole number of bins"):
            quantile_edges([1.0, 2.0], bins)
