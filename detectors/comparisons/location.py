"""Location: the whole distribution moved up or down.

The score of a bin is its mid-rank in the reference (the share below plus half its own), centred
and scaled to unit variance; a window's location is the mean score of its values. It is the
two-sample Wilcoxon statistic on summaries: about 1 for a shift of a normal column by one standard
deviation when shifts are small, bounded whatever the outliers, and 95 % as powerful as the t-test.
"""

from math import sqrt
from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.levels import LevelComparison
from detectors.comparisons.wander import Sided, level_z

__all__ = ["Location", "rank_scores"]


def rank_scores(reference_bins: Counts) -> Floats:
    """Score ordered bins by mid-rank, to mean 0 and variance 1 under the reference's shares.

    Args:
        reference_bins: [B] counts.

    Returns:
        [B] scores; all 0 if the reference is empty or sits in one bin, where nothing can be told.

    >>> rank_scores(np.array([1, 2, 1])).round(2).tolist()
    [-1.41, 0.0, 1.41]
    """
    q = reference_bins / max(1, int(reference_bins.sum()))
    rank = np.cumsum(q) - q / 2
    centred = rank - q @ rank
    variance = float(q @ centred**2)
    if np.count_nonzero(reference_bins) < 2:
        return np.zeros(len(q))
    return np.asarray(centred / sqrt(variance))


class Location(LevelComparison):
    """A comparison (see `Comparison`) of a window's location x1 with the history's, two-sided.

    For numeric columns and for discrete ones of two known values, where x1 is the share of the
    second in units of its standard deviation; `other` takes no side. Statistic: x1. Effect:
    its distance from the usual, in standard deviations; default floor 0.1. The parts are
    those of the bins. Beside the verdict on a window by itself it gives `z`, the
    sequence for detectors that cumulate. Cost: O(B) a window.

    >>> history = Cells.of([[0, 46 + w * 7 % 9, 54 - w * 7 % 9, 0] for w in range(24)])
    >>> compare = Location(history.total(), history, np.full(24, True))
    >>> window = Cells.of([[0, 20, 80, 0]])
    >>> round(compare.signal(window), 1), compare.judge(window, alpha=1e-3).alarm
    (0.6, True)
    """

    name: ClassVar[str] = "location"
    SIDED: ClassVar[Sided] = "both"

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None:
        bins = reference.bins[0]
        self.scores = rank_scores(bins)
        if reference.discrete:
            self.scores = np.append(rank_scores(bins[:-1]), 0.0)
        super().__init__(reference, history, inside, floor, fixed)

    @classmethod
    def applies(cls, reference: Cells) -> bool:
        """Columns with an order whose reference holds more than one bin."""
        ordered = not reference.discrete or reference.bins.shape[1] == 3
        return ordered and bool(np.count_nonzero(reference.bins[0]) > 1)

    def signal(self, window: Cells) -> float:
        """Tell the location x1 of one window; 0 if it has no values."""
        return float(self.level(window)[0])

    def z(self, window: Cells) -> float:
        """Tell the location in units for cumulative sums.

        Standardised by sampling and wander, and divided by sqrt(a) where a is the integrated
        autocorrelation: sums of it then grow as those of independent values of
        unit variance do, so that thresholds for these hold. 0 (no evidence) while learning or for
        a window of fewer than 30 values. The known in-control mean is 0.
        """
        n, m = int(self.events(window)[0]), int(self.events(self.reference)[0])
        if n < self.EVENTS_MIN or m == 0:
            return 0.0
        return level_z(self.signal(window), n, m, self.wander) / sqrt(self.wander.autocorrelation)

    def level(self, cells: Cells) -> Floats:
        """[T] mean scores."""
        return np.asarray(cells.bins @ self.scores / np.maximum(cells.valid, 1))

    def events(self, cells: Cells) -> Counts:
        """[T] values."""
        return cells.valid

    def statistic(self, window: Cells) -> float:
        """The location x1."""
        return self.signal(window)

    def at(self, level: float, n: int) -> float:  # noqa: ARG002
        """The level itself."""
        return level

    def contributions(self, window: Cells) -> Floats:
        """[B] parts that sum to x1."""
        return np.asarray(window.bins[0] * self.scores / max(1, int(window.valid[0])))
