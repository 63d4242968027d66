"""A cell with a length of history: gives, for a seed, windows in control and windows with a drift."""

from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np

from benchmarks.quality.cells import CELLS, POWER, SAMPLED
from benchmarks.quality.drifts import DRIFTS, GAP, WATCHED, drifted, onsets
from benchmarks.quality.fleet import Fleet, make_fleet, observe
from benchmarks.quality.flights import (
    FAULTS,
    FLIGHTS,
    HISTORY,
    flight_onsets,
    flights,
    watched_flights,
)
from benchmarks.quality.windows import Windows
from detectors.arrays import Counts

__all__ = ["ALL", "KNOWN", "Drifting", "Stream"]

ALL = (*CELLS, *FLIGHTS)
KNOWN = CELLS | SAMPLED
WEEK = 168


class Drifting(NamedTuple):
    """Windows with a drift: in which monitors it is, and in which window it begins there."""

    history: Windows
    windows: Windows
    monitors: Counts
    onset: Counts


@dataclass(frozen=True)
class Stream:
    """A source of fleets.

    Attributes:
        cell: its name.
        history: weeks to learn from; the flights have ten of their own.
        monitors: columns of a fleet; the flights have 27.
        weeks: how long windows in control are judged; the flights last for 42 weeks.
    """

    cell: str
    history: int
    monitors: int
    weeks: int

    @property
    def drifts(self) -> tuple[str, ...]:
        """The drifts that are tried in this cell."""
        if self.cell in FLIGHTS:
            return tuple(FAULTS)
        return tuple(DRIFTS) if self.cell in POWER else ()

    def control(self, seed: int, block: int = 0) -> tuple[Windows, Windows]:
        """Give a history, and the windows in control that follow it; each block of a seed has other monitors."""
        if self.cell in FLIGHTS:
            return _parted(flights(self.cell, seed), HISTORY)
        learned = self.history * WEEK
        fleet = self._fleet(seed, learned, self.weeks * WEEK, block)
        return _parted(observe(fleet), learned)

    def drift(self, seed: int, name: str) -> Drifting:
        """Give a history, and windows in which a drift begins on the second day."""
        if self.cell in FLIGHTS:
            monitors, onset = np.flatnonzero(watched_flights()), flight_onsets(seed)
            history, windows = _parted(flights(self.cell, seed, FAULTS[name]), HISTORY)
            return Drifting(history, windows.part(0, 2 * GAP + WATCHED), monitors, onset[monitors])
        learned = self.history * WEEK
        fleet = self._fleet(seed, learned, 2 * GAP + WATCHED)
        monitors = np.flatnonzero(DRIFTS[name][1](fleet))
        history, windows = _parted(observe(drifted(fleet, name)), learned)
        return Drifting(history, windows, monitors, onsets(fleet)[monitors])

    def _fleet(self, seed: int, learned: int, windows: int, block: int = 0) -> Fleet:
        """Draw a fleet; chance differs from cell to cell, and with the history, the windows and the fleet's size."""
        own = crc32(f"{self.cell}, {self.history}, {windows}, {self.monitors}".encode())
        return make_fleet(KNOWN[self.cell], (seed, own, block), self.monitors, learned, windows)


def _parted(windows: Windows, history: int) -> tuple[Windows, Windows]:
    return windows.part(0, history), windows.part(history, len(windows))
