"""The common part of comparisons by a rate: k of n events are missing, invalid, unseen...

x = 2 asin sqrt((k + 3/8) / (n + 3/4)) has a variance of about 1/n whatever the rate (Anscombe,
1948), so that rates of windows of any size and near 0 can be compared on one scale.
"""

from math import inf, pi

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.levels import LevelComparison

__all__ = ["RateComparison", "arcsine_rate", "share_at"]


def arcsine_rate(k: Counts, n: Counts) -> Floats:
    """Stabilise the variance of k of n; 0 to pi, and pi/2 for n = 0.

    >>> arcsine_rate(np.array([0, 50, 100]), np.array([100, 100, 100])).round(2).tolist()
    [0.12, 1.57, 3.02]
    """
    return np.asarray(2 * np.arcsin(np.sqrt((k + 3 / 8) / (n + 3 / 4))))


def share_at(x: Floats, n: Counts) -> Floats:
    """Tell the share k/n that has the arcsine rate x; 0 below all shares, inf above all.

    >>> x = arcsine_rate(np.array([7, 0]), np.array([50, 50]))
    >>> share_at(x, np.array([50, 50])).round(6).tolist()
    [0.14, 0.0]
    """
    share = (n + 3 / 4) * np.square(np.sin(np.clip(x, 0.0, pi) / 2)) - 3 / 8
    return np.where(x >= pi, inf, np.maximum(0.0, share / np.maximum(n, 1)))


class RateComparison(LevelComparison):
    """A comparison (see `Comparison`) of the share k/n of a window with the history's shares.

    Statistic: the share, 0 for an empty window. Effect: the difference of arcsine rates; 0.05 is
    0.1 % against 0.02 %, 1.5 % against 1 %, or 52.5 % against 50 %. Cost: O(1) a window.
    """

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
