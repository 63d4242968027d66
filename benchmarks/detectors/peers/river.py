"""river: the yardstick. One update after the other, as there is no other way."""

from typing import Any

import numpy as np
from river import drift
from river.drift import binary

PACKAGES = ("river", "numpy", "scipy")
VALUES_MAX = 1_000_000

DETECTORS = {
    "ADWIN": drift.ADWIN,
    "PageHinkley": drift.PageHinkley,
    "DDM": binary.DDM,
    "EDDM": binary.EDDM,
    "HDDMA": binary.HDDMA,
    "HDDMW": binary.HDDMW,
    "KSWIN": lambda: drift.KSWIN(seed=42),
}


def feed(detector: Any, values: list[float]) -> list[int]:
    """Update with each, and ask each time."""
    found = []
    for at, x in enumerate(values):
        detector.update(x)
        if detector.drift_detected:
            found.append(at)
    return found


WAYS = {"update": (np.ndarray.tolist, feed)}
