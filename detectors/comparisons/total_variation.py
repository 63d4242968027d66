"""Total variation: the share of events that would have to change bins.

TV = 1/2 sum |p - q|: also the largest difference of the two sides' chances of any set of bins.
The plainest of distances; but a sum of absolute values has no chi-square law, so its scale and
its degrees of freedom follow from the reference's shares (see `bridge`).
"""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Floats
from detectors.comparisons.bridge import POINT, BridgeComparison, Law, absolute_sum
from detectors.comparisons.cells import Cells
from detectors.comparisons.shares import known_on_both_sides, shares
from detectors.comparisons.sums import row_sum

__all__ = ["TotalVariation", "total_variation"]


def total_variation(
    window_bins: Counts, reference_bins: Counts, where: ArrayLike = True
) -> tuple[Floats, Floats]:
    """Compute the distance, and each bin's part of it.

    Args:
        window_bins: [..., B] counts.
        reference_bins: [..., B] counts, broadcast against the window's.
        where: [..., B] which bins exist.

    Returns:
        [...] the distance from 0 to 1, and [..., B] parts |p - q| / 2 that sum to it. 0 if either
        side has no counts. Cost: O(B).

    >>> distance, parts = total_variation(np.array([50, 50]), np.array([900, 100]))
    >>> round(float(distance), 2), parts.round(2).tolist()
    (0.4, [0.2, 0.2])
    """
    parts = np.abs(shares(window_bins, where) - shares(reference_bins, where)) / 2
    parts = np.where(known_on_both_sides(window_bins, reference_bins, where), parts, 0.0)
    return np.minimum(row_sum(parts), 1.0), parts


class TotalVariation(BridgeComparison):
    """The distance of a window from the reference, missing values as one more bin.

    Statistic and effect: the distance; the default floor 0.1 is what a shift by a quarter of a
    standard deviation makes, or every tenth event in another bin. The parts are those of the B
    bins and, last, of the missing. Cost: O(B) a window, O(B^2) in time and memory to learn a
    column.

    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> compare = TotalVariation(history.total(), history, np.full(20, True))
    >>> verdict = compare.judge(Cells.of([[0, 10, 90, 0]]), alpha=1e-3)[0]
    >>> verdict.alarm, round(verdict.statistic, 2)
    (True, 0.4)
    """

    name: ClassVar[str] = "total_variation"

    def root(self, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """Compare the shares of bins and missing."""
        return total_variation(
            window.with_missing, reference.with_missing, reference.held_with_missing
        )

    @classmethod
    def counts(cls, cells: Cells) -> Counts:
        """[C, T, B + 1] values and missing."""
        return cells.with_missing

    @classmethod
    def law(cls, counts: Counts) -> Law:
        """Tell the law of the squared distance.

        A set of bins of share s has the variance s (1 - s); about half of all can be found
        unless one bin alone has more.
        """
        q = counts / max(1, int(counts.sum()))
        if len(q) < 2:
            return POINT
        half = max(0.5, float(q.max()))
        return absolute_sum((np.diag(q) - np.outer(q, q)) / 4, half * (1 - half))
