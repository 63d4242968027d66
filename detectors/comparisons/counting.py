"""What makes cells: raw numbers between the edges of bins, or summaries of many columns."""

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Floats, beside
from detectors.comparisons.cells import Cells
from detectors.summaries.folding import SUM_CLIP, fold_numbers
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary

__all__ = ["CellsOf", "cells", "count"]


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


def cells(layout: Layout, columns: Sequence[int], stack: Sequence[Summary]) -> Cells:
    """View some columns over a stack of T summaries once; see `CellsOf`."""
    return CellsOf(layout, columns)(stack)


class CellsOf:
    """Some columns of a layout, to be viewed over stacks of T summaries as the comparisons read them.

    Columns of fewer bins than the widest of those asked for are padded, so ask for columns of like
    widths together. Cost of a view: one pass over the counts asked for.
    """

    def __init__(self, layout: Layout, columns: Sequence[int]) -> None:
        chosen = [layout.columns[i] for i in columns]
        width = np.array([column.bins for column in chosen], np.int64)
        start = np.array([layout.slot_at[i] for i in columns], np.int64)
        place = np.arange(width.max(initial=1))
        self._held = place < width[:, None]
        bins = np.where(self._held, start[:, None] + place, 0)
        tails = start + width + np.arange(4)[:, None]
        self._slots = np.concatenate([bins.ravel(), tails.ravel()]).astype(np.int32)
        self._bins = self._slots[: bins.size].reshape(bins.shape)
        self._tails = self._slots[bins.size :].reshape(tails.shape)
        self._discrete = np.array([column.discrete for column in chosen], np.bool_)
        row_of = {i: k for k, (i, _) in enumerate(layout.numbers)}
        numbers = [(c, row_of[i]) for c, i in enumerate(columns) if i in row_of]
        self._numbers = np.array(numbers, np.int64).reshape(-1, 2).T

    @classmethod
    def beside(cls, parts: Sequence[tuple["CellsOf", int, int]]) -> "CellsOf":
        """View the columns of several views, one after the other, over summaries that are put behind each other.

        Each view comes with the places where its summary's counts and extremes begin.
        """
        made = cls.__new__(cls)
        views = [view for view, _, _ in parts]
        made._held = beside([view._held for view in views])
        made._bins = beside([view._bins + at for view, at, _ in parts])
        made._tails = np.concatenate([view._tails + at for view, at, _ in parts], axis=1)
        made._slots = np.concatenate([made._bins.ravel(), made._tails.ravel()])
        made._discrete = np.concatenate([view._discrete for view in views])
        first = np.cumsum([0, *(len(view._held) for view in views)]).tolist()
        numbers = [
            view._numbers + np.array([[row], [at]])
            for (view, _, at), row in zip(parts, first[:-1], strict=True)
        ]
        made._numbers = np.concatenate(numbers, axis=1)
        return made

    def __call__(self, stack: Sequence[Summary]) -> Cells:
        """View them over T summaries."""
        held, T = self._held, len(stack)
        counts = np.array([s.counts[self._slots] for s in stack], np.int64)
        counts = counts.reshape(T, len(self._slots)).T
        bins = counts[: held.size].reshape(*held.shape, T).transpose(0, 2, 1)
        missing, invalid, sums, squares = counts[held.size :].reshape(4, len(held), T)
        lo, hi = self._extremes(stack)
        discrete = self._discrete
        return Cells.sound(
            np.where(held[:, None], bins, 0), held, missing, invalid, lo, hi, discrete,
            np.where(discrete[:, None], 0, sums), np.where(discrete[:, None], 0, squares), ~discrete,
        )  # fmt: skip

    def _extremes(self, stack: Sequence[Summary]) -> tuple[Floats, Floats]:
        """Give the smallest and the largest values, each [columns, T]; a discrete column has none."""
        found = np.full((2, len(self._held), len(stack)), np.inf)
        found[1] = -np.inf
        to, source = self._numbers
        if len(to) and stack:
            found[:, to] = np.array([s.extremes[source] for s in stack]).T
        return found[0], found[1]
