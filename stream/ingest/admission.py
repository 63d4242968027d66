"""Which events of a batch count in which series, where there is room for a number of these only."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.ingest.group import Group
from stream.ingest.roster import DAY_MS
from stream.ingest.rosters import Rosters
from stream.ingest.seats import Seats
from stream.words import Segment, Series

__all__ = ["SEGMENT", "WHOLE", "Admission", "Arrivals", "series_of"]

WHOLE, SEGMENT = 0, 1
"""The two series that an event counts in; the second one only where it has a segment."""


class Arrivals(NamedTuple):
    """The events of a group: the pane of each, the number of its party, and what these numbers stand for."""

    group: Group
    panes: NDArray[np.int64]
    numbers: NDArray[np.int64]
    seats: Seats


class Admission:
    """Enters the series of a batch into the rosters of its partition, and knows who was refused.

    As long as there is room for all of a batch, its order plays no part. Else all events are looked at here, in the
    order of the log, so that any batches give the same rosters.

    Cost: nothing to speak of for parties that were met on this day before, about 2 us one that was not; where there is
    no room, about 1 us an event.
    """

    def __init__(self, rosters: Rosters, arrivals: Sequence[Arrivals], pane_ms: int) -> None:
        self._rosters = rosters
        self._refused: NDArray[np.bool_] | None = None
        days = [of.panes * pane_ms // DAY_MS for of in arrivals]
        new = [
            (of, *_newest(of, on)) for of, on in zip(arrivals, days, strict=True)
            if (on > of.seats.days[of.numbers]).any()
        ]  # fmt: skip
        if not new:
            return
        if rosters.has_room(s for of, first, _ in new for i in first for s in _series(of, i)):
            for of, first, latest in new:
                for i, day in zip(first, latest, strict=True):
                    for series in _series(of, i):
                        rosters.enter(series, day)
                    of.seats.days[of.numbers[i]] = day
        else:
            self._enter_in_turn(arrivals, days)

    @property
    def full(self) -> bool:
        """Whether there was no room for all, so that some may have been refused, and some may have left."""
        return self._refused is not None

    def refuses(self, model: str) -> bool:
        """Tell whether there was no room for a model of the batch."""
        return self._refused is not None and model not in self._rosters.of

    def refused(self, part: int, at: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Tell which events of the batch do not count in their whole, or in their segment; None: all do."""
        return None if self._refused is None else self._refused[part, at]

    def _enter_in_turn(
        self, arrivals: Sequence[Arrivals], days: Sequence[NDArray[np.int64]]
    ) -> None:
        end = max(int(of.group.at[-1]) for of in arrivals) + 1
        self._refused = np.zeros((2, end), dtype=np.bool_)
        events = sorted(
            (at, g, who, day)
            for g, (of, on) in enumerate(zip(arrivals, days, strict=True))
            for at, who, day in zip(of.group.at.tolist(), of.group.who.tolist(), on.tolist(), strict=True)
        )  # fmt: skip
        told = [
            {
                i: series_of(of.group.model, *of.group.parties[i])
                for i in np.unique(of.group.who).tolist()
            }
            for of in arrivals
        ]
        for at, g, who, day in events:
            for part, series in enumerate(told[g][who]):
                if not self._rosters.enter(series, day):
                    self._refused[part, at] = True
        for of in arrivals:
            of.seats.days[:] = -1  # some may have left


def _newest(of: Arrivals, days: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Of each party whose day is new: one of its events, and the latest day."""
    late = np.flatnonzero(days > of.seats.days[of.numbers])
    order = late[np.lexsort((-days[late], of.numbers[late]))]
    _, first = np.unique(of.numbers[order], return_index=True)
    return order[first].tolist(), days[order[first]].tolist()


def _series(of: Arrivals, i: int) -> list[Series]:
    return series_of(of.group.model, *of.group.parties[int(of.group.who[i])])


def series_of(model: str, version: str, segment: Segment) -> list[Series]:
    """Name the series that an event counts in: the whole, and its exact segment."""
    whole = Series(model, version)
    return [whole, Series(model, version, segment)] if segment else [whole]
