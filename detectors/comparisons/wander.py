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

All is told of C columns at once, each by itself. Both use Student's t with as many degrees of
freedom as there are independent windows, n_eff = T / a, where a = 1 + 2 (rho_1 + rho_2 + ...) is
the integrated autocorrelation.
"""

from collections.abc import Sequence
from functools import cached_property
from math import inf, sqrt
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.verdict import first_reason

__all__ = [
    "EVENTS_MIN",
    "WINDOWS_MIN",
    "Sided",
    "Wander",
    "distance_p",
    "distance_threshold",
    "fit_distance",
    "fit_level",
    "learning",
    "level_p",
    "level_reach",
    "level_z",
]

WINDOWS_MIN = 10
"""History windows below which nothing is promised and nothing alarms."""

EVENTS_MIN = 30
"""Events below which a window is neither judged nor learned from; its owner may hold it over."""

Sided = Literal["both", "up"]


class Wander:
    """How the scores of C columns behave between windows in control.

    Cost: 48 bytes a column, in one table. Learning takes O(T L) a column, L the number of windows after
    which one no longer resembles another; a chance or a threshold takes O(1) a column.

    >>> from detectors import Cells, Location
    >>> history = Cells.of([[0, 46 + w * 7 % 9, 54 - w * 7 % 9, 0] for w in range(24)])
    >>> wander = Location(history.total(), history, np.full(24, True)).wander
    >>> wander.windows.tolist(), wander.ready.tolist(), wander.excess.tolist()
    ([24], [True], [0.0])
    """

    def __init__(
        self, centre: Floats, scale: Floats, excess: Floats, n_eff: Floats, windows: Counts, directions: Floats
    ) -> None:  # fmt: skip
        self._table: Floats = np.array(
            [centre, scale, excess, n_eff, windows, directions], np.float64
        )

    @classmethod
    def beside(cls, parts: "Sequence[Wander]") -> "Wander":
        """Put the columns of several one after the other."""
        made = cls.__new__(cls)
        made._table = np.concatenate([part._table for part in parts], axis=1)
        return made

    def _row(self, which: int) -> Floats:
        return np.asarray(self._table[which])

    @property
    def centre(self) -> Floats:
        """[C] where a score lies (of z for distances, of x for levels)."""
        return self._row(0)

    @property
    def scale(self) -> Floats:
        """[C] how far a typical window is from there, one standard deviation."""
        return self._row(1)

    @property
    def excess(self) -> Floats:
        """[C] variance that sampling does not explain (rho or tau squared), >= 0."""
        return self._row(2)

    @property
    def n_eff(self) -> Floats:
        """[C] how many independent windows the history is worth."""
        return self._row(3)

    @property
    def windows(self) -> Counts:
        """[C] how many windows it has."""
        return self._row(4).astype(np.int64)

    @property
    def directions(self) -> Floats:
        """[C] degrees of freedom nu of the excess of a distance, >= 1; 1 for levels."""
        return self._row(5)

    @cached_property
    def ready(self) -> Flags:
        """[C] whether the history is long enough to judge by."""
        return self.windows >= WINDOWS_MIN

    @cached_property
    def autocorrelation(self) -> Floats:
        """[C] the integrated autocorrelation a >= 1: windows that tell as much as one free one."""
        return np.where(self.ready, self.windows / self.n_eff, 1.0)

    @cached_property
    def freedom(self) -> Floats:
        """[C] degrees of freedom of Student's t; never below 2, where it still has a mean."""
        return np.maximum(2.0, self.n_eff - 1)

    @cached_property
    def widening(self) -> Floats:
        """[C] what the uncertainty of the centre does to a standard deviation."""
        return np.sqrt(1 + 1 / self.n_eff)

    def is_quiet(self, n: Counts, m: Counts, events_min: int) -> Flags:
        """[C] where nothing can be said of n events against m; `quiet` says why."""
        return np.asarray(~self.ready | (m == 0) | (n < events_min))

    def quiet(self, n: Counts, m: Counts, events_min: int) -> list[str]:
        """Tell why nothing can be said of n events against m, column by column; else empty."""
        return first_reason(
            len(self.windows),
            (~self.ready, lambda c: learning(int(self.windows[c]))),
            (m == 0, lambda c: "the reference is empty"),  # noqa: ARG005 - every one is called alike
            (n < events_min, lambda c: f"too few events: {n[c]} of {events_min}"),
        )


def learning(windows: int) -> str:
    """Say how far the learning is."""
    return f"learning: {windows} of {WINDOWS_MIN} windows"


def fit_distance(distance: Floats, n: Counts, m: Counts, c: Floats, usable: Flags) -> Wander:
    """Learn how distances wander.

    Args:
        distance: [C, T] D of each history window against its baseline, in time order.
        n: [C, T] events of the windows, > 0 where usable.
        m: [C, T] events of the baselines, > 0 where usable.
        c: [C] degrees of freedom, > 0: without wander D has the mean c (1/n + 1/m).
        usable: [C, T] which windows to learn a column from; the others are as if they were not.
    """
    return _wander([
        _fit_distance(distance[i, own], n[i, own], m[i, own], float(c[i]))
        for i, own in enumerate(usable)
    ])  # fmt: skip


