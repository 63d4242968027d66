"""Variance shift: the window's standard deviation against the reference's, from exact sums.

x = ln(s^2 of the window / s^2 of the reference) / sqrt 2: the logarithm makes twice and half as wide
the same step, and for normal values its sampling variance is 1/n (Bartlett and Kendall,
1946). For other tails it is (kurtosis - 1) / 2n; what that is more than 1/n the history shows as
wander, so a heavy-tailed column is calm, but windows much smaller than the history's are not
given all of what they are due.
"""

from math import sqrt
from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.levels import LevelComparison
from detectors.comparisons.moments import VARIANCE_MIN, moments, varies
from detectors.comparisons.verdict import Fixed
from detectors.comparisons.wander import Sided

__all__ = ["VarianceShift"]


class VarianceShift(LevelComparison):
    """A comparison (see `Comparison`) of a window's spread with the history's, two-sided.

    Numeric columns with sums, whose reference varies. Statistic: the ratio of the standard
    deviations, 1 for no change. Effect: the distance of x from the usual; the default floor 0.1 is
    a standard deviation by 7 % larger or smaller, as visible in a normal column as a mean that moved
    by 0.1. A `fixed` threshold is a factor either way: 1.5 alarms above 1.5 and below 1/1.5. No
    parts. A window of one value only counts as one step of the grid wide. Cost: O(1) a window.

    >>> w = np.arange(24)
    >>> history = Cells.of(np.full((24, 1), 100), sums=0, squares=400 + w * 7 % 9)
    >>> compare = VarianceShift(history.total(), history, np.full(24, True))
    >>> window = Cells.of([[100]], sums=0, squares=1600)
    >>> verdict = compare.judge(window, alpha=1e-3)[0]
    >>> round(verdict.statistic, 1), verdict.alarm
    (2.0, True)
    """

    name: ClassVar[str] = "variance_shift"
    DEFAULT: ClassVar[bool] = False
    SIDED: ClassVar[Sided] = "both"
    FIXED: ClassVar[Fixed] = "factor"

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        self.usual = np.log(np.maximum(moments(reference)[1], VARIANCE_MIN))
        super().__init__(reference, history, inside, floor, fixed)

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """Numeric columns that vary by more than the grid can tell."""
        return varies(reference)

    def level(self, cells: Cells) -> Floats:
        """[C, T] levels x; 0 for windows of less than two values."""
        _, variance = moments(cells)
        x = (np.log(np.maximum(variance, VARIANCE_MIN)) - self.usual) / sqrt(2)
        return np.where(cells.valid > 1, x, 0.0)

    def events(self, cells: Cells) -> Counts:
        """[C, T] values."""
        return cells.valid

    def statistic(self, window: Cells) -> Floats:
        """[C] ratios of the standard deviations."""
        return self.at(self.level(window)[:, 0], window.valid[:, 0])

    def at(self, level: Floats, n: Counts) -> Floats:  # noqa: ARG002 - every one is called alike
        """The ratio: level x is exp(x / sqrt 2)."""
        return np.asarray(np.exp(level / sqrt(2)))
