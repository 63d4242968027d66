"""What a comparison says: the score, the bound it was held against, and whether that is an alarm."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf, isnan, nan
from typing import Literal, NamedTuple

import numpy as np

from detectors.arrays import Counts, Flags, Floats

__all__ = ["Fixed", "Score", "Verdict", "Verdicts", "Why", "first_reason", "silenced"]

Fixed = Literal["most", "least", "away", "factor"]
"""What a fixed threshold t bounds: the statistic s <= t, s >= t, |s| <= t, or 1/t <= s <= t."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of one detector about one column of one window.

    Attributes:
        detector: its name.
        statistic: the score people know it by (PSI, distance, share...), always finite.
        threshold: on the scale of the statistic, the value beyond which this very window alarms,
            its sample sizes and the column's wander considered. A two-sided detector gives the
            bound of the side on which the statistic lies; a hard rule includes the bound itself.
            Infinite when nothing can alarm.
        p_value: chance of such a statistic without drift; None where none was computed.
        effect: size of the change in the detector's own unit, comparable between sample sizes.
        alarm: whether it is worth telling.
        n: events of the window that were used.
        m: events of the reference that were used.
        contributions: per bin, what sums to the statistic; None where it has no such parts. Two
            verdicts are equal or not without looking at these.
        note: why there is no p-value, in words; else empty.
        lag: how many windows before this one the change probably began.
        away: how far the level lies from what is usual, signed, on a scale of the detector's own: by the step
            that it alarms by, else by this window alone; 0 where it follows no level.
        usual: what the statistic is as a rule at such a time; None where that is not followed.

    Cost: a few hundred bytes, and the contributions.

    >>> from detectors import Cells, Missing
    >>> few = Cells.of([[0, 60, 40, 0]])
    >>> verdict = Missing(few, few, np.array([True])).judge(few, alpha=1e-3)[0]
    >>> verdict.detector, verdict.statistic, verdict.alarm, verdict.note
    ('missing', 0.0, False, 'learning: 0 of 10 windows')
    """

    detector: str
    statistic: float
    threshold: float
    p_value: float | None
    effect: float
    alarm: bool
    n: int
    m: int
    contributions: Floats | None = field(compare=False)
    note: str = ""
    lag: int = 0
    away: float = 0.0
    usual: float | None = None


class Why(NamedTuple):
    """What stands behind verdicts: thresholds [C], p-values [C], NaN where none was computed, and notes [C]."""

    threshold: Floats
    p_value: Floats
    notes: list[str]


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The answers of one comparison about C columns of one window: `Verdict`, array by array.

    `verdicts[i]`, `some` and iteration give them one by one, with the contributions of the bins that
    the column has.

    Attributes:
        detector: the comparison's name.
        statistic: [C].
        effect: [C].
        alarm: [C].
        n: [C].
        m: [C].
        why: makes thresholds, p-values and notes when one of them is first asked for: of windows of
            which nothing is told nobody asks.
        contributions: [C, P], 0 in the padding; or None.
        held: [C, P] which contributions are no padding; or None.
        lag: [C]; or None, for 0.
        away: [C]; or None, for 0.
        usual: [C] NaN where not followed; or None, for nowhere.

    Cost: giving one takes about 1 us, giving them all less each; `why` some 10 us a column.

    >>> from detectors import Cells, Psi
    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> compare = Psi(history.total(), history, np.full(20, True))
    >>> verdicts = compare.judge(Cells.of([[0, 10, 90, 0]]), alpha=1e-3)
    >>> len(verdicts), verdicts.alarm.tolist(), verdicts[0].detector
    (1, [True], 'psi')
    """

    detector: str
    statistic: Floats
    effect: Floats
    alarm: Flags
    n: Counts
    m: Counts
    why: Callable[[], Why]
    contributions: Floats | None = None
    held: Flags | None = None
    lag: Counts | None = None
    away: Floats | None = None
    usual: Floats | None = None

    @cached_property
    def _why(self) -> Why:
        return self.why()

    @property
    def threshold(self) -> Floats:
        """[C]."""
        return self._why.threshold

    @property
    def p_value(self) -> Floats:
        """[C] NaN where none was computed."""
        return self._why.p_value

    @property
    def notes(self) -> list[str]:
        """[C]."""
        return self._why.notes

    def __len__(self) -> int:
        return len(self.statistic)

    def __getitem__(self, i: int) -> Verdict:
        return next(self.some([range(len(self))[i]]))

    def __iter__(self) -> Iterator[Verdict]:
        return self.some(range(len(self)))

    def some(self, which: Sequence[int]) -> Iterator[Verdict]:
        """Give those at some places, in that order."""
        at = np.asarray(which, np.int64)
        why, zeros = self._why, np.zeros(len(self))
        away = zeros if self.away is None else self.away
        usual = np.full(len(self), nan) if self.usual is None else self.usual
        arrays = (
            self.statistic, why.threshold, why.p_value, self.effect, away, usual, self.alarm, self.n, self.m
        )  # fmt: skip
        lag = np.zeros(len(self), np.int64) if self.lag is None else self.lag
        numbers = [array[at].tolist() for array in (*arrays, lag)]
        parts: list[Floats | None] = [None] * len(at)
        if self.contributions is not None and self.held is not None:
            rows = zip(self.contributions[at], self.held[at], strict=True)
            parts = [row[held] for row, held in rows]
        told = zip(at.tolist(), *numbers, parts, strict=True)
        for c, statistic, threshold, p, effect, far, rule, alarm, n, m, back, own in told:
            yield Verdict(
                self.detector, statistic, threshold, None if isnan(p) else p, effect, alarm, n, m, own,
                why.notes[c], back, far, None if isnan(rule) else rule,
            )  # fmt: skip

    def overruled(self, where: Flags, threshold: Floats | float, note: str) -> "Verdicts":
        """Let a hard rule speak where it holds: an alarm, whatever chance says."""
        if not where.any():
            return self

        def why() -> Why:
            notes = [note if hard else old for hard, old in zip(where, self.notes, strict=True)]
            return Why(np.where(where, threshold, self.threshold), self.p_value, notes)

        return replace(self, alarm=self.alarm | where, why=why)


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """What was measured of C columns, before it is held against anything; see `Verdicts`."""

    detector: str
    statistic: Floats
    effect: Floats
    n: Counts
    m: Counts
    contributions: Floats | None = None
    held: Flags | None = None

    def fixed(self, threshold: float, bounds: Fixed = "most") -> Verdicts:
        """Hold the statistic against a plain threshold; of two sides the nearer one is told."""
        size, low = len(self.statistic), np.full(len(self.statistic), bounds == "least")
        bound = np.full(size, float(threshold))
        if bounds == "away":
            low = self.statistic < 0
            bound = np.where(low, -bound, bound)
        elif bounds == "factor":
            low = self.statistic < 1
            bound = np.where(low, 1 / bound, bound)
        beyond = np.where(low, self.statistic < bound, self.statistic > bound)
        note = "fixed threshold: no false-alarm budget covers it"
        return self.later(beyond, lambda: Why(bound, np.full(size, nan), [note] * size))

    def judged(
        self,
        threshold: Floats | float,
        p_value: Floats | float,
        alarm: Flags,
        quiet: list[str],
        notes: list[str] | None = None,
    ) -> Verdicts:
        """Complete the verdicts.

        Args:
            threshold: [C], or one for all.
            p_value: [C], or one for all; NaN where there is none.
            alarm: [C].
            quiet: [C] why nothing can be said of a column: such a one gets an infinite threshold,
                no p-value and no alarm. Empty for the others.
            notes: [C] what is to be said of the others; None for nothing.
        """
        silent = np.array([bool(reason) for reason in quiet], np.bool_)
        return self.later(alarm & ~silent, lambda: silenced(threshold, p_value, quiet, notes))

    def later(
        self, alarm: Flags, why: Callable[[], Why], lag: Counts | None = None,
        away: Floats | None = None, usual: Floats | None = None,
    ) -> Verdicts:  # fmt: skip
        """Complete the verdicts by what is worked out when somebody asks."""
        return Verdicts(
            self.detector, self.statistic, self.effect, alarm, self.n, self.m, why, self.contributions,
            self.held, lag, away, usual,
        )  # fmt: skip


def silenced(
    threshold: Floats | float, p_value: Floats | float, quiet: list[str],
    notes: list[str] | None = None,
) -> Why:  # fmt: skip
    """Take threshold and p-value from columns of which nothing can be said; see `Score.judged`."""
    silent = np.array([bool(reason) for reason in quiet], np.bool_)
    told = quiet if notes is None else [a or b for a, b in zip(quiet, notes, strict=True)]
    return Why(np.where(silent, inf, threshold), np.where(silent, nan, p_value), told)


def first_reason(columns: int, *reasons: tuple[Flags, Callable[[int], str]]) -> list[str]:
    """Tell for each column the first reason that holds, in words; empty where none does.

    >>> flags = np.array([True, False, False]), np.array([True, False, True])
    >>> first_reason(3, (flags[0], lambda c: "dry"), (flags[1], lambda c: f"column {c} is wet"))
    ['dry', '', 'column 2 is wet']
    """
    told = [""] * columns
    for holds, say in reversed(reasons):
        for c in holds.nonzero()[0].tolist():
            told[c] = say(c)
    return told
