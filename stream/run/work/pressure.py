"""Measures how much a worker has to do, and on which rung of the ladder it should stand: the rim of `ladder.py`."""

from collections.abc import Callable, Mapping
from math import exp, inf

from stream.ingest.ladder import LadderRules, Load, next_rung
from stream.ingest.raw import Source

__all__ = ["LOOK_S", "Pressure"]

LOOK_S = 1.0
"""How often is looked: pace and work are means over that time."""
TREND_S = 5.0
"""Over about how long what came is held against what was read: brokers tell the ends of logs in jumps."""
PATIENCE, PATIENCE_MOST = 4, 64
"""Times of a step up after which one is tried though it might be too much, at first and at most."""


class Pressure:
    """One worker's place on the ladder.

    It is busy by the time it is at work or waits for a core (`at_work_s`), or by the time that folding takes where
    something else keeps it. Time in which it waits for the store or for Kafka is neither.

    The rung is that of the worker, not of a partition: all that it reads comes out of one CPU. A worker that takes a
    partition over begins no higher than that partition stood, so a restart under load does not begin by falling behind.
    A step up that was tried and had to be taken back is tried again only after twice the time.
    """

    def __init__(self, rules: LadderRules, at_work_s: Callable[[], float], now: float) -> None:
        self.rung = 0
        self._rules = rules
        self._at_work_s = at_work_s
        self._looked = now
        self._spent = at_work_s()
        self._read = 0
        self._folded_s = 0.0
        self._stepped = now
        self._ends: Mapping[Source, int] = {}
        self._came_lately = self._read_lately = 0.0
        self._patience = PATIENCE
        self._tried = False

    def begin_at(self, rung: int, now: float) -> None:
        """Go down to where a partition stands that is taken over."""
        if rung > self.rung:
            self.rung, self._stepped = rung, now

    def count(self, messages: int, seconds: float) -> None:
        """Count messages that were read, kept or not, and the time that folding them took."""
        self._read += messages
        self._folded_s += seconds

    def look(self, now: float, lag_records: int, ends: Mapping[Source, int]) -> bool:
        """Measure, where it is time, and step; tell whether the rung is another one.

        `ends` are the offsets at which the logs of partitions end; how they move tells what comes.
        """
        passed = now - self._looked
        if passed < LOOK_S:
            return False
        load, since = self._load(passed, lag_records, ends), now - self._stepped
        self._looked = now
        patience_s = self._patience * self._rules.up_s
        rung = next_rung(self._rules, self.rung, load, since, patience_s)
        if rung == self.rung:
            if rung == 0 and since >= patience_s:
                self._patience = PATIENCE
            return False
        if rung > self.rung and self._tried:
            self._patience = min(2 * self._patience, PATIENCE_MOST)
        self._tried = rung < self.rung and 2 * load.busy > self._rules.busy
        self.rung, self._stepped = rung, now
        self._came_lately = self._read_lately = 0.0
        return True

    def _load(self, passed: float, lag_records: int, ends: Mapping[Source, int]) -> Load:
        """Tell what was measured since the last look, and begin to measure anew."""
        pace, spent = self._read / passed, self._at_work_s()
        busy = max(spent - self._spent, self._folded_s) / passed
        came = sum(max(0, end - self._ends.get(source, end)) for source, end in ends.items())
        fades = exp(-passed / TREND_S)
        self._came_lately = self._came_lately * fades + came
        self._read_lately = self._read_lately * fades + self._read
        self._spent, self._read, self._folded_s, self._ends = spent, 0, 0.0, dict(ends)
        lag_s = lag_records / pace if pace else inf if lag_records else 0.0
        made_up = 1.0 - self._came_lately / self._read_lately if self._read_lately else 0.0
        return Load(lag_s, busy, made_up)
