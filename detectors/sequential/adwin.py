"""ADWIN: a window over a stream that forgets its past when the mean has changed.

Bifet and Gavalda, "Learning from time-changing data with adaptive windowing" (SIAM SDM 2007). The
window is kept as buckets whose sizes grow by powers of two towards the past:

    row 3        row 2     row 1    row 0
    [8][8][8]    [4][4]    [2]      [1][1][1]        a row holds at most `max_buckets`; of one
    oldest  ------------------------->  newest       more, the two oldest go up as one

so W values cost O(log W) numbers. Every `clock` updates each border between two buckets is tried
as a cut: when the means on both sides differ by more than chance (Bernstein's bound at level
`delta`), that is a drift, and the oldest bucket is dropped until no cut is left. Variances are
merged as in Babcock et al., "Maintaining variance and k-medians over data stream windows" (2003).

Answers are bit for bit those of river 0.26, including its habit to begin anew with the update
after a detection, window, counter and all. Beyond river, an update can be an aggregate of n values.
"""

from collections.abc import Mapping
from math import floor, isfinite, log, log2, sqrt

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled

__all__ = ["ADWIN"]

WEIGHT_MAX = 2**31
ROWS = 80  # a bucket of WEIGHT_MAX enters at row 31; the last row would take some 2^48 more updates

# What a bucket holds, and what the window holds.
SIZE, TOTAL, SQUARES = 0, 1, 2


class ADWIN:
    """Detects a change of the mean of a stream; no level or scale needs to be known.

    Args:
        delta: how often a cut may be found where there is none, 0 < delta < 1.
        clock: updates between two searches for a cut.
        max_buckets: buckets a row; more find a cut more exactly, at more memory and time.
        min_window_length: values that either side of a cut has at least.
        grace_period: values up to which no cut is searched.

    Promise and limit: the bound holds for independent values. On autocorrelated streams it alarms
    too often; feed standardised residuals there. Cost: about 1 us an update, and 12 KB.

    Raises:
        ValueError: an argument is out of its range, or an update is not a finite number.

    >>> adwin = ADWIN()
    >>> found = []
    >>> for i in range(1000):
    ...     adwin.update(0.0 if i < 500 else 1.0)
    ...     if adwin.drift_detected:
    ...         found.append((i, adwin.width))
    >>> found
    [(511, 256)]
    """

    def __init__(
        self,
        delta: float = 0.002,
        clock: int = 32,
        max_buckets: int = 5,
        min_window_length: int = 5,
        grace_period: int = 10,
    ) -> None:
        if not 0 < delta < 1:
            raise ValueError(f"delta must lie between 0 and 1, not {delta}")
        if min(clock, max_buckets, min_window_length) < 1 or grace_period < 0:
            raise ValueError(
                "clock, max_buckets and min_window_length must be at least 1, grace_period 0"
            )
        self.delta = delta
        self.clock = clock
        self.max_buckets = max_buckets
        self.min_window_length = min_window_length
        self.grace_period = grace_period
        self._buckets = np.zeros((ROWS, max_buckets + 1, 3))
        self._counts = np.zeros(ROWS, np.int64)
        self._window = np.zeros(3)
        self._ticks = 0
        self._detected = False

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one value, or the aggregate of several.

        Args:
            x: the value, or the mean of the values.
            weight: how many values, 1 to 2^31. They enter as one bucket in row
                floor(log2(weight)); smaller, older buckets are carried up to that row first, so
                that buckets stay in order of time. The clock counts updates, not values.
            variance: mean squared deviation of the values from x, >= 0.
        """
        if not (isfinite(x) and isfinite(variance) and variance >= 0):
            raise ValueError(f"need a finite value and variance, got {x} and {variance}")
        if not 1 <= weight <= WEIGHT_MAX:
            raise ValueError(f"weight must lie between 1 and 2^31, not {weight}")
        if self._detected:
            self._begin()
        _insert(self._buckets, self._counts, self._window, float(x), float(weight), variance)
        self._ticks += 1
        due = self._ticks % self.clock == 0 and self._window[SIZE] > self.grace_period
        self._detected = due and _shrink(
            self._buckets, self._counts, self._window, self.delta, float(self.min_window_length)
        )

    @property
    def drift_detected(self) -> bool:
        """Whether the last update found a change."""
        return self._detected

    @property
    def n_detections(self) -> int:
        """Detections since the beginning, which each detection makes anew: 0 or 1, as in river."""
        return int(self._detected)

    @property
    def width(self) -> int:
        """Values in the window."""
        return int(self._window[SIZE])

    @property
    def total(self) -> float:
        """Sum of the values in the window."""
        return float(self._window[TOTAL])

    @property
    def variance(self) -> float:
        """Sum of squared deviations from the window's mean; what river calls variance."""
        return float(self._window[SQUARES])

    @property
    def estimation(self) -> float:
        """Mean of the window; 0 if it is empty."""
        return self.total / self.width if self.width else 0.0

    def state(self) -> dict[str, float | int | Floats | Counts]:
        """Hand out all there is to know, as numbers and arrays of their own."""
        rows = int(np.count_nonzero(np.cumsum(self._counts[::-1])))
        return {
            "delta": self.delta,
            "clock": self.clock,
            "max_buckets": self.max_buckets,
            "min_window_length": self.min_window_length,
            "grace_period": self.grace_period,
            "ticks": self._ticks,
            "detected": int(self._detected),
            "window": self._window.copy(),
            "counts": self._counts[:rows].copy(),
            "buckets": self._buckets[:rows].copy(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, float | int | Floats | Counts]) -> "ADWIN":
        """Go on exactly where `state` was taken."""
        adwin = cls(
            delta=float(state["delta"]),
            clock=int(state["clock"]),
            max_buckets=int(state["max_buckets"]),
            min_window_length=int(state["min_window_length"]),
            grace_period=int(state["grace_period"]),
        )
        counts: NDArray[np.int64] = np.asarray(state["counts"], np.int64)
        adwin._ticks = int(state["ticks"])
        adwin._detected = bool(state["detected"])
        adwin._window[:] = state["window"]
        adwin._counts[: len(counts)] = counts
        adwin._buckets[: len(counts)] = np.asarray(state["buckets"], np.float64)
        return adwin

    def _begin(self) -> None:
        self._counts[:] = 0
        self._window[:] = 0
        self._ticks = 0
        self._detected = False


