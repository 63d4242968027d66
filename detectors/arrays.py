"""Names for the arrays that detectors read and write."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counts", "Flags", "Floats"]

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
