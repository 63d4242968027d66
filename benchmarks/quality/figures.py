"""What is measured of a decider: how often it alarms for nothing, and how soon for something."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.quality.metrics import upper_bound
from detectors.arrays import Floats

__all__ = ["HORIZONS", "Control", "Measured", "Power"]

HORIZONS = (2, 24, 56, 96)
"""Windows within which a drift is found, or not."""


@dataclass
class Control:
    """False alarms of a decider in one cell, with one length of history, at one setting.

    Attributes:
        setting: what it was set to for driftbus' rate; None for its own setting.
        incidents: how many, over all seeds.
        weeks: fleet-weeks that they are counted over; where only some monitors were run, their share of these.
        in_alarm: share of windows with an alarm.
        seconds: processor time.
        by_detector: driftbus' incidents by the verdict that told them.
        learning: driftbus' monitors that said in some window that they still learn.
    """

    cell: str
    history: int
    decider: str
    matched: bool
    setting: float | None = None
    incidents: int = 0
    weeks: float = 0.0
    in_alarm: float = 0.0
    seconds: float = 0.0
    by_detector: Counter[str] = field(default_factory=Counter)
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
    """Delays of a decider under one drift; [trials], inf where it was not found."""

    cell: str
    history: int
    drift: str
    decider: str
    matched: bool
    delays: list[Floats] = field(default_factory=list)

    @property
    def trials(self) -> int:
        """How many monitors drifted, over all seeds."""
        return sum(map(len, self.delays))

    def found(self, within: int) -> float:
        """Tell the share of trials in which the drift was found in so many windows, its first one being 1."""
        return float(np.mean(np.concatenate(self.delays) <= within))

    @property
    def median(self) -> float:
        """The median delay over all trials; inf if most were not found."""
        delays = np.concatenate(self.delays)
        return float(np.median(np.where(delays <= max(HORIZONS), delays, np.inf)))


@dataclass
class Measured:
    """All of a run; `absent` says for cell and decider why there is no figure."""

    controls: list[Control] = field(default_factory=list)
    powers: list[Power] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)

    def control(self, like: Control | Power, decider: str, *, matched: bool) -> Control | None:
        """Find the false alarms of a decider in the cell and with the history of another figure."""
        of: Sequence[Control] = self.controls
        key = (like.cell, like.history, decider, matched)
        return next((c for c in of if (c.cell, c.history, c.decider, c.matched) == key), None)
