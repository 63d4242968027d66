"""From the columns of some events to what a summary counts."""

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.layout import Layout
from stream.summaries.schema import Table

__all__ = ["Folding", "columns_of"]

Folding = tuple[NDArray[np.float64], NDArray[np.int64], list[NDArray[np.int64]]]
"""X, the columns of X, and the codes of discrete columns, as Summary.add takes them."""


def columns_of(table: Table, layout: Layout) -> Folding:
    """Find the columns of a layout in a table: X, which of its columns each number reads, the codes of the others."""
    place = table.schema.position
    columns = np.array([place.get(c.name, -1) for _, c in layout.numbers], dtype=np.int64)
    return table.X, columns, [_code(table, c.name, lookup, c.bins) for _, c, lookup in layout.atoms]


def _code(table: Table, name: str, lookup: dict[object, int], bins: int) -> NDArray[np.int64]:
    """Give the slot of each value within its column: its bin, `other`, missing or invalid."""
    other, missing = bins - 1, bins
    if name in table.others:
        return np.array([lookup.get(v, other) for v in table.others[name]], dtype=np.int64)
    n = len(table.X)
    if name not in table.schema.position:
        return np.full(n, missing, dtype=np.int64)
    x = table.X[:, table.schema.position[name]]
    known = np.array([v for v in lookup if isinstance(v, float)], dtype=np.float64)
    at = np.minimum(np.searchsorted(known, x), len(known) - 1)
    code = np.where(known[at] == x, at, other)
    code[np.isnan(x)] = missing
    code[np.isinf(x)] = missing + 1
    return code.astype(np.int64)