def distance_p(distance: Floats, n: Counts, m: Counts, c: Floats, wander: Wander) -> Floats:
    """Tell the chance of so large a distance or a larger one in control; 1 while learning. All [C]."""
    gamma = _Gamma.of(1 / n + 1 / m, c, wander.excess, wander.directions)
    z = _standard(distance, gamma)
    p = stdtr(wander.freedom, -(z - wander.centre) / (wander.scale * wander.widening))
    return np.where(wander.ready, p, 1.0)


def distance_threshold(alpha: float, n: Counts, m: Counts, c: Floats, wander: Wander) -> Floats:
    """Tell the distance whose chance is alpha: the inverse of `distance_p`; inf while learning."""
    gamma = _Gamma.of(1 / n + 1 / m, c, wander.excess, wander.directions)
    z = wander.centre - stdtrit(wander.freedom, alpha) * wander.scale * wander.widening
    return np.where(wander.ready, np.maximum(0.0, _unstandard(z, gamma)), inf)


def fit_level(x: Floats, n: Counts, m: Counts, usable: Flags) -> Wander:
    """Learn how levels wander.

    Args:
        x: [C, T] the level of each history window, in time order.
        n: [C, T] events of the windows, > 0 where usable: 1/n is the sampling variance of x.
        m: [C, T] events of what they are compared with, > 0 where usable.
        usable: [C, T] which windows to learn a column from; the others are as if they were not.
    """
    return _wander([_fit_level(x[i, own], n[i, own], m[i, own]) for i, own in enumerate(usable)])


def level_z(x: Floats, n: Counts, m: Counts, wander: Wander) -> Floats:
    """Standardise levels by sampling, wander and doubt about the centre; 0 in learning. All [C]."""
    spread = np.sqrt(1 / n + 1 / m + wander.excess) * wander.widening
    return np.where(wander.ready, (x - wander.centre) / spread, 0.0)


def level_p(x: Floats, n: Counts, m: Counts, wander: Wander, sided: Sided) -> Floats:
    """Tell the chance of a level as far away (`both`) or as high (`up`); 1 while learning."""
    z = level_z(x, n, m, wander)
    sides, away = (1, z) if sided == "up" else (2, np.abs(z))
    p = np.minimum(1.0, sides * stdtr(wander.freedom, -away))
    return np.where(wander.ready, p, 1.0)


def level_reach(alpha: float, n: Counts, m: Counts, wander: Wander, sided: Sided) -> Floats:
    """Tell how far from the centre a level has the chance alpha; inf while learning. All [C]."""
    tail = alpha if sided == "up" else alpha / 2
    z = -stdtrit(wander.freedom, tail)
    reach = z * np.sqrt(1 / n + 1 / m + wander.excess) * wander.widening
    return np.where(wander.ready, reach, inf)


class _Fit(NamedTuple):
    """The wander of one column; see `Wander`."""

    centre: float
    scale: float
    excess: float
    n_eff: float
    windows: int
    directions: float = 1.0


def _wander(fits: list[_Fit]) -> Wander:
    """Put columns side by side."""
    table = np.array(fits, np.float64).reshape(len(fits), len(_Fit._fields)).T
    centre, scale, excess, n_eff, windows, directions = table
    return Wander(centre, scale, excess, n_eff, windows.astype(np.int64), directions)


def _fit_distance(distance: Floats, n: Counts, m: Counts, c: float) -> _Fit:
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
    return _Fit(float(z.mean()), scale, excess, windows / a, windows, directions)


def _fit_level(x: Floats, n: Counts, m: Counts) -> _Fit:
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
    return _Fit(centre, scale, excess, windows / a, windows)


class _Gamma(NamedTuple):
    """A shifted gamma: `mean` of the gamma itself, degrees of freedom (twice its shape), shift."""

    mean: Floats
    freedom: Floats
    shift: Floats

    @staticmethod
    def of(
        sampling: Floats, c: Floats | float, excess: Floats | float, directions: Floats | float
    ) -> "_Gamma":
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


def _unstandard(z: Floats, gamma: _Gamma) -> Floats:
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


def _learning(windows: int) -> _Fit:
    return _Fit(0.0, 1.0, 0.0, float(max(windows, 1)), windows)


def _integrated_autocorrelation(x: Floats) -> float:
    """Tell how many windows are worth one independent window; from 1 to the number of windows.

    The sum of the autocorrelations up to the first that could be noise, or that of a first-order
    autoregression, whichever is more. The sum alone falls far short where a history is not many
    times as long as its memory. The autoregression's coefficient is freed of its bias, about
    -(1 + 3 rho) / T (Kendall, 1954): 168 windows of 0.99 look like 0.966, a seventh of the truth.
    """
    windows = len(x)
    centred = x - x.mean()
    power = float(centred @ centred)
    a = 1.0
    if power <= 1e-24 * windows:  # a constant, up to rounding
        return a
    noise = 2 / sqrt(windows)
    for lag in range(1, windows // 2):
        rho = float(centred[lag:] @ centred[:-lag]) / power
        if rho < noise:
            break
        a += 2 * rho
    first = float(centred[1:] @ centred[:-1]) / power
    if first >= noise:
        freed = min(first + (1 + 3 * first) / windows, 1 - 1 / windows)
        a = max(a, (1 + freed) / (1 - freed))
    return min(a, float(windows))
