"""The G test: twice the log-likelihood ratio of a window's counts against the reference's shares.

G = 2 sum O ln(O / E): the likelihood's own form of Pearson's chi-square, with the same law where
expectations are large (Wilks, 1938; Sokal and Rohlf, "Biometry"). It counts nats: G / 2n is the
Kullback-Leibler divergence from the reference's shares to the window's. A bin that empties
costs it little more than the bin had, a bin that fills from nothing grows only by a logarithm.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.distances import DistanceComparison
from detectors.comparisons.kullback_leibler import divergences
from detectors.comparisons.shares import known_on_both_sides, shares
from detectors.comparisons.sums import row_sum

__all__ = ["G", "g_test"]


def g_test(
    window_bins: Counts, reference_bins: Counts, where: ArrayLike = True, smoothing: float = 0.5
) -> tuple[Floats, Floats]:
    """Compute G and each bin's part of it.

    Args:
        window_bins: [..., B] counts, the observed O.
        reference_bins: [..., B] counts, broadcast against the window's; their shares times the
            window's events are the expected E.
        where: [..., B] which bins exist.
        smoothing: what every bin of the reference gets on top before its share is taken. 0 is the
            textbook's G, that of `scipy.stats.power_divergence(O, E, "log-likelihood")`; a value in
            a bin the reference does not know then gives infinity.

    Returns:
        [...] G >= 0, and [..., B] parts 2 (O ln(O / E) - O + E) >= 0 that sum to it: what they have
        beside the textbook's terms sums to 0. 0 if either side has no counts. Cost: O(B).

    >>> g, parts = g_test(np.array([60, 40]), np.array([500, 500]))
    >>> round(float(g), 2), parts.round(2).tolist()
    (4.03, [1.88, 2.15])
    >>> float(g_test(np.array([9, 1]), np.array([50, 0]), smoothing=0.0)[0])
    inf
    """
    observed = np.where(where, window_bins, 0.0)
    expected = observed.sum(axis=-1, keepdims=True) * shares(reference_bins, where, smoothing)
    known = known_on_both_sides(window_bins, reference_bins, where)
    parts = np.where(known, 2 * divergences(observed, np.where(known, expected, 0.0)), 0.0)
    return row_sum(parts), parts


class G(DistanceComparison):
    """G of a window against the reference, missing values as one more bin.

    Statistic: G, with half an event more in every bin of the reference. Effect: sqrt(G / n), which
    for small changes is Cohen's w; the default floor 0.2 is that of chi-square, between his small
    (0.1) and medium (0.3). The parts are those of the B bins and, last, of the missing.
    Cost: O(B) a window.

    >>> history = Cells.of([[48 + w % 5, 52 - w % 5, 0] for w in range(20)], discrete=True)
    >>> compare = G(history.total(), history, np.full(20, True))
    >>> verdict = compare.judge(Cells.of([[10, 90, 0]], discrete=True), alpha=1e-3)[0]
    >>> verdict.alarm, round(verdict.statistic), round(verdict.effect, 1)
    (True, 74, 0.9)
    """

    name: ClassVar[str] = "g"
    DEFAULT: ClassVar[bool] = False
    FLOOR: ClassVar[float] = 0.2

    @classmethod
    def measure(cls, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """Compare the counts of bins and missing; D = G / n."""
        g, parts = g_test(window.with_missing, reference.with_missing, reference.held_with_missing)
        return g / np.maximum(cls.events(window), 1), parts

    @classmethod
    def statistic(cls, distance: Floats, n: Counts) -> Floats:
        """G itself."""
        return distance * n

    @classmethod
    def effect(cls, distance: Floats) -> Floats:
        """The root of G an event."""
        return np.sqrt(distance)

    @classmethod
    def distance(cls, effect: Floats) -> Floats:
        """The inverse of `effect`."""
        return effect**2
