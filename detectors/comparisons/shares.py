"""From counts to shares, where columns of different numbers of bins lie side by side, padded."""

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.sums import row_sum

__all__ = ["known_on_both_sides", "shares"]


def shares(counts: Counts, where: ArrayLike = True, smoothing: float = 0.0) -> Floats:
    """Turn counts into shares.

    Args:
        counts: [..., B] counts.
        where: [..., B] which bins exist; the others have no share.
        smoothing: what every bin that exists gets on top, in events.

    Returns:
        [..., B] shares that sum to 1, or all 0 where nothing was counted or added.

    >>> shares(np.array([1, 3, 0])).tolist()
    [0.25, 0.75, 0.0]
    >>> shares(np.array([0, 2, 0]), [True, True, False], smoothing=1).tolist()
    [0.25, 0.75, 0.0]
    """
    filled = np.where(where, counts + smoothing, 0.0)
    total = row_sum(filled)[..., None]
    return np.asarray(filled / np.where(total > 0, total, 1.0))


def known_on_both_sides(
    window_bins: Counts, reference_bins: Counts, where: ArrayLike = True
) -> Flags:
    """Tell where both sides have counts, [..., 1]: elsewhere nothing is known to differ.

    >>> known_on_both_sides(np.array([[2, 1], [0, 0]]), np.array([5, 5])).tolist()
    [[True], [False]]
    """
    some = np.where(where, window_bins, 0).any(axis=-1, keepdims=True)
    return np.asarray(some & np.where(where, reference_bins, 0).any(axis=-1, keepdims=True))
