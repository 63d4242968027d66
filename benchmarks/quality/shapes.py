"""The two shapes of noise, both with mean 0 and variance 1: normal, and Student's t with 3 degrees of freedom."""

from collections.abc import Callable
from math import pi, sqrt

import numpy as np
from scipy.special import ndtr, ndtri

from detectors.arrays import Flags, Floats

__all__ = ["cdf", "draw", "ppf"]

FREEDOM = 3
_TABLE = np.sinh(np.linspace(-22.0, 22.0, 8_001)) / 1e3
"""Where the inverse of t is tabulated: finely in the middle, out to a million deviations."""


def cdf(x: Floats, heavy: Flags) -> Floats:
    """Tell the share of values below x, of t where `heavy`, which broadcasts to x."""
    return _by_shape(x, heavy, ndtr, _t_cdf)


def ppf(share: Floats, heavy: Flags) -> Floats:
    """Tell the value with a share below it: the inverse of `cdf`."""
    return _by_shape(share, heavy, ndtri, lambda s: np.interp(s, _BELOW, _TABLE))


def draw(rng: np.random.Generator, size: int, heavy: bool) -> Floats:
    """Draw independent values."""
    if heavy:
        return np.asarray(rng.standard_t(FREEDOM, size) / sqrt(FREEDOM))
    return rng.standard_normal(size)


def _by_shape(
    x: Floats, heavy: Flags, normal: Callable[[Floats], Floats], t: Callable[[Floats], Floats]
) -> Floats:
    """Ask each value's own shape only, as these functions are most of what a fleet costs."""
    if not heavy.any():
        return np.asarray(normal(x))
    of_t = np.broadcast_to(heavy, x.shape)
    y = np.empty(x.shape)
    y[of_t] = t(x[of_t])
    y[~of_t] = normal(x[~of_t])
    return y


def _t_cdf(x: Floats) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(0.5 + (np.where(np.isinf(x), 0.0, x / (1 + x * x)) + np.arctan(x)) / pi)


_BELOW = _t_cdf(_TABLE)
