"""The compiled loops count what plain Python would: one summary alone, and many side by side."""

from bisect import bisect_right

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.summaries.column import Column
from detectors.summaries.folding import BLOCK, COUNTED_MAX, SUM_CLIP, fold_scattered
from detectors.summaries.layout import Layout
from detectors.summaries.layouts import Layouts
from detectors.summaries.summary import Summary

ROWS = 2 * BLOCK + 3
FORMS = [1, 2, 21, COUNTED_MAX, COUNTED_MAX + 1, 1001]


def values(edges: int) -> tuple[Column, NDArray[np.float64]]:
    """A column of so many edges and values for it: between edges, on them, beyond, missing and invalid."""
    rng = np.random.default_rng(edges)
    bounds = tuple(sorted(set(rng.normal(size=edges).tolist())))
    x = np.concatenate(
        [bounds, [np.nan, np.inf, -np.inf, -0.0, 0.0, 1e300, -1e300], rng.normal(size=ROWS)]
    )
    rng.shuffle(x)
    return Column("x", "number", bounds, (), 0.1, 0.001), x


def expected(column: Column, x: NDArray[np.float64]) -> tuple[list[int], list[float]]:
    """What a summary of x is, told without arrays: its slots, and its extremes."""
    finite = [value for value in x.tolist() if np.isfinite(value)]
    bins = [0] * column.bins
    for value in finite:
        bins[bisect_right(column.edges, value)] += 1
    clipped = np.clip(
        np.rint((np.array(finite) - column.mid) * (1.0 / column.step)), -SUM_CLIP, SUM_CLIP
    )
    q = [int(place) for place in clipped]
    tail = [int(np.isnan(x).sum()), int(np.isinf(x).sum()), sum(q), sum(p * p for p in q)]
    return [*bins, *tail, len(x)], [min(finite), max(finite)]


@pytest.mark.parametrize("edges", FORMS)
def test_a_column_is_counted_as_by_hand_however_many_edges_it_has(edges: int) -> None:
    """Few edges are all compared, many are searched; rows come in blocks, and neither shows."""
    column, x = values(edges)
    layout, rows = Layout([column]), np.arange(len(x))
    summary = Summary.empty(layout)
    summary.add(layout, x[:, None], np.array([0]), rows, ())
    slots, extremes = expected(column, x)
    assert summary.counts.tolist() == slots
    assert summary.extremes[0].tolist() == extremes


@pytest.mark.parametrize("edges", FORMS)
@pytest.mark.parametrize("together", [False, True])
def test_rows_of_many_summaries_count_in_each_what_it_would_count_alone(
    edges: int, together: bool
) -> None:
    """Each of three summaries, side by side in one array, gets every third row, or two of them have most in a row."""
    column, x = values(edges)
    layout, layouts = Layout([column]), Layouts()
    layouts.place(layout)
    counts = np.zeros(3 * layout.size, dtype=np.int64)
    extremes = np.tile([np.inf, -np.inf], (3, 1))
    seats = np.arange(len(x)) % 3
    if together:
        seats = np.repeat([0, 1, 2], [BLOCK, 2, len(x) - BLOCK - 2])
    fold_scattered(
        x[:, None], np.arange(len(x)), seats, np.zeros(3, dtype=np.int64), np.arange(3) * layout.size, np.arange(3),
        np.array([0]), *layouts.numbers(), counts, extremes,
    )  # fmt: skip
    for seat in range(3):
        slots, ends = expected(column, x[seats == seat])
        assert counts[seat * layout.size :][: layout.size].tolist() == slots
        assert extremes[seat].tolist() == ends
