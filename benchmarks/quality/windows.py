"""What every decider gets to see: the windows of many monitors, counted, and their raw values on demand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.summaries.column import Column

__all__ = ["WEEK_MS", "Raw", "Windows"]

WEEK_MS = 7 * 86_400_000

Raw = Callable[[int], tuple[Floats, Counts]]
"""For a monitor its valid values in time order, and how many of them each window holds."""


@dataclass(frozen=True)
class Windows:
    """T windows of M monitors in time order. A monitor is one column of one series.

    Attributes:
        columns: [M] how each is binned.
        series: [M] which series it belongs to; monitors of one series have the same events.
        window_ms: how long a window is.
        first_ms: when the first one starts.
        bins: [M, T, B] counts of valid values; a column's own bins come first, padding is 0.
        missing: [M, T] events without a value.
        sums: [M, T] sum of grid positions of valid values; 0 for columns binned by value.
        squares: [M, T] sum of their squares.
        lo: [M, T] smallest value; +inf where there is none.
        hi: [M, T] largest value; -inf where there is none.
        raw: the values; None where they are too many to be drawn.
    """

    columns: tuple[Column, ...]
    series: Counts
    window_ms: int
    first_ms: int
    bins: Counts
    missing: Counts
    sums: Counts
    squares: Counts
    lo: Floats
    hi: Floats
    raw: Raw | None

    def __len__(self) -> int:
        return int(self.bins.shape[1])

    @cached_property
    def valid(self) -> Counts:
        """[M, T] values that fell into a bin."""
        return np.asarray(self.bins.sum(axis=2))

    @cached_property
    def n(self) -> Counts:
        """[M, T] events."""
        return self.valid + self.missing

    @cached_property
    def held(self) -> Flags:
        """[M, B] which bins are no padding."""
        sizes = np.array([column.bins for column in self.columns])
        return np.asarray(np.arange(self.bins.shape[2]) < sizes[:, None])

    @cached_property
    def numeric(self) -> Flags:
        """[M] whether a monitor's column is binned by edges."""
        return np.array([not column.discrete for column in self.columns])

    @property
    def weeks(self) -> float:
        """How long all of it lasts."""
        return len(self) * self.window_ms / WEEK_MS

    def part(self, first: int, end: int) -> "Windows":
        """Give the windows first <= w < end."""
        cut = slice(first, end)
        return replace(
            self,
            first_ms=self.first_ms + first * self.window_ms,
            bins=self.bins[:, cut],
            missing=self.missing[:, cut],
            sums=self.sums[:, cut],
            squares=self.squares[:, cut],
            lo=self.lo[:, cut],
            hi=self.hi[:, cut],
            raw=_cut(self.raw, first, end),
        )

    def of(self, monitors: Counts) -> "Windows":
        """Give some of the monitors, by their positions."""
        raw = self.raw
        return replace(
            self,
            columns=tuple(self.columns[m] for m in monitors),
            series=self.series[monitors],
            bins=self.bins[monitors],
            missing=self.missing[monitors],
            sums=self.sums[monitors],
            squares=self.squares[monitors],
            lo=self.lo[monitors],
            hi=self.hi[monitors],
            raw=None if raw is None else lambda m: raw(int(monitors[m])),
        )


def _cut(raw: Raw | None, first: int, end: int) -> Raw | None:
    if raw is None:
        return None

    def of(m: int) -> tuple[Floats, Counts]:
        values, counts = raw(m)
        at = np.concatenate([[0], np.cumsum(counts)])
        return values[at[first] : at[end]], counts[first:end]

    return of
