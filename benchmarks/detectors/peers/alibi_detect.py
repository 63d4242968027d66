"""alibi-detect's online detectors of one number: other algorithms than ours, which need a reference, timed beside.

The reference is drawn from the level and the rate that the streams begin with. They keep every value and every
statistic they have seen, so a longer stream costs more a value.
"""

from typing import Any

import numpy as np
from alibi_detect.cd import CVMDriftOnline, FETDriftOnline
from numpy.typing import NDArray

PACKAGES = ("alibi-detect", "numpy", "scipy", "numba")
VALUES_MAX = 5_000

SETTINGS = {"ert": 1000, "window_sizes": [50], "n_bootstraps": 2_000, "verbose": False}


def cvm() -> CVMDriftOnline:
    """Make the Cramer-von Mises detector, which is for numbers."""
    return CVMDriftOnline(np.random.default_rng(1).normal(5.0, 1.0, 200), **SETTINGS)


def fet() -> FETDriftOnline:
    """Make the detector by Fisher's exact test, which is for errors."""
    return FETDriftOnline(np.random.default_rng(1).random(200) < 0.1, **SETTINGS)


def prepare(values: NDArray[np.float64]) -> list[Any]:
    """Make truth values of errors: no others are taken."""
    return list((values.astype(bool) if np.isin(values, (0, 1)).all() else values).tolist())


def feed(detector: Any, values: list[Any]) -> list[int]:
    """Predict with each, and begin anew after a drift, as the others do."""
    found = []
    for at, x in enumerate(values):
        if detector.predict(x)["data"]["is_drift"]:
            found.append(at)
            detector.reset_state()
    return found


DETECTORS = {"CVM": cvm, "FET": fet}
WAYS = {"predict": (prepare, feed)}
