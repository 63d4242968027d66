"""Mean and variance of columns from the exact sums of their summaries."""

import numpy as np

from detectors.arrays import Flags, Floats
from detectors.comparisons.cells import Cells

__all__ = ["VARIANCE_MIN", "moments", "varies"]

VARIANCE_MIN = 1 / 12
"""The least variance the grid can tell, in squared steps: that of rounding to whole steps."""


def moments(cells: Cells) -> tuple[Floats, Floats]:
    """Tell mean and variance of each column's values, in steps of its grid.

    Returns:
        [C, T] means, 0 without values, and [C, T] unbiased variances, 0 for less than two values.
        Columns without a grid give 0.

    >>> mean, variance = moments(Cells.of([[3], [0]], sums=[6, 0], squares=[20, 0]))
    >>> mean.tolist(), variance.tolist()
    ([[2.0, 0.0]], [[4.0, 0.0]])
    """
    n = cells.valid
    mean = cells.sums / np.maximum(n, 1)
    around = np.maximum(cells.squares - mean * cells.sums, 0.0)
    return mean, around / np.maximum(n - 1, 1)


def varies(reference: Cells) -> Flags:
    """[C] whether a column has a grid, and values that vary by more than it can tell."""
    return np.asarray(reference.grid & (moments(reference)[1][:, 0] > VARIANCE_MIN))
