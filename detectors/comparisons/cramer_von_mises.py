"""Cramer-von Mises: the mean squared gap between two cumulated distributions.

omega^2 = sum w (F - G)^2 over the bins, w their shares (Cramer, 1928; von Mises, 1931). Where
Kolmogorov-Smirnov sees the one largest gap, this sees all of them. Weighted with the
pooled shares, omega^2 / (1/n + 1/m) is the two-sample statistic of Anderson (1962) when no bin
holds two different values, exactly; and the same as `scipy.stats.cramervonmises_2samp(...).statistic`
if no value occurs twice, either (scipy puts the mid-ranks of ties into a formula made for none, which
makes it larger and its p-value far too small).
"""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.bridge import BridgeComparison, Law, bridge_covariance, square_sum
from detectors.comparisons.cells import Cells
from detectors.comparisons.shares import known_on_both_sides, shares
from detectors.comparisons.sums import row_sum

__all__ = ["CramerVonMises", "cramer_von_mises"]


def cramer_von_mises(
    window_bins: Counts, reference_bins: Counts, where: ArrayLike = True, pooled: bool = False
) -> tuple[Floats, Floats]:
    """Compute omega^2 between counts in ordered bins, and each bin's part of it.

    Args:
        window_bins: [..., B] counts.
        reference_bins: [..., B] counts, broadcast against the window's.
        where: [..., B] which bins exist.
        pooled: weigh the gaps with the shares of both sides put together, as two-sample tests do,
            rather than with the reference's alone. Not so by default: with pooled weights a window
            that moves on into one bin takes the weight with it, and omega^2 falls again.

    Returns:
        [...] omega^2 from 0 to 1, and [..., B] parts >= 0 that sum to it. 0 if either side has
        no counts. Cost: O(B).

    >>> omega2, parts = cramer_von_mises(np.array([3, 1, 0]), np.array([1, 1, 2]))
    >>> float(omega2), parts.tolist()
    (0.125, [0.0625, 0.0625, 0.0])
    """
    window, reference = np.where(where, window_bins, 0), np.where(where, reference_bins, 0)
    weight = shares(window + reference if pooled else reference)
    gap = np.cumsum(shares(window), axis=-1) - np.cumsum(shares(reference), axis=-1)
    parts = np.where(known_on_both_sides(window, reference), weight * gap**2, 0.0)
    return row_sum(parts), parts


class CramerVonMises(BridgeComparison):
    """omega^2 between a window's values and the reference's, weighted with the reference's shares.

    Numeric columns only; missing values take no part. Statistic: omega^2. Effect: omega, the root
    mean squared gap, from 0 to 0.58; the default floor 0.075 is what a shift by a quarter of a
    standard deviation makes. The parts are those of the bins. Cost: O(B) a window, O(B^3) to learn
    a column (30 us for 20 bins).

    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> compare = CramerVonMises(history.total(), history, np.full(20, True))
    >>> verdict = compare.judge(Cells.of([[0, 10, 90, 0]]), alpha=1e-3)[0]
    >>> verdict.alarm, round(verdict.statistic, 2), round(verdict.effect, 2)
    (True, 0.08, 0.28)
    """

    name: ClassVar[str] = "cramer_von_mises"
    FLOOR: ClassVar[float] = 0.075

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """Numeric columns with at least one value in the reference."""
        return ~reference.discrete & super().applies(reference)

    @classmethod
    def events(cls, cells: Cells) -> Counts:
        """[C, T] values."""
        return cells.valid

    def root(self, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """Compare the cumulated bins; the root is omega."""
        omega2, parts = cramer_von_mises(window.bins, reference.bins, reference.held[:, None])
        return np.sqrt(omega2), parts

    def statistic(self, distance: Floats, n: Counts) -> Floats:  # noqa: ARG002 - every one is called alike
        """omega^2."""
        return np.asarray(distance * self.scale)

    @classmethod
    def counts(cls, cells: Cells) -> Counts:
        """[C, T, B] values."""
        return cells.bins

    @classmethod
    def law(cls, counts: Counts) -> Law:
        """Tell the law of omega^2."""
        q = counts / max(1, int(counts.sum()))
        weight = np.sqrt(q[:-1])
        return square_sum(bridge_covariance(q) * np.outer(weight, weight))
