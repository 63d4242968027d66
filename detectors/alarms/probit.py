"""Location, spread and misfit of a window from its bins, by an ordered probit fit.

The reference gives each edge between bins its normal score z_b = Phi^-1(share below). A window is
described as if its values, on that scale, were normal with mean mu and standard deviation sigma:
the bin between two edges then has the share Phi((z_b - mu)/sigma) - Phi((z_(b-1) - mu)/sigma)
(McCullagh 1980). It is fitted as Phi(a + b z), whose likelihood has one maximum (Pratt 1981), and
sigma = 1/b. Of many values the location is mu. Of few values -a/b would run away where few bins hold nearly all, and
how far the line lies off at the centre of what the window tells, -(a + (b - 1) centre), stands for
it: nearly what a fit of a shift alone says. In between it is between them. In control it is 0, as log
sigma is. A shift of the whole distribution moves it by as many standard deviations whatever the
column's shape, since ranks alone count; a wider one moves log sigma; what neither explains is the
misfit, the sum of (p - fitted)^2 / fitted. Unlike projections on fixed scores, the location stays what
it is when it is large, so a level that wanders far does not look like a change of spread or shape.
"""

from math import erfc, exp, log, sqrt

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled

__all__ = ["fit_probit", "probit_weights"]

STEPS, CLOSE = 25, 1e-7
"""Fisher scoring steps at most, and a step so small that it is the last: the fourth in control."""
FAR = 8.0
"""Location is told up to so many standard deviations."""
MANY = 200.0
"""Values of a window of which half tell their location in the one way, half in the other."""
WIDE = 3.0
"""Log spread is told up to this."""
ROOT2PI = 2.5066282746310002


def fit_probit(bins: Counts, scores: Floats, used: Counts) -> tuple[Floats, Floats, Floats]:
    """[C, T] location mu (see above), log sigma and misfit of each window of each column.

    Args:
        bins: [C, T, B] counts in order.
        scores: [C, B] normal scores of the upper edges; those from used - 1 on are not read.
        used: [C] bins in use, the first ones; with 2 of them log sigma stays 0, with 1 all is 0.

    A window's own share is blended with one value of the reference's distribution, so that few
    values cannot run off to infinity. Cost: about 3 us a column and window of 20 bins in control, 18 far from it.

    >>> scores = np.array([[-1.0, 0.0, 1.0, 0.0]])
    >>> window = np.array([[[50, 180, 320, 450]]])
    >>> mu, spread, misfit = fit_probit(window, scores, np.array([4]))
    >>> round(float(mu[0, 0]), 1), round(float(spread[0, 0]), 1), bool(misfit[0, 0] < 0.01)
    (0.9, 0.1, True)
    """
    out = np.zeros((3, *bins.shape[:2]))
    _fit_all(np.ascontiguousarray(bins), np.ascontiguousarray(scores), used, out)
    return out[0], out[1], out[2]


def probit_weights(scores: Floats, used: Counts, mu: Floats) -> tuple[Floats, Floats]:
    """[C, K] how much an event tells of mu and of log sigma where mu is one of K: 1 / n / these is the variance.

    0 where nothing can be told. The further mu, the more events lie in the last bin and tell nothing of sigma.

    >>> scores = np.array([[-1.0, 0.0, 1.0, 0.0]])
    >>> of_mu, of_spread = probit_weights(scores, np.array([4]), np.array([0.0, 2.0]))
    >>> of_mu.round(2).tolist(), of_spread.round(2).tolist()
    ([[0.88, 0.46]], [[1.08, 0.17]])
    """
    out = np.zeros((2, len(scores), len(mu)))
    _weights(np.ascontiguousarray(scores), used, mu, out)
    return out[0], out[1]


