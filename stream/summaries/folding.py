"""From the columns of some events to what a summary counts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.coding import code_numbers, code_values
from detectors.summaries.layout import Layout
from stream.summaries.coded import Coded, Word
from stream.summaries.schema import Table

__all__ = ["Folding", "columns_of"]


class Folding(NamedTuple):
    """What Summary.add takes: X, the columns of X, and of discrete columns the codes and the values themselves."""

    X: NDArray[np.float64]
    columns: NDArray[np.int64]
    codes: list[NDArray[np.int64]]
    values: list[Sequence[Word] | NDArray[np.float64]]


def columns_of(table: Table, layout: Layout) -> Folding:
    """Find the columns of a layout in a table."""
    place = table.schema.position
    columns = np.array([place.get(c.name, -1) for _, c in layout.numbers], dtype=np.int64)
    folding = Folding(table.X, columns, [], [])
    for _, column, lookup in layout.atoms:
        if column.name in table.others:
            values = table.others[column.name]
            if isinstance(values, Coded):
                codes = code_values(values.words, lookup, column.bins)[values.code]
            else:
                codes = code_values(values, lookup, column.bins)
            folding.codes.append(codes)
            folding.values.append(values)
        elif column.name in place:
            x = table.X[:, place[column.name]]
            folding.codes.append(code_numbers(x, column))
            folding.values.append(x)
        else:
            folding.codes.append(np.full(len(table.X), column.bins, dtype=np.int64))
            folding.values.append(())
    return folding
