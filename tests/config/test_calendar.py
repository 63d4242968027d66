"""A calendar knows which windows overlap the days that it was told."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream.config.calendar import Calendar, is_edge, span_of

HOUR = 3_600_000
MONTH_DAYS = st.dates(date(2000, 1, 1), date(2000, 12, 31)).map(lambda day: (day.month, day.day))
STARTS = st.integers(1_262_304_000_000 // HOUR, 1_893_456_000_000 // HOUR)
LENGTHS = st.integers(1, 60)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


def days_of(start: int, end: int) -> list[tuple[int, int]]:
    """List month and day of all days that a window touches."""
    first = datetime.fromtimestamp(start / 1000, UTC).replace(hour=0)
    days = (first + timedelta(days=i) for i in range((end - start) // (24 * HOUR) + 2))
    return [(day.month, day.day) for day in days if day.timestamp() * 1000 < end]


@given(MONTH_DAYS, MONTH_DAYS, STARTS, LENGTHS)
@example((2, 29), (2, 29), 1_361_880_000_000 // HOUR + 24, 48)
@example((12, 24), (1, 1), 1_388_534_400_000 // HOUR - 1, 1)
def test_a_yearly_span_holds_its_days_of_every_year(
    first: tuple[int, int], last: tuple[int, int], hour: int, hours: int
) -> None:
    """The twin looks at each day; a span may reach over New Year, and February 29 is not in every year."""
    start, end = hour * HOUR, (hour + hours) * HOUR
    span = span_of("n", "{:02}-{:02}".format(*first), "{:02}-{:02}".format(*last))
    if first <= last:
        expected = any(first <= day <= last for day in days_of(start, end))
    else:
        expected = any(day >= first or day <= last for day in days_of(start, end))
    assert span.overlaps(start, end) == expected


@pytest.mark.parametrize(
    ("first", "last", "begins", "ends"),
    [
        ("2013-12-24", "2013-12-27", "2013-12-24T00:00:00Z", "2013-12-28T00:00:00Z"),
        ("2013-12-24", "2013-12-24", "2013-12-24T00:00:00Z", "2013-12-25T00:00:00Z"),
        ("2013-12-24T18:00:00Z", "2013-12-25T06:00:00Z", "2013-12-24T18:00:00Z", "2013-12-25T06:00:00Z"),
        ("2013-12-24T18:00:00", "2013-12-25", "2013-12-24T18:00:00Z", "2013-12-26T00:00:00Z"),
        ("2013-12-24T18:00:00+02:00", "2013-12-24 20:00:00Z", "2013-12-24T16:00:00Z", "2013-12-24T20:00:00Z"),
    ],
)  # fmt: skip
def test_a_day_is_in_the_span_that_it_ends_and_a_time_is_not(
    first: str, last: str, begins: str, ends: str
) -> None:
    """In UTC where nothing else is said."""
    span, begin, end = span_of("n", first, last), ms(begins), ms(ends)
    assert span.overlaps(begin, begin + 1)
    assert span.overlaps(end - 1, end)
    assert not span.overlaps(begin - HOUR, begin)
    assert not span.overlaps(end, end + HOUR)
    assert span.overlaps(begin - HOUR, end + HOUR)


@pytest.mark.parametrize(
    "text", ["", "soon", "2013", "13-01", "02-30", "2013-02-29", "20131224", "2013-W52-2", "2013-12-24X", "١٢-٢٤"]
)  # fmt: skip
def test_what_is_no_day_and_no_time_is_none(text: str) -> None:
    assert not is_edge(text)
    with pytest.raises(ValueError, match=r"."):
        span_of("n", text, "12-31")


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("12-24", "2013-12-27", "every year, the other once"),
        ("2013-12-24", "12-27", "every year, the other once"),
        ("2013-12-27", "2013-12-24", "ends before it begins"),
        ("2013-12-24T06:00:00Z", "2013-12-24T06:00:00Z", "ends before it begins"),
    ],
)
def test_edges_that_do_not_belong_together_are_refused(first: str, last: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        span_of("n", first, last)


def test_the_first_span_that_fits_gives_the_name_and_no_span_none() -> None:
    spans = (span_of("a", "2013-12-24", "2013-12-25"), span_of("b", "12-25", "12-26"))
    days = [ms(f"2013-12-{day}T00:00:00Z") for day in (23, 24, 25, 26, 27)]
    named = [Calendar(spans).excluded(day, day + 24 * HOUR) for day in days]
    assert named == ["", "a", "a", "b", ""]
    assert Calendar().excluded(0, 10**13) == ""


@pytest.mark.parametrize("start", [-(2**40), 0, 253_402_300_800_000 - HOUR])
def test_the_first_and_the_last_times_that_events_may_have_are_asked_for_like_others(
    start: int,
) -> None:
    """A yearly span that reaches over New Year needs a year after the last."""
    Calendar((span_of("n", "12-24", "01-01"),)).excluded(start, start + HOUR)
