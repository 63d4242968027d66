"""The two shapes of noise, both with mean 0 and variance 1: normal, and Student's t with 3 degrees of freedom."""

from math import pi, sqrt

import numpy as np
from scipy.special import ndtr, ndtri

from detectors.arrays import Flags, Floats

__all__ = ["cdf", "draw", "ppf"]

FREEDOM = 3
_TABLE = np.sinh(np.linspace(-22.0, 22.0, 8_001)) / 1e3
"""Where the inverse of t is tabulated: finely in the middle, out to a million deviations."""


def cdf(x: Floats, heavy: Flags) -> Floats:
    """Tell the share of values below x, of t where `heavy`; both broadcast."""
    return np.asarray(np.where(heavy, _t_cdf(x), ndtr(x)))


def ppf(share: Floats, heavy: Flags) -> Floats:
    """Tell the value with a share below it: the inverse of `cdf`."""
    if not heavy.any():
        return np.asarray(ndtri(share))
    return np.asarray(np.where(heavy, np.interp(share, _t_cdf(_TABLE), _TABLE), ndtri(share)))


def draw(rng: np.random.Generator, size: int, heavy: bool) -> Floats:
    """Draw independent values."""
    if heavy:
        return np.asarray(rng.standard_t(FREEDOM, size) / sqrt(FREEDOM))
    return rng.standard_normal(size)


def _t_cdf(x: Floats) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(0.5 + (np.where(np.isinf(x), 0.0, x / (1 + x * x)) + np.arctan(x)) / pi)
