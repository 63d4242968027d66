"""What is done to a fleet: drifts that begin at a window of each monitor's own."""

from collections.abc import Callable
from copy import deepcopy

import numpy as np

from benchmarks.quality.fleet import Fleet
from detectors.arrays import Counts, Flags, Floats

__all__ = ["DRIFTS", "GAP", "SHIFTS", "WATCHED", "drifted", "onsets"]

GAP = 24
"""Windows that are quiet before an incident begins; drift begins no sooner."""
WATCHED = 96
"""Windows from the onset on in which drift may be found."""

GRADUAL = 48
"""Windows over which gradual drift grows."""

Drift = Callable[[Fleet, Floats], None]
"""Changes a fleet; [M, T] windows since the onset, from 0 on, negative before."""


SHIFTS: dict[str, Callable[[Floats], Floats]] = {
    "mean +0.25 sd": lambda since: np.where(since >= 0, 0.25, 0.0),
    "mean +0.5 sd": lambda since: np.where(since >= 0, 0.5, 0.0),
    "gradual +0.5 sd": lambda since: 0.5 * np.clip((since + 1) / GRADUAL, 0, 1),
    "spike +1 sd": lambda since: np.where(since == 0, 1.0, 0.0),
}
"""By how much a drift of the mean moves it, so many windows after its onset."""


def _mean(name: str) -> Drift:
    def change(fleet: Fleet, since: Floats) -> None:
        fleet.level += SHIFTS[name](since)

    return change


def _variance(fleet: Fleet, since: Floats) -> None:
    fleet.scale[since >= 0] *= np.sqrt(1.5)


def _missing(fleet: Fleet, since: Floats) -> None:
    fleet.missing[since >= 0] = 0.10


def _unit(fleet: Fleet, since: Floats) -> None:
    fleet.factor[since >= 0] = 10.0


def _swap(fleet: Fleet, since: Floats) -> None:
    fleet.swapped |= (since >= 0) & fleet.categorical[:, None]


def _numbers(fleet: Fleet) -> Flags:
    return ~fleet.categorical


def _categories(fleet: Fleet) -> Flags:
    return fleet.categorical


def _all(fleet: Fleet) -> Flags:
    return np.ones_like(fleet.categorical)


DRIFTS: dict[str, tuple[Drift, Callable[[Fleet], Flags]]] = {
    "mean +0.25 sd": (_mean("mean +0.25 sd"), _numbers),
    "mean +0.5 sd": (_mean("mean +0.5 sd"), _numbers),
    "gradual +0.5 sd": (_mean("gradual +0.5 sd"), _numbers),
    "variance x1.5": (_variance, _numbers),
    "missing 1 to 10 %": (_missing, _all),
    "unit x10": (_unit, _numbers),
    "category swap": (_swap, _categories),
    "spike +1 sd": (_mean("spike +1 sd"), _numbers),
}
"""What each drift does, and the monitors in which it counts."""


def onsets(fleet: Fleet) -> Counts:
    """[M] draw the window in which drift begins, counted from the end of the history: any hour of the second day."""
    rng = np.random.default_rng([*fleet.seed, 4])
    return GAP + rng.integers(GAP, size=len(fleet.level))


def drifted(fleet: Fleet, name: str) -> Fleet:
    """Give a copy of a fleet with a drift in it, with the same noise."""
    made = deepcopy(fleet)
    windows = np.arange(fleet.level.shape[1])[None, :] - fleet.history
    since = windows - onsets(fleet)[:, None]
    if name:
        DRIFTS[name][0](made, since.astype(np.float64))
    # A unit changes numbers only: a category has none.
    made.factor[made.categorical] = 1.0
    return made
