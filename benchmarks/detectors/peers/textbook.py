"""The yardstick of CUSUM and EWMA, which river does not have: our rules, as one would write them in plain Python."""

from math import sqrt

import numpy as np

PACKAGES = ("numpy",)
VALUES_MAX = 1_000_000


class CUSUM:
    """Page's sum for a rise, about the running mean; MOA and frouros have the same."""

    def __init__(self, delta: float = 0.005, threshold: float = 50.0, least: int = 30) -> None:
        self.delta = delta
        self.threshold = threshold
        self.least = least
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.n = 0
        self.mean = 0.0
        self.rise = 0.0
        self.drift_detected = False

    def update(self, x: float) -> None:
        """Take one value."""
        if self.drift_detected:
            self.reset()
        self.n += 1
        self.mean += (x - self.mean) / self.n
        self.rise = max(0.0, self.rise + x - self.mean - self.delta)
        self.drift_detected = self.n >= self.least and self.rise > self.threshold


class EWMA:
    """Roberts' chart of deviations from the running mean, with the running standard deviation."""

    def __init__(self, weight: float = 0.2, limit: float = 4.0, least: int = 30) -> None:
        self.weight = weight
        self.limit = limit
        self.least = least
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.n = 0
        self.mean = 0.0
        self.squares = 0.0
        self.fading = 0.0
        self.drift_detected = False

    def update(self, x: float) -> None:
        """Take one value."""
        if self.drift_detected:
            self.reset()
        self.n += 1
        gap = x - self.mean
        self.mean += gap / self.n
        self.squares += gap * (x - self.mean)
        self.fading += self.weight * (x - self.mean - self.fading)
        if self.n >= self.least:
            settled = 1.0 - (1.0 - self.weight) ** (2 * self.n)
            variance = self.squares / (self.n - 1) * self.weight / (2.0 - self.weight) * settled
            self.drift_detected = abs(self.fading) > self.limit * sqrt(variance)


def feed(detector: CUSUM | EWMA, values: list[float]) -> list[int]:
    """Update with each, and ask each time."""
    found = []
    for at, x in enumerate(values):
        detector.update(x)
        if detector.drift_detected:
            found.append(at)
    return found


DETECTORS = {"CUSUM": CUSUM, "EWMA": EWMA}
WAYS = {"update": (np.ndarray.tolist, feed)}
