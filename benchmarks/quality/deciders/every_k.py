"""A dummy that alarms in every k-th window, whatever happens: what a figure is worth, it shows by its own."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from benchmarks.quality.windows import Windows
from detectors.arrays import Flags

__all__ = ["EveryK"]


class EveryK:
    """A decider (see `Decider`) that looks at nothing; monitors take turns. What is set is k."""

    FEW: ClassVar[bool] = False
    RAW: ClassVar[bool] = False

    def __init__(self, k: int) -> None:
        self.name = f"every {k} windows" if k > 1 else "always"
        self.k = k

    def fit(self, history: Windows) -> None:
        """There is nothing to learn."""

    def alarms(self, windows: Windows, setting: float | None = None) -> Flags:
        """See `Decider`."""
        k = self.k if setting is None else int(setting)
        M, T = windows.valid.shape
        turn = np.arange(1, M + 1) * 0.6180339887 % 1 * k  # spread evenly over k, whatever M
        return np.asarray(np.arange(T) % k == turn.astype(np.int64)[:, None])

    def settings(self, windows: Windows) -> Sequence[float]:
        """Give ever shorter turns, from so long that nearly no monitor's comes."""
        last = 1_000 * len(windows.columns)
        return [float(k) for k in np.unique(np.geomspace(last, 2 * 24, 200).astype(int))]
