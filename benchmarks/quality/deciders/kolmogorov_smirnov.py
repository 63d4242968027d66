"""A p-value a window, as Evidently decides: Kolmogorov and Smirnov for numbers, chi-square for categories.

Both compare with the whole history and take events for independent; missing values are left out. The
distance is that of twenty reference-quantile bins, at most the exact one, so this errs on the calm side.
With `corrected`, the bound is divided by the number of monitors, as Bonferroni does.
"""

import numpy as np
from scipy.special import chdtrc, kolmogorov, log_ndtr

from benchmarks.quality.deciders.decider import Scored
from benchmarks.quality.windows import Windows
from detectors.arrays import Floats

__all__ = ["KolmogorovSmirnov"]


class KolmogorovSmirnov(Scored):
    """Alarms where p < level; the score is -log p."""

    def __init__(self, name: str, level: float, *, corrected: bool = False) -> None:
        super().__init__(name, -np.log(level))
        self._level = level
        self._corrected = corrected

    def fit(self, history: Windows) -> None:
        """Add the history up."""
        self._scored = None
        self._reference = history.bins.sum(axis=1)[:, None, :]
        if self._corrected:
            self.bound = -np.log(self._level / len(history.columns))

    def score(self, windows: Windows) -> Floats:
        """[M, T] -log p; 0 for a window without values."""
        n = np.maximum(windows.valid, 1)[..., None]
        m = np.maximum(self._reference.sum(axis=2, keepdims=True), 1)
        score = np.empty(windows.valid.shape)
        numbers = windows.numeric
        p, q = windows.bins / n, self._reference / m
        apart = np.abs(np.cumsum(p[numbers] - q[numbers], axis=2)).max(axis=2)
        effective = (n * m / (n + m))[..., 0]
        score[numbers] = _distance(apart * np.sqrt(effective[numbers]))
        known = ~numbers
        both = ((windows.bins + self._reference) / (n + m))[known]
        seen = both > 0
        gap = (p[known] - q[known]) ** 2
        square = np.divide(gap, both, out=np.zeros_like(gap), where=seen).sum(axis=2)
        freedom = np.maximum(seen.sum(axis=2) - 1, 1)
        score[known] = _chi_square(square * effective[known], freedom)
        return np.where(windows.valid > 0, score, 0.0)


def _distance(x: Floats) -> Floats:
    """Give -log p of the scaled distance; where p is tiny, its leading term 2 exp(-2 x^2)."""
    near = -np.log(kolmogorov(np.minimum(x, 5)))
    return np.asarray(np.where(x > 5, 2 * x**2 - np.log(2), near))


def _chi_square(x: Floats, freedom: Floats) -> Floats:
    """Give -log p of chi-square; where p is tiny, by Wilson and Hilferty's cube root."""
    spread = 2 / (9 * freedom)
    far = -log_ndtr(-(np.cbrt(x / freedom) - (1 - spread)) / np.sqrt(spread))
    p = chdtrc(freedom, x)
    return np.asarray(np.where(p > 1e-200, -np.log(np.maximum(p, 1e-200)), far))
