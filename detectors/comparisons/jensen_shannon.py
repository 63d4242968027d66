"""Jensen-Shannon distance: how well a value tells whether it came from the window or not.

The divergence is the mean of KL(p || m) and KL(q || m), m the mean of both shares (Lin, 1991): what
one value tells, on average, about the side it was drawn from. Its root is a metric (Endres and
Schindelin, 2003). With logarithms to base 2 both run from 0 to 1, and no bin needs smoothing.
Without drift 8 times the divergence in nats is about (1/n + 1/m) chi-square with (bins - 1)
degrees of freedom.
"""

from math import log
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.distances import RootDistance
from detectors.comparisons.kullback_leibler import divergences
from detectors.comparisons.shares import known_on_both_sides, shares
from detectors.comparisons.sums import row_sum

__all__ = ["JensenShannon", "jensen_shannon"]


def jensen_shannon(
    window_bins: Counts, reference_bins: Counts, where: ArrayLike = True
) -> tuple[Floats, Floats]:
    """Compute the distance, and each bin's part of it.

    Args:
        window_bins: [..., B] counts.
        reference_bins: [..., B] counts, broadcast against the window's.
        where: [..., B] which bins exist.

    Returns:
        [...] the distance from 0 to 1, that of `scipy.spatial.distance.jensenshannon(p, q, base=2)`,
        and [..., B] parts >= 0 that sum to it, in proportion to what each bin adds to the
        divergence. 0 if either side has no counts. Cost: O(B).

    >>> distance, parts = jensen_shannon(np.array([50, 50]), np.array([900, 100]))
    >>> round(float(distance), 2), parts.round(2).tolist()
    (0.38, [0.11, 0.27])
    """
    p, q = shares(window_bins, where), shares(reference_bins, where)
    middle = (p + q) / 2
    bits = (divergences(p, middle) + divergences(q, middle)) / (2 * log(2))
    bits = np.where(known_on_both_sides(window_bins, reference_bins, where), bits, 0.0)
    distance = np.minimum(np.sqrt(row_sum(bits)), 1.0)
    return distance, bits / np.where(distance > 0, distance, 1.0)[..., None]


class JensenShannon(RootDistance):
    """The distance of a window from the reference, missing values as one more bin.

    Statistic and effect: the distance, base 2; the default floor 0.1 is what a shift by a quarter
    of a standard deviation makes. The parts are those of the B bins and, last, of the missing.
    Cost: O(B) a window.

    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> compare = JensenShannon(history.total(), history, np.full(20, True))
    >>> verdict = compare.judge(Cells.of([[0, 10, 90, 0]]), alpha=1e-3)[0]
    >>> verdict.alarm, round(verdict.statistic, 2)
    (True, 0.38)
    """

    name: ClassVar[str] = "jensen_shannon"
    DEFAULT: ClassVar[bool] = False
    SCALE: ClassVar[float] = 8 * log(2)  # D of a distance of 1: 8 times the divergence in nats

    def measure(self, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """Compare the shares of bins and missing; D = 8 times the divergence in nats."""
        distance, parts = jensen_shannon(
            window.with_missing, reference.with_missing, reference.held_with_missing
        )
        return self.distance(distance), parts
