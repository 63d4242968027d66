"""How much a score varies between windows while all is well, and what that makes of a new one.

Windows of a real stream differ by more than sampling explains: rates wander, days differ. A test
that only knows the sample size calls every large window drift. So the history's own windows tell
how far the score goes in control; what sampling leaves unexplained (`excess`) is added to the
sampling variance, and the uncertainty of a short or autocorrelated history widens the bound.

Two kinds of scores are enough:

- *distances* D >= 0 (PSI, sum of (p - q)^2 / q, KS squared). In control D is about
  (1/n + 1/m) chi-square with c degrees of freedom, plus a part `excess` of its own, which lives in
  few directions. A gamma with the three moments of that sum stands for it (Pearson's type III), and
  the cube root of a gamma is nearly normal (Wilson and Hilferty, 1931): this gives a score z,
  whose centre and scale are taken from the history. Without excess it is the cube root of the
  chi-square itself. (Taking the root of D / mean instead gave ten to eighty times the promised
  alarms on wandering streams: the sampling part below makes the root skewed.)
- *levels* x with sampling variance 1/n (arcsine rates, rank scores, log counts). Centre and
  excess tau^2 are those of a random-effects model (DerSimonian and Laird, 1986).

Both use Student's t with as many degrees of freedom as there are independent windows,
n_eff = T / a, where a = 1 + 2 (rho_1 + rho_2 + ...) is the integrated autocorrelation.
"""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from detectors.arrays import Counts, Floats

__all__ = [
    "EVENTS_MIN",
    "WINDOWS_MIN",
    "Sided",
    "Wander",
    "distance_p",
    "distance_threshold",
    "fit_distance",
    "fit_level",
    "level_p",
    "level_reach",
    "level_z",
]

WINDOWS_MIN = 10
"""History windows below which nothing is promised and nothing alarms."""

EVENTS_MIN = 30
"""Events below which a window is neither judged nor learned from; its owner may hold it over."""

Sided = Literal["both", "up"]


@dataclass(frozen=True, slots=True)
class Wander:
    """How a score behaves between windows in control.

    Attributes:
        centre: where it lies (of z for distances, of x for levels).
        scale: how far a typical window is from there, one standard deviation.
        excess: variance that sampling does not explain (rho or tau squared), >= 0.
        n_eff: how many independent windows the history is worth.
        windows: how many windows it has.
        directions: degrees of freedom nu of the excess of a distance, >= 1; 1 for levels.
    """

    centre: float
    scale: float
    excess: float
    n_eff: float
    windows: int
    directions: float = 1.0

    @property
    def ready(self) -> bool:
        """Whether the history is long enough to judge by."""
        return self.windows >= WINDOWS_MIN

    @property
    def autocorrelation(self) -> float:
        """The integrated autocorrelation a >= 1: windows that tell as much as one free one."""
        return self.windows / self.n_eff if self.ready else 1.0

    @property
    def note(self) -> str:
        """Say how far the learning is; empty when done."""
        return "" if self.ready else f"learning: {self.windows} of {WINDOWS_MIN} windows"

    @property
    def freedom(self) -> float:
        """Degrees of freedom of Student's t; never below 2, where it still has a mean."""
        return max(2.0, self.n_eff - 1)

    @property
    def widening(self) -> float:
        """What the uncertainty of the centre does to a standard deviation."""
        return sqrt(1 + 1 / self.n_eff)


def fit_distance(distance: Floats, n: Counts, m: Counts, c: float) -> Wander:
    """Learn how a distance wanders.

    Args:
        distance: [T] D of each history window against its baseline, in time order.
        n: [T] events of the windows, > 0.
        m: [T] events of the baselines, > 0.
        c: degrees of freedom, > 0: without wander D has the mean c (1/n + 1/m).
    """
    windows = len(distance)
    if windows < WINDOWS_MIN:
        return _learning(windows)
    sampling = 1 / n + 1 / m
    excess = max(0.0, float(np.mean(distance / c - sampling)))
    variance = _variance(distance, _integrated_autocorrelation(distance))
    directions = _directions(c, excess, variance - 2 * c * float(np.mean(sampling**2)))
    z = _standard(distance, _Gamma.of(sampling, c, excess, directions))
    a = _integrated_autocorrelation(z)
    # In theory z has the scale 1: a short, quiet history must not claim less.
    scale = max(1.0, sqrt(_variance(z, a)))
    return Wander(float(z.mean()), scale, excess, windows / a, windows, directions)


def distance_p(distance: float, n: int, m: int, c: float, wander: Wander) -> float:
    """Tell the chance of so large a distance or a larger one in control; 1 while learning."""
    if not wander.ready:
        return 1.0
    gamma = _Gamma.of(np.array([1 / n + 1 / m]), c, wander.excess, wander.directions)
    z = float(_standard(np.array([distance]), gamma)[0])
    return float(stdtr(wander.freedom, -(z - wander.centre) / (wander.scale * wander.widening)))


def distance_threshold(alpha: float, n: int, m: int, c: float, wander: Wander) -> float:
    """Tell the distance whose chance is alpha: the inverse of `distance_p`; inf while learning."""
    if not wander.ready:
        return inf
    gamma = _Gamma.of(np.array([1 / n + 1 / m]), c, wander.excess, wander.directions)
    z = wander.centre - float(stdtrit(wander.freedom, alpha)) * wander.scale * wander.widening
    return max(0.0, float(_unstandard(z, gamma)[0]))


