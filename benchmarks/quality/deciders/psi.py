"""PSI of a window against the whole history, held against a fixed number: the habit of credit scoring.

Twenty reference-quantile bins, or one a category; missing values are left out; shares below 1e-4 count as that.
"""

import numpy as np

from benchmarks.quality.deciders.decider import Scored
from benchmarks.quality.windows import Windows
from detectors.arrays import Counts, Flags, Floats

__all__ = ["Psi"]

LEAST = 1e-4


class Psi(Scored):
    """Alarms where PSI exceeds its bound."""

    def fit(self, history: Windows) -> None:
        """Add the history up."""
        self._scored = None
        self._reference = _shares(history.bins.sum(axis=1)[:, None, :], history.held[:, None, :])

    def score(self, windows: Windows) -> Floats:
        """[M, T] PSI; 0 for a window without values."""
        shares = _shares(windows.bins, windows.held[:, None, :])
        parts = (shares - self._reference) * np.log(shares / self._reference)
        return np.where(windows.valid > 0, parts.sum(axis=2), 0.0)


def _shares(bins: Counts, held: Flags) -> Floats:
    """Give the shares of bins, never 0; padding has share 1 on both sides, and so no part."""
    share = bins / np.maximum(bins.sum(axis=-1, keepdims=True), 1)
    return np.where(held, np.maximum(share, LEAST), 1.0)
