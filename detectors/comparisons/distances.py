"""The common part of comparisons by a distance between two distributions (PSI, KS, chi-square).

A subclass measures; this class learns from the history how large the distance gets in control,
and holds a window against it. All is done on D, the distance whose mean without drift is about
c (1/n + 1/m); a subclass says how its statistic and its effect follow from D.
"""

from math import inf
from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells, baseline
from detectors.comparisons.verdict import Score, Verdicts, Why, silenced
from detectors.comparisons.wander import EVENTS_MIN, distance_p, distance_threshold, fit_distance

__all__ = ["DistanceComparison", "RootDistance"]


class DistanceComparison:
    """A comparison (see `Comparison`) whose score is a distance; one-sided upwards."""

    name: ClassVar[str]
    DEFAULT: ClassVar[bool] = True
    FLOOR: ClassVar[float] = 0.1

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        self.reference = reference
        self.m = self.events(reference)[:, 0].copy()  # a view would hold the whole
        self.floor = self.FLOOR if floor is None else floor
        self.fixed = fixed
        self.freedom = self.degrees(Cells.concat([reference, history]))
        rest = baseline(reference, history, inside)
        n, m = self.events(history), self.events(rest)
        distance, _ = self.measure(history, rest)
        usable = (n >= EVENTS_MIN) & (m > 0)
        self.wander = fit_distance(distance, n, m, self.freedom, usable)

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """[C] columns of which the reference has seen something."""
        return cls.events(reference)[:, 0] > 0

    def judge(self, window: Cells, alpha: float) -> Verdicts:
        """Judge one window; see `Comparison`."""
        n, m = self.events(window)[:, 0], self.m
        distances, contributions = self.measure(window, self.reference)
        distance = distances[:, 0]
        effect = self.effect(distance)
        parts = held = None
        if contributions is not None:
            parts, held = contributions[:, 0], window.held
            if parts.shape[1] > held.shape[1]:
                held = window.held_with_missing[:, 0]
        score = Score(self.name, self.statistic(distance, n), effect, n, m, parts, held)
        if self.fixed is not None:
            return score.fixed(self.fixed)

        def some() -> tuple[Counts, Counts]:  # a quiet column may have none
            return np.maximum(n, 1), np.maximum(m, 1)

        def chance() -> Floats:
            return distance_p(distance, *some(), self.freedom, self.wander)

        def why() -> Why:
            quiet = self.wander.quiet(n, m, EVENTS_MIN)
            if alpha <= 0:
                return silenced(inf, chance(), quiet)
            reach = distance_threshold(alpha, *some(), self.freedom, self.wander)
            with np.errstate(
                over="ignore", invalid="ignore"
            ):  # a floor may lie beyond all distances
                least = self.distance(np.full(len(n), self.floor))
                bound = np.maximum(np.where(self.wander.ready, reach, 0.0), least)
                threshold = self.statistic(bound, n)
            return silenced(threshold, chance(), quiet)

        alarm = effect >= self.floor
        if alpha <= 0 or not alarm.any():  # nobody asks for chances then
            return score.later(np.zeros(len(n), np.bool_), why)
        alarm &= (chance() < alpha) & ~self.wander.is_quiet(n, m, EVENTS_MIN)
        return score.later(alarm, why)

    # What a subclass says.

    def measure(self, window: Cells, reference: Cells) -> tuple[Floats, Floats | None]:
        """Compare window by window.

        Args:
            window: [C, T, ...].
            reference: [C, 1, ...] or [C, T, ...].

        Returns:
            [C, T] distances D, finite also where a side is empty; and [C, T, P] parts that sum to
            the statistic (P = B, or B + 1 with the missing last), or None.
        """
        raise NotImplementedError

    @classmethod
    def events(cls, cells: Cells) -> Counts:
        """[C, T] events that take part: values and missing ones."""
        return cells.valid + cells.missing

    def degrees(self, seen: Cells) -> Floats:
        """[C] degrees of freedom c: bins (one of them missing) that ever held anything, less one.

        `seen` is the reference and, behind it, the history.
        """
        ever = np.count_nonzero(seen.bins.any(axis=1), axis=1) + seen.missing.any(axis=1)
        return np.asarray(np.maximum(1.0, ever - 1.0))

    def statistic(self, distance: Floats, n: Counts) -> Floats:  # noqa: ARG002 - every one is called alike
        """[C] the score people know, from D [C] of windows of n [C] events."""
        return distance

    def effect(self, distance: Floats) -> Floats:
        """[C] the effect, from D."""
        return distance

    def distance(self, effect: Floats) -> Floats:
        """[C] D from the effect: the inverse of `effect`."""
        return effect


class RootDistance(DistanceComparison):
    """A comparison whose statistic and effect are the root of D / SCALE, a distance from 0 to 1."""

    SCALE: ClassVar[float]

    def statistic(self, distance: Floats, n: Counts) -> Floats:  # noqa: ARG002 - every one is called alike
        """[C] the distance from 0 to 1."""
        return self.effect(distance)

    def effect(self, distance: Floats) -> Floats:
        """[C] the distance from 0 to 1."""
        return np.sqrt(distance / self.SCALE)

    def distance(self, effect: Floats) -> Floats:
        """[C] the inverse of `effect`."""
        return self.SCALE * np.square(effect)
