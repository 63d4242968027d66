"""The common part of comparisons by a distance between two distributions (PSI, KS, chi-square).

A subclass measures; this class learns from the history how large the distance gets in control,
and holds a window against it. All is done on D, the distance whose mean without drift is about
c (1/n + 1/m); a subclass says how its statistic and its effect follow from D.
"""

from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells, baseline
from detectors.comparisons.verdict import Score, Verdict
from detectors.comparisons.wander import EVENTS_MIN, distance_p, distance_threshold, fit_distance

__all__ = ["DistanceComparison"]


class DistanceComparison:
    """A comparison (see `Comparison`) whose score is a distance; one-sided upwards."""

    name: ClassVar[str]
    FLOOR: ClassVar[float] = 0.1

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        rest = baseline(reference, history, inside)
        n, m = self.events(history), self.events(rest)
        usable = (n >= EVENTS_MIN) & (m > 0)
        distance, _ = self.measure(history.select(usable), rest.select(usable))
        self.reference = reference
        self.floor = self.FLOOR if floor is None else floor
        self.fixed = fixed
        self.freedom = self.degrees(Cells.concat([reference, history]))
        self.wander = fit_distance(distance, n[usable], m[usable], self.freedom)

    @classmethod
    def applies(cls, reference: Cells) -> bool:
        """Any column of which the reference has seen something."""
        return bool(cls.events(reference)[0] > 0)

    def judge(self, window: Cells, alpha: float) -> Verdict:
        """Judge one window; see `Comparison`."""
        n, m = int(self.events(window)[0]), int(self.events(self.reference)[0])
        distances, contributions = self.measure(window, self.reference)
        distance = float(distances[0])
        effect = self.effect(distance)
        parts = None if contributions is None else contributions[0]
        score = Score(self.name, self.statistic(distance, n), effect, n, m, parts)
        if self.fixed is not None:
            return score.fixed(self.fixed)
        if not self.wander.ready:
            return score.quiet(self.wander.note)
        if m == 0:
            return score.quiet("the reference is empty")
        if n < EVENTS_MIN:
            return score.quiet(f"too few events: {n} of {EVENTS_MIN}")
        p = distance_p(distance, n, m, self.freedom, self.wander)
        chance = distance_threshold(alpha, n, m, self.freedom, self.wander)
        bound = max(chance, self.distance(self.floor))
        return score.judged(self.statistic(bound, n), p, p < alpha and effect >= self.floor)

    # What a subclass says.

    @classmethod
    def measure(cls, window: Cells, reference: Cells) -> tuple[Floats, Floats | None]:
        """Compare window by window.

        Returns:
            [T] distances D, and [T, bins] parts that sum to the statistic, or None.
        """
        raise NotImplementedError

    @classmethod
    def events(cls, cells: Cells) -> Counts:
        """[T] events that take part: values and missing ones."""
        return cells.valid + cells.missing

    @classmethod
    def degrees(cls, seen: Cells) -> float:
        """Degrees of freedom c: bins that ever held anything, less one."""
        return float(max(1, int(np.count_nonzero(seen.with_missing.any(axis=0))) - 1))

    @classmethod
    def statistic(cls, distance: float, n: int) -> float:  # noqa: ARG003
        """Tell the score people know from D."""
        return distance

    @classmethod
    def effect(cls, distance: float) -> float:
        """Tell the effect from D."""
        return distance

    @classmethod
    def distance(cls, effect: float) -> float:
        """Tell D from the effect: the inverse of `effect`."""
        return effect
