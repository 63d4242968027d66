"""Frozen: a column that used to vary holds one value, as a stuck sensor or a default does."""

from typing import ClassVar

import numpy as np

from detectors.arrays import Flags
from detectors.comparisons.cells import Cells
from detectors.comparisons.verdict import Score, Verdict
from detectors.comparisons.wander import EVENTS_MIN, WINDOWS_MIN

__all__ = ["Frozen"]


class Frozen:
    """A comparison (see `Comparison`) that asks whether a window of 30 values or more is constant.

    A hard rule: it alarms only if the reference varies and none of at least 10 history windows
    (of 30 values or more) was constant. A column that rests now and then, as rain
    does on dry days, never alarms. Statistic: the share of the commonest bin, 1 only if
    the window is constant. Effect: 1 if constant, else 0; so a floor above 1 turns it off. Cost:
    O(B) a window.

    >>> history = Cells.of([[0, 20, 20, 0]] * 12, lo=3.5, hi=9.0)
    >>> compare = Frozen(history.total(), history, np.full(12, True))
    >>> compare.judge(Cells.of([[0, 40, 0, 0]], lo=4.0, hi=4.5), alpha=1e-3).alarm
    False
    >>> compare.judge(Cells.of([[0, 40, 0, 0]], lo=4.0, hi=4.0), alpha=1e-3).alarm
    True
    """

    name: ClassVar[str] = "frozen"
    FLOOR: ClassVar[float] = 1.0

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,  # noqa: ARG002 - all comparisons are made with the same arguments
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        usable = history.valid >= EVENTS_MIN
        self.reference = reference
        self.floor = self.FLOOR if floor is None else floor
        self.fixed = fixed
        self.windows = int(np.count_nonzero(usable))
        bins, valid = reference.bins[0], int(reference.valid[0])
        self.commonest = float(bins.max() / valid) if valid else 1.0
        self.rests = not self.applies(reference) or bool(_constant(history)[usable].any())

    @classmethod
    def applies(cls, reference: Cells) -> bool:
        """Columns that hold more than one value in the reference."""
        return bool(reference.valid[0] > 0 and not _constant(reference)[0])

    def judge(self, window: Cells, alpha: float) -> Verdict:
        """Judge one window; see `Comparison`.

        The p-value is the chance that independent values of the reference all fall into its commonest bin, so a
        column that nearly always holds one value may do so throughout a window.
        """
        n, m = int(window.valid[0]), int(self.reference.valid[0])
        constant = bool(_constant(window)[0])
        # A bin can hold all values although they differ; then one at least is not the commonest.
        share = 1.0 if constant else min(int(window.bins[0].max()), max(n - 1, 0)) / max(n, 1)
        score = Score(self.name, share, float(constant), n, m)
        if self.fixed is not None:
            return score.fixed(self.fixed)
        if self.windows < WINDOWS_MIN:
            return score.quiet(f"learning: {self.windows} of {WINDOWS_MIN} windows")
        if self.rests:
            return score.quiet("the column is constant in control, too")
        if n < EVENTS_MIN:
            return score.quiet(f"too few events: {n} of {EVENTS_MIN}")
        p_value = self.commonest**n if constant else 1.0
        alarm = constant and p_value < alpha and score.effect >= self.floor
        note = "hard rule: the column is constant" if alarm else ""
        return score.judged(1.0, p_value, alarm, note)


def _constant(cells: Cells) -> Flags:
    """[T] whether all values of a window are one and the same; an empty window is not constant."""
    if cells.discrete:
        return np.asarray((cells.bins.max(axis=1) == cells.valid) & (cells.valid > 0))
    return np.asarray(cells.lo == cells.hi)
