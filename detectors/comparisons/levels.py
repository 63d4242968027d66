"""The common part of comparisons by a level: a rate, a location, a volume.

A subclass gives the level x of a window, on a scale where its sampling variance is 1/n; this
class learns from the history where x lies and how it wanders, and holds a window against it.
"""

from math import inf
from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells, baseline
from detectors.comparisons.verdict import Fixed, Score, Verdicts, Why, silenced
from detectors.comparisons.wander import EVENTS_MIN, Sided, fit_level, level_p, level_reach

__all__ = ["LevelComparison"]


class LevelComparison:
    """A comparison (see `Comparison`) whose score is a level.

    Effect: how far x is from its centre in control, or from the reference while learning.
    `centre` [C] is that place, on the scale of x.
    """

    name: ClassVar[str]
    DEFAULT: ClassVar[bool] = True
    FLOOR: ClassVar[float] = 0.1
    SIDED: ClassVar[Sided] = "up"
    EVENTS_MIN: ClassVar[int] = EVENTS_MIN
    FIXED: ClassVar[Fixed] = "most"
    """What a fixed threshold bounds; two-sided shifts are bounded on both sides."""

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        self.reference = reference
        self.m = self.events(reference)[:, 0]
        self.floor = self.FLOOR if floor is None else floor
        self.fixed = fixed
        n, m = self.events(history), self.events(baseline(reference, history, inside))
        usable = (n >= max(1, self.EVENTS_MIN)) & (m > 0)
        self.wander = fit_level(self.level(history), n, m, usable)
        own = self.level(reference)[:, 0]
        self.centre = np.where(self.wander.ready, self.wander.centre, own)

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """[C] columns of which the reference has seen something."""
        return reference.n[:, 0] > 0

    def judge(self, window: Cells, alpha: float) -> Verdicts:
        """Judge one window; see `Comparison`."""
        x, n, m = self.level(window)[:, 0], self.events(window)[:, 0], self.m
        effect = np.abs(x - self.centre)
        parts = self.contributions(window)
        held = None if parts is None else window.held
        score = Score(self.name, self.statistic(window), effect, n, m, parts, held)
        if self.fixed is not None:
            return score.fixed(self.fixed, self.FIXED)

        def some() -> tuple[Counts, Counts]:  # a quiet column may have none
            return np.maximum(n, 1), np.maximum(m, 1)

        def chance() -> Floats:
            return self.chance(x, *some())

        def why() -> Why:
            quiet = self.wander.quiet(n, m, self.EVENTS_MIN)
            if alpha <= 0:
                return silenced(inf, chance(), quiet)
            below = (x < self.centre) & (self.SIDED == "both")
            chances = self.reach(alpha, below, *some())
            reach = np.maximum(self.floor, np.where(self.wander.ready, chances, 0.0))
            with np.errstate(over="ignore"):  # a floor may lie beyond all scores
                bound = self.at(self.centre + np.where(below, -reach, reach), n)
            return silenced(bound, chance(), quiet)

        alarm = effect >= self.floor
        if alpha <= 0 or not alarm.any():  # nobody asks for chances then
            return score.later(np.zeros(len(n), np.bool_), why)
        alarm &= level_p(x, *some(), self.wander, self.SIDED) < alpha
        if alarm.any():  # then it is worth the pains
            alarm &= (chance() < alpha) & ~self.wander.is_quiet(n, m, self.EVENTS_MIN)
        return score.later(alarm, why)

    # What a subclass says, or says otherwise.

    def chance(self, x: Floats, n: Counts, m: Counts) -> Floats:
        """[C] the chance in control of levels as far away as x [C]; 1 while learning. Never smaller than `level_p`."""
        return level_p(x, n, m, self.wander, self.SIDED)

    def reach(self, alpha: float, below: Flags, n: Counts, m: Counts) -> Floats:  # noqa: ARG002 - every one is called alike
        """[C] how far from the centre, on the side told, the chance is alpha; inf while learning."""
        return level_reach(alpha, n, m, self.wander, self.SIDED)

    def level(self, cells: Cells) -> Floats:
        """[C, T] the level x; finite, also for empty windows."""
        raise NotImplementedError

    def events(self, cells: Cells) -> Counts:
        """[C, T] events that take part."""
        raise NotImplementedError

    def statistic(self, window: Cells) -> Floats:
        """[C] the score people know, of one window."""
        raise NotImplementedError

    def at(self, level: Floats, n: Counts) -> Floats:
        """[C] the score that windows of n events have at a level; inf where no window gets."""
        raise NotImplementedError

    def contributions(self, window: Cells) -> Floats | None:  # noqa: ARG002 - every one is called alike
        """[C, B] the parts of the score of one window, if it has any."""
        return None
