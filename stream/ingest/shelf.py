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
        self._ends = (0, 0)

    def take(self, binned: Binned, layout: Layout) -> int:
        """Move a summary onto the shelf, if it is not there yet, and tell its seat."""
        if binned.seat >= 0:
            return binned.seat
        seat, summary = len(self.held), binned.summary
        first, top = self._ends
        end, bottom = self._ends = first + len(summary.counts), top + len(summary.extremes)
        if seat == len(self.layout_of):
            self._add_seats(2 * seat)
        if end > len(self.counts) or bottom > len(self.extremes):
            self._make_room(end, bottom)
        binned.seat = seat
        self.held.append(binned)
        self.layout_of[seat] = self.layouts.place(layout)
        self.count_at[seat + 1], self.extreme_at[seat + 1] = end, bottom
        counts, extremes = self.counts[first:end], self.extremes[top:bottom]
        counts[:], extremes[:] = summary.counts, summary.extremes
        summary.counts, summary.extremes = counts, extremes
        return seat

    def _add_seats(self, seats: int) -> None:
        self.layout_of = _grown(self.layout_of, seats)
        self.changed = _grown(self.changed, seats)
        self.count_at = _grown(self.count_at, seats + 1)
        self.extreme_at = _grown(self.extreme_at, seats + 1)

    def _make_room(self, end: int, bottom: int) -> None:
        """Make the arrays anew, with room up to there and beyond, and let who is held have their own of them."""
        self.counts = _grown(self.counts, 2 * max(end, len(self.counts) // 2))
        self.extremes = _grown(self.extremes, 2 * max(bottom, len(self.extremes) // 2))
        firsts, tops = self.count_at.tolist(), self.extreme_at.tolist()
        for seat, held in enumerate(self.held):
            held.summary.counts = self.counts[firsts[seat] : firsts[seat + 1]]
            held.summary.extremes = self.extremes[tops[seat] : tops[seat + 1]]


def _grown(array: NDArray[Any], n: int) -> NDArray[Any]:
    made = np.zeros((max(n, len(array)), *array.shape[1:]), dtype=array.dtype)
    made[: len(array)] = array
    return made
