"""The common part of comparisons by a level: a rate, a location, a volume.

A subclass gives the level x of a window, on a scale where its sampling variance is 1/n; this
class learns from the history where x lies and how it wanders, and holds a window against it.
"""

from typing import ClassVar

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells, baseline
from detectors.comparisons.verdict import Score, Verdict
from detectors.comparisons.wander import EVENTS_MIN, Sided, fit_level, level_p, level_reach

__all__ = ["LevelComparison"]


class LevelComparison:
    """A comparison (see `Comparison`) whose score is a level.

    Effect: how far x is from its centre in control, or from the reference while learning.
    """

    name: ClassVar[str]
    FLOOR: ClassVar[float] = 0.1
    SIDED: ClassVar[Sided] = "up"
    EVENTS_MIN: ClassVar[int] = EVENTS_MIN

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        self.reference = reference
        self.floor = self.FLOOR if floor is None else floor
        self.fixed = fixed
        n, m = self.events(history), self.events(baseline(reference, history, inside))
        usable = (n >= max(1, self.EVENTS_MIN)) & (m > 0)
        self.wander = fit_level(self.level(history.select(usable)), n[usable], m[usable])

    @classmethod
    def applies(cls, reference: Cells) -> bool:
        """Any column of which the reference has seen something."""
        return bool(reference.n[0] > 0)

    @property
    def centre(self) -> float:
        """Where the level lies in control, on the scale of x."""
        return self.wander.centre if self.wander.ready else float(self.level(self.reference)[0])

    def judge(self, window: Cells, alpha: float) -> Verdict:
        """Judge one window; see `Comparison`."""
        x, n = float(self.level(window)[0]), int(self.events(window)[0])
        m = int(self.events(self.reference)[0])
        effect = abs(x - self.centre)
        statistic = self.statistic(window)
        score = Score(self.name, statistic, effect, n, m, self.contributions(window))
        if self.fixed is not None:
            return score.fixed(self.fixed)
        if not self.wander.ready:
            return score.quiet(self.wander.note)
        if m == 0:
            return score.quiet("the reference is empty")
        if n < self.EVENTS_MIN:
            return score.quiet(f"too few events: {n} of {self.EVENTS_MIN}")
        p = level_p(x, n, m, self.wander, self.SIDED)
        reach = max(self.floor, level_reach(alpha, n, m, self.wander, self.SIDED))
        bound = (
            self.centre - reach
            if self.SIDED == "both" and x < self.centre
            else (self.centre + reach)
        )
        return score.judged(self.at(bound, n), p, p < alpha and effect >= self.floor)

    # What a subclass says.

    def level(self, cells: Cells) -> Floats:
        """[T] the level x; finite, also for empty windows."""
        raise NotImplementedError

    def events(self, cells: Cells) -> Counts:
        """[T] events that take part."""
        raise NotImplementedError

    def statistic(self, window: Cells) -> float:
        """Tell the score people know of one window."""
        raise NotImplementedError

    def at(self, level: float, n: int) -> float:
        """Tell the score that a window of n events has at a level; inf where no window gets."""
        raise NotImplementedError

    def contributions(self, window: Cells) -> Floats | None:  # noqa: ARG002
        """Tell the parts of the score, if it has any."""
        return None
