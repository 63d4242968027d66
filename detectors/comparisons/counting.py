"""From raw numbers to cells: what lies between the edges of bins."""

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from detectors.comparisons.cells import Cells
from detectors.summaries.folding import SUM_CLIP, fold_numbers

__all__ = ["count"]


def count(windows: Sequence[ArrayLike], edges: ArrayLike) -> Cells:
    """Count the numbers of one column between edges, window by window. Cost: some 30 ns a value.

    Args:
        windows: T times [N] numbers; NaN is missing, an infinity is invalid.
        edges: two or more, ascending and finite.

    Returns:
        Cells of one numeric column of len(edges) + 1 bins, the outer ones included. Its grid has
        steps of 1/32767 of the distance between the outer edges, begins in their middle, and clips
        what lies further from there than that distance.

    Raises:
        ValueError: the edges are fewer than two, not finite, or do not ascend; or a window is not a
            row of numbers, as when the numbers of one window are given without a list around them.

    >>> day = count([[0.5, 1.5, 1.7], [2.5, float("nan"), float("inf")]], edges=[0, 1, 2])
    >>> day.bins.tolist(), day.missing.tolist(), day.invalid.tolist(), day.hi.tolist()
    ([[[0, 1, 2, 0], [0, 0, 0, 1]]], [[0, 1]], [[0, 1]], [[1.7, 2.5]])
    """
    bounds = np.array(edges, np.float64)
    if bounds.ndim != 1 or len(bounds) < 2 or not np.isfinite(bounds).all():
        raise ValueError("need two finite edges at least")
    if not (bounds[1:] > bounds[:-1]).all():
        raise ValueError("edges must ascend")
    width = len(bounds) + 1
    middle = bounds[:1] / 2 + bounds[-1:] / 2
    per_step = 1 / np.maximum(bounds[-1:] / SUM_CLIP - bounds[:1] / SUM_CLIP, 1e-300)
    table = np.zeros((len(windows), width + 4), np.int64)
    extremes = np.tile(np.array([[[inf, -inf]]]), (len(windows), 1, 1))
    first, at = np.zeros(1, np.int64), np.array([0, len(bounds)])
    for t, window in enumerate(windows):
        numbers = np.array(window, np.float64)
        if numbers.ndim != 1:
            raise ValueError(f"need windows of numbers, not one of the shape {numbers.shape}")
        X = numbers.reshape(-1, 1)
        rows = np.arange(len(X))
        fold_numbers(
            X, rows, first, bounds, at, first, middle, per_step, table[t], extremes[t]
        )  # fmt: skip
    missing, invalid, sums, squares = table[:, width:].T
    return Cells.of(
        table[:, :width],
        missing=missing,
        invalid=invalid,
        lo=extremes[:, 0, 0],
        hi=extremes[:, 0, 1],
        sums=sums,
        squares=squares,
    )
