"""The fixed-size mergeable statistics of all columns of one kind of one series."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.comparisons.cells import Cells
from detectors.summaries.folding import fold_numbers
from detectors.summaries.layout import Layout

__all__ = ["Summary", "cells", "mean_of"]


class Summary:
    """Counts and sums over some events: `counts` int64 [layout.size] and `extremes` float64 [numeric columns, 2].

    `merge` is exact, commutative and associative: integers are added, extremes compared.
    """

    __slots__ = ("counts", "extremes")

    def __init__(self, counts: NDArray[np.int64], extremes: NDArray[np.float64]) -> None:
        self.counts = counts
        self.extremes = extremes

    @classmethod
    def empty(cls, layout: Layout) -> "Summary":
        """Make the summary of no events."""
        extremes = np.empty((len(layout.numbers), 2), dtype=np.float64)
        extremes[:, 0], extremes[:, 1] = np.inf, -np.inf
        return cls(np.zeros(layout.size, dtype=np.int64), extremes)

    @property
    def n(self) -> int:
        """The number of events."""
        return int(self.counts[-1])

    def merge(self, other: "Summary") -> None:
        """Take in another summary of the same layout, in place."""
        self.counts += other.counts
        np.minimum(self.extremes[:, 0], other.extremes[:, 0], out=self.extremes[:, 0])
        np.maximum(self.extremes[:, 1], other.extremes[:, 1], out=self.extremes[:, 1])

    def copy(self) -> "Summary":
        """Make an independent copy."""
        return Summary(self.counts.copy(), self.extremes.copy())

    def add(
        self,
        layout: Layout,
        X: NDArray[np.float64],
        columns: NDArray[np.int64],
        rows: NDArray[np.int64],
        codes: Sequence[NDArray[np.int64]],
    ) -> None:
        """Count the chosen rows: numbers from X (see fold_numbers), and the codes of each column of `layout.atoms`."""
        if len(columns):
            fold_numbers(X, rows, columns, layout.edges, layout.edge_at, layout.number_slots, layout.mid,
                         layout.per_step, self.counts, self.extremes)  # fmt: skip
        for (i, column, _), code in zip(layout.atoms, codes, strict=True):
            start = layout.slot_at[i]
            width = column.bins + 2
            self.counts[start : start + width] += np.bincount(code[rows], minlength=width)
        self.counts[-1] += len(rows)


def cells(layout: Layout, i: int, stack: Sequence[Summary]) -> Cells:
    """View column i over a stack of summaries, as the detectors read it."""
    counts = np.stack([s.counts for s in stack]) if stack else np.zeros((0, layout.size), np.int64)
    tail = layout.tail_of(i)
    discrete = layout.columns[i].discrete
    if discrete:
        lo, hi = np.full(len(stack), np.inf), np.full(len(stack), -np.inf)
    else:
        k = next(k for k, (j, _) in enumerate(layout.numbers) if j == i)
        lo = np.array([s.extremes[k, 0] for s in stack], dtype=np.float64)
        hi = np.array([s.extremes[k, 1] for s in stack], dtype=np.float64)
    return Cells(
        bins=counts[:, layout.bins_of(i)], missing=counts[:, tail], invalid=counts[:, tail + 1],
        lo=lo, hi=hi, discrete=discrete,
    )  # fmt: skip


def mean_of(layout: Layout, i: int, summary: Summary) -> float | None:
    """Tell the mean of column i; None where it has no mean (no valid value, or not a number)."""
    column = layout.columns[i]
    bins = summary.counts[layout.bins_of(i)]
    valid = int(bins.sum())
    if valid == 0 or column.type != "number":
        return None
    if not column.discrete:
        return column.mid + column.step * int(summary.counts[layout.tail_of(i) + 2]) / valid
    known = bins[:-1]
    held = int(known.sum())
    return float(known @ np.array(column.values, dtype=np.float64)) / held if held else None
