"""Wasserstein distance: how far the values of the window moved, on average, each the shortest way.

W1 = integral |F - G|, the area between the two cumulated distributions ("earth mover's distance";
Kantorovich, 1942). On summaries a bin counts as one place. Raw units would let one outlier
decide and mean nothing between columns, so the places are rank scores of the reference (see
`location`): the distance is in standard deviations of ranks, free of units, and bounded by about
3.5 whatever the outliers. |location| is its lower bound, reached when all values move one way.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.bridge import (
    POINT,
    BridgeComparison,
    Law,
    absolute_moments,
    bridge_covariance,
)
from detectors.comparisons.cells import Cells
from detectors.comparisons.location import rank_scores
from detectors.comparisons.shares import known_on_both_sides, shares
from detectors.comparisons.sums import row_sum

__all__ = ["Wasserstein", "wasserstein"]


def wasserstein(
    window_bins: Counts,
    reference_bins: Counts,
    where: ArrayLike = True,
    positions: ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """Compute W1 between counts at given places, and each bin's part of it.

    Args:
        window_bins: [..., B] counts.
        reference_bins: [..., B] counts, broadcast against the window's.
        where: [..., B] which bins exist.
        positions: [..., B] the places of the bins that exist, finite and ascending; None: their
            numbers, so that the distance is in bins.

    Returns:
        [...] the distance in the unit of the positions, that of `scipy.stats.wasserstein_distance`,
        and [..., B] parts that sum to it: what has to be carried from the bin to the next one.
        0 if either side has no counts. Cost: O(B).

    >>> distance, parts = wasserstein(np.array([1, 0, 1]), np.array([1, 1, 0]), True, [0, 1, 3])
    >>> float(distance), parts.tolist()
    (1.0, [0.0, 1.0, 0.0])
    """
    p, q = shares(window_bins, where), shares(reference_bins, where)
    gap = np.abs(np.cumsum(p, axis=-1) - np.cumsum(q, axis=-1))
    steps = _steps(np.broadcast_to(where, p.shape), positions)
    parts = np.zeros(np.broadcast_shapes(gap.shape, steps.shape))
    parts[..., :-1] = (gap * steps)[..., :-1]
    parts = np.where(known_on_both_sides(window_bins, reference_bins, where), parts, 0.0)
    return row_sum(parts), parts


def _steps(where: Flags, positions: ArrayLike | None) -> Floats:
    """[..., B] the way from each bin to the next that exists; 0 from bins that do not, or last."""
    bins = where.shape[-1]
    place = (
        np.cumsum(where, axis=-1, dtype=np.float64)
        if positions is None
        else np.broadcast_to(np.asarray(positions, np.float64), where.shape)
    )
    here = np.where(where, np.arange(bins), bins)
    behind = np.append(here[..., 1:], np.full_like(here[..., :1], bins), axis=-1)
    following = np.minimum.accumulate(behind[..., ::-1], axis=-1)[..., ::-1]
    there = np.take_along_axis(place, np.minimum(following, bins - 1), axis=-1)
    return np.where(where & (following < bins), there - place, 0.0)


class Wasserstein(BridgeComparison):
    """W1 between a window's values and the reference's, in standard deviations of ranks.

    Numeric columns only; missing values take no part. Statistic and effect: W1. The default floor
    0.1 is that of location: for small shifts of a normal column, a tenth of its standard
    deviation. The parts are those of the bins, each what has to be carried on to the next. Cost:
    O(B) a window, O(B^2) to learn a column.

    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> compare = Wasserstein(history.total(), history, np.full(20, True))
    >>> verdict = compare.judge(Cells.of([[0, 10, 90, 0]]), alpha=1e-3)[0]
    >>> verdict.alarm, round(verdict.statistic, 1)
    (True, 0.8)
    """

    name: ClassVar[str] = "wasserstein"

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        self.positions = rank_scores(reference.bins, reference.held[:, None])
        super().__init__(reference, history, inside, floor, fixed)

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """Numeric columns with at least one value in the reference."""
        return ~reference.discrete & super().applies(reference)

    @classmethod
    def events(cls, cells: Cells) -> Counts:
        """[C, T] values."""
        return cells.valid

    def root(self, window: Cells, reference: Cells) -> tuple[Floats, Floats]:
        """Compare the bins at the rank scores of the whole reference."""
        return wasserstein(window.bins, reference.bins, reference.held[:, None], self.positions)

    @classmethod
    def counts(cls, cells: Cells) -> Counts:
        """[C, T, B] values."""
        return cells.bins

    @classmethod
    def law(cls, counts: Counts) -> Law:
        """Tell the law of the squared distance.

        All cuts of a bridge vary together, so the largest direction is that of one shift: location,
        whose variance is 1.
        """
        if len(counts) < 2:
            return POINT
        steps = np.diff(rank_scores(counts))
        covariance = bridge_covariance(counts / counts.sum())
        _, mean_square = absolute_moments(covariance * np.outer(steps, steps))
        return Law(1.0, mean_square)
