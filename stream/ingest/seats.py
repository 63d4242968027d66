"""Numbers for the parties of a model, and where each counts in a pane: so that most events need no look-up at all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.ingest.regulars import Regulars
from stream.summaries.rows import Party

__all__ = ["NOBODY", "PARTIES_MAX", "RAW", "UNKNOWN", "Seats"]

UNKNOWN = -1
"""Of a party that was not met in this pane yet."""
NOBODY = -2
"""Of an event that counts in no such series: it has no segment, or there was no room."""
RAW = -3
"""Of the first series that keeps raw values; the next has -4, and so on. From 0 on: a place on the pane's shelf."""
PARTIES_MAX = 200_000
"""Parties that a partition remembers; when there are more, all are forgotten and found again."""
ROOM = 16


class Seats:
    """What is remembered of the parties of one model: their numbers, their last day, their seats in each open pane.

    Nothing here is state: whatever is forgotten is found again in the rosters and panes, with the same outcome.

    `days` int64: the last day on which a party was entered into the roster, -1 for never. `of(pane)` int64 [2, n]: the
    seats of a party's whole and of its segment, or UNKNOWN, NOBODY, RAW - i. `segments`: whether any of them has one.
    `begun` are the panes that were empty when their seats were first asked for, so who is UNKNOWN is not in them.
    """

    def __init__(self) -> None:
        self.days: NDArray[np.int64] = np.full(ROOM, -1, dtype=np.int64)
        self.segments = False
        self.regulars = Regulars()
        self.begun: set[int] = set()
        self._numbers: dict[Party, int] = {}
        self._list: Sequence[Party] = ()
        self._number_of: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._panes: dict[int, NDArray[np.int64]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, parties: Sequence[Party], who: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the numbers of the parties of some events, new ones being numbered.

        Cost: nothing to speak of for those that were met in the same list before, which may have grown since.
        """
        if parties is not self._list:
            self._list, self._number_of = parties, np.full(len(parties), -1, dtype=np.int64)
        elif len(parties) > len(self._number_of):
            self._number_of = _longer(self._number_of, len(parties))
        numbers = self._number_of[who]
        unknown = numbers < 0
        if unknown.any():
            known = self._numbers
            for i in np.unique(who[unknown]).tolist():
                self._number_of[i] = known.setdefault(parties[i], len(known))
                self.segments = self.segments or bool(parties[i][1])
            if len(known) > len(self.days):
                self.days = _longer(self.days, len(known))
            numbers = self._number_of[who]
        return numbers

    def of(self, pane: int) -> NDArray[np.int64]:
        """Give the seats in a pane, to be read and written."""
        seats = self._panes.get(pane)
        if seats is None or seats.shape[1] < len(self.days):
            grown = np.full((2, len(self.days)), UNKNOWN, dtype=np.int64)
            if seats is not None:
                grown[:, : seats.shape[1]] = seats
            seats = self._panes[pane] = grown
        return seats

    def forget(self, pane: int) -> None:
        """Forget a pane that has closed."""
        self._panes.pop(pane, None)
        self.begun.discard(pane)


def _longer(array: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    more = max(n, 2 * len(array)) - len(array)
    return np.concatenate([array, np.full(more, -1, dtype=np.int64)])
