"""How one column is binned: frozen edges or known values, and the grid on which its sums are exact."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, nextafter
from typing import Literal

import numpy as np

__all__ = [
    "ABSENT",
    "INVALID",
    "Column",
    "ColumnType",
    "Value",
    "as_float",
    "conform",
    "learn_column",
]

Value = float | str | bool
ColumnType = Literal["number", "string", "boolean"]

ABSENT = None
"""A value that is missing: null, or not there."""
INVALID: tuple[()] = ()
"""A value that no column can hold: a list, an object, a number without a float."""

GRID = 8192
"""Steps of the grid on either side of the reference's middle (design, "Exactness")."""
STEP_MIN = 1e-300
"""The finest grid: one over it is still a number."""
MAX = sys.float_info.max


@dataclass(frozen=True, slots=True)
class Column:
    """The frozen binning of one column; it never changes within a version of a reference.

    Numeric: `edges` ascend; bin i holds edges[i-1] <= x < edges[i]. The first and the last bin are the outer ones,
    half the reference's span beyond its smallest and largest value. Discrete: one bin a value of `values`, and a last
    one, `other`. `mid` and `step` place a number on the integer grid of the sums.
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
    """
    numbers = [x for x in (conform("number", v) for v in values) if isinstance(x, float)]
    strings = [v for v in values if isinstance(v, str)]
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
    span = hi / 2 - lo / 2  # half the span, so that huge values do not overflow
    inner = np.unique(ordered[(len(ordered) * np.arange(1, bins)) // bins])
    outer = max(-MAX, lo - span), min(MAX, max(hi + span, nextafter(hi, inf)))
    edges = np.unique(np.concatenate([outer[:1], inner[inner > lo], outer[1:]]))
    return Column(
        name, "number", tuple(edges.tolist()), (), lo / 2 + hi / 2, max(span / GRID, STEP_MIN)
    )


def conform(column_type: ColumnType, value: object) -> Value | tuple[()] | None:
    """Give the value as its column's type has it; INVALID when it is of another type, ABSENT stays."""
    if value is None:
        return None
    if column_type == "number":
        if isinstance(value, int | float) and not isinstance(value, bool):
            return as_float(value)
    elif column_type == "string":
        if isinstance(value, str):
            return value
    elif isinstance(value, bool):
        return value
    return INVALID


def as_float(value: float) -> float | tuple[()]:
    """Give a number as a finite float; INVALID when no float holds it."""
    try:
        number = float(value)
    except OverflowError:
        return INVALID
    return number if isfinite(number) else INVALID
