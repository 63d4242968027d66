"""Invalid rate: more values have the wrong type than used to."""

from typing import ClassVar

from detectors.arrays import Counts
from detectors.comparisons.cells import Cells
from detectors.comparisons.rates import RateComparison

__all__ = ["Invalid"]


class Invalid(RateComparison):
    """Share of events whose value had the wrong type, upwards only; see `RateComparison`.

    Cost: O(1) a window.

    >>> import numpy as np
    >>> history = Cells.of(np.full((12, 2), 50))
    >>> compare = Invalid(history.total(), history, np.full(12, True))
    >>> verdict = compare.judge(Cells.of([[40, 40]], invalid=20), alpha=1e-3)[0]
    >>> verdict.alarm, verdict.statistic
    (True, 0.2)
    """

    name: ClassVar[str] = "invalid"
    FLOOR: ClassVar[float] = 0.05

    def count(self, cells: Cells) -> Counts:
        """[C, T] invalid values."""
        return cells.invalid
