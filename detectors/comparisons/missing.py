"""Missing rate: more values are missing than used to be, or fewer."""

from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags
from detectors.comparisons.cells import Cells
from detectors.comparisons.rates import RateComparison
from detectors.comparisons.verdict import Verdicts
from detectors.comparisons.wander import Sided

__all__ = ["Missing"]


class Missing(RateComparison):
    """Share of events without a value, two-sided; see `RateComparison`. Cost: O(1) a window.

    A column that goes missing altogether (30 events or more) alarms even without a history,
    if less than half of the reference was missing and no history window was just so. A `fixed`
    threshold is the largest share that is fine, and lets a column that fills up alone.

    >>> import numpy as np
    >>> reference = Cells.of([[0, 600, 400, 0]], missing=10)
    >>> none = Cells.of(np.zeros((0, 4)))
    >>> compare = Missing(reference, none, np.zeros(0, bool))
    >>> compare.judge(Cells.of([[0, 0, 0, 0]], missing=50), alpha=1e-3)[0].alarm
    True
    >>> compare.judge(Cells.of([[0, 9, 9, 0]], missing=32), alpha=1e-3)[0].note
    'learning: 0 of 10 windows'
    """

    name: ClassVar[str] = "missing"
    FLOOR: ClassVar[float] = 0.05
    SIDED: ClassVar[Sided] = "both"

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        super().__init__(reference, history, inside, floor, fixed)
        lost = (self.shares(history) == 1) & (history.n >= self.EVENTS_MIN)
        self.never_lost = (self.statistic(reference) < 0.5) & ~lost.any(axis=1)

    def judge(self, window: Cells, alpha: float) -> Verdicts:
        """Judge one window; see `Comparison`."""
        verdicts = super().judge(window, alpha)
        if self.fixed is not None:
            return verdicts
        return verdicts.overruled(self.lost(window), 1.0, "hard rule: every value is missing")

    def lost(self, window: Cells) -> Flags:
        """[C] which columns have gone missing altogether, by the hard rule."""
        n = window.n[:, 0]
        return np.asarray((window.missing[:, 0] == n) & (n >= self.EVENTS_MIN) & self.never_lost)

    def count(self, cells: Cells) -> Counts:
        """[C, T] missing values."""
        return cells.missing
