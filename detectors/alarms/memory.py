"""How a signal wanders from window to window.

A signal in control is taken for

    x_t = season_t' beta + s_t + sampling noise of variance kappa / worth_t,

where s_t is a first-order autoregression of correlation phi and variance kappa * `wander`. A Kalman
filter turns it into innovations, what a window brings that those before could not tell. `steps.py`
finds steps in them; the history's own windows are scored here as new ones are there.

phi is never known, and near 1 a short history cannot tell. So each of `PHIS` is fitted by restricted
maximum likelihood (Harville 1977), with the season's coefficients left free, and the chance of a
score is the mean over all of them by their likelihood: a history that may have a long memory makes
drifts over many windows unsurprising, by itself. What the coefficients' own error adds is in
`doubt`; that of the scale is in Student's t.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.alarms.hindsight import score_history
from detectors.alarms.likelihood import MOST, fit_signal
from detectors.arrays import Counts, Flags, Floats

__all__ = ["LAGS", "PHIS", "REACH", "Memory", "fit_memory"]

PHIS: Floats = np.array([0.0, 0.5, 0.8, 0.9, 0.96, 0.985, 0.995])
"""Correlations from one window to the next that are weighed against each other."""
LAGS: Counts = np.array([0, 1, 2, 4, 8, 16, 24, 48, 96])
"""Windows that a step may lie back."""
REACH = 97
"""Windows that a judgement looks back on, the newest included."""
Singles = NDArray[np.float32]
SINGLE = 3e38
"""The largest number of single precision, rounded down."""


@dataclass(frozen=True, eq=False)
class Memory:
    """What is known of R signals, over G correlations and L lags, with p seasonal terms.

    Attributes:
        weight: [R, G] likelihood of each correlation, sum 1.
        wander: [R, G] variance of the autoregression, over kappa.
        scale: [R, G] kappa.
        season: [R, G, p] coefficients.
        doubt: [R, G, L] what the coefficients' error adds to a score's variance of 1.
        gain: [R, G] how much of an innovation the filter takes for wander, in its steady state.
        freedom: [R] degrees of freedom.
        lags: [R] how many of `LAGS` are looked at.

    All but the last two are of single precision, and calculated with as of double (`exact`).

    Cost: 4 G (13 + p) + 16 bytes a signal, in memory and when packed.
    """

    weight: Singles
    wander: Singles
    scale: Singles
    season: Singles
    doubt: Singles
    gain: Singles
    freedom: Floats
    lags: Counts

    def payload(self) -> list[object]:
        """Give the arrays."""
        return list(self._arrays())

    @classmethod
    def restore(cls, payload: Any) -> "Memory":
        """Make one of what `payload` gave, or of the same in double precision."""
        *arrays, freedom, lags = payload
        weight, wander, scale, season, doubt, gain = (np.asarray(x, np.float32) for x in arrays)
        return cls(weight, wander, scale, season, doubt, gain, freedom, lags)

    def exact(self) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
        """Give weight, wander, scale, season, doubt and gain in double precision."""
        singles = (self.weight, self.wander, self.scale, self.season, self.doubt, self.gain)
        weight, wander, scale, season, doubt, gain = (x.astype(np.float64) for x in singles)
        return weight, wander, scale, season, doubt, gain

    def _arrays(self) -> tuple[Any, ...]:
        return (self.weight, self.wander, self.scale, self.season, self.doubt, self.gain, self.freedom,
                self.lags)  # fmt: skip

    @classmethod
    def join(cls, parts: "Sequence[Memory]") -> "Memory":
        """Put signals behind each other, which have as many seasonal terms."""
        return cls(*map(np.concatenate, zip(*(part._arrays() for part in parts), strict=True)))

    def part(self, which: slice) -> "Memory":
        """View some signals."""
        return Memory(*(array[which] for array in self._arrays()))

    def replaced(self, where: Flags, by: "Memory") -> "Memory":
        """Take some signals [R] from another memory of the same signals and as many seasonal terms."""
        pairs = zip(self._arrays(), by._arrays(), strict=True)
        return Memory(*(_chosen(where, theirs, own) for own, theirs in pairs))


def fit_memory(
    x: Floats, worth: Floats, season: Floats, least: Floats, lags: int = len(LAGS)
) -> tuple[Memory, Floats]:
    """Learn how R signals wander over T windows in control.

    Args:
        x: [R, T] signals.
        worth: [R, T] one over the sampling variance; 0 where a window tells nothing.
        season: [T, p] regressors, p < T - 2.
        least: [R] smallest kappa: 1 where `worth` is all that sampling makes, less where it is a guess.
        lags: how many of `LAGS` to look at.

    Returns:
        The memory, of single precision so that it is the same when it was stored; and [R, T] the
        surprise of each window of the history itself (0 where too few precede it).

    Cost: about 1.5 ms a signal of 672 windows and 10 regressors.

    >>> rng = np.random.default_rng(1)
    >>> noise = rng.normal(size=(1, 400))
    >>> memory, _ = fit_memory(noise, np.ones((1, 400)), np.ones((400, 1)), np.ones(1))
    >>> bool(memory.scale[0, 0] < 1.1), memory.weight.shape
    (True, (1, 7))
    """
    R, T = x.shape
    G, L, p = len(PHIS), len(LAGS), season.shape[1]
    used = int(min(lags, np.searchsorted(LAGS, max(1, T // 3))))
    freedom = np.maximum(3.0, (worth >= 1 / MOST).sum(axis=1) - p).astype(np.float64)
    weights, wanders, scales, gains = (
        np.full((R, G), 1 / G),
        *(np.full((R, G), v) for v in (0.0, 1.0, 0.0)),
    )
    seasons, doubts = np.zeros((R, G, p)), np.zeros((R, G, L))
    surprise = np.zeros((R, T))
    season = np.ascontiguousarray(season)
    E, w, M = np.zeros((G, T, p + 1)), np.zeros((G, T)), np.zeros((G, p + 1, p + 1))
    fitted = np.zeros((4, G))
    for r in range(R):
        beta = seasons[r]
        if fit_signal(x[r], worth[r], season, PHIS, float(least[r]), fitted, beta, E, w, M):
            told, wanders[r], kappa, gain = fitted
            weight = np.exp(told - told.max())
            weights[r] = weight / weight.sum()
            scales[r], gains[r] = kappa, gain
            surprise[r] = score_history(E, w, M, beta, kappa, PHIS, gain, LAGS[:used],
                                        weights[r], freedom[r], doubts[r])  # fmt: skip
    found = (weights, wanders, scales, seasons, doubts, gains)
    singles = [np.clip(array, -SINGLE, SINGLE) for array in found]
    return Memory.restore([*singles, freedom, np.full(R, used, np.int64)]), surprise


def _chosen(where: Flags, a: Any, b: Any) -> Any:
    return np.where(where.reshape(-1, *[1] * (a.ndim - 1)), a, b)
