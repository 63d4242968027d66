"""Names for the arrays that detectors read and write."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counts", "Flags", "Floats", "beside"]

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def beside(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Put arrays behind each other along the first axis; rows shorter than the widest get zeros at their ends.

    >>> beside([np.array([[1, 2]]), np.array([[3], [4]])]).tolist()
    [[1, 2], [3, 0], [4, 0]]
    """
    widths = {part.shape[-1] for part in parts} if parts[0].ndim > 1 else set()
    if len(widths) <= 1:
        return np.concatenate(parts)
    rows = sum(map(len, parts))
    made = np.zeros((rows, *parts[0].shape[1:-1], max(widths)), parts[0].dtype)
    at = 0
    for part in parts:
        made[at : at + len(part), ..., : part.shape[-1]] = part
        at += len(part)
    return made
