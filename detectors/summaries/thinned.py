"""What events that were chosen by sampling stand for: how many there were, and how well that is known."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Thinned"]

UNIT = 1 << 16
"""Events are divided as finely as this, so that sums are integers, equal in any order."""
MOST = (1 << 63) - 1
"""What either sum stays at, so that it can be stored; a sum that stops there is still the same in any order."""


class Thinned(NamedTuple):
    """What was left out beside n events that were counted; nothing by default.

    An event kept at the rate r stands for 1/r events, and adds 1/r^2 to the variance of the estimated number, that of
    independent arrivals included. Both are kept as what they exceed those of n events by, in 65,536ths of an event:
    `more` is the sum of 1/r - 1, `doubt` of 1/r^2 - 1. Neither exceeds 2^63 - 1, which `doubt` reaches
    with some 34,000 events kept at 1/64,000: from there on their number may count as known better than it is, but never
    better than if all had been kept at one rate. Cost: nothing to speak of.

    >>> part = Thinned.of(np.full(10, 0.5)).plus(Thinned.of(np.full(5, 1.0)))
    >>> part.seen(15), part.worth(15)
    (25, 14)
    """

    more: int = 0
    doubt: int = 0

    @classmethod
    def of(cls, rates: NDArray[np.float64]) -> "Thinned":
        """Tell what events stand for that were chosen at some rates, in (0, 1]."""
        found, counts = np.unique(rates, return_counts=True)
        told = list(zip(found.tolist(), counts.tolist(), strict=True))
        return cls(
            min(sum(n * round((1 / rate - 1) * UNIT) for rate, n in told), MOST),
            min(sum(n * round((1 / rate**2 - 1) * UNIT) for rate, n in told), MOST),
        )

    def times(self, n: int) -> "Thinned":
        """Tell what n events stand for that are each like this one.

        >>> Thinned.of(np.full(1, 0.3)).times(7) == Thinned.of(np.full(7, 0.3))
        True
        """
        return Thinned(min(n * self.more, MOST), min(n * self.doubt, MOST))

    def plus(self, other: "Thinned") -> "Thinned":
        """Add what other events stand for."""
        return Thinned(min(self.more + other.more, MOST), min(self.doubt + other.doubt, MOST))

    def seen(self, n: int) -> int:
        """Estimate how many events there were, given the n that were counted."""
        return n + (self.more + UNIT // 2) // UNIT

    def worth(self, n: int) -> int:
        """Tell how many events, all counted, would make their number known as well, in proportion: n at most."""
        if not self.doubt:
            return n
        return min(n, round((n + self.more / UNIT) ** 2 / (n + self.doubt / UNIT)))
