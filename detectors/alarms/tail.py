"""What the history says of its own extremes: from a model's chance to one that holds.

A model's chances of a millionth are extrapolations: real streams have heavier tails, and the
smallest chance over several lags is smaller than each. What can be counted is how often the windows
of the history themselves went beyond a chance of 2 %, and how fast their surprise (-log chance) falls off
from there: by 1 on average if the model is right, more if not (Pickands 1975; on this scale the
exponential law is the generalised Pareto of shape 0, and a power of the chance). Both are counted over
all columns of a kind together; a column whose own tail is heavier keeps its own.

How fast surprise falls off a month's windows tell well enough for a share of the budget as small as a fleet of a
hundred gives out, and too well for smaller ones: `cautious` holds these to more.
"""

from dataclasses import dataclass
from math import log

import numpy as np

from detectors.arrays import Flags, Floats

__all__ = ["Tail", "cautious", "fit_tail", "tail_chance"]

FROM = log(50.0)
"""Surprise from which the tail is looked at: a chance of 2 %."""
SHARE, SHARE_WORTH = 0.1, 200.0
"""Part of the windows beyond that, before any are seen, and how many windows that opinion weighs."""
SLOPE, SLOPE_WORTH = 1.05, 30.0
"""Mean surprise beyond that, before any is seen, and how many exceedances that opinion weighs."""
OWN_WORTH = 10.0
"""Exceedances that the common slope weighs against a column's own."""
SHORT = 20.0
"""A history of so many windows gets twice the slope: what it was fitted to, it has seen already."""
KNOWN = 5e-5
"""Share of a window, of the false alarms that a monitor may raise, down to which tails were seen to hold."""
BEYOND = 1.5
"""Power that a smaller share is raised to: seen alarms fell off with its power of 0.64 to 0.73."""


@dataclass(frozen=True, eq=False)
class Tail:
    """How surprises of C columns become chances.

    Attributes:
        share: part of the windows in control whose surprise is beyond `FROM`.
        slope: [C] mean surprise beyond it, >= 1.
    """

    share: float
    slope: Floats

    def chance(self, surprise: Floats) -> Floats:
        """[C] the chance that a window in control is as surprising.

        >>> Tail(0.1, np.array([2.0])).chance(np.array([FROM + 6.0])).round(4).tolist()
        [0.005]
        """
        return tail_chance(surprise, self.share, self.slope)

    def needed(self, alpha: float) -> Floats:
        """[C] the surprise whose chance is alpha: the inverse of `chance`.

        >>> tail = Tail(0.1, np.array([1.3]))
        >>> tail.chance(tail.needed(1e-6)).round(9).tolist()
        [1e-06]
        """
        rest = log(self.share / alpha)
        return np.asarray(FROM + np.where(rest > 0, rest * self.slope, rest))


def tail_chance(surprise: Floats, share: float | Floats, slope: Floats) -> Floats:
    """[C] the chances of surprises by tails of shares and slopes [C]; see `Tail.chance`."""
    beyond = surprise - FROM
    rest = np.where(beyond > 0, beyond / slope, beyond)
    return np.asarray(np.minimum(1.0, share * np.exp(-rest)))


def cautious(share: float) -> float:
    """Give the share to judge by where one is granted, so that no more alarms come than were granted.

    >>> cautious(1e-4), round(cautious(5e-7), 12)
    (0.0001, 5e-08)
    """
    return share if share >= KNOWN else KNOWN * (share / KNOWN) ** BEYOND


def fit_tail(surprise: Floats, columns: int | None = None, where: Flags | None = None) -> Tail:
    """Learn the tail of columns from their surprises [C, T] in control; 0 is no window.

    With `columns` and `where` the C columns are those of `where`; the others get the common slope.

    >>> rng = np.random.default_rng(2)
    >>> tail = fit_tail(rng.exponential(size=(20, 1000)))
    >>> bool(0.015 < tail.share < 0.03), bool((tail.slope < 1.25).all())
    (True, True)
    """
    seen = np.count_nonzero(surprise)
    windows = max(1, int(np.count_nonzero(surprise, axis=1).max(initial=0)))
    beyond = np.where(surprise > FROM, surprise - FROM, 0.0)
    times = np.count_nonzero(beyond, axis=1)
    share = (times.sum() + SHARE * SHARE_WORTH) / (seen + SHARE_WORTH)
    weighed = times.sum() + SLOPE_WORTH
    common = (beyond.sum() + SLOPE * SLOPE_WORTH) / weighed * (1 + 1 / np.sqrt(weighed))
    own = (beyond.sum(axis=1) + common * OWN_WORTH) / (times + OWN_WORTH)
    slope = np.full(len(surprise) if columns is None else columns, max(1.0, common))
    slope[slice(None) if where is None else where] = np.maximum(slope[0], own) if len(own) else own
    return Tail(float(share), slope * (1 + SHORT / windows))
