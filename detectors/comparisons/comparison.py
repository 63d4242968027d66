"""The one shape of all comparisons of a window with a reference."""

from typing import ClassVar, Protocol

from detectors.arrays import Flags
from detectors.comparisons.cells import Cells
from detectors.comparisons.verdict import Verdict

__all__ = ["Comparison"]


class Comparison(Protocol):
    """Learns once how a column behaves in control, then judges windows, each by itself.

    Args:
        reference: the total to compare with, T = 1.
        history: in-control windows in time order, any number. Fewer than 10 usable ones: the
            comparison only learns and says so.
        inside: [T] which history windows are part of the reference; these are compared with the
            reference without themselves. Others may have come after it.
        floor: smallest effect worth telling, in the unit of the detector's effect; None for the
            detector's own.
        fixed: a plain threshold on the statistic in place of the calibrated one.

    Nothing is kept between windows, so judging the same window twice gives the same verdict.
    """

    name: ClassVar[str]

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None: ...

    @classmethod
    def applies(cls, reference: Cells) -> bool:
        """Whether this comparison has anything to ask of such a column."""
        ...

    def judge(self, window: Cells, alpha: float) -> Verdict:
        """Judge one window (T = 1): alarm if p < alpha and the effect reaches the floor."""
        ...
