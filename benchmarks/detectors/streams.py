"""The streams that all peers get: the same bytes, from a seed."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEVELS", "RATES", "STREAMS", "errors", "numbers"]

Floats = NDArray[np.float64]

SEED = 1954

LEVELS = (5.0, 5.5, 4.8, 6.0, 5.0, 4.0, 4.3, 5.2, 7.0, 5.1, 5.0)
"""Means of the parts of a stream of numbers, for noise of deviation 1. All are well above 0, as the window of one of
the peers can't have a negative sum."""

RATES = (0.10, 0.20, 0.05, 0.30, 0.12, 0.40, 0.25, 0.08, 0.15, 0.50, 0.10)
"""Error rates of the parts of a stream of errors."""

STREAMS = {
    "ADWIN": "numbers",
    "PageHinkley": "numbers",
    "CUSUM": "numbers",
    "EWMA": "numbers",
    "DDM": "errors",
    "EDDM": "errors",
    "HDDMA": "errors",
    "HDDMW": "errors",
    "KSWIN": "few numbers",
    "ECDD": "errors",
    "CVM": "numbers",
    "FET": "errors",
}
"""Which stream a detector gets, by the name that it has here in all libraries."""


def numbers(n: int) -> Floats:
    """Draw n normal values with ten steps of the mean, of 0.1 to 1.9 deviations."""
    noise = np.random.default_rng(SEED).standard_normal(n)
    return noise + _parts(LEVELS, n)


def errors(n: int) -> Floats:
    """Draw n zeros and ones, ones being errors, whose rate changes ten times."""
    chance = np.random.default_rng(SEED).random(n)
    return np.asarray(chance < _parts(RATES, n), dtype=np.float64)


def _parts(levels: tuple[float, ...], n: int) -> Floats:
    """Lay eleven levels over n positions, each step at twice the position of the one before, the last in the middle.

    So the beginning, which is all that slow peers get, has most of the steps, and the end is long and quiet.
    """
    steps = [n >> k for k in range(len(levels) - 1, 0, -1)]
    return np.asarray(levels)[np.searchsorted(steps, np.arange(n), side="right")]
