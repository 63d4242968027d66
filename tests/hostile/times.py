"""The family of times: of clocks that are wrong, and of ways to write a time."""

from collections.abc import Iterator

from tests.events import T0
from tests.hostile.good import KINDS, Case, good

__all__ = ["times"]


TS_BAD: dict[str, tuple[bytes, str]] = {
    "negative": (b"-1", "before the year 2000"),
    "zero": (b"0", "before the year 2000"),
    "seconds": (b"1767225600", "before the year 2000"),
    "1999": (b"946684799999", "before the year 2000"),
    "microseconds": (b"%d" % (T0 * 1000), "after 2999"),
    "nanoseconds": (b"%d" % (T0 * 10**6), "after 2999"),
    "2^63": (b"9223372036854775808", ""),
    "2^64": (b"18446744073709551616", ""),
    "10^400": (b"1" + b"0" * 400, ""),
    "1e999": (b"1e999", ""),
    "-2^63": (b"-9223372036854775808", "before the year 2000"),
    "year 9999": (b"253402300799000", "after 2999"),
    "tomorrow": (b"%d" % (T0 + 86_400_000), "over max_future"),
    "in 2999": (b"32472144000000", "over max_future"),
    "fraction": (b"1767225600000.5", "neither"),
    "float": (b"1767225600000.0", "neither"),
    "exponent": (b"1.7672256e12", "neither"),
    "true": (b"true", "neither"),
    "array": (b"[1767225600000]", "neither"),
    "object": (b'{"$date":1767225600000}', "neither"),
    "text of a number": (b'"1767225600000"', "no RFC 3339"),
    "empty text": (b'""', "no RFC 3339"),
    "words": (b'"yesterday"', "no RFC 3339"),
    "no zone": (b'"2026-01-01T00:00:00"', "no time zone"),
    "a day": (b'"2026-01-01"', "no time zone"),
    "leap second": (b'"2016-12-31T23:59:60Z"', "no RFC 3339"),
    "month 13": (b'"2026-13-01T00:00:00Z"', "no RFC 3339"),
    "30 february": (b'"2026-02-30T00:00:00Z"', "no RFC 3339"),
    "hour 25": (b'"2026-01-01T25:00:00Z"', "no RFC 3339"),
    "year 0": (b'"0000-01-01T00:00:00Z"', "no RFC 3339"),
    "year 1 east": (b'"0001-01-01T00:00:00+14:00"', ""),
    "year 9999 west": (b'"9999-12-31T23:59:59-14:00"', ""),
    "year 12026": (b'"12026-01-01T00:00:00Z"', "no RFC 3339"),
    "offset of a day": (b'"2026-01-01T00:00:00+24:00"', "no RFC 3339"),
    "old text": (b'"1999-12-31T23:59:59Z"', "before the year 2000"),
    "nul in it": (b'"2026-01-01\\u000000:00:00Z"', "no RFC 3339"),
    "10,000 digits": (b'"%b"' % (b"2" * 10_000), "no RFC 3339"),
    "http date": (b'"Thu, 01 Jan 2026 00:00:00 GMT"', "no RFC 3339"),
}
TS_FINE = {
    "null": b"null",
    "text": b'"2026-01-01T00:00:00Z"',
    "offset": b'"2026-01-01T14:00:00+14:00"',
    "minus zero": b'"2026-01-01T00:00:00-00:00"',
    "microseconds": b'"2026-01-01T00:00:00.000001Z"',
    "small letters": b'"2026-01-01t00:00:00z"',
    "blank": b'"2026-01-01 00:00:00Z"',
    "just in time": b"%d" % (T0 + 300_000),
    "late": b"%d" % (T0 - 86_400_000),
    "2000": b"946684800000",
}


def times() -> Iterator[Case]:
    """Give the family."""
    for kind in KINDS:
        for name, (token, reason) in TS_BAD.items():
            yield name, kind, good(kind, ts=token), reason
        for name, token in TS_FINE.items():
            yield f"fine {name}", kind, good(kind, ts=token), None
        yield "gone", kind, good(kind, without="ts"), None
