"""Volume: many more or fewer events than usual; and none at all."""

from math import exp
from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.levels import LevelComparison
from detectors.comparisons.verdict import Score, Verdict
from detectors.comparisons.wander import WINDOWS_MIN, Sided

__all__ = ["Silence", "Volume"]

FACTOR_LOG = float(np.log(2))
"""Twice or half as many: the smallest effect worth telling, in logarithms."""


class Volume(LevelComparison):
    """A comparison (see `Comparison`) of the number of events a window, two-sided.

    The level is log(n + 1), whose variance is about 1/n for independent arrivals. Statistic: n.
    Effect: the logarithm of the ratio to the usual number, either way; the default floor is log 2.
    A `fixed` threshold is the smallest n that is fine. Reads only `Cells.n`, so any column of a
    series serves, or cells made of plain counts. Cost: O(1) a window.

    >>> history = Cells.of([[100 + w % 7] for w in range(24)])
    >>> compare = Volume(history.total(), history, np.full(24, True))
    >>> verdicts = [compare.judge(Cells.of([[n]]), alpha=1e-3) for n in (104, 20, 400)]
    >>> [verdict.alarm for verdict in verdicts]
    [False, True, True]
    """

    name: ClassVar[str] = "volume"
    FLOOR: ClassVar[float] = FACTOR_LOG
    SIDED: ClassVar[Sided] = "both"
    EVENTS_MIN: ClassVar[int] = 0

    def judge(self, window: Cells, alpha: float) -> Verdict:
        """Judge one window; see `Comparison`."""
        verdict = super().judge(window, alpha)
        return verdict if self.fixed is None else _at_least(verdict, self.fixed)

    def level(self, cells: Cells) -> Floats:
        """[T] log(n + 1)."""
        return np.asarray(np.log1p(cells.n))

    def events(self, cells: Cells) -> Counts:
        """[T] events, and one more so that an empty window has a variance."""
        return cells.n + 1

    def statistic(self, window: Cells) -> float:
        """The number of events."""
        return float(window.n[0])

    def at(self, level: float, n: int) -> float:  # noqa: ARG002
        """The number of events at a level."""
        return max(0.0, exp(min(level, 700.0)) - 1)


class Silence:
    """A comparison (see `Comparison`) that asks whether a series fell silent.

    A hard rule: n = 0 alarms if none of at least 10 history windows was empty. Statistic: n.
    Effect: the logarithm of the ratio to the usual number (median of the history). A `fixed`
    threshold is the smallest n that is fine.

    >>> history = Cells.of([[100 + w % 7] for w in range(24)])
    >>> compare = Silence(history.total(), history, np.full(24, True))
    >>> [compare.judge(Cells.of([[n]]), alpha=1e-3).alarm for n in (0, 1)]
    [True, False]
    """

    name: ClassVar[str] = "silence"

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,  # noqa: ARG002
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        self.floor = FACTOR_LOG if floor is None else floor
        self.fixed = fixed
        self.windows = len(history)
        self.rests = bool((history.n == 0).any())
        self.usual = float(np.median(np.log1p(history.n))) if len(history) else 0.0
        self.m = int(reference.n[0])

    @classmethod
    def applies(cls, reference: Cells) -> bool:
        """Any series of which the reference has seen something."""
        return bool(reference.n[0] > 0)

    def judge(self, window: Cells, alpha: float) -> Verdict:  # noqa: ARG002
        """Judge one window; see `Comparison`. There is no p-value, alpha plays no part."""
        n = int(window.n[0])
        score = Score(self.name, float(n), abs(float(np.log1p(n)) - self.usual), n, self.m)
        if self.fixed is not None:
            return _at_least(score.fixed(self.fixed), self.fixed)
        if self.windows < WINDOWS_MIN:
            return score.quiet(f"learning: {self.windows} of {WINDOWS_MIN} windows")
        if self.rests:
            return score.quiet("the series is silent in control, too")
        note = "hard rule: no events at all" if n == 0 else ""
        return score.judged(0.0, None, n == 0 and score.effect >= self.floor, note)


def _at_least(verdict: Verdict, smallest: float) -> Verdict:
    """Turn a fixed threshold round: too few events are the trouble, not too many."""
    score = Score(verdict.detector, verdict.statistic, verdict.effect, verdict.n, verdict.m)
    return score.judged(smallest, None, verdict.statistic < smallest, verdict.note)