@compiled
def _fit_all(bins: Counts, scores: Floats, used: Counts, out: Floats) -> None:
    C, T, B = bins.shape
    share, here = np.empty(B), np.empty(B)
    plain = np.empty(B)
    info = np.empty(5)
    for c in range(C):
        b = used[c]
        if b < 2:
            continue
        _terms(scores[c], b, 0.0, 1.0, plain, plain, info, False)
        for t in range(T):
            n = 0.0
            for k in range(b):
                n += bins[c, t, k]
            if n == 0:
                continue
            for k in range(b):
                share[k] = (bins[c, t, k] + plain[k]) / (n + 1)
            intercept, slope = _fit_line(scores[c], b, share, here, info)
            _terms(scores[c], b, intercept, slope, share, here, info, True)
            misfit = 0.0
            for k in range(b):
                gap = bins[c, t, k] / n - here[k]
                misfit += gap * gap / max(here[k], 0.5 / n)
            off = -intercept - (slope - 1) * info[1] / max(info[0], 1e-300)
            many = n * n / (n * n + MANY * MANY)
            out[0, c, t] = off + many * (-intercept / slope - off)
            out[1, c, t], out[2, c, t] = -log(slope), misfit


@compiled
def _fit_line(
    scores: Floats, b: int, share: Floats, here: Floats, info: Floats
) -> tuple[float, float]:
    """Give the likeliest a and b, within the bounds of mu and sigma; b stays 1 for two bins."""
    intercept, slope = 0.0, 1.0
    for _ in range(STEPS):
        _terms(scores, b, intercept, slope, share, here, info, True)
        one, two = info[3] / max(info[0], 1e-12), 0.0
        if b > 2:
            det = max(info[0] * info[2] - info[1] * info[1], 1e-14)
            one = (info[2] * info[3] - info[1] * info[4]) / det
            two = (info[0] * info[4] - info[1] * info[3]) / det
        # Far from the maximum a step may be far too long: at most 1, and half of the slope down.
        short = max(abs(one), abs(two), -2 * two / slope, 1.0)
        intercept += one / short
        slope += two / short
        if abs(one) + abs(two) < CLOSE:
            break
    if b > 2:
        slope = min(max(slope, abs(intercept) / FAR, exp(-WIDE)), exp(WIDE))
    return min(max(intercept, -FAR * slope), FAR * slope), slope


@compiled
def _terms(
    scores: Floats, b: int, intercept: float, slope: float, share: Floats, here: Floats, info: Floats,
    derive: bool,
) -> None:  # fmt: skip
    """Put the fitted shares in `here`; in `info` the information (aa, ab, bb) and the scores."""
    below, rise, tilt = 0.0, 0.0, 0.0
    info[:] = 0.0
    for k in range(b):
        above, rise_up, tilt_up = 1.0, 0.0, 0.0
        if k < b - 1:
            e = intercept + slope * scores[k]
            above = 0.5 * erfc(-e / sqrt(2.0))
            rise_up = exp(-0.5 * e * e) / ROOT2PI
            tilt_up = rise_up * scores[k]
        p = max(above - below, 1e-12)
        if derive:
            da, db = rise_up - rise, tilt_up - tilt
            gap = share[k] / p - 1
            info[0] += da * da / p
            info[1] += da * db / p
            info[2] += db * db / p
            info[3] += gap * da
            info[4] += gap * db
        here[k] = p
        below, rise, tilt = above, rise_up, tilt_up


@compiled
def _weights(scores: Floats, used: Counts, mu: Floats, out: Floats) -> None:
    """Take the information of (a, b) at b = 1; log sigma is -log b, and mu has its own at the centre."""
    C, B = scores.shape
    share, info = np.ones(B + 1), np.empty(5)
    here = np.empty(B + 1)
    for c in range(C):
        for k in range(len(mu)):
            if used[c] < 2:
                continue
            _terms(scores[c], used[c], -mu[k], 1.0, share, here, info, True)
            aa, ab, bb = info[0], info[1], info[2]
            out[0, c, k] = aa
            if used[c] > 2:
                det = max(aa * bb - ab * ab, 0.0)
                out[1, c, k] = det / max(aa, 1e-300)