@compiled
def _push(
    buckets: Floats, counts: Counts, row: int, size: float, total: float, squares: float
) -> None:
    """Append a bucket to a row; the two oldest of an overfull row go to the next as one."""
    while True:
        last = counts[row]
        buckets[row, last, 0] = size
        buckets[row, last, 1] = total
        buckets[row, last, 2] = squares
        counts[row] = last + 1
        if last + 1 < buckets.shape[1]:
            return
        size0, size1 = buckets[row, 0, 0], buckets[row, 1, 0]
        gap = buckets[row, 0, 1] / size0 - buckets[row, 1, 1] / size1
        size = size0 + size1
        total = buckets[row, 0, 1] + buckets[row, 1, 1]
        squares = buckets[row, 0, 2] + buckets[row, 1, 2] + size0 * size1 / size * gap * gap
        for k in range(2, last + 1):
            for part in range(3):
                buckets[row, k - 2, part] = buckets[row, k, part]
        counts[row] = last - 1
        row += 1


@compiled
def _insert(
    buckets: Floats, counts: Counts, window: Floats, mean: float, weight: float, variance: float
) -> None:
    """Add `weight` values to the window, as one bucket."""
    row = floor(log2(weight))
    for lower in range(row - 1, -1, -1):  # the oldest first
        for k in range(counts[lower]):
            bucket = buckets[lower, k]
            _push(buckets, counts, row, bucket[0], bucket[1], bucket[2])
        counts[lower] = 0
    before = window[0]
    window[0] = before + weight
    if before > 0:
        gap = mean - window[1] / before
        window[2] += before * weight * gap * gap / window[0]
    window[1] += weight * mean
    window[2] += weight * variance
    _push(buckets, counts, row, weight, weight * mean, weight * variance)


@compiled
def _drop_oldest(buckets: Floats, counts: Counts, window: Floats, row: int) -> None:
    """Take the oldest bucket, the first of the highest row, out of the window."""
    size, total, squares = buckets[row, 0, 0], buckets[row, 0, 1], buckets[row, 0, 2]
    window[0] -= size
    window[1] -= total
    gap = total / size - window[1] / window[0]
    window[2] -= squares + size * window[0] * gap * gap / (size + window[0])
    counts[row] -= 1
    for k in range(counts[row]):
        for part in range(3):
            buckets[row, k, part] = buckets[row, k + 1, part]


@compiled
def _find_cut(
    buckets: Floats, counts: Counts, window: Floats, top: int, delta: float, shortest: float
) -> bool:
    """Tell whether somewhere the means of the older and the newer part differ too much."""
    size, total = window[0], window[1]
    confidence = log(2.0 * log(size) / delta)  # the paper's ln(2/delta'), delta' = delta/ln W
    old_size, old_total, new_size, new_total = 0.0, 0.0, size, total
    for row in range(top, -1, -1):
        for k in range(counts[row]):
            old_size += buckets[row, k, 0]
            new_size -= buckets[row, k, 0]
            old_total += buckets[row, k, 1]
            new_total -= buckets[row, k, 1]
            if new_size < shortest:
                return False
            if old_size < shortest:
                continue
            # 1/m, m the harmonic mean of the two sizes
            m = 1.0 / (old_size - shortest + 1.0) + 1.0 / (new_size - shortest + 1.0)
            # Rounding can leave a tiny negative variance; the root is then NaN, and nothing is cut.
            bound = sqrt(2.0 * m * (window[2] / size) * confidence) + 2.0 / 3.0 * confidence * m
            if abs(old_total / old_size - new_total / new_size) > bound:
                return True
    return False


@compiled
def _shrink(buckets: Floats, counts: Counts, window: Floats, delta: float, shortest: float) -> bool:
    """Drop the oldest bucket as long as there is a cut; tell whether there was one."""
    found = False
    top = counts.shape[0] - 1
    while True:
        while top > 0 and counts[top] == 0:
            top -= 1
        if not _find_cut(buckets, counts, window, top, delta, shortest):
            return found
        _drop_oldest(buckets, counts, window, top)
        found = True
