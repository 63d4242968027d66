"""Hellinger distance: how far apart the roots of the shares are.

H^2 = 1/2 sum (sqrt p - sqrt q)^2 (Hellinger, 1909; Beran, 1977, on why it is efficient and yet
calm about outliers). The root makes a count's spread the same whatever its size, so rare bins count
for what they are. Without drift 8 H^2 is about (1/n + 1/m) chi-square with (bins - 1)
degrees of freedom.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.distances import RootDistance
from detectors.comparisons.shares import known_on_both_sides, shares
from detectors.comparisons.sums import row_sum

__all__ = ["Hellinger", "hellinger"]


def hellinger(
    window_bins: Counts, reference_bins: Counts, where: ArrayLike = True
) -> tuple[Floats, Floats]:
    """Compute the distance, and each bin's part of it.

    Args:
        window_bins: [..., B] counts.
        reference_bins: [..., B] counts, broadcast against the window's.
        where: [..., B] which bins exist.

    Returns:
        [...] the distance from 0 to 1 (nothing in common), and [..., B] parts >= 0 that sum to it,
        in proportion to what each bin adds to the square. 0 if either side has no counts.
        Cost: O(B).

    >>> distance, parts = hellinger(np.array([50, 50]), np.array([900, 100]))
    >>> round(float(distance), 2), parts.round(2).tolist()
    (0.32, [0.09, 0.24])
    """
    p, q = shares(window_bins, where), shares(reference_bins, where)
    squares = (np.sqrt(p) - np.sqrt(q)) ** 2 / 2
    squares = np.where(known_on_both_sides(window_bins, reference_bins, where), squares, 0.0)
    distance = np.minimum(np.sqrt(row_sum(squares)), 1.0)
    return distance, squares / np.where(distance > 0, distance, 1.0)[..., None]


class Hellinger(RootDistance):
    """The distance of a window from the reference, missing values as one more bin.

    Statistic and effect: the distance; the default floor 0.1 is what a shift by 0.28 standard
    deviations makes. An empty bin counts four times what it does in chi-square, so where a window
    should have about three values in some bin, a chance of 1 % comes up in 2 % of the windows.
    The parts are those of the B bins and, last, of the missing. Cost: O(B) a window.

    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> compare = Hellinger(history.total(), history, np.full(20, True))
    >>> verdict = compare.judge(Cells.of([[0, 10, 90, 0]]), alpha=1e-3)[0]
    >>> verdict.alarm, round(verdict.statistic, 2)
    (True, 0.32)
    """

    name: ClassVar[str] = "hellinger"
    DEFAULT: ClassVar[bool] = False
    SCALE: ClassVar[float] = 8.0

    def measure(self, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """Compare the shares of bins and missing; D = 8 H^2."""
        distance, parts = hellinger(
            window.with_missing, reference.with_missing, reference.held_with_missing
        )
        return self.distance(distance), parts
