"""Comparisons whose law without drift depends on the column: sums over a Gaussian bridge.

Without drift the differences of two sides' shares, divided by sqrt(1/n + 1/m), tend to a normal
vector X of covariance diag(q) - q q', and the differences of their cumulated shares to a Brownian
bridge looked at where the bins end. Sums of absolute values of these (total variation, Wasserstein)
and sums of squares (Cramer-von Mises) have laws that no table holds for every q. Yet each of them,
squared where it is not a square already, is nearly scale x chi-square with c degrees of freedom.

The mean is matched exactly, as the excess of a wandering stream is read from it. What else to match
was chosen by the tail, from 1e-2 to 1e-4, where verdicts are made:

- *Squares* (Cramer-von Mises): the fourth cumulant. Chances are then right within a third, while
  the variance (Satterthwaite) makes them seven times too small at 1e-4.
- *Absolute values of a bridge* (Wasserstein): the largest variance of a signed sum, that of a shift,
  which rules the far tail. Chances are then up to twice too large and never too small, while
  the first two moments of the sum make them a hundred times too small at 1e-4.
- *Absolute values of bins* (total variation): the geometric mean of these two answers. No direction
  dominates, so the largest variance makes chances up to ten times too large; the moments, which
  do not see a bin with most of the values, ten times too small; between them they are right
  within a factor of two on even, skewed, two-valued and long-tailed columns.
"""

from math import exp, lgamma, pi, sqrt
from typing import ClassVar, NamedTuple

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.distances import DistanceComparison

__all__ = [
    "POINT",
    "BridgeComparison",
    "Law",
    "absolute_moments",
    "absolute_sum",
    "bridge_covariance",
    "square_sum",
]


class Law(NamedTuple):
    """About scale x chi-square: the law of a squared statistic divided by 1/n + 1/m."""

    scale: float
    freedom: float


POINT = Law(1.0, 1.0)
"""Where the reference sits in one bin and nothing can vary; the statistic then stands for itself."""


class BridgeComparison(DistanceComparison):
    """A comparison by a root r >= 0 (see `root`) with D = r^2 / scale; the law is the column's own.

    A subclass gives `root` and `law`. The statistic and the effect are r, unless it says otherwise.
    """

    DEFAULT: ClassVar[bool] = False

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        columns = self.counts(reference)[:, 0]
        laws = [self.law(column[column > 0]) for column in columns]
        self.scale: Floats = np.array([law.scale for law in laws])
        self.own_freedom: Floats = np.array([law.freedom for law in laws])
        super().__init__(reference, history, inside, floor, fixed)

    def measure(self, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """Compare window by window; D = r^2 / scale."""
        root, parts = self.root(window, reference)
        return root**2 / self.scale[:, None], parts

    def degrees(self, seen: Cells) -> Floats:  # noqa: ARG002 - every one is called alike
        """[C] degrees of freedom of the law; what was seen besides the reference changes none."""
        return self.own_freedom

    def statistic(self, distance: Floats, n: Counts) -> Floats:  # noqa: ARG002 - every one is called alike
        """The root."""
        return self.effect(distance)

    def effect(self, distance: Floats) -> Floats:
        """The root."""
        return np.asarray(np.sqrt(distance * self.scale))

    def distance(self, effect: Floats) -> Floats:
        """The inverse of `effect`."""
        return np.asarray(effect**2 / self.scale)

    # What a subclass says.

    def root(self, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """[C, T] roots r, which fall with sqrt(1/n + 1/m), and parts that sum to the statistic."""
        raise NotImplementedError

    @classmethod
    def counts(cls, cells: Cells) -> Counts:
        """[C, T, bins] counts of what takes part."""
        raise NotImplementedError

    @classmethod
    def law(cls, counts: Counts) -> Law:
        """Tell the law of r^2 without drift from the reference's counts [b], all > 0."""
        raise NotImplementedError


def bridge_covariance(shares: Floats) -> Floats:
    """Tell the covariance of the cumulated differences behind each bin but the last.

    Args:
        shares: [b] shares of the reference.

    Returns:
        [b - 1, b - 1] min(F_i, F_j) - F_i F_j, F the cumulated shares.

    >>> bridge_covariance(np.array([0.5, 0.25, 0.25])).tolist()
    [[0.25, 0.125], [0.125, 0.1875]]
    """
    below = np.cumsum(shares)[:-1]
    return np.asarray(np.minimum.outer(below, below) - np.outer(below, below))


def square_sum(covariance: Floats) -> Law:
    """Tell the law of X'X for X normal with this covariance, by its first and fourth cumulant.

    Args:
        covariance: [b, b]; its eigenvalues are the weights of independent squares.

    >>> square_sum(np.diag([2.0, 2.0, 2.0])).freedom
    3.0
    """
    mean = float(np.trace(covariance))
    if mean <= 0:
        return POINT
    fourth = float(np.sum((covariance @ covariance) ** 2))  # the trace of the fourth power
    scale = float(np.cbrt(fourth / mean))
    return Law(scale, mean / scale)


def absolute_moments(covariance: Floats) -> tuple[float, float]:
    """Tell (E S)^2 and E S^2 of S = sum |X_i| for X normal with this covariance.

    Args:
        covariance: [b, b] with a positive diagonal.

    E|XY| = 2/pi s_x s_y (sqrt(1 - r^2) + r asin r) gives the second (Kamat, 1953). Cost: O(b^2).

    >>> squared_mean, mean_square = absolute_moments(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    >>> round(squared_mean * pi, 9), round(mean_square, 9)
    (8.0, 4.0)
    """
    spread = np.sqrt(np.diag(covariance))
    product = np.outer(spread, spread)
    r = np.clip(covariance / product, -1.0, 1.0)
    pairs = product * (np.sqrt(1 - r**2) + r * np.arcsin(r))
    return 2 / pi * float(spread.sum()) ** 2, 2 / pi * float(pairs.sum())


def absolute_sum(covariance: Floats, largest: float) -> Law:
    """Tell the law of (sum |X_i|)^2, between what the moments and the largest variance say.

    Args:
        covariance: [b, b] of X, normal, with a positive diagonal.
        largest: the largest variance of a sum of the X_i with any signs.

    >>> law = absolute_sum(np.array([[1.0, -1.0], [-1.0, 1.0]]), largest=4.0)
    >>> round(law.scale, 9), round(law.freedom, 9)
    (4.0, 1.0)
    """
    squared_mean, mean_square = absolute_moments(covariance)
    by_moments = _freedom_of_chi(squared_mean / mean_square)
    freedom = sqrt(by_moments * max(1.0, mean_square / largest))
    return Law(mean_square / freedom, freedom)


def _freedom_of_chi(ratio: float) -> float:
    """Tell c from (E chi)^2 / E chi^2, which grows from 2/pi at c = 1 to 1.

    1 minus the ratio falls almost like 1/2c, so scaling c by what is off converges at once.
    """
    c = 1.0
    for _ in range(30):
        own = 2 / c * exp(2 * (lgamma((c + 1) / 2) - lgamma(c / 2)))
        c = max(1.0, c * (1 - own) / max(1 - ratio, 1e-6))
    return c
