"""NannyML's default thresholds: a chunk's statistic further than three standard deviations from the reference's chunks.

The statistics are those which it thresholds so: mean, standard deviation and missing rate of a number; for a category
the Jensen-Shannon distance from the whole reference (upper side only) and the missing rate. A chunk is a window.
"""

import numpy as np

from benchmarks.quality.deciders.decider import Scored
from benchmarks.quality.windows import Windows
from detectors.arrays import Counts, Floats

__all__ = ["ThreeSigma"]


class ThreeSigma(Scored):
    """Alarms where one of the statistics is so many deviations from its mean over the reference's chunks."""

    def fit(self, history: Windows) -> None:
        """Learn mean and deviation of each statistic."""
        self._scored = None
        self._reference = history.bins.sum(axis=1)[:, None, :]
        statistics = self._statistics(history)
        self._centre = statistics.mean(axis=2, keepdims=True)
        self._spread = np.maximum(statistics.std(axis=2, keepdims=True), 1e-12)

    def score(self, windows: Windows) -> Floats:
        """[M, T] the largest distance in deviations; 0 for an empty window."""
        z = (self._statistics(windows) - self._centre) / self._spread
        z[1:] = np.abs(z[1:])
        z[0] = np.where(windows.numeric[:, None], np.abs(z[0]), z[0])
        return np.where(windows.valid > 0, z.max(axis=0), 0.0)

    def _statistics(self, windows: Windows) -> Floats:
        """[3, M, T] mean or distance, standard deviation (0 for a category), missing rate."""
        n = np.maximum(windows.valid, 1)
        mean = windows.sums / n
        deviation = np.sqrt(np.maximum(windows.squares / n - mean**2, 0))
        apart = _jensen_shannon(windows.bins, self._reference)
        level = np.where(windows.numeric[:, None], mean, apart)
        return np.stack([level, deviation, windows.missing / np.maximum(windows.n, 1)])


def _jensen_shannon(bins: Counts, reference: Counts) -> Floats:
    """[M, T] root of the divergence of both from their middle, with logarithms of base 2."""
    p = bins / np.maximum(bins.sum(axis=2, keepdims=True), 1)
    q = reference / np.maximum(reference.sum(axis=2, keepdims=True), 1)
    middle = (p + q) / 2

    def apart(share: Floats) -> Floats:
        share = np.broadcast_to(share, middle.shape)
        ratio = np.divide(share, middle, out=np.ones_like(middle), where=share > 0)
        return np.asarray((share * np.log2(ratio)).sum(axis=2))

    return np.asarray(np.sqrt(np.maximum((apart(p) + apart(q)) / 2, 0)))
