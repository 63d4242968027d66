"""Room for the summaries of many series side by side, so that one pass counts rows of all of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.layout import Layout
from detectors.summaries.layouts import Layouts
from detectors.summaries.summary import Summary
from detectors.summaries.thinned import Thinned

__all__ = ["Binned", "Shelf"]

ROOM = 256
"""Slots that there is room for at first."""


class Binned:
    """The summary of a series under the reference with this digest; `seat` is its place on a shelf, -1 if on none."""

    __slots__ = ("digest", "seat", "summary")

    def __init__(self, digest: bytes, summary: Summary) -> None:
        self.digest = digest
        self.summary = summary
        self.seat = -1

    def stand_for(self, rates: NDArray[np.float64]) -> None:
        """Note at which rates events were chosen that are taken in."""
        self.summary.thinned = self.summary.thinned.plus(Thinned.of(rates))


class Shelf:
    """The counts and extremes of summaries in two arrays, of which each summary's own arrays are views.

    It is one model's in a pane, or that of all models whose columns have the same names and types. Summary s has its
    counts from count_at[s] and its extremes from extreme_at[s] on, and the layout layout_of[s] of `layouts`; changed[s]
    tells that something was counted in it, until somebody takes that back. Where there is no room left, the arrays are
    made anew, twice as large.

    Memory: up to twice that of the summaries, of which what was never touched is not taken from the system.
    """

    def __init__(self, layouts: Layouts | None = None) -> None:
        self.layouts = Layouts() if layouts is None else layouts
        self.held: list[Binned] = []
        self.counts: NDArray[np.int64] = np.zeros(ROOM, dtype=np.int64)
        self.extremes: NDArray[np.float64] = np.zeros((ROOM // 8, 2), dtype=np.float64)
        self.layout_of: NDArray[np.int64] = np.zeros(1, dtype=np.int64)
        self.changed: NDArray[np.bool_] = np.zeros(1, dtype=np.bool_)
        self.count_at: NDArray[np.int64] = np.zeros(2, dtype=np.int64)
        self.extreme_at: NDArray[np.int64] = np.zeros(2, dtype=np.int64)

    def take(self, binned: Binned, layout: Layout) -> int:
        """Move a summary onto the shelf, if it is not there yet, and tell its seat."""
        if binned.seat >= 0:
            return binned.seat
        seat = binned.seat = len(self.held)
        self._make_room(seat, binned.summary)
        self.held.append(binned)
        self.layout_of[seat] = self.layouts.place(layout)
        summary = binned.summary
        counts, extremes = summary.counts, summary.extremes
        self._bind(binned, len(counts), len(extremes))
        summary.counts[:], summary.extremes[:] = counts, extremes
        return seat

    def _bind(self, binned: Binned, size: int, numbers: int) -> None:
        first, top = int(self.count_at[binned.seat]), int(self.extreme_at[binned.seat])
        binned.summary.counts = self.counts[first : first + size]
        binned.summary.extremes = self.extremes[top : top + numbers]

    def _make_room(self, seat: int, summary: Summary) -> None:
        if seat == len(self.layout_of):
            self.layout_of = _grown(self.layout_of, 2 * seat)
            self.changed = _grown(self.changed, 2 * seat)
            self.count_at = _grown(self.count_at, 2 * seat + 1)
            self.extreme_at = _grown(self.extreme_at, 2 * seat + 1)
        end = self.count_at[seat + 1] = int(self.count_at[seat]) + len(summary.counts)
        top = self.extreme_at[seat + 1] = int(self.extreme_at[seat]) + len(summary.extremes)
        if end <= len(self.counts) and top <= len(self.extremes):
            return
        self.counts = _grown(self.counts, 2 * max(int(end), len(self.counts) // 2))
        self.extremes = _grown(self.extremes, 2 * max(int(top), len(self.extremes) // 2))
        for held in self.held:
            self._bind(held, len(held.summary.counts), len(held.summary.extremes))


def _grown(array: NDArray[Any], n: int) -> NDArray[Any]:
    made = np.zeros((max(n, len(array)), *array.shape[1:]), dtype=array.dtype)
    made[: len(array)] = array
    return made
