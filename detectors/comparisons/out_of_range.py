"""Out of range: values far outside of what the reference has seen, as after a change of unit."""

from typing import ClassVar

from detectors.arrays import Counts, Flags
from detectors.comparisons.cells import Cells
from detectors.comparisons.rates import RateComparison
from detectors.comparisons.verdict import Verdicts

__all__ = ["OutOfRange"]

UNIT_CHANGE = 0.9
"""Share of values outside from which no history is needed: half is a hot summer beside a winter."""


class OutOfRange(RateComparison):
    """Share of the values in the two outer bins, upwards only; see `RateComparison`.

    The outer bins begin beyond the reference's range widened by half its span on either side.
    The default floor 0.45 is one value in 20 where there were none: records of weather and the
    like are broken again and again, a broken unit or sensor shows in more than that. Nine in ten
    values or more outside (30 values or more) alarm by a hard rule, with or without a history,
    unless the reference or a window of the history was just so. Cost: O(1) a window.

    >>> import numpy as np
    >>> reference = Cells.of([[0, 600, 400, 0]])
    >>> compare = OutOfRange(reference, Cells.of(np.zeros((0, 4))), np.zeros(0, bool))
    >>> verdict = compare.judge(Cells.of([[0, 4, 0, 46]]), alpha=1e-3)[0]
    >>> verdict.alarm, verdict.note
    (True, 'hard rule: nine in ten values or more are far outside the range')
    """

    name: ClassVar[str] = "out_of_range"
    FLOOR: ClassVar[float] = 0.45

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        super().__init__(reference, history, inside, floor, fixed)
        outside = (self.shares(history) >= UNIT_CHANGE) & (history.valid >= self.EVENTS_MIN)
        self.never_outside = (self.statistic(reference) < UNIT_CHANGE) & ~outside.any(axis=1)

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """[C] numeric columns with at least one value in the reference."""
        return ~reference.discrete & (reference.valid[:, 0] > 0)

    def judge(self, window: Cells, alpha: float) -> Verdicts:
        """Judge one window; see `Comparison`."""
        verdicts = super().judge(window, alpha)
        if self.fixed is not None:
            return verdicts
        moved = (verdicts.statistic >= UNIT_CHANGE) & (verdicts.n >= self.EVENTS_MIN)
        note = "hard rule: nine in ten values or more are far outside the range"
        return verdicts.overruled(moved & self.never_outside, UNIT_CHANGE, note)

    def events(self, cells: Cells) -> Counts:
        """[C, T] values."""
        return cells.valid

    def count(self, cells: Cells) -> Counts:
        """[C, T] values in the outer bins; a column of one bin has none."""
        return (cells.bins[:, :, 0] + cells.last_counts) * (cells.last > 0)[:, None]
