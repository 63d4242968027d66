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
    window_bins: Counts,
    reference_bins: Counts,
    where: Flags | bool = True,
    *,
    smoothing: float = 0.5,
    expected_min: float = 1.0,
) -> tuple[Floats, Floats]:
    """Compute Pearson's statistic and each bin's part of it.

    Args:
        window_bins: [..., B] counts.
        reference_bins: [..., B] counts, broadcast against the window's.
        where: [..., B] which bins there are; the others take no part.
        smoothing: what each of the reference's counts gets on top, so that none is 0.
        expected_min: nothing is divided by a smaller expectation than this (Cochran, 1954), else a
            single event in a bin that the reference hardly knows would outweigh all others.

    Returns:
        [...] X^2 >= 0, and [..., B] parts >= 0 that sum to it. 0 if either side has no counts. With
        0 for both of the last arguments it is the statistic of `scipy.stats.chisquare`, and
        infinite where a value turns up that nobody expected. Cost: O(B).

    Raises:
        ValueError: one of the last two is negative or NaN.

    >>> x2, parts = chi_square(np.array([60, 40]), np.array([5000, 5000]))
    >>> float(x2), parts.tolist()
    (4.0, [2.0, 2.0])
    """
    for name, least in (("smoothing", smoothing), ("expected_min", expected_min)):
        if not least >= 0:
            raise ValueError(f"{name} must be 0 or more, not {least}")
    window, reference = np.where(where, window_bins, 0), np.where(where, reference_bins, 0)
    smoothed = np.where(where, reference + smoothing, 0.0)
    whole = smoothed.sum(axis=-1, keepdims=True)  # exact in any order, as halves are
    expected = window.sum(axis=-1, keepdims=True) * smoothed / np.where(whole > 0, whole, 1.0)
    squares, least_expected = (window - expected) ** 2, np.maximum(expected, expected_min)
    unexpected = np.where(squares > 0, np.inf, 0.0)
    parts = np.where(
        least_expected > 0, squares / np.where(least_expected > 0, least_expected, 1.0), unexpected
    )
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
