"""Mean shift: the window's mean against the reference's, from exact sums.

x = (mean of the window - mean of the reference) / standard deviation of the reference: the z-test's
score without sqrt n (Cohen's d, 1969). The sums are those of the summary's integer grid, with
16,384 steps over the range of the reference (and as many, but for half a step, where `count` is
given the edges of `quantile_edges`), so no bins blur them; values further out than four half ranges
from its middle count as if they lay there.
"""

from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.levels import LevelComparison
from detectors.comparisons.moments import VARIANCE_MIN, moments, varies
from detectors.comparisons.verdict import Fixed
from detectors.comparisons.wander import Sided

__all__ = ["MeanShift"]


class MeanShift(LevelComparison):
    """A comparison (see `Comparison`) of a window's mean with the history's, two-sided.

    Numeric columns with sums, whose reference varies. Statistic: x, in standard deviations of the
    reference. Effect: its distance from the usual; the default floor 0.1, half of what Cohen calls
    small, is that of location. In contrast to location it follows outliers, which is at
    times what one wants, and is told in units people use; heavy tails make it wander, which the
    history shows. A `fixed` threshold holds for |x|. No parts: bins have none. Cost: O(1) a window.

    >>> w = np.arange(24)
    >>> history = Cells.of(np.full((24, 1), 100), sums=w * 7 % 9, squares=np.full(24, 400))
    >>> compare = MeanShift(history.total(), history, np.full(24, True))
    >>> window = Cells.of([[100]], sums=104, squares=500)
    >>> verdict = compare.judge(window, alpha=1e-3)[0]
    >>> round(verdict.statistic, 2), verdict.alarm
    (0.5, True)
    """

    name: ClassVar[str] = "mean_shift"
    DEFAULT: ClassVar[bool] = False
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
        self.mean, variance = moments(reference)
        self.spread = np.sqrt(np.maximum(variance, VARIANCE_MIN))
        super().__init__(reference, history, inside, floor, fixed)

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """Numeric columns that vary by more than the grid can tell."""
        return varies(reference)

    def level(self, cells: Cells) -> Floats:
        """[C, T] shifts x; 0 for windows without values."""
        mean, _ = moments(cells)
        return np.where(cells.valid > 0, (mean - self.mean) / self.spread, 0.0)

    def events(self, cells: Cells) -> Counts:
        """[C, T] values."""
        return cells.valid

    def statistic(self, window: Cells) -> Floats:
        """[C] shifts x."""
        return np.asarray(self.level(window)[:, 0])

    def at(self, level: Floats, n: Counts) -> Floats:  # noqa: ARG002 - every one is called alike
        """The level itself."""
        return level
