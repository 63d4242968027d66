"""Population stability index: how far the shares of the bins moved, in nats.

PSI = sum (p - q) ln(p / q): the Kullback-Leibler divergence both ways. Every bin's part is >= 0,
so a verdict can say which bins did it. Without drift PSI is about (1/n + 1/m) chi-square with
(bins - 1) degrees of freedom (Yurdakul and Naranjo, 2020): the folklore bounds 0.1 and 0.2
mean nothing without the sample sizes, hence the calibration on the history.
"""

from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.distances import DistanceComparison
from detectors.comparisons.sums import row_sum

__all__ = ["Psi", "psi"]


def psi(
    window_bins: Counts, reference_bins: Counts, where: Flags | bool = True
) -> tuple[Floats, Floats]:
    """Compute the index and each bin's part of it.

    Args:
        window_bins: [..., B] counts.
        reference_bins: [..., B] counts, broadcast against the window's.
        where: [..., B] which bins there are; the others take no part.

    Returns:
        [...] the index >= 0, and [..., B] parts >= 0 that sum to it. Every count gets 1/2 more,
        so an empty bin is finite; a side without any counts gives 0: nothing is known to differ. Cost: O(B).

    >>> index, parts = psi(np.array([50, 50]), np.array([900, 100]))
    >>> round(float(index), 2), parts.round(2).tolist()
    (0.88, [0.23, 0.64])
    """
    window, reference = np.where(where, window_bins, 0), np.where(where, reference_bins, 0)
    p, q = _shares(window, where), _shares(reference, where)
    parts = (p - q) * np.log(p / q)
    known = window.any(axis=-1, keepdims=True) & reference.any(axis=-1, keepdims=True)
    parts = np.where(known & where, parts, 0.0)
    return row_sum(parts), parts


class Psi(DistanceComparison):
    """PSI of a window against the reference, missing values as one more bin.

    Statistic and effect: the index; the default floor 0.1 is the usual "some shift". The parts
    are those of the B bins and, last, of the missing. Cost: O(B) a window.

    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> compare = Psi(history.total(), history, np.full(20, True))
    >>> compare.judge(Cells.of([[0, 51, 49, 0]]), alpha=1e-3)[0].alarm
    False
    >>> verdict = compare.judge(Cells.of([[0, 10, 90, 0]]), alpha=1e-3)[0]
    >>> verdict.alarm, round(verdict.statistic, 1), verdict.statistic > verdict.threshold
    (True, 0.9, True)
    """

    name: ClassVar[str] = "psi"

    def measure(self, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """Compare the shares of bins and missing."""
        return psi(window.with_missing, reference.with_missing, window.held_with_missing)


def _shares(counts: Counts, where: Flags | bool) -> Floats:
    """Smooth the counts into shares; those of bins that do not exist are meaningless, but > 0."""
    smoothed = counts + 0.5
    # A sum of halves is exact, so its order does not matter.
    whole = np.where(where, smoothed, 0.0).sum(axis=-1, keepdims=True)
    return np.asarray(smoothed / np.maximum(whole, 0.5))
