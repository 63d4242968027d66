"""Whether a history is of one piece: a lasting step in it that memory and season do not explain.

A history with a step in it teaches that steps are usual, and hides later drift. What gives it away is
the surprise of its own windows: in control the largest of T surprises is about log T, and its tail
falls off by about 1, a little more as a history was fitted to itself (`SLOPE`; of 13,000 autoregressive
histories of correlation 0.99, of 168 or 672 windows, none came beyond 18, where 22 refuses).
A strange hour is as surprising, and so is a strange day, or one of every week that the season's waves
do not describe; none of these is a step. So its size is the median of what the hours of the week after
it are above those of the week before.
"""

from dataclasses import fields, replace
from math import exp, log
from typing import NamedTuple

import numpy as np

from detectors.alarms.memory import REACH, Memory
from detectors.alarms.steps import newest_steps
from detectors.arrays import Counts, Floats

__all__ = ["CHANCE", "REFUSED_CHANCE", "REFUSED_SIZE", "Step", "Unsteady", "largest_steps"]

CHANCE = 1e-3
"""Chance of a step in a whole history in control from which on it is told."""
REFUSED_CHANCE, REFUSED_SIZE = 1e-5, 1.0
"""Chance below which, and size above which (one standard deviation), a history is no reference."""
SLOPE = 1.3
"""How much slower the surprises of a history fall off than chance alone lets them."""
SIDE_LEAST = 4
"""Windows whose median is taken, at least, on either side; and at least a sixth of a week, longer than a day."""


class Step(NamedTuple):
    """A lasting step: the window it begins at, its size in units of the signal, its chance in control."""

    at: int
    size: float
    chance: float

    @property
    def refused(self) -> bool:
        """Whether a history with it is no reference."""
        return abs(self.size) > REFUSED_SIZE and self.chance < REFUSED_CHANCE


class Unsteady(NamedTuple):
    """A column's history is not homogeneous: a step of a test's signal, in its units, from the window at a time on.

    `refused`: it is so bad that the column is not judged. `floors`: how many times the smallest effect worth telling.
    """

    test: str
    size: float
    start_ms: int
    refused: bool
    floors: float

    def badness(self) -> tuple[bool, float]:
        """Give what the worst has most of."""
        return self.refused, self.floors


def largest_steps(
    memory: Memory, x: Floats, worth: Floats, season: Floats, surprise: Floats, week: int
) -> list[Step | None]:
    """Give of each of R signals the largest step in its history; None where nothing is beyond chance.

    Of those at least half as large as the largest it is the most surprising: its neighbours are about as large.

    Args:
        memory: what `fit_memory` learned from the rest.
        x: [R, T] signals.
        worth: [R, T] one over the sampling variance; 0 where a window tells nothing.
        season: [T, p] regressors.
        surprise: [R, T] as `fit_memory` gave them.
        week: how many windows begin in a week; 0 if they are longer.

    Cost: nothing for a signal without surprises, else 20 us for each.

    >>> from detectors.alarms.memory import fit_memory
    >>> x = np.random.default_rng(2).normal(size=(2, 400))
    >>> x[1, 250:] += 4.0
    >>> worth, flat = np.ones((2, 400)), np.ones((400, 1))
    >>> memory, surprise = fit_memory(x, worth, flat, np.ones(2))
    >>> [step and step.at for step in largest_steps(memory, x, worth, flat, surprise, 168)]
    [None, 250]
    """
    T = x.shape[1]
    needed = SLOPE * log(max(1, T) / CHANCE)
    found: list[Step | None] = []
    for r in range(len(x)):
        ends = np.flatnonzero(surprise[r] > needed)
        known = _onsets(memory, r, x[r], worth[r], season, ends) if len(ends) else {}
        rest = x[r] - season @ memory.season[r, int(memory.weight[r].argmax())]
        steps = [
            Step(at, _size(rest, worth[r], at, week), min(1.0, T * exp(-most / SLOPE)))
            for at, most in known.items()
            if most > needed
        ]
        large = max((abs(step.size) for step in steps), default=0.0) / 2
        likely = [step for step in steps if abs(step.size) >= large]
        found.append(min(likely, key=lambda step: step.chance, default=None))
    return found


def _onsets(
    memory: Memory, r: int, x: Floats, worth: Floats, season: Floats, ends: Counts
) -> dict[int, float]:
    """Tell where the steps begin that surprise as of some windows, and how much each does at most.

    Surprise is of the windows looked back on alone: a step before these must not be taken for one of theirs.
    """
    one = replace(memory, **{f.name: getattr(memory, f.name)[r : r + 1] for f in fields(memory)})
    known: dict[int, float] = {}
    for end in ends.tolist():
        seen = slice(max(0, end + 1 - REACH), end + 1)
        steps = newest_steps(one, x[None, seen], worth[None, seen], season[seen])
        at = end - int(steps.lag[0])
        known[at] = max(known.get(at, 0.0), float(steps.surprise[0]))
    return known


def _size(rest: Floats, worth: Floats, at: int, week: int) -> float:
    """Tell how much higher the week from `at` on is than the one before, by the median; 0 if too little is there.

    Hour by hour of the week, or, where no hours of two weeks are there, all together.
    """
    least = max(SIDE_LEAST, week // 6)
    told = worth > 0
    hours = np.arange(max(at, week), min(at + week, len(rest)))
    hours = hours[told[hours] & told[hours - week]]
    if len(hours) >= least:
        return float(np.median(rest[hours] - rest[hours - week]))
    side = max(2 * SIDE_LEAST, week)
    before, after = np.flatnonzero(told[:at])[-side:], at + np.flatnonzero(told[at:])[:side]
    if min(len(before), len(after)) < least:
        return 0.0
    return float(np.median(rest[after]) - np.median(rest[before]))
