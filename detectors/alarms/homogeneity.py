"""Whether a history is of one piece: a lasting step in it that memory and season do not explain.

A history with a step in it teaches that steps are usual, and hides later drift. What gives it away is
the surprise of its own windows: in control the largest of T surprises is about log T, and its tail
falls off by about 1, a little more as a history was fitted to itself (`SLOPE`; of 10,000 autoregressive
histories of correlation 0.99, of 168 or 672 windows, none came beyond 18, where 22 refuses).
A single strange window is as surprising, and no step: so the size is the difference of the medians
of the windows after and before, free of the season.
"""

from dataclasses import fields, replace
from math import exp, log
from typing import NamedTuple

import numpy as np

from detectors.alarms.memory import REACH, Memory, newest_steps
from detectors.arrays import Counts, Floats

__all__ = ["CHANCE", "REFUSED_CHANCE", "REFUSED_SIZE", "Step", "Unsteady", "largest_steps"]

CHANCE = 1e-3
"""Chance of a step in a whole history in control from which on it is told."""
REFUSED_CHANCE, REFUSED_SIZE = 1e-5, 1.0
"""Chance below which, and size above which (one standard deviation), a history is no reference."""
SLOPE = 1.3
"""How much slower the surprises of a history fall off than chance alone lets them."""
SIDE, SIDE_LEAST = 24, 4
"""Windows whose median is taken on either side, if the history has eight times as many; at least so many."""


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
    memory: Memory, x: Floats, worth: Floats, season: Floats, surprise: Floats
) -> list[Step | None]:
    """Give of each of R signals the largest step in its history; None where nothing is beyond chance.

    Args:
        memory: what `fit_memory` learned from the rest.
        x: [R, T] signals.
        worth: [R, T] one over the sampling variance; 0 where a window tells nothing.
        season: [T, p] regressors.
        surprise: [R, T] as `fit_memory` gave them.

    Cost: nothing for a signal without surprises, else 20 us for each.

    >>> from detectors.alarms.memory import fit_memory
    >>> x = np.random.default_rng(2).normal(size=(2, 400))
    >>> x[1, 250:] += 4.0
    >>> worth, flat = np.ones((2, 400)), np.ones((400, 1))
    >>> memory, surprise = fit_memory(x, worth, flat, np.ones(2))
    >>> [step and step.at for step in largest_steps(memory, x, worth, flat, surprise)]
    [None, 250]
    """
    T = x.shape[1]
    needed = SLOPE * log(max(1, T) / CHANCE)
    found: list[Step | None] = []
    for r in range(len(x)):
        ends = np.flatnonzero(surprise[r] > needed)
        known = _onsets(memory, r, x[r], worth[r], season, ends, surprise[r]) if len(ends) else {}
        rest = x[r] - season @ memory.season[r, int(memory.weight[r].argmax())]
        steps = [
            Step(at, _size(rest, worth[r], at), min(1.0, T * exp(-most / SLOPE)))
            for at, most in known.items()
        ]
        found.append(max(steps, key=lambda step: abs(step.size), default=None))
    return found


def _onsets(
    memory: Memory, r: int, x: Floats, worth: Floats, season: Floats, ends: Counts, surprise: Floats
) -> dict[int, float]:
    """Tell where the steps begin that surprise as of some windows, and how much each does at most."""
    one = replace(memory, **{f.name: getattr(memory, f.name)[r : r + 1] for f in fields(memory)})
    known: dict[int, float] = {}
    for end in ends.tolist():
        seen = slice(max(0, end + 1 - REACH), end + 1)
        steps = newest_steps(one, x[None, seen], worth[None, seen], season[seen])
        at = end - int(steps.lag[0])
        known[at] = max(known.get(at, 0.0), float(surprise[end]))
    return known


def _size(rest: Floats, worth: Floats, at: int) -> float:
    """Tell by how much the median of the windows from `at` on differs from that of those before."""
    side = max(SIDE_LEAST, min(SIDE, len(rest) // 8))
    told = np.flatnonzero(worth > 0)
    before, after = told[told < at][-side:], told[told >= at][:side]
    if min(len(before), len(after)) < SIDE_LEAST:
        return 0.0
    return float(np.median(rest[after]) - np.median(rest[before]))
