"""From which offset on which rate held: what wall time decided, written down, so that a log can be read again by it."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stream.ingest.ladder import RUNGS, rate_of

__all__ = ["STEPS_KEPT", "Schedule"]

STEPS_KEPT = 256
"""Steps that are remembered; of offsets before them the oldest one's rung is told."""


class Schedule:
    """Steps (offset, rung), by offset; before the first one the rate is 1.

    A step holds from its offset on, which was not yet read when it was written down. So it is committed with that
    offset or a later one, and nothing is ever committed that was counted at another rate than the one beside it. Events
    that were counted and not committed when a worker ends may be counted at another rate by the next; of the first
    count nothing is left.
    """

    __slots__ = ("steps",)

    def __init__(self, steps: Iterable[tuple[int, int]] = ()) -> None:
        self.steps = [(int(offset), int(rung)) for offset, rung in steps]
        if any(a[0] >= b[0] for a, b in pairwise(self.steps)):
            raise ValueError("the steps of a schedule ascend")
        if not all(0 <= rung <= RUNGS for _, rung in self.steps):
            raise ValueError(f"a rung of a schedule is none of 0 to {RUNGS}")

    def rung(self, offset: int) -> int:
        """Tell the rung that holds at an offset."""
        at = bisect_right(self.steps, (offset, RUNGS))
        return self.steps[at - 1][1] if at else self._oldest()

    def note(self, offset: int, rung: int) -> None:
        """Let a rung hold from an offset on, which no step lies behind."""
        if self.rung(offset) == rung:
            return
        if self.steps and self.steps[-1][0] == offset:
            self.steps.pop()
        if self.rung(offset) != rung:
            self.steps = [*self.steps, (offset, rung)][-STEPS_KEPT:]

    def rates(self, offsets: NDArray[np.int64]) -> NDArray[np.float64] | float:
        """Give the rates that hold at ascending offsets; one number where it is the same at all."""
        first, last = self.rung(int(offsets[0])), self.rung(int(offsets[-1]))
        inner = [offset for offset, _ in self.steps if offsets[0] < offset <= offsets[-1]]
        if first == last and not inner:
            return rate_of(first)
        rungs = [first, *(self.rung(offset) for offset in inner)]
        at = np.searchsorted(np.array(inner), offsets, side="right")
        return np.array([rate_of(rung) for rung in rungs])[at]

    def until(self, offset: int) -> list[tuple[int, int]]:
        """Give the steps up to an offset, the next one to be read."""
        return [step for step in self.steps if step[0] <= offset][-STEPS_KEPT:]

    def _oldest(self) -> int:
        return self.steps[0][1] if len(self.steps) == STEPS_KEPT else 0
