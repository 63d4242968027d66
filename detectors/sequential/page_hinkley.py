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

from collections.abc import Mapping
from math import inf, isfinite, nan

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled

__all__ = ["PageHinkley"]

MODES = ("up", "down", "both")

# Where the state array holds what.
SEEN, MEAN, INCREASE, LOWEST, DECREASE, HIGHEST = range(6)


class PageHinkley:
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

    Cost: about 1 us an update, and 48 bytes of state.

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
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode}")
        if not (0 < alpha <= 1 and threshold > 0 and isfinite(threshold) and isfinite(delta)):
            raise ValueError(
                f"need 0 < alpha <= 1, a finite threshold > 0 and a finite delta,"
                f" got {alpha}, {threshold} and {delta}"
            )
        if mean is not None and not isfinite(mean):
            raise ValueError(f"the known mean must be finite, not {mean}")
        self.min_instances = min_instances
        self.delta = delta
        self.threshold = threshold
        self.alpha = alpha
        self.mode = mode
        self.mean = mean
        self.restart = restart
        self._sums = np.zeros(6)
        self._detected = False
        self._begin()

    def update(self, x: float) -> None:
        """Take one value."""
        if not isfinite(x):
            raise ValueError(f"need a finite value, got {x}")
        if self._detected and self.restart:
            self._begin()
        known = nan if self.mean is None else self.mean
        cap = inf if self.restart else 2 * self.threshold
        _step(self._sums, float(x), self.delta, self.alpha, known, cap)
        if self._sums[SEEN] >= self.min_instances:
            up = self.mode != "down" and self.rise > self.threshold
            down = self.mode != "up" and self.fall > self.threshold
            self._detected = up or down

    @property
    def drift_detected(self) -> bool:
        """Whether the level has changed, as of the last update."""
        return self._detected

    @property
    def rise(self) -> float:
        """Height of the sum for increases, >= 0; compare with the threshold."""
        return float(self._sums[INCREASE] - self._sums[LOWEST]) if self._sums[SEEN] else 0.0

    @property
    def fall(self) -> float:
        """Height of the sum for decreases, >= 0; compare with the threshold."""
        return float(self._sums[HIGHEST] - self._sums[DECREASE]) if self._sums[SEEN] else 0.0

    def state(self) -> dict[str, float | int | Floats | Counts]:
        """Hand out all there is to know, as numbers and an array of its own."""
        known: dict[str, float | int | Floats | Counts] = (
            {} if self.mean is None else {"mean": self.mean}
        )
        return known | {
            "min_instances": self.min_instances,
            "delta": self.delta,
            "threshold": self.threshold,
            "alpha": self.alpha,
            "mode": MODES.index(self.mode),
            "restart": int(self.restart),
            "detected": int(self._detected),
            "sums": self._sums.copy(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, float | int | Floats | Counts]) -> "PageHinkley":
        """Go on exactly where `state` was taken."""
        detector = cls(
            min_instances=int(state["min_instances"]),
            delta=float(state["delta"]),
            threshold=float(state["threshold"]),
            alpha=float(state["alpha"]),
            mode=MODES[int(state["mode"])],
            mean=float(state["mean"]) if "mean" in state else None,
            restart=bool(state["restart"]),
        )
        detector._sums[:] = state["sums"]
        detector._detected = bool(state["detected"])
        return detector

    def _begin(self) -> None:
        estimated = self.mean is None
        self._sums[:] = 0
        self._sums[LOWEST] = inf if estimated else 0.0
        self._sums[HIGHEST] = -1.0 if estimated else 0.0
        self._detected = False


@compiled
def _step(sums: Floats, x: float, delta: float, alpha: float, known: float, cap: float) -> None:
    """Take one value into the sums; `known` is NaN where the mean is to be estimated."""
    sums[0] += 1.0
    sums[1] += (1.0 / sums[0]) * (x - sums[1])
    gap = x - (sums[1] if np.isnan(known) else known)
    sums[2] = alpha * sums[2] + gap - delta
    sums[4] = alpha * sums[4] + gap + delta
    sums[3] = min(sums[3], sums[2])
    sums[5] = max(sums[5], sums[4])
    sums[2] = min(sums[2], sums[3] + cap)
    sums[4] = max(sums[4], sums[5] - cap)
