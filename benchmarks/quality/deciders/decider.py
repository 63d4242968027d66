"""The one shape of everything that decides about alarms."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np

from benchmarks.quality.windows import Windows
from detectors.arrays import Flags, Floats

__all__ = ["Decider", "Scored"]


class Decider(Protocol):
    """Learns from a history in control, then says for each monitor and window whether it alarms.

    Attributes:
        name: what tables call it.
        FEW: whether it is slow, so that it gets a few numeric monitors only.
        RAW: whether it reads raw values.
    """

    name: str
    FEW: ClassVar[bool]
    RAW: ClassVar[bool]

    def fit(self, history: Windows) -> None:
        """Learn from windows in control; forget all before."""
        ...

    def alarms(self, windows: Windows, setting: float | None = None) -> Flags:
        """[M, T] judge the windows that follow the history, in time order; None: the decider's own setting."""
        ...

    def settings(self, windows: Windows) -> Sequence[float]:
        """Tell settings to choose from for these windows, the larger the calmer; none if nothing can be set."""
        ...


class Scored:
    """A decider that alarms where a score of a window exceeds a bound. A subclass gives `fit` and `score`."""

    FEW: ClassVar[bool] = False
    RAW: ClassVar[bool] = False
    _scored: tuple[Windows, Floats] | None = None

    def __init__(self, name: str, bound: float) -> None:
        self.name = name
        self.bound = bound

    def fit(self, history: Windows) -> None:
        """See `Decider`."""
        raise NotImplementedError

    def score(self, windows: Windows) -> Floats:
        """[M, T] the score; larger is farther from usual, and it is never NaN."""
        raise NotImplementedError

    def alarms(self, windows: Windows, setting: float | None = None) -> Flags:
        """See `Decider`."""
        return np.asarray(self._score(windows) > (self.bound if setting is None else setting))

    def settings(self, windows: Windows) -> Sequence[float]:
        """Give the scores themselves: twice the largest, the largest fifty, then ever more sparsely."""
        ordered = np.sort(self._score(windows), axis=None)[::-1]
        ranks = np.unique(
            np.concatenate([np.arange(50), np.geomspace(50, ordered.size, 120)]).astype(int)
        )
        return [
            2 * float(ordered[0]),
            *(float(ordered[rank]) for rank in ranks if rank < ordered.size),
        ]

    def _score(self, windows: Windows) -> Floats:
        if self._scored is None or self._scored[0] is not windows:
            self._scored = (windows, self.score(windows))
        return self._scored[1]
