"""River's ADWIN and Page-Hinkley, each with its defaults, on the raw values of a monitor, one by one.

They are run by driftbus' own detectors, whose answers are bit for bit those of river 0.26 (its tests prove it) and
which take whole arrays. They have no reference: they begin a week before the first window that is judged.
An alarm is a window in which a change was detected.
"""

from collections.abc import Sequence
from math import log10
from typing import ClassVar

import numpy as np

from benchmarks.quality.windows import WEEK_MS, Windows
from detectors import ADWIN, PageHinkley
from detectors.arrays import Counts, Flags, Floats

__all__ = ["Adwin", "RiverPageHinkley"]


Values = list[tuple[Floats, Counts]]
"""For each monitor its values, and how many of them each window holds."""


class _Sequential:
    """A decider (see `Decider`) by one detector a monitor."""

    FEW: ClassVar[bool] = True
    RAW: ClassVar[bool] = True
    SETTINGS: ClassVar[Sequence[float]]
    OWN: ClassVar[float]
    name: str

    def fit(self, history: Windows) -> None:
        """Keep the last week to begin with."""
        last = max(0, len(history) - WEEK_MS // history.window_ms)
        self._before = _values(history.part(last, len(history)))
        self._judged: tuple[Windows, Values] | None = None

    def alarms(self, windows: Windows, setting: float | None = None) -> Flags:
        """See `Decider`; the setting is the detector's."""
        if self._judged is None or self._judged[0] is not windows:
            self._judged = (windows, _values(windows))
        alarms = np.zeros(windows.valid.shape, dtype=np.bool_)
        for m, (values, counts) in enumerate(self._judged[1]):
            detector = self._detector(self.OWN if setting is None else setting)
            detector.update_many(self._before[m][0])
            found = detector.update_many(values)
            alarms[m, np.searchsorted(np.cumsum(counts), found, side="right")] = True
        return alarms

    def settings(self, windows: Windows) -> Sequence[float]:  # noqa: ARG002 - the same for all
        """See `Decider`."""
        return self.SETTINGS

    def _detector(self, setting: float) -> ADWIN | PageHinkley:
        raise NotImplementedError


def _values(windows: Windows) -> Values:
    assert windows.raw is not None
    return [windows.raw(m) for m in range(len(windows.columns))]


class Adwin(_Sequential):
    """ADWIN; what is set is -log10 of delta, which is 0.002 by default."""

    name = "ADWIN"
    OWN = -log10(0.002)
    SETTINGS = (300.0, 100.0, 50.0, 30.0, 20.0, 10.0, 5.0, OWN)

    def _detector(self, setting: float) -> ADWIN:
        return ADWIN(delta=10.0**-setting)


class RiverPageHinkley(_Sequential):
    """Page-Hinkley; what is set is the threshold, 50 by default."""

    name = "Page-Hinkley"
    OWN = 50.0
    SETTINGS = tuple(50.0 * 2.0**k for k in range(12, -1, -1))

    def _detector(self, setting: float) -> PageHinkley:
        return PageHinkley(threshold=setting)
