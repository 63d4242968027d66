"""Durations as people write them: `500ms`, `10s`, `5m`, `1h`, `7d`; in the program whole ms."""

import re

__all__ = ["DURATION_PATTERN", "duration_ms", "duration_text"]

_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
DURATION_PATTERN = r"[0-9]{1,15}(ms|s|m|h|d)?"
"""What a written duration looks like, as a regular expression; a bare number is in ms."""


def duration_ms(text: str) -> int:
    """Read a duration; a bare whole number is in ms.

    Raises:
        ValueError: the text is not a duration.

    >>> duration_ms("5m"), duration_ms("250")
    (300000, 250)
    """
    found = re.fullmatch(DURATION_PATTERN, text.strip(), re.ASCII)
    if found is None:
        raise ValueError("not a duration")
    unit = found[1] or "ms"
    return int(found[0].removesuffix(found[1] or "")) * _UNITS_MS[unit]


def duration_text(ms: int) -> str:
    """Write a duration in the largest unit that is exact; `duration_ms` reads it back.

    >>> duration_text(86_400_000), duration_text(90_000), duration_text(0)
    ('1d', '90s', '0s')
    """
    if ms == 0:
        return "0s"
    unit = next(unit for unit, size in _UNITS_MS.items() if ms % size == 0)
    return f"{ms // _UNITS_MS[unit]}{unit}"
