"""Pearson's chi-square of a window's counts against the reference's shares.

X^2 = sum (observed - expected)^2 / expected. The textbook's p-value supposes independent events
and a known reference; here both the finite reference and the overdispersion between windows go
into the threshold (in the spirit of Rao and Scott, 1984, for clustered samples); X^2 itself stays
Pearson's.
"""

from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.distances import DistanceComparison
from detectors.comparisons.sums import row_sum

__all__ = ["ChiSquare", "chi_square"]


def chi_square(
    window_bins: Counts, reference_bins: Counts, where: Flags | bool = True
) -> tuple[Floats, Floats]:
    """Compute Pearson's statistic and each bin's part of it.

    Args:
        window_bins: [..., B] counts.
        reference_bins: [..., B] counts, broadcast against the window's; each gets 1/2 more.
        where: [..., B] which bins there are; the others take no part.

    Returns:
        [...] X^2 >= 0, and [..., B] parts >= 0 that sum to it. Nothing is divided by less than an
        expectation of 1 (Cochran, 1954), else a single event in a bin that the reference
        hardly knows would outweigh all others. 0 if either side has no counts.

    >>> x2, parts = chi_square(np.array([60, 40]), np.array([5000, 5000]))
    >>> float(x2), parts.tolist()
    (4.0, [2.0, 2.0])
    """
    window, reference = np.where(where, window_bins, 0), np.where(where, reference_bins, 0)
    smoothed = np.where(where, reference + 0.5, 0.0)
    whole = np.maximum(
        smoothed.sum(axis=-1, keepdims=True), 0.5
    )  # exact in any order, as halves are
    expected = window.sum(axis=-1, keepdims=True) * smoothed / whole
    parts = (window - expected) ** 2 / np.maximum(expected, 1.0)
    known = reference.any(axis=-1, keepdims=True)
    parts = np.where(known, parts, 0.0)
    return row_sum(parts), parts


class ChiSquare(DistanceComparison):
    """X^2 of a window against the reference, missing values as one more bin.

    Effect: Cohen's w = sqrt(X^2 / n), which for a shift of a numeric column is about its size in
    standard deviations; the default floor 0.2 lies between his small (0.1) and medium (0.3).
    The parts are those of the B bins and, last, of the missing. Cost: O(B) a window.

    >>> history = Cells.of([[48 + w % 5, 52 - w % 5, 0] for w in range(20)], discrete=True)
    >>> compare = ChiSquare(history.total(), history, np.full(20, True))
    >>> verdict = compare.judge(Cells.of([[10, 90, 0]], discrete=True), alpha=1e-3)[0]
    >>> verdict.alarm, round(verdict.statistic), round(verdict.effect, 1)
    (True, 64, 0.8)
    """

    name: ClassVar[str] = "chi_square"
    FLOOR: ClassVar[float] = 0.2

    def measure(self, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """Compare the counts of bins and missing; D = X^2 / n."""
        statistic, parts = chi_square(
            window.with_missing, reference.with_missing, window.held_with_missing
        )
        return statistic / np.maximum(self.events(window), 1), parts

    def statistic(self, distance: Floats, n: Counts) -> Floats:
        """[C] Pearson's X^2."""
        return distance * n

    def effect(self, distance: Floats) -> Floats:
        """[C] Cohen's w."""
        return np.sqrt(distance)

    def distance(self, effect: Floats) -> Floats:
        """[C] the inverse of `effect`."""
        return np.square(effect)
