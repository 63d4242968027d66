"""Kullback-Leibler divergence: what it costs to take the reference's shares for the window's.

KL(p || q) = sum p ln(p / q), in nats (Kullback and Leibler, 1951), p the window's shares and q the
reference's. Half of PSI for small changes; for large ones it weighs bins that fill more than bins
that empty. It is G (see `g`) over twice the window's events, a size rather than evidence. Without
drift 2 KL is about (1/n + 1/m) chi-square with (bins - 1) degrees of freedom.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import kl_div

from detectors.arrays import Counts, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.distances import DistanceComparison
from detectors.comparisons.shares import known_on_both_sides, shares
from detectors.comparisons.sums import row_sum

__all__ = ["KullbackLeibler", "divergences", "kullback_leibler"]


def kullback_leibler(
    window_bins: Counts, reference_bins: Counts, where: ArrayLike = True, smoothing: float = 0.5
) -> tuple[Floats, Floats]:
    """Compute the divergence of the window from the reference, and each bin's part of it.

    Args:
        window_bins: [..., B] counts.
        reference_bins: [..., B] counts, broadcast against the window's.
        where: [..., B] which bins exist.
        smoothing: what every bin of the reference gets on top; an empty bin of the window needs
            nothing, as 0 ln 0 = 0. With 0 it is `scipy.stats.entropy(p, q)`, infinite when the
            window has a value in a bin the reference does not know.

    Returns:
        [...] nats >= 0, and [..., B] parts p ln(p / q) - p + q >= 0 that sum to it: what they have
        beside the textbook's terms sums to 0. 0 if either side has no counts. Cost: O(B).

    >>> nats, parts = kullback_leibler(np.array([50, 50]), np.array([900, 100]))
    >>> round(float(nats), 2), parts.round(2).tolist()
    (0.51, [0.11, 0.4])
    """
    p, q = shares(window_bins, where), shares(reference_bins, where, smoothing)
    known = known_on_both_sides(window_bins, reference_bins, where)
    parts = np.where(known, divergences(p, np.where(known, q, 0.0)), 0.0)
    return row_sum(parts), parts


def divergences(p: Floats, q: Floats) -> Floats:
    """Tell p ln(p / q) - p + q of each pair, >= 0 also where rounding would make it less.

    >>> divergences(np.array([0.0, 1.0, 1.0]), np.array([0.5, 1.0, 0.0])).tolist()
    [0.5, 0.0, inf]
    """
    return np.asarray(np.maximum(kl_div(p, q), 0.0))


class KullbackLeibler(DistanceComparison):
    """KL divergence of a window from the reference, missing values as one more bin.

    Statistic and effect: nats, with half an event more in every bin of the reference. The default
    floor 0.05 is the shift that gives a PSI of 0.1, a third of a standard deviation. The parts are
    those of the B bins and, last, of the missing. Cost: O(B) a window.

    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> compare = KullbackLeibler(history.total(), history, np.full(20, True))
    >>> verdict = compare.judge(Cells.of([[0, 10, 90, 0]]), alpha=1e-3)[0]
    >>> verdict.alarm, round(verdict.statistic, 2)
    (True, 0.37)
    """

    name: ClassVar[str] = "kullback_leibler"
    DEFAULT: ClassVar[bool] = False
    FLOOR: ClassVar[float] = 0.05

    @classmethod
    def measure(cls, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """Compare the shares of bins and missing; D = 2 KL."""
        nats, parts = kullback_leibler(
            window.with_missing, reference.with_missing, reference.held_with_missing
        )
        return 2 * nats, parts

    @classmethod
    def statistic(cls, distance: Floats, n: Counts) -> Floats:  # noqa: ARG003 - every one is called alike
        """The divergence."""
        return cls.effect(distance)

    @classmethod
    def effect(cls, distance: Floats) -> Floats:
        """The divergence."""
        return distance / 2

    @classmethod
    def distance(cls, effect: Floats) -> Floats:
        """The inverse of `effect`."""
        return effect * 2
