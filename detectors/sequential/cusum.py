"""CUSUM: a sum of deviations that alarms when a mean has risen or fallen for good.

E. S. Page, "Continuous inspection schemes" (Biometrika 41, 1954). Deviations from the level in
control, less an allowance `delta`, are summed and never fall below 0:

    rise = max(0, rise + (x - mean) - delta)
    fall = max(0, fall - (x - mean) - delta)

and a sum above `threshold` is an alarm. Where the level is not known it is estimated by the mean of
all values since the last alarm, x included, as MOA and frouros do. With a known mean and
`min_instances=1` this is the textbook's chart. Page-Hinkley is the same test with other notes: it
lets the sums sink and compares them with their lowest points, and can let them fade.
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

__all__ = ["CUSUM"]

MODES = ("up", "down", "both")

# Where the state holds what; the settings that a step needs come last.
(STATUS, SEEN, MEAN, RISE, FALL) = range(5)
(LEAST, DELTA, THRESHOLD, UP, DOWN, KNOWN) = range(5, 11)


class CUSUM(Sequential):
    """Detects a lasting rise or fall of the mean of a stream.

    Args:
        min_instances: updates before the first alarm; the sums begin with the first.
        delta: allowance a step: half of the smallest shift worth finding (the textbook's k).
        threshold: height of a sum above which to alarm (the textbook's h).
        mode: "up", "down" or "both".
        mean: the level in control where it is known; None estimates it from the stream.

    `delta` and `threshold` are in units of the values. It begins anew with the update after an
    alarm. Cost: about 0.4 us an update, 0.01 us a value of `update_many`, and 88 bytes of state.

    Raises:
        ValueError: an argument is out of its range, or an update is not a finite number.

    >>> cusum = CUSUM(min_instances=1, delta=0.5, threshold=4, mean=0.0)
    >>> cusum.update_many([0, 0, 0, 2, 2, 2, 2])
    array([5])
    >>> cusum.rise, cusum.fall
    (1.5, 0.0)
    """

    name: ClassVar[str] = "cusum"
    SETTINGS: ClassVar[tuple[str, ...]] = ("min_instances", "delta", "threshold", "mode", "mean")
    COUNTERS: ClassVar[tuple[int, ...]] = (SEEN,)
    FIXED: ClassVar[int | None] = LEAST

    def __init__(
        self,
        min_instances: int = 30,
        delta: float = 0.005,
        threshold: float = 50.0,
        mode: str = "both",
        *,
        mean: float | None = None,
    ) -> None:
        min_instances = whole("min_instances", min_instances, 0)
        delta, threshold = number("delta", delta), number("threshold", threshold)
        mean = None if mean is None else number("mean", mean)
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode}")
        if threshold <= 0:
            raise ValueError(f"need a threshold > 0, got {threshold}")
        self.min_instances = min_instances
        self.delta = delta
        self.threshold = threshold
        self.mode = mode
        self.mean = mean
        known = nan if mean is None else mean
        settings = (min_instances, delta, threshold, mode != "down", mode != "up", known)
        self._state = np.array([0.0] * LEAST + [float(setting) for setting in settings])

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one value, or the mean x of `weight` values, which count as so many values x.

        The sums take no notice of `variance`. See `Sequential.update`.
        """
        if not (weight == 1 and variance == 0.0 and SMALLEST <= x <= LARGEST):
            check_aggregate(x, weight, variance)
        self._status = _step(self._state, float(x), float(weight))

    @property
    def rise(self) -> float:
        """Height of the sum for increases, >= 0; compare with the threshold."""
        return float(self._state[RISE])

    @property
    def fall(self) -> float:
        """Height of the sum for decreases, >= 0; compare with the threshold."""
        return float(self._state[FALL])

    def _run(self, values: Floats, found: Counts) -> int:
        detections, self._status = _steps(self._state, values, found)
        return detections


@compiled
def _step(state: Floats, x: float, weight: float) -> int:
    """Take `weight` values x into the sums and tell the status."""
    if state[STATUS] == DRIFT:
        state[:LEAST] = 0.0
    state[SEEN] += weight
    state[MEAN] += (weight / state[SEEN]) * (x - state[MEAN])
    gap = x - (state[MEAN] if np.isnan(state[KNOWN]) else state[KNOWN])
    state[RISE] = max(0.0, state[RISE] + weight * (gap - state[DELTA]))
    state[FALL] = max(0.0, state[FALL] - weight * (gap + state[DELTA]))
    up = state[UP] == 1.0 and state[RISE] > state[THRESHOLD]
    down = state[DOWN] == 1.0 and state[FALL] > state[THRESHOLD]
    state[STATUS] = DRIFT if (up or down) and state[SEEN] >= state[LEAST] else CALM
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
