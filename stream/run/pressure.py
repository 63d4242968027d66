"""Measures how much a worker has to do, and on which rung of the ladder it should stand: the rim of `ladder.py`."""

from collections.abc import Callable
from math import inf

from stream.ingest.ladder import LadderRules, next_rung

__all__ = ["LOOK_S", "Pressure"]

LOOK_S = 1.0
"""How often is looked: pace and CPU are means over that time."""


class Pressure:
    """One worker's place on the ladder.

    It is busy by the CPU it spends, or by the time that folding takes where others keep the CPU from it: a container's
    share, a neighbour. Time in which it waits for the store is neither.

    The rung is that of the worker, not of a partition: all that it reads comes out of one CPU. A worker that takes a
    partition over begins no higher than that partition stood, so a restart under load does not begin by falling behind.
    """

    def __init__(self, rules: LadderRules, cpu_s: Callable[[], float], now: float) -> None:
        self.rung = 0
        self._rules = rules
        self._cpu_s = cpu_s
        self._looked = now
        self._spent = cpu_s()
        self._read = 0
        self._folded_s = 0.0
        self._stepped = now

    def begin_at(self, rung: int, now: float) -> None:
        """Go down to where a partition stands that is taken over."""
        if rung > self.rung:
            self.rung, self._stepped = rung, now

    def count(self, messages: int, seconds: float) -> None:
        """Count messages that were read, kept or not, and the time that folding them took."""
        self._read += messages
        self._folded_s += seconds

    def look(self, now: float, lag_records: int) -> bool:
        """Measure, where it is time, and step; tell whether the rung is another one."""
        passed = now - self._looked
        if passed < LOOK_S:
            return False
        pace, spent = self._read / passed, self._cpu_s()
        busy = max(spent - self._spent, self._folded_s) / passed
        self._looked, self._spent, self._read, self._folded_s = now, spent, 0, 0.0
        lag_s = lag_records / pace if pace else inf if lag_records else 0.0
        rung = next_rung(self._rules, self.rung, lag_s, busy, now - self._stepped)
        stepped = rung != self.rung
        if stepped:
            self.rung, self._stepped = rung, now
        return stepped
