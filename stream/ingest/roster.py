"""Who is known, where there is room for a number only: first come, first served, and who is long silent gives way."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from msgspec import Raw

from stream.state.codec import encoded
from stream.words import Series

__all__ = ["DAY_MS", "FORGOTTEN_AFTER_DAYS", "Roster"]

DAY_MS = 86_400_000
FORGOTTEN_AFTER_DAYS = 7
"""Days of event time without an event after which a series gives way to a new one."""


class Roster:
    """The series of one model that are counted, each with the day of event time it was last seen on.

    Whoever is on it stays; a newcomer is entered while there is room. When there is none, the one that was seen longest
    ago leaves for it if that was more than a week before (of several the first by name), else the newcomer is refused.
    No clock and no order of a dictionary plays a part: the events, in the order of their log, decide. `changed` tells
    that the roster was, since somebody last set it to false.

    Cost: O(1) for one who is on it, else a pass over all when it is full. Memory: `series_max` names, and what was
    written of them.

    >>> roster = Roster(1)
    >>> roster.enter(Series("m", "1"), 20_000), roster.enter(Series("m", "2"), 20_007)
    (True, False)
    >>> roster.enter(Series("m", "2"), 20_008), sorted(roster.days)
    (True, [Series(model='m', version='2', segment=())])
    """

    __slots__ = ("_order", "_rows", "_stale", "changed", "days", "series_max")

    def __init__(self, series_max: int) -> None:
        self.series_max = series_max
        self.days: dict[Series, int] = {}
        self.changed = False
        self._order: list[Series] = []
        """Who was on it when it was written last, in order; of each one the row that was written."""
        self._rows: list[Raw] = []
        self._stale: set[Series] = set()
        """Who came, left or was seen on another day since."""

    def has_room(self, series: set[Series]) -> bool:
        """Tell whether all of these can be on it together with all who are."""
        # A difference of the sets would look at everybody on it.
        new = sum(one not in self.days for one in series)
        return len(self.days) + new <= self.series_max

    def leaving_for(self, series: Series, day: int, *, room: bool = True) -> Series | None:
        """Tell who would leave for this one; None when nobody needs to, or nobody does."""
        if series in self.days or (room and len(self.days) < self.series_max):
            return None
        longest = min(self.days, key=lambda s: (self.days[s], s), default=series)
        return longest if day - self.days.get(longest, day) > FORGOTTEN_AFTER_DAYS else None

    def enter(self, series: Series, day: int, room: Callable[[], bool] = lambda: True) -> bool:
        """Note that a series has an event on a day (since 1970); tell whether it is on the roster.

        `room` tells whether there is room for a newcomer elsewhere, too; it is asked only about one.
        """
        known = self.days.get(series)
        if known is None:
            roomy = room()
            longest = self.leaving_for(series, day, room=roomy)
            if longest is not None:
                del self.days[longest]
                self._stale.add(longest)
            elif not roomy or len(self.days) >= self.series_max:
                return False
        elif known >= day:
            return True
        self.days[series] = day
        self._stale.add(series)
        self.changed = True
        return True

    def payload(self) -> list[Raw]:
        """Give the state as plain values, encoded. Cost: some 10 us for each who is new since the last call."""
        if len(self._stale) <= len(self._order) // 8:
            for series in self._stale:
                self._write(series)
        if len(self._order) != len(self.days) or len(self._stale) > len(self._order) // 8:
            self._order = sorted(self.days)
            self._rows = [_row(series, self.days[series]) for series in self._order]
        self._stale.clear()
        return self._rows.copy()

    def _write(self, series: Series) -> None:
        """Bring the row of one series up to date."""
        at, day = bisect_left(self._order, series), self.days.get(series)
        there = at < len(self._order) and self._order[at] == series
        if there and day is not None:
            self._rows[at] = _row(series, day)
        elif there:
            del self._order[at], self._rows[at]
        elif day is not None:
            self._order.insert(at, series)
            self._rows.insert(at, _row(series, day))

    def restore(self, model: str, payload: Any) -> None:
        """Take the state that `payload` gave."""
        self.days = {
            Series(model, version, tuple((k, v) for k, v in segment)): day
            for version, segment, day in payload
        }
        self._order.clear()
        self._rows.clear()


def _row(series: Series, day: int) -> Raw:
    return encoded([series.version, series.segment, day])
