"""Frozen: a column that used to vary holds one value, as a stuck sensor or a default does."""

from math import inf
from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.verdict import Score, Verdicts, Why, first_reason, silenced
from detectors.comparisons.wander import EVENTS_MIN, WINDOWS_MIN, learning

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
    >>> compare.judge(Cells.of([[0, 40, 0, 0]], lo=4.0, hi=4.5), alpha=1e-3)[0].alarm
    False
    >>> compare.judge(Cells.of([[0, 40, 0, 0]], lo=4.0, hi=4.0), alpha=1e-3)[0].alarm
    True
    """

    name: ClassVar[str] = "frozen"
    DEFAULT: ClassVar[bool] = True
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
        self.m = reference.valid[:, 0]
        self.floor = self.FLOOR if floor is None else floor
        self.fixed = fixed
        self.windows = np.count_nonzero(usable, axis=1)
        most = reference.bins[:, 0].max(axis=1)
        self.commonest = np.where(self.m > 0, most / np.maximum(self.m, 1), 1.0)
        self.rests = ~self.applies(reference) | (_constant(history) & usable).any(axis=1)

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """[C] columns that hold more than one value in the reference."""
        return (reference.valid[:, 0] > 0) & ~_constant(reference)[:, 0]

    def judge(self, window: Cells, alpha: float) -> Verdicts:
        """Judge one window; see `Comparison`.

        The p-value is the chance that independent values of the reference all fall into its commonest bin, so a
        column that nearly always holds one value may do so throughout a window.
        """
        n = window.valid[:, 0]
        constant = _constant(window)[:, 0]
        # A bin can hold all values although they differ; then one at least is not the commonest.
        most = np.minimum(window.bins[:, 0].max(axis=1), np.maximum(n - 1, 0))
        share = np.where(constant, 1.0, most / np.maximum(n, 1))
        score = Score(self.name, share, constant.astype(np.float64), n, self.m)
        if self.fixed is not None:
            return score.fixed(self.fixed)
        alarm = constant & (score.effect >= self.floor)
        if alarm.any():
            alarm &= self._chance(constant, n) < alpha

        def why() -> Why:
            notes = ["hard rule: the column is constant" if hard else "" for hard in alarm.tolist()]
            threshold = 1.0 if alpha > 0 else inf
            return silenced(threshold, self._chance(constant, n), self._quiet(n), notes)

        silent = (self.windows < WINDOWS_MIN) | self.rests | (n < EVENTS_MIN)
        return score.later(alarm & ~silent, why)

    def _chance(self, constant: Flags, n: Counts) -> Floats:
        return np.where(constant, self.commonest**n, 1.0)

    def _quiet(self, n: Counts) -> list[str]:
        return first_reason(
            len(n),
            (self.windows < WINDOWS_MIN, lambda c: learning(int(self.windows[c]))),
            (self.rests, lambda c: "the column is constant in control, too"),  # noqa: ARG005 - every one is called alike
            (n < EVENTS_MIN, lambda c: f"too few events: {n[c]} of {EVENTS_MIN}"),
        )


def _constant(cells: Cells) -> Flags:
    """[C, T] whether all values of a window are the same; an empty window is not constant."""
    one_bin = (cells.bins.max(axis=2) == cells.valid) & (cells.valid > 0)
    return np.asarray(np.where(cells.discrete[:, None], one_bin, cells.lo == cells.hi))
