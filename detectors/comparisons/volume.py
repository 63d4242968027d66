"""Volume: many more or fewer events than usual; and none at all."""

from dataclasses import replace
from math import nan
from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.levels import LevelComparison
from detectors.comparisons.verdict import Fixed, Score, Verdicts, Why, first_reason, silenced
from detectors.comparisons.wander import WINDOWS_MIN, Sided, learning

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
    >>> verdicts = [compare.judge(Cells.of([[n]]), alpha=1e-3)[0] for n in (104, 20, 400)]
    >>> [verdict.alarm for verdict in verdicts]
    [False, True, True]
    """

    name: ClassVar[str] = "volume"
    FLOOR: ClassVar[float] = FACTOR_LOG
    SIDED: ClassVar[Sided] = "both"
    EVENTS_MIN: ClassVar[int] = 0
    FIXED: ClassVar[Fixed] = "least"

    def judge(self, window: Cells, alpha: float) -> Verdicts:
        """Judge one window; see `Comparison`."""
        return replace(super().judge(window, alpha), usual=self.at(self.centre, self.m))

    def level(self, cells: Cells) -> Floats:
        """[C, T] log(n + 1)."""
        return np.asarray(np.log1p(cells.n))

    def events(self, cells: Cells) -> Counts:
        """[C, T] events, and one more so that an empty window has a variance."""
        return cells.n + 1

    def statistic(self, window: Cells) -> Floats:
        """[C] the number of events."""
        return window.n[:, 0].astype(np.float64)

    def at(self, level: Floats, n: Counts) -> Floats:  # noqa: ARG002 - every one is called alike
        """[C] the number of events at a level."""
        return np.asarray(np.maximum(0.0, np.exp(np.minimum(level, 700.0)) - 1))


class Silence:
    """A comparison (see `Comparison`) that asks whether a series fell silent.

    A hard rule: n = 0 alarms if none of at least 10 history windows was empty. Statistic: n.
    Effect: the logarithm of the ratio to the usual number (median of the history). A `fixed`
    threshold is the smallest n that is fine. Cost: O(1) a window.

    >>> history = Cells.of([[100 + w % 7] for w in range(24)])
    >>> compare = Silence(history.total(), history, np.full(24, True))
    >>> [compare.judge(Cells.of([[n]]), alpha=1e-3)[0].alarm for n in (0, 1)]
    [True, False]
    """

    name: ClassVar[str] = "silence"
    DEFAULT: ClassVar[bool] = True

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,  # noqa: ARG002 - every one is called alike
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        self.floor = FACTOR_LOG if floor is None else floor
        self.fixed = fixed
        self.windows = np.full(len(history.n), len(history))
        self.rests = (history.n == 0).any(axis=1)
        logs = np.log1p(history.n)
        self.usual = np.median(logs, axis=1) if len(history) else np.zeros(len(logs))
        self.m = reference.n[:, 0]

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """[C] any series of which the reference has seen something."""
        return reference.n[:, 0] > 0

    def judge(self, window: Cells, alpha: float) -> Verdicts:  # noqa: ARG002 - every one is called alike
        """Judge one window; see `Comparison`. There is no p-value, alpha plays no part."""
        n = window.n[:, 0]
        score = Score(self.name, n.astype(np.float64), np.abs(np.log1p(n) - self.usual), n, self.m)
        if self.fixed is not None:
            return replace(score.fixed(self.fixed, "least"), usual=np.expm1(self.usual))
        short = self.windows < WINDOWS_MIN
        alarm = (n == 0) & (score.effect >= self.floor) & ~short & ~self.rests

        def why() -> Why:
            quiet = first_reason(
                len(n),
                (short, lambda c: learning(int(self.windows[c]))),
                (self.rests, lambda c: "the series is silent in control, too"),  # noqa: ARG005 - every one is called alike
            )
            notes = ["hard rule: no events at all" if none else "" for none in (n == 0).tolist()]
            return silenced(0.0, nan, quiet, notes)

        return score.later(alarm, why, usual=np.expm1(self.usual))
