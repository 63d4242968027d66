"""Location: the whole distribution moved up or down.

The score of a bin is its mid-rank in the reference (the share below plus half its own), centred
and scaled to unit variance; a window's location is the mean score of its values. It is the
two-sample Wilcoxon statistic on summaries: about 1 for a shift of a normal column by one standard
deviation when shifts are small, bounded whatever the outliers, and 95 % as powerful as the t-test.
"""

from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.levels import LevelComparison
from detectors.comparisons.sums import row_sum
from detectors.comparisons.verdict import Fixed
from detectors.comparisons.wander import Sided, level_z

__all__ = ["Location", "rank_scores"]


def rank_scores(reference_bins: Counts, where: Flags | bool = True) -> Floats:
    """Score ordered bins by mid-rank, to mean 0 and variance 1 under the reference's shares.

    Args:
        reference_bins: [..., B] counts.
        where: [..., B] which bins there are; the others take no part and score 0.

    Returns:
        [..., B] scores; all 0 if the reference is empty or sits in one bin, where nothing can be
        told.

    >>> rank_scores(np.array([1, 2, 1])).round(2).tolist()
    [-1.41, 0.0, 1.41]
    """
    counts = np.where(where, reference_bins, 0)
    q = counts / np.maximum(1, counts.sum(axis=-1, keepdims=True))
    rank = np.cumsum(q, axis=-1) - q / 2
    centred = rank - row_sum(q * rank)[..., None]
    variance = row_sum(q * centred**2)[..., None]
    spread = np.count_nonzero(counts, axis=-1, keepdims=True) > 1
    return np.where(spread & where, centred / np.sqrt(np.where(spread, variance, 1.0)), 0.0)


class Location(LevelComparison):
    """A comparison (see `Comparison`) of a window's location x1 with the history's, two-sided.

    For numeric columns and for discrete ones of two known values, where x1 is the share of the
    second in units of its standard deviation; `other` takes no side. Statistic: x1. Effect:
    its distance from the usual, in standard deviations; default floor 0.1. The parts are
    those of the bins. A `fixed` threshold holds for |x1|. Beside the verdict on a window by itself it gives `z`, the
    sequence for detectors that cumulate. Cost: O(B) a window.

    >>> history = Cells.of([[0, 46 + w * 7 % 9, 54 - w * 7 % 9, 0] for w in range(24)])
    >>> compare = Location(history.total(), history, np.full(24, True))
    >>> window = Cells.of([[0, 20, 80, 0]])
    >>> compare.signal(window).round(1).tolist(), compare.judge(window, alpha=1e-3)[0].alarm
    ([0.6], True)
    """

    name: ClassVar[str] = "location"
    SIDED: ClassVar[Sided] = "both"
    FIXED: ClassVar[Fixed] = "away"

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        other = np.arange(reference.shape[2]) == reference.last[:, None]
        sides = reference.held & ~(other & reference.discrete[:, None])
        self.scores = rank_scores(reference.bins[:, 0], sides)
        super().__init__(reference, history, inside, floor, fixed)

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """[C] columns with an order whose reference holds more than one bin."""
        ordered = ~reference.discrete | (reference.last == 2)
        return np.asarray(ordered & (np.count_nonzero(reference.bins[:, 0], axis=1) > 1))

    def signal(self, window: Cells) -> Floats:
        """[C] the location x1 of one window; 0 where it has no values."""
        return self.level(window)[:, 0]

    def z(self, window: Cells) -> Floats:
        """[C] the location in units for cumulative sums.

        Standardised by sampling and wander, and divided by sqrt(a) where a is the integrated
        autocorrelation: sums of it then grow as those of independent values of
        unit variance do, so that thresholds for these hold. 0 (no evidence) while learning or for
        a window of fewer than 30 values. The known in-control mean is 0.
        """
        n, m = self.events(window)[:, 0], self.m
        z = level_z(self.signal(window), np.maximum(n, 1), np.maximum(m, 1), self.wander)
        known = (n >= self.EVENTS_MIN) & (m > 0)
        return np.where(known, z / np.sqrt(self.wander.autocorrelation), 0.0)

    def level(self, cells: Cells) -> Floats:
        """[C, T] mean scores."""
        return row_sum(cells.bins * self.scores[:, None]) / np.maximum(cells.valid, 1)

    def events(self, cells: Cells) -> Counts:
        """[C, T] values."""
        return cells.valid

    def statistic(self, window: Cells) -> Floats:
        """[C] the location x1."""
        return self.signal(window)

    def at(self, level: Floats, n: Counts) -> Floats:  # noqa: ARG002 - every one is called alike
        """[C] the level itself."""
        return level

    def contributions(self, window: Cells) -> Floats:
        """[C, B] parts that sum to x1."""
        return window.bins[:, 0] * self.scores / np.maximum(1, window.valid)
