"""The hour of the week as regressors: what a stream does every day and every weekend is no drift.

Terms: a constant, the weekend, up to three harmonics of the day, and the first of these once more
for weekends. As many as the windows and the time learned from can tell apart.
"""

import numpy as np

from detectors.arrays import Counts, Floats

__all__ = ["season", "terms"]

DAY_MS, WEEK_MS = 86_400_000, 7 * 86_400_000
MONDAY_MS = 4 * DAY_MS
"""The first Monday after the epoch, which was a Thursday."""
HARMONICS = 3


def terms(size_ms: int, span_ms: int) -> tuple[int, bool]:
    """Tell how many harmonics of the day a history shows, and whether it shows weekends.

    Args:
        size_ms: length of a window.
        span_ms: time from the begin of the first window to the end of the last one.

    >>> hour = 3_600_000
    >>> terms(hour, 4 * 168 * hour), terms(hour, 24 * 3 * hour), terms(24 * hour, 30 * 24 * hour)
    ((3, True), (3, False), (0, True))
    """
    harmonics = 0 if span_ms < 2 * DAY_MS else min(HARMONICS, max(0, (DAY_MS // size_ms - 1) // 2))
    weeks = 1 if size_ms < DAY_MS else 3
    return harmonics, size_ms < WEEK_MS and span_ms >= weeks * WEEK_MS


def season(starts: Counts, size_ms: int, span_ms: int) -> Floats:
    """[T, p] the regressors of windows that begin at `starts` (ms since the epoch, UTC); p <= 10.

    >>> season(np.array([0, 3_600_000]), 3_600_000, 8 * 86_400_000).shape
    (2, 10)
    """
    harmonics, weekly = terms(size_ms, span_ms)
    middle = starts + size_ms // 2
    turn = 2 * np.pi * (middle % DAY_MS) / DAY_MS
    weekend = ((middle - MONDAY_MS) % WEEK_MS >= 5 * DAY_MS).astype(np.float64)
    columns = [np.ones(len(starts))]
    waves = [wave(k * turn) for k in range(1, harmonics + 1) for wave in (np.sin, np.cos)]
    if weekly:
        columns.append(weekend - 2 / 7)
        columns += [wave * weekend for wave in waves[:2]]
    return np.stack([*columns, *waves], axis=1)
