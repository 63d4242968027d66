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
after a detection, window, counter and all. Beyond river, an update can be an aggregate of n values,
and `max_buckets=1`, at which river stops with an index error, is one bucket a row.

What makes it fast: between two searches nothing is dropped, so all values that came since can be
merged row by row at once; and a search looks closer only if some border passes a cheap bound.
"""

from array import array
from typing import Any, ClassVar

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.sequential.adwin_window import (
    PARTS,
    RESTART,
    ROUNDING,
    ROWS,
    SIZE,
    SLOTS,
    SQUARES,
    STATUS,
    TICKS,
    TOP,
    TOTAL,
    WAITING_MAX,
    begin,
    sound,
    take_aggregate,
    take_many,
)
from detectors.sequential.sequential import (
    CALM,
    LARGEST,
    SMALLEST,
    Sequential,
    check_aggregate,
    flag,
    number,
    whole,
)

__all__ = ["ADWIN"]


class ADWIN(Sequential):
    """Detects a change of the mean of a stream; no level or scale needs to be known.

    Args:
        delta: how often a cut may be found where there is none, 0 < delta < 1.
        clock: updates between two searches for a cut.
        max_buckets: buckets a row, 1 to 1000; more find a cut more exactly and cost more.
        min_window_length: values that either side of a cut has at least.
        grace_period: values up to which no cut is searched.
        restart: whether to forget all with the update after a detection, as river does. The
            paper's ADWIN does not: it has dropped what was before the cut, and goes on.
        beyond_rounding: whether the means on both sides of a cut must differ by more than rounding
            can make of equal values, too; river's need not.

    Promise and limit: the bound holds for independent values in [0, 1]. On autocorrelated streams
    it alarms too often; feed standardised residuals there. A constant that no binary fraction
    equals can alarm by rounding alone, as in river: of 2 million values 1e6 + 0.1 there are 3
    alarms, of 1e9 + 0.1 there are 80, of 1e12 + 0.1 there are 3,289. `beyond_rounding` prevents
    them; it overlooks shifts below some 1e-10 of the values, more where a side is short. What river
    takes and this refuses: `min_window_length` 0, and `delta` of 1 or more. Cost: about 0.25 us an
    update, 0.016 us a value of `update_many`, and up to 15 KB.

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
    >>> ADWIN().update_many([0.0] * 500 + [1.0] * 500)
    array([511])
    """

    name: ClassVar[str] = "adwin"
    SETTINGS: ClassVar[tuple[str, ...]] = (
        "delta",
        "clock",
        "max_buckets",
        "min_window_length",
        "grace_period",
        "restart",
        "beyond_rounding",
    )
    ARRAYS: ClassVar[tuple[str, ...]] = ("_window", "_counts", "_buckets")

    def __init__(
        self,
        delta: float = 0.002,
        clock: int = 32,
        max_buckets: int = 5,
        min_window_length: int = 5,
        grace_period: int = 10,
        *,
        restart: bool = True,
        beyond_rounding: bool = False,
    ) -> None:
        self.delta = number("delta", delta)
        if not 0 < self.delta < 1:
            raise ValueError(f"delta must lie between 0 and 1, not {delta}")
        self.clock = whole("clock", clock, 1)
        self.max_buckets = whole("max_buckets", max_buckets, 1, 1000)
        self.min_window_length = whole("min_window_length", min_window_length, 1)
        self.grace_period = whole("grace_period", grace_period, 0)
        self.restart = flag("restart", restart)
        self.beyond_rounding = flag("beyond_rounding", beyond_rounding)
        self._window = np.zeros(SLOTS)
        self._window[RESTART] = restart
        self._counts = np.zeros(ROWS, np.int64)
        self._buckets = np.zeros((PARTS, ROWS, self.max_buckets + 1))
        self._waiting: list[float] = []  # values since the last call of compiled code
        self._room = min(self.clock, WAITING_MAX)  # how many may wait
        begin(self._window, self._counts, self._buckets)
        self._all = (  # what compiled code needs
            self._window,
            self._counts,
            self._buckets,
            self.delta,
            self.clock,
            float(self.min_window_length),
            float(self.grace_period),
            ROUNDING if self.beyond_rounding else 0.0,
        )

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one value, or the aggregate of several as one bucket in row floor(log2(weight)).

        Smaller, older buckets are carried up to that row first, so that buckets stay in order of
        time. The clock counts updates, not values. See `Sequential.update`.
        """
        if weight != 1 or variance or not SMALLEST <= x <= LARGEST:
            check_aggregate(x, weight, variance)
            self._take_waiting()
            take_aggregate(*self._all, float(x), float(weight), float(variance))
            self._note()
            return
        if self._status:
            self._status = CALM
        waiting = self._waiting
        waiting.append(x)
        if len(waiting) >= self._room:
            self._take_waiting()

    @property
    def n_detections(self) -> int:
        """Detections since the beginning, which each detection makes anew: 0 or 1, as in river."""
        return int(self.drift_detected)

    @property
    def width(self) -> int:
        """Values in the window."""
        self._take_waiting()
        return int(self._window[SIZE])

    @property
    def total(self) -> float:
        """Sum of the values in the window."""
        self._take_waiting()
        return float(self._window[TOTAL])

    @property
    def variance(self) -> float:
        """Sum of squared deviations from the window's mean; what river calls variance."""
        self._take_waiting()
        return float(self._window[SQUARES])

    @property
    def estimation(self) -> float:
        """Mean of the window; 0 if it is empty."""
        return self.total / self.width if self.width else 0.0

    @property
    def bytes_max(self) -> int:
        """Bound of the state in bytes; see `Sequential.bytes_max`."""
        return super().bytes_max + 8 * WAITING_MAX

    def _note(self) -> None:
        """Learn from the arrays what has become of the status and the clock."""
        self._status = int(self._window[STATUS])
        self._room = min(self.clock - int(self._window[TICKS]) % self.clock, WAITING_MAX)

    def _take_waiting(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            take_many(*self._all, np.frombuffer(array("d", waiting)), np.empty(1, np.int64))
            self._note()

    def _run(self, values: Floats, found: Counts) -> int:
        self._take_waiting()
        detections = take_many(*self._all, values, found)
        self._note()
        return detections

    def _saved(self) -> dict[str, Any]:
        """Leave out the rows that hold nothing."""
        self._take_waiting()
        rows = int(self._window[TOP]) + 1
        buckets = self._buckets[:, :rows].copy()
        for row in range(rows):
            buckets[:, row, self._counts[row] :] = 0.0  # what was there once is no state
        return {"window": self._window, "counts": self._counts[:rows], "buckets": buckets}

    def _restore(self, fields: dict[str, Any]) -> None:
        window, counts, buckets = fields["window"], fields["counts"], fields["buckets"]
        rows = len(counts)
        if not (
            (window.shape, window.dtype) == (self._window.shape, self._window.dtype)
            and (counts.shape, counts.dtype) == ((rows,), self._counts.dtype)
            and (buckets.shape, buckets.dtype) == ((PARTS, rows, self.max_buckets + 1), np.float64)
            and 1 <= rows <= ROWS
            and sound(window, counts, buckets)
            and window[RESTART] == self.restart
        ):
            raise ValueError("these are not the buckets of an adwin")
        held = np.arange(self.max_buckets + 1) < counts[:, None]
        self._counts[:rows] = counts
        self._buckets[:, :rows][:, held] = buckets[:, held]
        self._window[:] = window
        self._note()
