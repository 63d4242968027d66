"""frouros, with river's parameters. It goes on after a drift until it is reset, so it is reset, as river resets itself.

Its KSWIN draws from numpy's global generator; its Page-Hinkley watches for rises only, as its CUSUM does.
"""

from typing import Any

import numpy as np
from frouros.detectors.concept_drift import (
    ADWIN,
    CUSUM,
    DDM,
    ECDDWT,
    EDDM,
    HDDMA,
    HDDMW,
    KSWIN,
    KSWINConfig,
    PageHinkley,
)

PACKAGES = ("frouros", "numpy", "scipy")
VALUES_MAX = 100_000

DETECTORS = {
    "ADWIN": ADWIN,
    "PageHinkley": PageHinkley,
    "CUSUM": CUSUM,
    "DDM": DDM,
    "EDDM": EDDM,
    "HDDMA": HDDMA,
    "HDDMW": HDDMW,
    "KSWIN": lambda: KSWIN(KSWINConfig(alpha=0.005, seed=42)),
    "ECDD": ECDDWT,
}


def feed(detector: Any, values: list[float]) -> list[int]:
    """Update with each, ask each time, and reset after a drift."""
    found = []
    for at, x in enumerate(values):
        detector.update(value=x)
        if detector.drift:
            found.append(at)
            detector.reset()
    return found


WAYS = {"update": (np.ndarray.tolist, feed)}
