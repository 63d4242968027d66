"""What comparisons see: the counts of many columns, window by window.

A comparison never reads events. It reads `Cells`: for each of C columns and T windows how many
values fell into each of B bins, how many were missing or invalid, the extremes, and exact sums.
Cells add up exactly, so a reference is the total of its windows and a window can be taken out of
it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.arrays import Counts, Flags, Floats, beside

__all__ = ["Cells", "baseline"]

BY_WINDOW = ("missing", "invalid", "lo", "hi", "sums", "squares")
BY_COLUMN = ("discrete", "grid")
TOTAL_LOG = 62
"""Logarithm of what no total of a column may reach, so that sums of two still have 64 bits."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Summaries of C columns over T windows; T = 1 for a single window or a reference's total.

    Columns of fewer bins than the widest are padded at the end; padding is not `held` and is 0.

    Attributes:
        bins: [C, T, B] counts of present, valid values. Numeric: bin 0 and the last held bin are
            the outer bins, far outside the reference's range; between them lie the
            reference-quantile bins in order. Discrete: a bin per known value; the last held bin is
            `other`, values never seen.
        held: [C, B] which bins a column has: the first one or more of them.
        missing: [C, T] events without a value.
        invalid: [C, T] events whose value had the wrong type.
        lo: [C, T] smallest numeric value, +inf if there is none.
        hi: [C, T] largest numeric value, -inf if there is none.
        discrete: [C] whether bins are values rather than ranges.
        sums: [C, T] sum of the values' places on the column's integer grid; 0 without a grid.
        squares: [C, T] sum of the squares of these places; 0 without a grid.
        grid: [C] whether the column has such sums.

    Raises:
        ValueError: the shapes do not agree, a column has no bin or holds counts in its padding.

    Cost: 8 bytes a number of these arrays; adding up and taking apart are one pass over them.

    >>> day = Cells.of([[0, 6, 4, 0], [0, 5, 3, 1]], missing=[0, 1])
    >>> len(day), day.valid.tolist(), day.n.tolist(), day.total().bins.tolist()
    (2, [[10, 9]], [[10, 10]], [[[0, 11, 7, 1]]])
    >>> both = Cells.stack([day, Cells.of([[7, 3], [2, 8]], discrete=True)])
    >>> both.shape, both.last.tolist(), both.column(1).bins.tolist()
    ((2, 2, 4), [3, 1], [[[7, 3], [2, 8]]])
    """

    bins: Counts
    held: Flags
    missing: Counts
    invalid: Counts
    lo: Floats
    hi: Floats
    discrete: Flags
    sums: Counts
    squares: Counts
    grid: Flags

    def __post_init__(self) -> None:
        if self.bins.ndim != 3:
            raise ValueError(f"bins must be [columns, windows, bins], not {self.bins.shape}")
        columns, windows, bins = self.bins.shape
        expected: list[tuple[str, tuple[int, ...]]] = [("held", (columns, bins))]
        expected += [(name, (columns, windows)) for name in BY_WINDOW]
        expected += [(name, (columns,)) for name in BY_COLUMN]
        for name, shape in expected:
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name} has shape {found} beside bins of {self.bins.shape}")
        if bins == 0 or not self.held[:, 0].all() or (self.held[:, 1:] > self.held[:, :-1]).any():
            raise ValueError("the bins that a column holds must be its first, one at least")
        if (self.bins.any(axis=1) & ~self.held).any():
            raise ValueError("a column has counts in bins that it does not hold")

    # -- making them --

    @classmethod
    def of(
        cls,
        bins: ArrayLike,
        missing: ArrayLike = 0,
        invalid: ArrayLike = 0,
        lo: ArrayLike = np.inf,
        hi: ArrayLike = -np.inf,
        discrete: ArrayLike = False,
        sums: ArrayLike | None = None,
        squares: ArrayLike | None = None,
    ) -> Cells:
        """Build cells from anything array-like, without padding.

        Args:
            bins: [T, B] counts of one column, or [C, T, B] of columns of B bins each.
            missing: [C, T], or [T], or a number for all; so are the others but `discrete`.
            invalid: as missing.
            lo: as missing.
            hi: as missing.
            discrete: [C], or a flag for all.
            sums: as missing; None: the columns have no grid, and discrete ones never do.
            squares: as missing; given if and only if sums are.

        Raises:
            ValueError: the shapes do not agree, or one of sums and squares is missing; a count is
                negative, not whole or no number; or a column adds up to 2^62 or more.
        """
        counts = _whole("bins", bins)
        counts = counts[None] if counts.ndim == 2 else counts
        if counts.ndim != 3:
            raise ValueError(f"bins must be [windows, bins], columns before, not {counts.shape}")
        if (sums is None) != (squares is None):
            raise ValueError("sums come with squares")

        def table(given: ArrayLike) -> NDArray[Any]:
            return np.broadcast_to(given, counts.shape[:2])

        by_value = np.broadcast_to(np.asarray(discrete, np.bool_), counts.shape[:1])
        grid = ~by_value & (sums is not None)
        places = _whole("sums", 0 if sums is None else sums, signed=True)
        first = np.where(grid[:, None], table(places), 0)
        places = _whole("squares", 0 if squares is None else squares)
        second = np.where(grid[:, None], table(places), 0)
        lost, wrong = table(_whole("missing", missing)), table(_whole("invalid", invalid))
        _need_room("events", counts, lost, wrong)
        _need_room("sums", np.abs(first))
        _need_room("squares", second)
        return cls(
            bins=counts,
            held=np.full((counts.shape[0], counts.shape[2]), True),
            missing=lost,
            invalid=wrong,
            lo=table(np.asarray(lo, np.float64)),
            hi=table(np.asarray(hi, np.float64)),
            discrete=by_value,
            sums=first,
            squares=second,
            grid=grid,
        )

    @staticmethod
    def sound(*arrays: NDArray[Any]) -> Cells:
        """Make cells of arrays, in the order of the attributes, that are known to fit: nothing is looked at."""
        made = object.__new__(Cells)
        made.__dict__.update(zip(NAMES, arrays, strict=True))
        return made

    @staticmethod
    def concat(parts: Sequence[Cells]) -> Cells:
        """Put windows behind each other, in the order given; at least one part.

        Raises:
            ValueError: there is no part, or the parts are of different columns.
        """
        if not parts:
            raise ValueError("there are no cells to put behind each other")
        first = parts[0]
        for part in parts[1:]:
            if not (
                np.array_equal(part.held, first.held)
                and np.array_equal(part.discrete, first.discrete)
            ):
                raise ValueError("windows of different columns do not go behind each other")
        return replace(
            first,
            **{
                name: np.concatenate([getattr(part, name) for part in parts], axis=1)
                for name in ("bins", *BY_WINDOW)
            },
            grid=np.logical_and.reduce([part.grid for part in parts]),
        )

    @staticmethod
    def stack(parts: Sequence[Cells]) -> Cells:
        """Put columns beside each other, padded to the most bins; at least one part, of equal T.

        Raises:
            ValueError: there is no part, or the parts have unequal numbers of windows.
        """
        if not parts:
            raise ValueError("there are no cells to put beside each other")
        lengths = [len(part) for part in parts]
        if len(set(lengths)) > 1:
            raise ValueError(f"columns of unequal numbers of windows do not go together: {lengths}")
        widest = max(part.shape[2] for part in parts)

        def padded(table: NDArray[Any]) -> NDArray[Any]:
            width = [(0, 0)] * (table.ndim - 1) + [(0, widest - table.shape[-1])]
            return np.pad(table, width)

        return Cells(
            np.concatenate([padded(part.bins) for part in parts]),
            np.concatenate([padded(part.held) for part in parts]),
            *(
                np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(Cells)[2:]
            ),
        )

    @staticmethod
    def beside(parts: Sequence[Cells]) -> Cells:
        """Put columns beside each other like `stack`, of cells that are known to be of as many windows."""
        return Cells.sound(*(beside([getattr(part, name) for part in parts]) for name in NAMES))

    # -- looking at them --

    def __len__(self) -> int:
        """Tell the number T of windows."""
        return int(self.bins.shape[1])

    @property
    def shape(self) -> tuple[int, int, int]:
        """The numbers of columns, windows and bins: C, T, B."""
        columns, windows, bins = self.bins.shape
        return columns, windows, bins

    @cached_property
    def valid(self) -> Counts:
        """[C, T] values that fell into a bin."""
        return np.asarray(self.bins.sum(axis=2, dtype=np.int64))

    @cached_property
    def n(self) -> Counts:
        """[C, T] all events: valid, missing and invalid."""
        return self.valid + self.missing + self.invalid

    @cached_property
    def with_missing(self) -> Counts:
        """[C, T, B + 1] the bins and, last, the missing: a missing value is a value too."""
        return np.concatenate([self.bins, self.missing[:, :, None]], axis=2)

    @cached_property
    def held_with_missing(self) -> Flags:
        """[C, 1, B + 1] which entries of `with_missing` are no padding."""
        missing = np.full((len(self.held), 1), True)
        return np.concatenate([self.held, missing], axis=1)[:, None]

    @cached_property
    def last(self) -> Counts:
        """[C] the position of each column's last bin."""
        return np.asarray(self.held.sum(axis=1, dtype=np.int64) - 1)

    @cached_property
    def last_counts(self) -> Counts:
        """[C, T] the counts in each column's last bin: far above the range, or `other`."""
        return self.bins[np.arange(len(self.bins)), :, self.last]

    def column(self, c: int) -> Cells:
        """Take out one column, without its padding."""
        one = self.columns(slice(c, c + 1))
        width = int(one.last[0]) + 1
        return replace(one, bins=one.bins[:, :, :width], held=one.held[:, :width])

    def columns(self, which: Flags | Counts | slice) -> Cells:
        """Keep some of the columns; the number of bins stays."""
        return Cells.sound(*(getattr(self, name)[which] for name in NAMES))

    def select(self, windows: Flags | slice) -> Cells:
        """Keep some of the windows."""
        return replace(
            self, **{name: getattr(self, name)[:, windows] for name in ("bins", *BY_WINDOW)}
        )

    # -- adding them up --

    def total(self) -> Cells:
        """Merge all windows into one; no windows at all make one empty window."""
        added = ("bins", "missing", "invalid", "sums", "squares")
        return replace(
            self,
            **{name: getattr(self, name).sum(axis=1, keepdims=True) for name in added},
            lo=self.lo.min(axis=1, keepdims=True, initial=np.inf),
            hi=self.hi.max(axis=1, keepdims=True, initial=-np.inf),
        )

    def rest(self, total: Cells) -> Counts:
        """[C, T, B] the total's bins without each of these windows, for leaving one out."""
        return total.bins - self.bins


