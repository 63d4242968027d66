"""The one shape of all comparisons of a window with a reference."""

from typing import ClassVar, Protocol

from detectors.arrays import Flags
from detectors.comparisons.cells import Cells
from detectors.comparisons.verdict import Verdicts

__all__ = ["Comparison"]


class Comparison(Protocol):
    """Learns once how columns behave in control, then judges windows, each by itself.

    All columns of a series are judged in one call, and each as if it were alone: to the last bit
    the verdict on a column does not depend on what other columns stand beside it.

    Args:
        reference: the totals of C columns to compare with, T = 1.
        history: in-control windows of the same columns in time order, any number. A column with
            fewer than 10 usable ones is only learned, and the verdict says so.
        inside: [T] which history windows are part of the reference; these are compared with the
            reference without themselves. Others may have come after it.
        floor: smallest effect worth telling, in the unit of the detector's effect; None for the
            detector's own.
        fixed: a plain threshold on the statistic in place of the calibrated one, > 0. It is the most
            that is fine. Of shifts up and down (`Location`, `MeanShift`) it is the most either way,
            of a ratio (`VarianceShift`) the largest factor either way, at least 1; of numbers of
            events (`Volume`, `Silence`) it is the least that is fine.

    Attributes:
        name: what verdicts and configurations call it.
        DEFAULT: whether it is asked without being named in a configuration.

    Cost: making one takes a pass over the history, judging a pass over the window's bins. Nothing
    is kept between windows, so judging the same window twice gives the same verdicts.

    >>> import numpy as np
    >>> from detectors import COMPARISONS
    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> window = Cells.of([[0, 10, 90, 0]])
    >>> for kind in COMPARISONS[:3]:
    ...     compare = kind(history.total(), history, np.full(20, True))
    ...     print(kind.name, compare.judge(window, alpha=1e-3)[0].alarm)
    psi True
    kolmogorov_smirnov True
    chi_square True
    """

    name: ClassVar[str]
    DEFAULT: ClassVar[bool]

    def __init__(
        self,
        reference: Cells,
        history: Cells,
        inside: Flags,
        floor: float | None = None,
        fixed: float | None = None,
    ) -> None: ...

    @classmethod
    def applies(cls, reference: Cells) -> Flags:
        """[C] whether this comparison has anything to ask of a column."""
        ...

    def judge(self, window: Cells, alpha: float) -> Verdicts:
        """Judge one window (T = 1): alarms where p < alpha and the effect reaches the floor."""
        ...
