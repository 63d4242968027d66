"""driftbus, one update after the other and whole arrays at once."""

import numpy as np
from numpy.typing import NDArray

from detectors import ADWIN, CUSUM, DDM, EDDM, EWMA, HDDMA, HDDMW, KSWIN, PageHinkley
from detectors.sequential.sequential import Sequential

PACKAGES = ("driftbus", "numpy", "numba", "scipy")
VALUES_MAX = 1_000_000

DETECTORS = {
    "ADWIN": ADWIN,
    "PageHinkley": PageHinkley,
    "CUSUM": lambda: CUSUM(mode="up"),
    "EWMA": EWMA,
    "DDM": DDM,
    "EDDM": EDDM,
    "HDDMA": HDDMA,
    "HDDMW": HDDMW,
    "KSWIN": lambda: KSWIN(seed=42),
}


def feed(detector: Sequential, values: list[float]) -> list[int]:
    """Update with each, and ask each time."""
    found = []
    for at, x in enumerate(values):
        detector.update(x)
        if detector.drift_detected:
            found.append(at)
    return found


def feed_many(detector: Sequential, values: NDArray[np.float64]) -> list[int]:
    """Update with the whole array."""
    return list(detector.update_many(values))


WAYS = {"update": (np.ndarray.tolist, feed), "update_many": (np.asarray, feed_many)}
