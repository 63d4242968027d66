"""EWMA: a fading mean that alarms when it leaves the limits that chance sets it.

S. W. Roberts, "Control chart tests based on geometric moving averages" (Technometrics 1, 1959). A
fading mean z starts at the level in control and moves by lambda towards each value; its standard
deviation after t values is known, and `limit` times that is an alarm:

    |z - mean| > limit std sqrt(lambda / (2 - lambda) (1 - (1 - lambda)^(2 t)))

Where level or spread are not known they are estimated by the mean and the standard deviation of all
values since the last alarm, x included, as Ross, Adams, Tasoulis and Hand propose ("Exponentially
weighted moving average charts for detecting concept drift", Pattern Recognition Letters 33, 2012).
What fades is the deviation of each value from the level of its time; so z stays at the level where
that was estimated badly at first, and the formula holds for estimated levels, too: deviations from
a running mean are uncorrelated, with the variance (t - 1) / t of that of the values.
"""

from math import nan
from typing import ClassVar

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled
from detectors.sequential.sequential import (
    CALM,
    DRIFT,
    LARGEST,
    SMALLEST,
    Sequential,
    check_aggregate,
    number,
    whole,
)

__all__ = ["EWMA"]

MODES = ("up", "down", "both")

# Where the state holds what; the settings that a step needs come last. GAP is z - mean, and FADED
# the share of z that its start still has; SETTLED is the variance that z tends to, in control.
(STATUS, SEEN, MEAN, SQUARES, GAP, FADED) = range(6)
(LAMBDA, SETTLED, LIMIT, LEAST, UP, DOWN, KNOWN_MEAN, KNOWN_STD) = range(6, 14)


