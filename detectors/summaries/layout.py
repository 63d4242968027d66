"""Where each column of a reference has its slots in a summary."""

from collections.abc import Sequence

import numpy as np

from detectors.summaries.column import INVALID, Column

__all__ = ["Layout"]

TAIL = 4
"""Slots behind a column's bins: missing, invalid, sum on the grid, sum of squares on the grid."""


class Layout:
    """The slots of a summary: for each column its bins, missing, invalid, sum and sum of squares; last, the events.

    Made once for each reference; every array is read-only by custom. `numbers` are the columns binned by edges,
    `atoms` those binned by value with the place of each known value, both with their positions in `columns`.

    Cost: making one takes a pass over the edges and the values of all columns, asking it O(1).

    >>> layout = Layout([Column("x", "number", (0.0, 1.0)), Column("y", "string", values=("a",))])
    >>> layout.size, layout.bins_of(1), layout.tail_of(1)
    (14, slice(7, 9, None), 9)
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.slot_at: list[int] = []
        size = 0
        for column in self.columns:
            self.slot_at.append(size)
            size += column.bins + TAIL
        self.size = size + 1
        self.numbers = [(i, c) for i, c in enumerate(self.columns) if not c.discrete]
        self.atoms = [(i, c, _codes(c)) for i, c in enumerate(self.columns) if c.discrete]
        edges = [c.edges for _, c in self.numbers]
        self.edges = np.array([e for per in edges for e in per], dtype=np.float64)
        self.edge_at = np.cumsum([0, *map(len, edges)], dtype=np.int64)
        self.number_slots = np.array([self.slot_at[i] for i, _ in self.numbers], dtype=np.int64)
        self.mid = np.array([c.mid for _, c in self.numbers], dtype=np.float64)
        self.per_step = np.array([1.0 / c.step for _, c in self.numbers], dtype=np.float64)

    def bins_of(self, i: int) -> slice:
        """Tell the slots of the bins of column i."""
        return slice(self.slot_at[i], self.slot_at[i] + self.columns[i].bins)

    def tail_of(self, i: int) -> int:
        """Tell the slot of `missing` of column i; invalid, sum and squares follow."""
        return self.slot_at[i] + self.columns[i].bins


def _codes(column: Column) -> dict[object, int]:
    """Map each value to its bin, None to missing and INVALID to invalid; what is not in it is `other`."""
    codes: dict[object, int] = {value: i for i, value in enumerate(column.values)}
    return codes | {None: column.bins, INVALID: column.bins + 1}
