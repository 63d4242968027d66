"""An order of categories: along the line on which they wander in control.

Categories have no order of their own, but their shares often move together: one grows as another
shrinks. The first axis of a correspondence analysis of the windows (Benzecri 1973) lines them up
so that most of that movement is one from a side to the other, as when a numeric column goes up or
down. In that order a window's location and spread carry what wanders, and what is left over shows
drift sharply. Where nothing wanders the order is arbitrary, and harmless.
"""

import numpy as np

from detectors.arrays import Counts, Floats

__all__ = ["wander_order"]


def wander_order(windows: Counts) -> Counts:
    """[B] give the bins in the order in which they wander.

    Args:
        windows: [T, B] counts, T >= 1; bins that are empty throughout may stand anywhere.

    Cost: O(T B^2 + B^3).

    >>> rows = np.array([[60 + d, 20, 20 - d] for d in (-15, 0, 15)])
    >>> order = wander_order(rows[:, [1, 0, 2]]).tolist()
    >>> order in ([1, 0, 2], [2, 0, 1])
    True
    """
    n = windows.sum(axis=1, keepdims=True)
    q: Floats = (windows.sum(axis=0) + 0.5) / (windows.sum() + 0.5 * windows.shape[1])
    gaps = np.where(n > 0, windows / np.maximum(n, 1) - q, 0.0) / np.sqrt(q)
    _, axes = np.linalg.eigh(gaps.T @ gaps)
    first = axes[:, -1]
    # The sign of an axis is arbitrary: the commonest category's side is the lower one.
    place = first / np.sqrt(q) * (-1.0 if first[int(np.argmax(q))] > 0 else 1.0)
    return np.argsort(place, kind="stable").astype(np.int64)
