"""DDM: alarms when an error rate has risen well above its best.

Gama, Medas, Castillo and Rodrigues, "Learning with drift detection" (SBIA 2004). Of n answers a
share p was wrong, with the standard deviation s = sqrt(p (1 - p) / n). Both sink as long as a model
learns; where p + s was lowest they are kept as p_min and s_min:

    warning:  p + s > p_min + warning_threshold s_min
    drift:    p + s > p_min + drift_threshold s_min

Answers are bit for bit those of river 0.26, which begins anew with the update after a drift. To be
known of both: "warm_start" updates pass in silence, so the first answer is that of the one after
them; and after a run without any error p_min = s_min = 0, so that the first error is a drift at
once, however long the run. `min_errors` keeps the minimum from being taken that early.
"""

from math import inf
from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled
from detectors.sequential.sequential import CALM, DRIFT, check_aggregate, number, whole
from detectors.sequential.warns import Warns

__all__ = ["DDM"]

# Where the state holds what; the settings that a step needs come last.
(STATUS, WARNED, SEEN, ERRORS, MEAN, LOWEST_MEAN, LOWEST_STD) = range(7)
(SILENT, WARNING_LEVEL, DRIFT_LEVEL, ERRORS_LEAST) = range(7, 11)


class DDM(Warns):
    """Detects a rise of the rate of errors of a model.

    Args:
        warm_start: updates that pass before anything is watched or told.
        warning_threshold: standard deviations above the minimum at which to warn, >= 0.
        drift_threshold: standard deviations above the minimum at which to alarm, >= 0.
        min_errors: errors before a minimum is taken; 1 spares the alarm at the first error after a
            faultless beginning, and the default 0 is river's.

    Values are 1 for an error and 0 for none, or shares of errors between; an aggregate is the share
    of errors of `weight` answers. Cost: about 0.4 us an update, 0.01 us a value of `update_many`,
    and 88 bytes of state.

    Raises:
        ValueError: an argument is out of its range, or a value does not lie between 0 and 1 (where
            river fails later, once the mean has left that range).

    >>> DDM().update_many([0, 0, 1] * 30 + [1] * 20)
    array([104])
    """

    name: ClassVar[str] = "ddm"
    SETTINGS: ClassVar[tuple[str, ...]] = (
        "warm_start",
        "warning_threshold",
        "drift_threshold",
        "min_errors",
    )
    COUNTERS: ClassVar[tuple[int, ...]] = (SEEN, ERRORS)
    FIXED: ClassVar[int | None] = SILENT

    def __init__(
        self,
        warm_start: int = 30,
        warning_threshold: float = 2.0,
        drift_threshold: float = 3.0,
        *,
        min_errors: int = 0,
    ) -> None:
        warm_start = whole("warm_start", warm_start, 0)
        min_errors = whole("min_errors", min_errors, 0)
        warning_threshold = number("warning_threshold", warning_threshold)
        drift_threshold = number("drift_threshold", drift_threshold)
        if min(warning_threshold, drift_threshold) < 0:
            raise ValueError(
                f"a threshold must be >= 0, not {min(warning_threshold, drift_threshold)}"
            )
        self.warm_start = warm_start
        self.warning_threshold = warning_threshold
        self.drift_threshold = drift_threshold
        self.min_errors = min_errors
        settings = (warm_start, warning_threshold, drift_threshold, min_errors)
        self._state = np.array([0.0] * SILENT + [float(setting) for setting in settings])
        _begin(self._state)

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one answer, or the share x of errors among `weight` answers.

        The variance is that of 0 and 1 whatever `variance` says. See `Sequential.update`.
        """
        if not (weight == 1 and variance == 0.0 and 0.0 <= x <= 1.0):
            check_aggregate(x, weight, variance)
            if not 0.0 <= x <= 1.0:
                raise ValueError(f"an error rate lies between 0 and 1, {x} does not")
        self._status = _step(self._state, float(x), float(weight))

    def _run(self, values: Floats, found: Counts) -> int:
        detections, self._status = _steps(self._state, values, found)
        return detections

    def _check(self, values: Floats) -> None:
        super()._check(values)
        inside = (values >= 0.0) & (values <= 1.0)
        if not inside.all():
            at = int(np.argmin(inside))
            raise ValueError(f"an error rate lies between 0 and 1, {values[at]} at {at} does not")


@compiled
def _begin(state: Floats) -> None:
    """Forget all but the settings."""
    state[:SILENT] = 0.0
    state[LOWEST_MEAN] = inf


@compiled
def _step(state: Floats, x: float, weight: float) -> int:
    """Take `weight` answers with a share x of errors and tell the status."""
    if state[STATUS] == DRIFT:
        _begin(state)
    state[SEEN] += weight
    state[ERRORS] += weight * x
    state[MEAN] += (weight / state[SEEN]) * (x - state[MEAN])
    if state[SEEN] <= state[SILENT]:
        return CALM
    mean = state[MEAN]
    std = np.sqrt(mean * (1.0 - mean) / state[SEEN])
    if (
        mean + std <= state[LOWEST_MEAN] + state[LOWEST_STD]
        and state[ERRORS] >= state[ERRORS_LEAST]
    ):
        state[LOWEST_MEAN] = mean
        state[LOWEST_STD] = std
    drift = mean + std > state[LOWEST_MEAN] + state[DRIFT_LEVEL] * state[LOWEST_STD]
    warned = mean + std > state[LOWEST_MEAN] + state[WARNING_LEVEL] * state[LOWEST_STD]
    state[STATUS] = DRIFT if drift else CALM
    state[WARNED] = 1.0 if warned and not drift else 0.0
    return int(state[STATUS])


@compiled
def _steps(state: Floats, values: Floats, found: Counts) -> tuple[int, int]:
    """Take value after value; tell how many detections were noted in `found`, and the status."""
    k = 0
    for i in range(len(values)):
        if _step(state, values[i], 1.0) == DRIFT:
            found[k] = i
            k += 1
    return k, int(state[STATUS])
