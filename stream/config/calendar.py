"""Times that are known to be unlike others: holidays, launches, maintenance.

A span goes from one edge to another, both days or both times, in UTC. A day as the last edge is
in the span; a time is not. A month and a day without a year come again every year:

    2013-12-24 .. 2013-12-27                       four days, once
    12-24 .. 01-01                                 nine days, every year
    2013-12-24T18:00:00Z .. 2013-12-25T06:00:00Z   twelve hours, once
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = ["DAY_OR_TIME", "Calendar", "Once", "Yearly", "is_edge", "span_of"]

DAY_OR_TIME = "write 2013-12-24, 12-24 (every year) or 2013-12-24T18:00:00Z"
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAP_YEAR, _LAST_YEAR = 2000, 9998
_EVERY_YEAR = re.compile(r"([0-9]{2})-([0-9]{2})", re.ASCII)
_ONCE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].+)?", re.ASCII)


class MonthDay(NamedTuple):
    """A day of every year; where there is no February 29 it is empty, at the begin of March."""

    month: int
    day: int

    def begin(self, year: int) -> datetime:
        """Tell when it begins in a year."""
        return datetime(year, self.month, 1, tzinfo=UTC) + (self.day - 1) * _DAY

    def end(self, year: int) -> datetime:
        """Tell when it ends in a year."""
        begin = self.begin(year)
        return begin + _DAY if begin.month == self.month else begin


@dataclass(frozen=True, slots=True)
class Once:
    """A span from one time to before another, in ms since 1970."""

    name: str
    first_ms: int
    end_ms: int

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        """Whether any of a window, from one time to before another, lies in it."""
        return self.first_ms < end_ms and start_ms < self.end_ms


@dataclass(frozen=True, slots=True)
class Yearly:
    """A span from one day of every year to another, which is in it; it may reach over New Year."""

    name: str
    first: MonthDay
    last: MonthDay

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        """Whether any of a window, from one time to before another, lies in it."""
        start, end = (_EPOCH + timedelta(milliseconds=ms) for ms in (start_ms, end_ms - 1))
        later = int(self.last < self.first)
        years = range(start.year - 1, min(end.year, _LAST_YEAR) + 1)
        spans = ((self.first.begin(year), self.last.end(year + later)) for year in years)
        return any(first <= end and start < ends and first < ends for first, ends in spans)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Spans in which nothing is judged but by hard rules; the first one that fits gives the name."""

    spans: tuple[Once | Yearly, ...] = ()

    def excluded(self, start_ms: int, end_ms: int) -> str:
        """Name the span that a window overlaps; empty where it overlaps none. Cost: 5 us a yearly span.

        >>> calendar = Calendar((span_of("turn of the year", "12-24", "01-01"),))
        >>> hour, new_year = 3_600_000, 1_388_534_400_000
        >>> calendar.excluded(new_year, new_year + hour)
        'turn of the year'
        >>> calendar.excluded(new_year + 24 * hour, new_year + 25 * hour)
        ''
        """
        return next((s.name for s in self.spans if s.overlaps(start_ms, end_ms)), "")


def is_edge(text: str) -> bool:
    """Tell whether a text is a day, a day of every year, or a time."""
    try:
        _edge(text, last=False)
    except ValueError:
        return False
    return True


def span_of(name: str, first: str, last: str) -> Once | Yearly:
    """Make a span of its edges as they are written.

    Raises:
        ValueError: an edge is neither day nor time, only one comes every year, or nothing lies between.
    """
    begin, end = _edge(first, last=False), _edge(last, last=True)
    if isinstance(begin, MonthDay) and isinstance(end, MonthDay):
        return Yearly(name, begin, end)
    if isinstance(begin, MonthDay) or isinstance(end, MonthDay):
        raise ValueError("one edge comes every year, the other once")
    if begin >= end:
        raise ValueError("it ends before it begins")
    return Once(name, begin, end)


def _edge(text: str, *, last: bool) -> int | MonthDay:
    yearly, once = _EVERY_YEAR.fullmatch(text), _ONCE.fullmatch(text)
    if yearly is not None:
        day = MonthDay(int(yearly[1]), int(yearly[2]))
        datetime(_LEAP_YEAR, *day, tzinfo=UTC)
        return day
    if once is None:
        raise ValueError("neither a day nor a time")
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole_day = last and once[1] is None
    return (moment - _EPOCH + (_DAY if whole_day else timedelta())) // timedelta(milliseconds=1)