NAMES = tuple(field.name for field in fields(Cells))


def baseline(reference: Cells, history: Cells, inside: Flags) -> Cells:
    """Tell what each history window is compared with, so that none is compared with itself.

    Args:
        reference: the totals of C columns, T = 1.
        history: T windows of the same columns.
        inside: [T] whether the window is part of the reference.

    Returns:
        T windows: the reference without the window where that is inside, else the reference.
        Extremes cannot be taken back and stay the reference's.

    Raises:
        ValueError: the reference is not one window, `inside` has another length than the
            history, or a window said to be inside holds more than the reference.

    Cost: one pass over the history's bins.

    >>> history = Cells.of([[4, 6], [5, 5]])
    >>> baseline(history.total(), history, np.array([True, False])).bins.tolist()
    [[[5, 5], [9, 11]]]
    """
    windows = len(history)
    if len(reference) != 1 or inside.shape != (windows,):
        raise ValueError(
            f"need one reference and a flag a window, got {len(reference)} and {inside.shape}"
        )
    table = history.missing.shape
    left = {
        name: getattr(reference, name) - np.where(inside, getattr(history, name), 0)
        for name in ("missing", "invalid", "sums", "squares")
    }
    rest = replace(
        reference,
        bins=np.where(inside[:, None], history.rest(reference), reference.bins),
        **left,
        lo=np.broadcast_to(reference.lo, table),
        hi=np.broadcast_to(reference.hi, table),
        grid=reference.grid & history.grid,
    )
    if min(counts.min(initial=0) for counts in (rest.bins, rest.missing, rest.invalid)) < 0:
        raise ValueError("a window said to be inside the reference holds more than the reference")
    return rest


def _whole(name: str, given: ArrayLike, *, signed: bool = False) -> Counts:
    """Give whole numbers below 2^62 as integers; ValueError for everything else."""
    found = np.asarray(given)
    least = -(2.0**TOTAL_LOG) if signed else 0.0
    fits = found.dtype.kind in "biuf" and bool(
        ((found >= least) & (found < 2.0**TOTAL_LOG) & (found == np.rint(found))).all()
    )
    if not fits:
        kind = "whole numbers" if signed else "whole numbers from 0 on"
        raise ValueError(f"{name} must be {kind}, each of less than 2^{TOTAL_LOG}")
    return found.astype(np.int64, copy=False)


def _need_room(name: str, *tables: Counts) -> None:
    """Refuse columns [C, T, ...] whose windows cannot be added up."""
    totals = sum(table.sum(axis=tuple(range(1, table.ndim)), dtype=np.float64) for table in tables)
    if np.max(totals, initial=0.0) >= 2.0**TOTAL_LOG:
        raise ValueError(f"the {name} of a column add up to 2^{TOTAL_LOG} or more")
