"""Unseen values: categories that the reference does not know."""

from typing import ClassVar

from detectors.arrays import Counts, Flags
from detectors.comparisons.cells import Cells
from detectors.comparisons.rates import RateComparison

__all__ = ["Unseen"]


class Unseen(RateComparison):
    """Share of the values that fell into `other`, upwards only; see `RateComparison`.

    The default floor 0.1 is one unseen value in 400 where there were none. Cost: O(1) a window.

    >>> import numpy as np
    >>> history = Cells.of([[60, 40, 0]] * 12, discrete=True)
    >>> compare = Unseen(history.total(), history, np.full(12, True))
    >>> compare.judge(Cells.of([[50, 30, 20]], discrete=True), alpha=1e-3)[0].alarm
    True
    """

    name: ClassVar[str] = "unseen"
    LASTS: ClassVar[bool] = True

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """[C] discrete columns with at least one value in the reference."""
        return reference.discrete & (reference.valid[:, 0] > 0)

    def events(self, cells: Cells) -> Counts:
        """[C, T] values."""
        return cells.valid

    def count(self, cells: Cells) -> Counts:
        """[C, T] values in the last bin."""
        return cells.last_counts
