"""HDDM_A: compares the mean of the best beginning of a stream with the mean of all of it.

Frias-Blanco and others, "Online and non-parametric drift detection methods based on Hoeffding's
bounds" (IEEE Transactions on Knowledge and Data Engineering 27, 2015), the test with averages. Of
all beginnings the one whose mean has the lowest upper bound is kept:

    cut where mean + sqrt(ln(1 / drift_confidence) / (2 n)) is lowest

and a rise is told where the mean of all n values lies above that of the first n_cut by

    sqrt(m / 2 ln(2 / confidence)),   m = (n - n_cut) / (n_cut n)

with one confidence for drifts and one for warnings. A fall is its mirror.

Answers are bit for bit those of river 0.26, which begins anew with the update after a drift. To be
known of both: the cut is sought with the confidence of drifts, for warnings, too; and in a test of
both sides the fall is judged after the rise and takes nothing back, so a warning of the one may
stand beside a drift of the other.
"""

from math import log
from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled
from detectors.sequential.sequential import (
    CALM,
    DRIFT,
    LARGEST,
    SMALLEST,
    WARNING,
    check_aggregate,
    flag,
    number,
)
from detectors.sequential.warns import Warns

__all__ = ["HDDMA"]

# Where the state holds what; the settings that a step needs come last. Either side has its cut:
# how many values, and their mean.
(STATUS, WARNED, SEEN, MEAN, RISE, _, FALL, _) = range(8)
(CUT, DRIFT_BOUND, WARNING_BOUND, TWO_SIDED) = range(8, 12)


class HDDMA(Warns):
    """Detects a rise, or also a fall, of the mean of values between 0 and 1.

    Args:
        drift_confidence: chance of a drift where there is none, 0 < drift_confidence <= 1; it holds
            for one comparison, not for a whole stream.
        warning_confidence: the same of a warning.
        two_sided_test: whether to tell of falls, too.

    The bounds hold for independent values between 0 and 1; other numbers are taken, as in river,
    without their promise. Cost: about 0.4 us an update, 0.03 us a value of `update_many`, and 96
    bytes of state.

    Raises:
        ValueError: an argument is out of its range, or an update is not a finite number.

    >>> HDDMA().update_many([0, 0, 0, 1] * 50 + [1] * 30)
    array([205])
    """

    name: ClassVar[str] = "hddm_a"
    SETTINGS: ClassVar[tuple[str, ...]] = (
        "drift_confidence",
        "warning_confidence",
        "two_sided_test",
    )
    COUNTERS: ClassVar[tuple[int, ...]] = (SEEN, RISE, FALL)
    FIXED: ClassVar[int | None] = CUT

    def __init__(
        self,
        drift_confidence: float = 0.001,
        warning_confidence: float = 0.005,
        two_sided_test: bool = False,
    ) -> None:
        drift_confidence = number("drift_confidence", drift_confidence)
        warning_confidence = number("warning_confidence", warning_confidence)
        two_sided_test = flag("two_sided_test", two_sided_test)
        for confidence in (drift_confidence, warning_confidence):
            if not 0 < confidence <= 1:
                raise ValueError(f"a confidence must lie in (0, 1], not be {confidence}")
        self.drift_confidence = drift_confidence
        self.warning_confidence = warning_confidence
        self.two_sided_test = two_sided_test
        settings = (
            log(1.0 / drift_confidence),
            log(2.0 / drift_confidence),
            log(2.0 / warning_confidence),
            two_sided_test,
        )
        self._state = np.array([0.0] * CUT + [float(setting) for setting in settings])

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one value, or the mean x of `weight` values, which are not cut in between.

        The bounds need no variance and take no notice of `variance`. See `Sequential.update`.
        """
        if not (weight == 1 and variance == 0.0 and SMALLEST <= x <= LARGEST):
            check_aggregate(x, weight, variance)
        self._status = _step(self._state, float(x), float(weight))

    def _run(self, values: Floats, found: Counts) -> int:
        detections, self._status = _steps(self._state, values, found)
        return detections


@compiled
def _step(state: Floats, x: float, weight: float) -> int:
    """Take `weight` values of mean x and tell the status."""
    if state[STATUS] == DRIFT:
        state[:CUT] = 0.0
    state[SEEN] += weight
    state[MEAN] += (weight / state[SEEN]) * (x - state[MEAN])
    status = _compare(state, RISE, 1.0)
    warned = status == WARNING
    drift = status == DRIFT
    if state[TWO_SIDED] == 1.0:
        status = _compare(state, FALL, -1.0)
        warned = warned or status == WARNING
        drift = drift or status == DRIFT
    state[WARNED] = 1.0 if warned else 0.0
    state[STATUS] = DRIFT if drift else CALM
    return int(state[STATUS])


@compiled
def _compare(state: Floats, side: int, sign: float) -> int:
    """Move the cut of a side here if this is a better one, or else compare with it."""
    seen, mean = state[SEEN], sign * state[MEAN]
    before, cut = state[side], sign * state[side + 1]
    if before == 0.0 or cut + _bound(state, before) >= mean + _bound(state, seen):
        state[side] = seen
        state[side + 1] = state[MEAN]
        return CALM
    share = (seen - before) / before * (1.0 / seen)
    if mean - cut >= np.sqrt(share / 2.0 * state[DRIFT_BOUND]):
        return DRIFT
    if mean - cut >= np.sqrt(share / 2.0 * state[WARNING_BOUND]):
        return WARNING
    return CALM


@compiled
def _bound(state: Floats, n: float) -> float:
    """Give Hoeffding's bound of a mean of n values."""
    return float(np.sqrt(1.0 / (2.0 * n) * state[CUT]))


@compiled
def _steps(state: Floats, values: Floats, found: Counts) -> tuple[int, int]:
    """Take value after value; tell how many detections were noted in `found`, and the status."""
    k = 0
    for i in range(len(values)):
        if _step(state, values[i], 1.0) == DRIFT:
            found[k] = i
            k += 1
    return k, int(state[STATUS])
