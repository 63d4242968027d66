"""What is measured of a decider: how often it alarms for nothing, and how soon for something, and what that costs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf, isfinite

import numpy as np

from benchmarks.quality.metrics import lower_bound, upper_bound
from detectors.arrays import Floats

__all__ = ["DRIFTBUS", "HORIZONS", "POSSIBLE", "Control", "Cost", "Measured", "Power", "Where"]

DRIFTBUS = "driftbus"
POSSIBLE = "possible"
"""Called a decider in tables: the observer of `possible.py`, who knows what nobody can know."""

HORIZONS = (2, 24, 56, 96)
"""Windows within which a drift is found, or not."""


@dataclass(frozen=True)
class Where:
    """What was measured: a kind of stream, weeks of history, monitors of the whole fleet, and their budget a week."""

    cell: str
    history: int
    monitors: int
    budget: float
    group: str = "cells"


@dataclass
class Control:
    """False alarms of a decider at one place, at one setting.

    Attributes:
        matched: whether it was set to driftbus' rate.
        setting: to what then; None for its own setting.
        limit: incidents a fleet-week that are to be kept to: the budget, or what was promised beyond it.
        incidents: how many, over all seeds.
        weeks: fleet-weeks that they are counted over; where only some monitors were run, their share of these.
        in_alarm: share of windows with an alarm.
        seconds: processor time of this process.
        by_detector: driftbus' incidents by the verdict that told them.
        asked: monitors over all seeds.
        learning: those of them that said in some window that they still learn; driftbus only.
    """

    where: Where
    decider: str
    matched: bool
    setting: float | None = None
    limit: float = 1.0
    incidents: int = 0
    weeks: float = 0.0
    in_alarm: float = 0.0
    seconds: float = 0.0
    by_detector: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    learning: int = 0

    @property
    def rate(self) -> float:
        """Incidents a fleet-week."""
        return self.incidents / self.weeks

    @property
    def upper(self) -> float:
        """The upper 95 % bound of the rate, one-sided."""
        return upper_bound(self.incidents, self.weeks)


@dataclass
class Power:
    """Delays of a decider under one drift: `delays` counts the trials by delay, those not found under 0.

    A trial is a monitor that drifts. What is found later than the largest horizon counts as not found.
    """

    where: Where
    drift: str
    decider: str
    matched: bool
    delays: dict[int, int] = field(default_factory=dict)

    def add(self, delays: Floats) -> None:
        """Take in more trials; inf is not found."""
        for delay in np.where(delays <= max(HORIZONS), delays, 0).astype(int).tolist():
            self.delays[delay] = self.delays.get(delay, 0) + 1

    @property
    def trials(self) -> int:
        """How many monitors drifted, over all seeds."""
        return sum(self.delays.values())

    def count(self, within: int) -> int:
        """Count the trials in which the drift was found in so many windows, its first one being 1."""
        return sum(n for delay, n in self.delays.items() if 0 < delay <= within)

    def found(self, within: int) -> float:
        """Tell their share."""
        return self.count(within) / self.trials

    def surely(self, within: int) -> float:
        """Tell the lower 95 % bound of their share, one-sided."""
        return lower_bound(self.count(within), self.trials)

    @property
    def median(self) -> float:
        """The median delay over all trials; inf if half or more were not found."""
        ordered = sorted((delay or inf, n) for delay, n in self.delays.items())
        values = np.repeat([delay for delay, _ in ordered], [n for _, n in ordered])
        middle = values[[(len(values) - 1) // 2, len(values) // 2]]
        return float(middle.mean()) if isfinite(middle[1]) else inf


@dataclass
class Cost:
    """What driftbus' alarm layer costs a fleet.

    Attributes:
        fit_s: processor time to learn all monitors from their history.
        window_s: processor time to judge one window of all, the median.
        window_max_s: the slowest.
        stored_bytes: state a monitor in the store: names and values of the fields of its chain, beside the reference.
        resident_bytes: memory a monitor that judging needs, beside the reference.
    """

    monitors: int
    history: int
    fit_s: float = 0.0
    window_s: float = 0.0
    window_max_s: float = 0.0
    stored_bytes: float = 0.0
    resident_bytes: float = 0.0


@dataclass
class Measured:
    """All of a run; `absent` says for cell and decider why there is no figure."""

    controls: list[Control] = field(default_factory=list)
    powers: list[Power] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)

    @classmethod
    def joined(cls, parts: Iterable["Measured"]) -> "Measured":
        """Put parts together, in their order."""
        whole = cls()
        for part in parts:
            whole.controls += part.controls
            whole.powers += part.powers
            whole.costs += part.costs
            whole.absent |= part.absent
        return whole

    def control(self, where: Where, decider: str, *, matched: bool) -> Control | None:
        """Find the false alarms of a decider at a place."""
        key = (where, decider, matched)
        return next((c for c in self.controls if (c.where, c.decider, c.matched) == key), None)
