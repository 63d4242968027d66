"""Where the bins of a column of numbers lie: at its quantiles."""

import operator
import sys
from math import inf, nextafter

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Floats

__all__ = ["quantile_edges"]

MAX = sys.float_info.max


def quantile_edges(values: ArrayLike, bins: int = 20) -> Floats:
    """Choose the edges of bins that hold about as many of the values each.

    The inner edges are the quantiles i/bins and are values of the column, so that ties stay in one
    bin; the two outer edges lie half the range beyond the smallest and the largest value, and what
    falls outside of them is far out of range. Bin i holds edges[i - 1] <= x < edges[i].
    Cost: one sort.

    Args:
        values: [N] numbers in any order; NaN and infinities are left out.
        bins: at most so many bins between the outer edges; ties make fewer.

    Returns:
        Ascending edges: from 2 (of a single value) to bins + 1, for as many bins and one more.

    Raises:
        ValueError: there is no number among the values, or `bins` is no whole number from 1 on.

    >>> quantile_edges([1, 2, 3, 4, 5, 6, 7, 9], bins=4).tolist()
    [-3.0, 3.0, 5.0, 7.0, 13.0]
    """
    try:
        bins = operator.index(bins)
    except TypeError as error:
        raise ValueError(f"need a whole number of bins, not {bins!r}") from error
    if bins < 1:
        raise ValueError(f"need one bin at least, not {bins}")
    numbers = np.asarray(values, np.float64).ravel()
    ordered = np.sort(numbers[np.isfinite(numbers)]) + 0.0  # no -0.0
    if len(ordered) == 0:
        raise ValueError("no edges without a number")
    lo, hi = float(ordered[0]), float(ordered[-1])
    span = hi / 2 - lo / 2  # half the span, so that huge values do not overflow
    inner = np.unique(ordered[(len(ordered) * np.arange(1, bins)) // bins])
    outer = max(-MAX, lo - span), min(MAX, max(hi + span, nextafter(hi, inf)))
    return np.unique(np.concatenate([outer[:1], inner[inner > lo], outer[1:]]))
