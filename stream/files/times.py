"""The two ways to write a time: whole ms since 1970, or RFC 3339 with its offset from UTC."""

import typing
from datetime import UTC, datetime, timedelta

import msgspec

__all__ = ["time_ms"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_YEAR_10000_MS = 253_402_300_800_000
_WITH_OFFSET = typing.Annotated[datetime, msgspec.Meta(tz=True)]


def time_ms(value: object) -> int | None:
    """Tell a time in ms since 1970, rounded down; None for what is no time of years 1970 to 9999.

    >>> time_ms("2013-01-01T00:00:00.5Z"), time_ms("1356998400500"), time_ms("yesterday")
    (1356998400500, 1356998400500, None)
    """
    ms = value if isinstance(value, int) else _written(value) if isinstance(value, str) else None
    return None if ms is None or isinstance(ms, bool) or not 0 <= ms < _YEAR_10000_MS else ms


def _written(text: str) -> int | None:
    if text.isdecimal() and text.isascii():
        return int(text[:20])
    try:
        return (msgspec.convert(text, _WITH_OFFSET) - _EPOCH) // _MS
    except msgspec.ValidationError:
        return None