def fit_level(x: Floats, n: Counts, m: Counts) -> Wander:
    """Learn how a level wanders.

    Args:
        x: [T] the level of each history window, in time order.
        n: [T] events of the windows, > 0: 1/n is the sampling variance of x.
        m: [T] events of what they are compared with, > 0.
    """
    windows = len(x)
    if windows < WINDOWS_MIN:
        return _learning(windows)
    a = _integrated_autocorrelation(x)
    residual = (x - x.mean()) * windows / (windows - 1)  # from the mean of all other windows
    # As in _variance; a residual with its own window left out is already right for a = 1.
    squares = residual**2 * windows / max(windows - a + 1, windows / 2)
    excess = max(0.0, float(np.mean(squares - 1 / n - 1 / m)))
    # Large windows weigh more as far as sampling is what parts them, and no more when wander is.
    centre = float(np.average(x, weights=1 / (1 / n + excess)))
    scale = sqrt(float(np.mean(1 / n + 1 / m)) + excess)
    return Wander(centre, scale, excess, windows / a, windows)


def level_z(x: float, n: int, m: int, wander: Wander) -> float:
    """Standardise a level by sampling, wander and the uncertainty of its centre; 0 in learning."""
    if not wander.ready:
        return 0.0
    return (x - wander.centre) / (sqrt(1 / n + 1 / m + wander.excess) * wander.widening)


def level_p(x: float, n: int, m: int, wander: Wander, sided: Sided) -> float:
    """Tell the chance of a level as far away (`both`) or as high (`up`); 1 while learning."""
    if not wander.ready:
        return 1.0
    z = level_z(x, n, m, wander)
    if sided == "up":
        return float(stdtr(wander.freedom, -z))
    return min(1.0, 2 * float(stdtr(wander.freedom, -abs(z))))


def level_reach(alpha: float, n: int, m: int, wander: Wander, sided: Sided) -> float:
    """Tell how far from the centre a level has the chance alpha; inf while learning."""
    if not wander.ready:
        return inf
    tail = alpha if sided == "up" else alpha / 2
    z = -float(stdtrit(wander.freedom, tail))
    return z * sqrt(1 / n + 1 / m + wander.excess) * wander.widening


class _Gamma(NamedTuple):
    """A shifted gamma: `mean` of the gamma itself, degrees of freedom (twice its shape), shift."""

    mean: Floats
    freedom: Floats
    shift: Floats

    @staticmethod
    def of(sampling: Floats, c: float, excess: float, directions: float) -> "_Gamma":
        """Match the moments of sampling x chi-square(c) + c excess x chi-square(nu) / nu."""
        wander = c * excess
        mean = c * sampling + wander
        second = 2 * c * sampling**2 + 2 * wander**2 / directions
        third = 8 * c * sampling**3 + 8 * wander**3 / directions**2
        freedom = 8 * second**3 / third**2
        own = freedom * third / (4 * second)
        return _Gamma(own, freedom, mean - own)


def _standard(distance: Floats, gamma: _Gamma) -> Floats:
    """Turn distances into nearly standard normal z, by Wilson and Hilferty's cube root."""
    spread = 2 / (9 * gamma.freedom)
    # Below the shift there is no gamma; a root of these would only blur the lower tail.
    root = np.cbrt(np.maximum(distance - gamma.shift, 0.0) / gamma.mean)
    return np.asarray((root - (1 - spread)) / np.sqrt(spread))


def _unstandard(z: float, gamma: _Gamma) -> Floats:
    """Turn z into distances: the inverse of `_standard`."""
    spread = 2 / (9 * gamma.freedom)
    root = np.maximum(1 - spread + z * np.sqrt(spread), 0.0)
    return np.asarray(root**3 * gamma.mean + gamma.shift)


def _directions(c: float, excess: float, variance: float) -> float:
    """Tell in how many directions a distance wanders, from the variance its excess brings.

    Half of what the moments say: a history short in independent windows has not yet seen the tail,
    and fewer directions make a heavier one.
    """
    if variance <= 0:
        return max(1.0, c / 2)
    return min(max(1.0, (c * excess) ** 2 / variance), max(1.0, c / 2))


def _variance(x: Floats, a: float) -> float:
    """Estimate the variance of autocorrelated values.

    Neighbours that resemble each other hide part of the spread: the sum of squares is worth T - a
    independent terms. Half of T is granted however strong the resemblance.
    """
    windows = len(x)
    return float(np.sum((x - x.mean()) ** 2)) / max(windows - a, windows / 2)


def _learning(windows: int) -> Wander:
    return Wander(0.0, 1.0, 0.0, float(max(windows, 1)), windows)


def _integrated_autocorrelation(x: Floats) -> float:
    """Sum autocorrelations up to the first that could be noise; from 1 to the number of windows."""
    windows = len(x)
    centred = x - x.mean()
    power = float(centred @ centred)
    a = 1.0
    if power <= 1e-24 * windows:  # a constant, up to rounding
        return a
    for lag in range(1, windows // 2):
        rho = float(centred[lag:] @ centred[:-lag]) / power
        if rho < 2 / sqrt(windows):
            break
        a += 2 * rho
    return min(a, float(windows))