class EWMA(Sequential):
    """Detects a rise or fall of the recent mean of a stream.

    Args:
        lambda_val: weight of a new value in the fading mean, 0 < lambda_val <= 1; less finds
            smaller shifts, later.
        limit: standard deviations of the fading mean at which to alarm; see below.
        min_instances: values before the first alarm.
        mode: "up", "down" or "both".
        mean: the level in control where it is known; None estimates it from the stream.
        std: the standard deviation in control, >= 0, likewise.

    The limit is a bargain between false alarms and delay. Measured with all else at its default and
    level and spread estimated: values between two false alarms on independent normal and on
    exponential values, and values (median) until a rise by one standard deviation after 300 values
    of peace is found. Estimates go on learning, so what is not found soon is learned and lost.

        limit                  3.0     3.5     4.0      5.0
        normal                 640   3,100  19,000   1.8e6
        exponential            240     450     860   3,500
        one std found after     11      16      25   (seldom)

    It begins anew with the update after an alarm. While the spread is 0, as on a constant, nothing
    is told; nor where squares overflow, beyond 1e154. Cost: about 0.4 us an update, 0.01 us a value
    of `update_many`, and 112 bytes of state.

    Raises:
        ValueError: an argument is out of its range, or an update is not a finite number.

    >>> ewma = EWMA(lambda_val=0.5, limit=3, min_instances=1, mean=10.0, std=1.0)
    >>> ewma.update_many([10, 12, 9, 13, 14])
    array([4])
    >>> ewma.estimation
    12.75
    """

    name: ClassVar[str] = "ewma"
    SETTINGS: ClassVar[tuple[str, ...]] = (
        "lambda_val",
        "limit",
        "min_instances",
        "mode",
        "mean",
        "std",
    )
    COUNTERS: ClassVar[tuple[int, ...]] = (SEEN,)
    FIXED: ClassVar[int | None] = LAMBDA

    def __init__(
        self,
        lambda_val: float = 0.2,
        limit: float = 4.0,
        min_instances: int = 30,
        mode: str = "both",
        *,
        mean: float | None = None,
        std: float | None = None,
    ) -> None:
        lambda_val, limit = number("lambda_val", lambda_val), number("limit", limit)
        min_instances = whole("min_instances", min_instances, 0)
        mean = None if mean is None else number("mean", mean)
        std = None if std is None else number("std", std)
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode}")
        if not (0 < lambda_val <= 1 and limit > 0):
            raise ValueError(
                f"need 0 < lambda_val <= 1 and limit > 0, got {lambda_val} and {limit}"
            )
        if std is not None and std < 0:
            raise ValueError(f"the known std must be >= 0, not {std}")
        self.lambda_val = lambda_val
        self.limit = limit
        self.min_instances = min_instances
        self.mode = mode
        self.mean = mean
        self.std = std
        settings = (
            lambda_val,
            lambda_val / (2.0 - lambda_val),
            limit,
            min_instances,
            mode != "down",
            mode != "up",
            nan if mean is None else mean,
            nan if std is None else std,
        )
        self._state = np.array([0.0] * LAMBDA + [float(setting) for setting in settings])
        _begin(self._state)

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one value, or the aggregate of several, which fade as so many values x.

        See `Sequential.update`.
        """
        if not (weight == 1 and variance == 0.0 and SMALLEST <= x <= LARGEST):
            check_aggregate(x, weight, variance)
        self._status = _step(self._state, float(x), float(weight), float(variance))

    @property
    def estimation(self) -> float:
        """The fading mean z; before the first value the known mean, or else 0."""
        return float(_level(self._state) + self._state[GAP])

    def _run(self, values: Floats, found: Counts) -> int:
        detections, self._status = _steps(self._state, values, found)
        return detections


@compiled
def _begin(state: Floats) -> None:
    """Forget all but the settings."""
    state[:LAMBDA] = 0.0
    state[FADED] = 1.0


@compiled
def _level(state: Floats) -> float:
    """Give the level in control, known or estimated."""
    return float(state[MEAN] if np.isnan(state[KNOWN_MEAN]) else state[KNOWN_MEAN])


@compiled
def _step(state: Floats, x: float, weight: float, variance: float) -> int:
    """Take `weight` values of mean x and tell the status."""
    if state[STATUS] == DRIFT:
        _begin(state)
    state[SEEN] += weight
    gap = x - state[MEAN]
    # np.divide, as the check for 0 that comes with `/` costs as much as all else here.
    state[MEAN] += np.divide(weight, state[SEEN]) * gap
    state[SQUARES] += weight * (gap * (x - state[MEAN]) + variance)
    fade, share = 1.0 - state[LAMBDA], state[LAMBDA]
    if weight != 1.0:
        fade = fade**weight
        share = 1.0 - fade
    state[GAP] = fade * state[GAP] + share * (x - _level(state))
    # What is below 1e-9 has no effect; as it shrank on it would become a denormal number, and slow.
    state[FADED] = fade * state[FADED] if state[FADED] > 1e-9 else 0.0
    bound = _bound(state)
    up = state[UP] == 1.0 and state[GAP] > bound
    down = state[DOWN] == 1.0 and -state[GAP] > bound
    told = (up or down) and bound > 0.0 and state[SEEN] >= state[LEAST]
    state[STATUS] = DRIFT if told else CALM
    return int(state[STATUS])


@compiled
def _bound(state: Floats) -> float:
    """Give how far from the level the fading mean may be."""
    spread = state[KNOWN_STD] * state[KNOWN_STD]
    if np.isnan(spread):
        spread = np.divide(state[SQUARES], state[SEEN] - 1.0) if state[SEEN] > 1.0 else 0.0
    share = state[SETTLED] * (1.0 - state[FADED] * state[FADED])
    return float(state[LIMIT] * np.sqrt(spread * share))


@compiled
def _steps(state: Floats, values: Floats, found: Counts) -> tuple[int, int]:
    """Take value after value; tell how many detections were noted in `found`, and the status."""
    k = 0
    for i in range(len(values)):
        if _step(state, values[i], 1.0, 0.0) == DRIFT:
            found[k] = i
            k += 1
    return k, int(state[STATUS])
