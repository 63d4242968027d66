"""What a detector says: the score, the bound it was held against, and whether that is an alarm."""

from dataclasses import dataclass, field
from math import inf

from detectors.arrays import Floats

__all__ = ["Score", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of one detector about one window.

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


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """What was measured, before it is held against anything. The attributes are Verdict's."""

    detector: str
    statistic: float
    effect: float
    n: int
    m: int
    contributions: Floats | None = None

    def quiet(self, note: str) -> Verdict:
        """Say that nothing can be said, and why."""
        return self.judged(inf, None, False, note)

    def fixed(self, threshold: float) -> Verdict:
        """Hold the statistic against a plain threshold."""
        note = "fixed threshold: no false-alarm budget covers it"
        return self.judged(threshold, None, self.statistic > threshold, note)

    def judged(
        self, threshold: float, p_value: float | None, alarm: bool, note: str = ""
    ) -> Verdict:
        """Complete the verdict."""
        return Verdict(
            self.detector,
            self.statistic,
            threshold,
            p_value,
            self.effect,
            alarm,
            self.n,
            self.m,
            self.contributions,
            note,
        )
