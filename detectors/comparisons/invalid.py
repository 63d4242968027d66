"""Invalid rate: more values have the wrong type than used to."""

from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags
from detectors.comparisons.cells import Cells
from detectors.comparisons.rates import RateComparison
from detectors.comparisons.verdict import Verdicts

__all__ = ["Invalid"]


class Invalid(RateComparison):
    """Share of events whose value had the wrong type, upwards only; see `RateComparison`.

    A column none of whose values is of its type (30 or more, missing ones aside) alarms by a hard
    rule, with or without a history, if less than half of the reference was invalid and no history
    window was just so. Cost: O(1) a window.

    >>> import numpy as np
    >>> history = Cells.of(np.full((12, 2), 50))
    >>> compare = Invalid(history.total(), history, np.full(12, True))
    >>> verdict = compare.judge(Cells.of([[40, 40]], invalid=20), alpha=1e-3)[0]
    >>> verdict.alarm, verdict.statistic
    (True, 0.2)
    >>> compare.judge(Cells.of([[0, 0]], invalid=100), alpha=1e-3)[0].note
    'hard rule: every value is of a wrong type'
    """

    name: ClassVar[str] = "invalid"
    FLOOR: ClassVar[float] = 0.05
    LASTS: ClassVar[bool] = True

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        super().__init__(reference, history, inside, floor, fixed)
        mostly_sound = self.statistic(reference) < 0.5
        self.never_flipped = mostly_sound & ~self.flipped(history).any(axis=1)

    def judge(self, window: Cells, alpha: float) -> Verdicts:
        """Judge one window; see `Comparison`."""
        verdicts = super().judge(window, alpha)
        if self.fixed is not None:
            return verdicts
        flipped = self.flipped(window)[:, 0] & self.never_flipped
        note = "hard rule: every value is of a wrong type"
        return verdicts.overruled(flipped, verdicts.statistic, note)

    def flipped(self, cells: Cells) -> Flags:
        """[C, T] whether there are values and none is of the column's type."""
        return np.asarray((cells.valid == 0) & (cells.invalid >= self.EVENTS_MIN))

    def count(self, cells: Cells) -> Counts:
        """[C, T] invalid values."""
        return cells.invalid
