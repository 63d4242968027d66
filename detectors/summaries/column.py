"""How one column is binned: frozen edges or known values, and the grid on which its sums are exact."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np

from detectors.summaries.binning import quantile_edges

__all__ = [
    "ABSENT",
    "INVALID",
    "Column",
    "ColumnType",
    "Value",
    "as_float",
    "conform",
    "is_long",
    "learn_column",
]

Value = float | str | bool
ColumnType = Literal["number", "string", "boolean"]

ABSENT = None
"""A value that is missing: null, or not there."""
INVALID: tuple[()] = ()
"""A value that no column can hold: a list, an object, a number without a float, a text longer than 256 bytes."""

TEXT_BYTES_MAX = 256
"""The longest text that is a value, and the longest name of a column; nobody counts by longer ones."""
GRID = 8192
"""Steps of the grid on either side of the reference's middle (design, "Exactness")."""
STEP_MIN = 1e-300
"""The finest grid: one over it is still a number."""


@dataclass(frozen=True, slots=True)
class Column:
    """The frozen binning of one column; it never changes within a version of a reference.

    Promise: a value's bin depends on the value alone, so counts of any two windows can be compared.

    Numeric: `edges` ascend; bin i holds edges[i-1] <= x < edges[i]. The first and the last bin are the outer ones,
    half the reference's span beyond its smallest and largest value. Discrete: one bin a value of `values`, and a last
    one, `other`. `mid` and `step` place a number on the integer grid of the sums: 8,192 steps either side of the
    middle of the reference, clipped at four times that, so that sums are exact in any order and a mean is within half
    a step of the true one.

    Cost: 8 bytes an edge or a known number, and its text a known text; naming a bin is O(1).

    >>> column = Column("amount", "number", edges=(-10.0, 0.0, 5.0, 20.0))
    >>> column.bins, [column.bin_name(i) for i in range(3)]
    (5, ['far below, under -10', 'below 0', '0 to 5'])
    >>> Column("channel", "string", values=("app", "web")).bin_name(2)
    'other'
    """

    name: str
    type: ColumnType
    edges: tuple[float, ...] = ()
    values: tuple[Value, ...] = ()
    mid: float = 0.0
    step: float = 1.0

    @property
    def discrete(self) -> bool:
        """Whether the column is binned by value."""
        return not self.edges

    @property
    def bins(self) -> int:
        """The number of bins, outer ones or `other` included."""
        return (len(self.edges) or len(self.values)) + 1

    def bin_name(self, i: int) -> str:
        """Name bin i as a person would: `web`, `other`, `3.5 to 7`, `below 2`, `far below, under -20`."""
        if self.discrete:
            return _plain(self.values[i]) if i < len(self.values) else "other"
        last = len(self.edges)
        if i == 0:
            return f"far below, under {self.edges[0]:g}"
        if i == last:
            return f"far above, from {self.edges[-1]:g}"
        if i == 1 < last - 1:  # the outer edge is no value of the reference: nobody knows it
            return f"below {self.edges[1]:g}"
        if i == last - 1 > 1:
            return f"{self.edges[-2]:g} and above"
        return f"{self.edges[i - 1]:g} to {self.edges[i]:g}"


def _plain(value: Value) -> str:
    return (
        f"{value:g}"
        if isinstance(value, float)
        else str(value).lower()
        if isinstance(value, bool)
        else value
    )


def learn_column(
    name: str, values: Sequence[object], bins: int, categories_max: int
) -> Column | None:
    """Freeze the binning of a column from its raw values, in any order; None when it never held a value.

    The commonest type decides (number, string, boolean; ties in this order). Whole numbers of at most `bins` distinct
    values, booleans and strings are binned by value (the `categories_max` commonest; ties by value), other numbers at
    the quantiles i/bins, which are values of the column, so that ties stay in one bin. Cost: one sort.

    Args:
        name: of the column.
        values: as they came; None is missing, and what `conform` calls INVALID plays no part.
        bins: at most so many bins of numbers, not counting the two outer ones.
        categories_max: at most so many values of a text or a boolean; the others are `other`.

    >>> learn_column("x", [3.0, 1.0, 2.5, 4.0, 10.0], bins=2, categories_max=9).edges
    (-3.5, 3.0, 14.5)
    >>> learn_column("x", ["b", "a", "b", "c"], bins=2, categories_max=2).values
    ('a', 'b')
    """
    numbers = [x for x in (conform("number", v) for v in values) if isinstance(x, float)]
    strings = [v for v in values if isinstance(v, str) and not is_long(v)]
    booleans = [v for v in values if isinstance(v, bool)]
    most = max(len(numbers), len(strings), len(booleans))
    if most == 0:
        return None
    if len(numbers) == most:
        return _learn_number(
            name, np.sort(np.array(numbers, dtype=np.float64)) + 0.0, bins
        )  # no -0.0
    known: Sequence[Value] = strings if len(strings) == most else booleans
    ranked = sorted(Counter(known).items(), key=lambda pair: (-pair[1], pair[0]))
    kept = tuple(sorted(value for value, _ in ranked[:categories_max]))
    return Column(name, "string" if len(strings) == most else "boolean", values=kept)


def _learn_number(
    name: str, ordered: np.ndarray[tuple[int], np.dtype[np.float64]], bins: int
) -> Column:
    distinct = np.unique(ordered)
    whole = bool(np.all(distinct == np.rint(distinct)))
    if len(distinct) == 1 or (whole and len(distinct) <= bins):
        return Column(name, "number", values=tuple(distinct.tolist()))
    lo, hi = float(ordered[0]), float(ordered[-1])
    edges = tuple(quantile_edges(ordered, bins).tolist())
    span = hi / 2 - lo / 2  # half the span, so that huge values do not overflow
    return Column(name, "number", edges, (), lo / 2 + hi / 2, max(span / GRID, STEP_MIN))


def conform(column_type: ColumnType, value: object) -> Value | tuple[()] | None:
    """Give the value as its column's type has it; INVALID when it is of another type, ABSENT stays.

    >>> conform("number", 7), conform("number", True), conform("string", None)
    (7.0, (), None)
    """
    if value is None:
        return None
    if column_type == "number":
        if isinstance(value, int | float) and not isinstance(value, bool):
            return as_float(value)
    elif column_type == "string":
        if isinstance(value, str) and not is_long(value):
            return value
    elif isinstance(value, bool):
        return value
    return INVALID


def is_long(text: str) -> bool:
    """Tell whether a text has more than 256 bytes in UTF-8.

    >>> is_long("é" * 128), is_long("é" * 129)
    (False, True)
    """
    if 4 * len(text) <= TEXT_BYTES_MAX:
        return False
    return len(text if text.isascii() else text.encode("utf-8", "surrogatepass")) > TEXT_BYTES_MAX


def as_float(value: float) -> float | tuple[()]:
    """Give a number as a finite float; INVALID when no float holds it."""
    try:
        number = float(value)
    except OverflowError:
        return INVALID
    return number if isfinite(number) else INVALID
