"""The common part of comparisons by a rate: k of n events are missing, invalid, unseen...

x = 2 asin sqrt((k + 3/8) / (n + 3/4)) has a variance of about 1/n whatever the rate (Anscombe,
1948), so that rates of windows of any size and near 0 can be compared on one scale. Its tails are
not normal where few are expected: none of 1,000 at 1 % has the chance 4e-5, and the scale says
2e-6. So the binomial's own tail, with as many events as the window is worth in spite of wander, is
looked at, too, and the larger chance counts.
"""

from dataclasses import replace
from math import inf, pi
from typing import ClassVar

import numpy as np
from scipy.special import bdtrik, betainc

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.levels import LevelComparison
from detectors.comparisons.verdict import Verdicts

__all__ = ["RateComparison", "arcsine_rate", "binomial_share", "binomial_tail", "share_at"]


def arcsine_rate(k: Counts, n: Counts) -> Floats:
    """Stabilise the variance of k of n; 0 to pi, and pi/2 for n = 0.

    >>> arcsine_rate(np.array([0, 50, 100]), np.array([100, 100, 100])).round(2).tolist()
    [0.12, 1.57, 3.02]
    """
    return np.asarray(2 * np.arcsin(np.sqrt((k + 3 / 8) / (n + 3 / 4))))


def share_at(x: Floats, n: Counts | Floats) -> Floats:
    """Tell the share k/n that has the arcsine rate x; 0 below all shares, inf above all.

    >>> x = arcsine_rate(np.array([7, 0]), np.array([50, 50]))
    >>> share_at(x, np.array([50, 50])).round(6).tolist()
    [0.14, 0.0]
    """
    share = (n + 3 / 4) * np.square(np.sin(np.clip(x, 0.0, pi) / 2)) - 3 / 8
    return np.where(x >= pi, inf, np.maximum(0.0, share / np.maximum(n, 1)))


def binomial_tail(share: Floats, n: Floats, rate: Floats, below: Flags) -> Floats:
    """Tell the chance of k <= share n (where `below`) or k >= share n of n at a rate.

    By the incomplete beta function, so neither k nor n need be whole numbers. All [C], n > 0,
    0 < rate < 1.

    >>> at_1_percent = [np.array([a]) for a in (0.0, 1000.0, 0.01)]
    >>> binomial_tail(*at_1_percent, np.array([True])).round(6).tolist()
    [4.3e-05]
    """
    k = np.clip(share, 0.0, 1.0) * n
    further, others = np.where(below, n - k, k), np.where(below, k, n - k)
    tail = betainc(np.maximum(further, 1e-300), others + 1, np.where(below, 1 - rate, rate))
    return np.where(further <= 0, 1.0, tail)


def binomial_share(chance: float, n: Floats, rate: Floats, below: Flags) -> Floats:
    """Tell the share whose `binomial_tail` is a chance; 0 or 1 where no share is so rare.

    >>> at_1_percent = np.array([1000.0]), np.array([0.01]), np.array([True])
    >>> tail = binomial_tail(binomial_share(1e-3, *at_1_percent), *at_1_percent)
    >>> tail.round(9).tolist()
    [0.001]
    """
    k = bdtrik(chance, n, np.where(below, rate, 1 - rate))
    share = np.clip(np.nan_to_num(k, nan=0.0) / n, 0.0, 1.0)
    return np.asarray(np.where(below, share, 1 - share))


class RateComparison(LevelComparison):
    """A comparison (see `Comparison`) of the share k/n of a window with the history's shares.

    Statistic: the share, 0 for an empty window. Effect: the difference of arcsine rates; 0.05 is
    0.1 % against 0.02 %, 1.5 % against 1 %, or 52.5 % against 50 %. Cost: O(1) a window.
    """

    LASTS: ClassVar[bool] = False
    """Whether verdicts say how far the share lies above the usual one (`away`), so that a trouble lasts until that is
    over; else until nothing alarms. A share of few events alarms by chance or not."""

    def judge(self, window: Cells, alpha: float) -> Verdicts:
        """Judge one window; see `Comparison`."""
        verdicts = super().judge(window, alpha)
        if not self.LASTS or self.fixed is not None:
            return verdicts
        return replace(verdicts, away=verdicts.statistic - share_at(self.centre, verdicts.n))

    def count(self, cells: Cells) -> Counts:
        """[C, T] the k of k of n."""
        raise NotImplementedError

    def events(self, cells: Cells) -> Counts:
        """[C, T] all events of the column."""
        return cells.n

    def level(self, cells: Cells) -> Floats:
        """[C, T] arcsine rates."""
        return arcsine_rate(self.count(cells), self.events(cells))

    def shares(self, cells: Cells) -> Floats:
        """[C, T] k/n."""
        return np.asarray(self.count(cells) / np.maximum(self.events(cells), 1))

    def statistic(self, window: Cells) -> Floats:
        """[C] the share."""
        return self.shares(window)[:, 0]

    def at(self, level: Floats, n: Counts) -> Floats:
        """[C] the share at an arcsine rate."""
        return share_at(level, n)

    def chance(self, x: Floats, n: Counts, m: Counts) -> Floats:
        """[C] the larger one of the chances on the arcsine scale and of the binomial."""
        share, worth = share_at(x, n), self._worth(n, m)
        both = [binomial_tail(share, worth, self._rate, np.full(x.shape, b)) for b in (True, False)]
        tail = 2 * np.minimum(*both) if self.SIDED == "both" else both[1]
        exact = np.where(self.wander.ready, np.minimum(1.0, tail), 1.0)
        return np.maximum(exact, super().chance(x, n, m))

    def reach(self, alpha: float, below: Flags, n: Counts, m: Counts) -> Floats:
        """[C] the larger one of both reaches; beyond all shares where none is that rare."""
        if alpha <= 0:
            return np.full(below.shape, inf)
        worth, wanted = self._worth(n, m), alpha / 2 if self.SIDED == "both" else alpha
        attained = binomial_tail(np.where(below, 0.0, 1.0), worth, self._rate, below) < wanted
        share = binomial_share(wanted, worth, self._rate, below)
        level = 2 * np.arcsin(np.sqrt((share * n + 3 / 8) / (n + 3 / 4)))
        exact = np.where(attained, np.abs(level - self.centre), pi)
        return np.maximum(exact, super().reach(alpha, below, n, m))

    @property
    def _rate(self) -> Floats:
        """[C] the rate in control, between 0 and 1 and neither of them."""
        return np.clip(np.square(np.sin(np.clip(self.centre, 0.0, pi) / 2)), 1e-12, 1 - 1e-12)

    def _worth(self, n: Counts, m: Counts) -> Floats:
        """[C] the events that a window is worth: its wander and the doubt about the centre counted."""
        return 1 / ((1 / n + 1 / m + self.wander.excess) * self.wander.widening**2)
