"""Which part of a pane a commit writes, so that what is written grows with what changed, not with what is kept.

A pane is stored whole, at place 0, and behind it are portions: series as they stood at a later commit, which count
instead of what lies before them. A commit writes the series that changed. It takes in the portions that are not twice
as large, so they halve from place to place, each series is written anew a few times only, and there are few places:

    place        0          1        2     3
    series    10,000      1,200     390   100       then 100 others change:
              10,000      1,200     590             those of places 2 and 3 and the new ones are written as one
"""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

__all__ = ["FEW", "PLACES", "Portion", "Portions", "is_small"]

FEW = 16
"""A pane of so many series is always written whole."""
PLACES = 7
"""Places behind the whole."""


def is_small(held: int) -> bool:
    """Whether a pane of so many series is written whole whatever changes."""
    return held <= FEW


class Portion(NamedTuple):
    """Series to write at a place, by their numbers, or all (None). Places in `void` count for nothing from then on."""

    place: int
    series: AbstractSet[int] | None
    void: range


class Portions:
    """What of a pane stands at which place. Of one that was loaded, `stored` places are in use, by whoever wrote them.

    Memory: the numbers of at most half the series, twice.
    """

    __slots__ = ("_runs", "_stored")

    def __init__(self, stored: int = 0) -> None:
        self._runs: list[set[int]] | None = None
        """The series at each place behind the whole; None while we have not written that ourselves."""
        self._stored = stored

    def next(self, changed: AbstractSet[int], held: int) -> Portion:
        """Tell what to write of a pane that holds so many series, of which some have changed since the last time."""
        runs, run = self._runs, set(changed)
        whole = runs is None or is_small(held)
        if runs is None or whole:
            runs = []
        while runs and (len(runs[-1]) <= 2 * len(run) or len(runs) == PLACES):
            run |= runs.pop()
        if whole or 2 * len(run) >= held:
            runs = []
        else:
            runs.append(run)
        self._runs, place = runs, len(runs)
        void, self._stored = range(place + 1, self._stored + 1), place
        return Portion(place, run if place else None, void)
