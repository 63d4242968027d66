"""Page-Hinkley: a cumulative sum that alarms when a mean has risen or fallen for good.

E. S. Page, "Continuous inspection schemes" (Biometrika 41, 1954). Deviations from the mean, less
an allowance `delta`, are summed; while all is well the sum sinks, and its height above its lowest
point tells of a rise. A mirrored sum tells of a fall:

    increase = alpha increase + (x - mean) - delta      rise = increase - lowest increase
    decrease = alpha decrease + (x - mean) + delta      fall = highest decrease - decrease

By default the answers are bit for bit those of river 0.26, which estimates the mean from the
stream, fades the sums by `alpha`, and begins anew with the update after an alarm. River's extremes
start apart: the lowest increase at infinity, the highest decrease at -1. The first deviation from
an estimated mean is 0, so this shows only for delta < -1; from a known mean it may be anything,
and there both start at 0, as Page's do.

With a known mean, `alpha=1` and `restart=False` this is the CUSUM chart in both directions. A
fading sum (alpha < 1) does not sink for ever and may, on a long quiet stream, alarm of itself.
"""

from math import inf, nan
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
    flag,
    number,
    whole,
)

__all__ = ["PageHinkley"]

MODES = ("up", "down", "both")

# Where the state holds what; the settings that a step needs come last.
(STATUS, SEEN, MEAN, INCREASE, LOWEST, DECREASE, HIGHEST) = range(7)
(LEAST, DELTA, THRESHOLD, ALPHA, UP, DOWN, KNOWN, RESTART) = range(7, 15)


class PageHinkley(Sequential):
    """Detects a lasting rise or fall of the mean of a stream.

    Args:
        min_instances: updates before the first alarm.
        delta: allowance a step: half of the smallest shift worth finding.
        threshold: height of a sum at which to alarm (the paper's lambda).
        alpha: how much of a sum is left after a step, 0 < alpha <= 1.
        mode: "up", "down" or "both".
        mean: the level in control where it is known; None estimates it from the stream.
        restart: whether to begin anew after an alarm. If not, the sums go on, capped at
            2 x threshold: `drift_detected` stays true as long as a sum stays above the threshold,
            and after the level has returned falls within threshold / delta steps (alpha 1).

    Cost: about 0.4 us an update, 0.01 us a value of `update_many`, and 120 bytes of state.

    Raises:
        ValueError: an argument is out of its range, or an update is not a finite number.

    >>> cusum = PageHinkley(delta=0.5, threshold=5, alpha=1, mean=0.0, min_instances=1,
    ...                     restart=False)
    >>> alarms = []
    >>> for x in [0.0] * 3 + [2.0] * 5 + [0.0] * 9:
    ...     cusum.update(x)
    ...     alarms.append(int(cusum.drift_detected))
    >>> alarms
    [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    """

    name: ClassVar[str] = "page_hinkley"
    SETTINGS: ClassVar[tuple[str, ...]] = (
        "min_instances",
        "delta",
        "threshold",
        "alpha",
        "mode",
        "mean",
        "restart",
    )
    COUNTERS: ClassVar[tuple[int, ...]] = (SEEN,)
    FIXED: ClassVar[int | None] = LEAST

    def __init__(
        self,
        min_instances: int = 30,
        delta: float = 0.005,
        threshold: float = 50.0,
        alpha: float = 1 - 0.0001,
        mode: str = "both",
        *,
        mean: float | None = None,
        restart: bool = True,
    ) -> None:
        min_instances = whole("min_instances", min_instances, 0)
        delta, threshold = number("delta", delta), number("threshold", threshold)
        alpha, restart = number("alpha", alpha), flag("restart", restart)
        mean = None if mean is None else number("mean", mean)
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode}")
        if not (0 < alpha <= 1 and threshold > 0):
            raise ValueError(f"need 0 < alpha <= 1 and threshold > 0, got {alpha} and {threshold}")
        self.min_instances = min_instances
        self.delta = delta
        self.threshold = threshold
        self.alpha = alpha
        self.mode = mode
        self.mean = mean
        self.restart = restart
        known = nan if mean is None else mean
        settings = (
            min_instances,
            delta,
            threshold,
            alpha,
            mode != "down",
            mode != "up",
            known,
            restart,
        )
        self._state = np.array([0.0] * LEAST + [float(setting) for setting in settings])
        _begin(self._state)

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one value, or the mean x of `weight` values, which count as so many steps to x.

        The sums take no notice of `variance`. See `Sequential.update`.
        """
        if not (weight == 1 and variance == 0.0 and SMALLEST <= x <= LARGEST):
            check_aggregate(x, weight, variance)
        self._status = _step(self._state, float(x), float(weight))

    @property
    def rise(self) -> float:
        """Height of the sum for increases, >= 0; compare with the threshold."""
        return max(0.0, float(self._state[INCREASE] - self._state[LOWEST]))

    @property
    def fall(self) -> float:
        """Height of the sum for decreases, >= 0; compare with the threshold."""
        return max(0.0, float(self._state[HIGHEST] - self._state[DECREASE]))

    def _run(self, values: Floats, found: Counts) -> int:
        detections, self._status = _steps(self._state, values, found)
        return detections


@compiled
def _begin(state: Floats) -> None:
    """Forget all but the settings."""
    estimated = np.isnan(state[KNOWN])
    state[:LEAST] = 0.0
    state[LOWEST] = inf if estimated else 0.0
    state[HIGHEST] = -1.0 if estimated else 0.0


@compiled
def _step(state: Floats, x: float, weight: float) -> int:
    """Take `weight` values x into the sums and tell the status."""
    if state[STATUS] == DRIFT and state[RESTART] == 1.0:
        _begin(state)
    state[SEEN] += weight
    state[MEAN] += (weight / state[SEEN]) * (x - state[MEAN])
    gap = x - (state[MEAN] if np.isnan(state[KNOWN]) else state[KNOWN])
    if weight == 1.0:
        state[INCREASE] = state[ALPHA] * state[INCREASE] + gap - state[DELTA]
        state[DECREASE] = state[ALPHA] * state[DECREASE] + gap + state[DELTA]
    else:
        fade = state[ALPHA] ** weight
        steps = weight if state[ALPHA] == 1.0 else (1.0 - fade) / (1.0 - state[ALPHA])
        state[INCREASE] = fade * state[INCREASE] + (gap - state[DELTA]) * steps
        state[DECREASE] = fade * state[DECREASE] + (gap + state[DELTA]) * steps
    state[LOWEST] = min(state[LOWEST], state[INCREASE])
    state[HIGHEST] = max(state[HIGHEST], state[DECREASE])
    if state[RESTART] == 0.0:
        cap = 2.0 * state[THRESHOLD]
        state[INCREASE] = min(state[INCREASE], state[LOWEST] + cap)
        state[DECREASE] = max(state[DECREASE], state[HIGHEST] - cap)
    if state[SEEN] >= state[LEAST]:
        up = state[UP] == 1.0 and state[INCREASE] - state[LOWEST] > state[THRESHOLD]
        down = state[DOWN] == 1.0 and state[HIGHEST] - state[DECREASE] > state[THRESHOLD]
        state[STATUS] = DRIFT if up or down else CALM
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
