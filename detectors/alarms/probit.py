"""Location, spread and misfit of a window from its bins, by an ordered probit fit.

The reference gives each edge between bins its normal score z_b = Phi^-1(share below). A window is
described as if its values, on that scale, were normal with mean mu and standard deviation sigma:
the bin between two edges then has the share Phi((z_b - mu)/sigma) - Phi((z_(b-1) - mu)/sigma)
(McCullagh 1980). In control mu = 0 and log sigma = 0. A shift of the whole distribution moves mu by
as many standard deviations whatever the column's shape, since ranks alone count; a wider one moves
log sigma; what neither explains is the misfit, the sum of (p - fitted)^2 / fitted. Unlike projections
on fixed scores, mu stays what it is when it is large, so a level that wanders far does not look
like a change of spread or shape.
"""

from math import erfc, exp, sqrt

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled

__all__ = ["fit_probit", "probit_weights"]

STEPS = 6
"""Fisher scoring steps; four give six digits unless a window has left the reference's range."""
FAR = 8.0
"""Location is told up to so many standard deviations, log spread up to three."""
ROOT2PI = 2.5066282746310002


def fit_probit(bins: Counts, scores: Floats, used: Counts) -> tuple[Floats, Floats, Floats]:
    """[C, T] location mu, log sigma and misfit of each window of each column.

    Args:
        bins: [C, T, B] counts in order.
        scores: [C, B] normal scores of the upper edges; those from used - 1 on are not read.
        used: [C] bins in use, the first ones; with 2 of them log sigma stays 0, with 1 all is 0.

    A window's own share is blended with one value of the reference's distribution, so that few
    values cannot run off to infinity. Cost: about 2 us a column and window of 20 bins.

    >>> scores = np.array([[-1.0, 0.0, 1.0, 0.0]])
    >>> window = np.array([[[50, 180, 320, 450]]])
    >>> mu, spread, misfit = fit_probit(window, scores, np.array([4]))
    >>> round(float(mu[0, 0]), 1), round(float(spread[0, 0]), 1), bool(misfit[0, 0] < 0.01)
    (0.9, 0.1, True)
    """
    out = np.zeros((3, *bins.shape[:2]))
    _fit_all(np.ascontiguousarray(bins), np.ascontiguousarray(scores), used, out)
    return out[0], out[1], out[2]


def probit_weights(scores: Floats, used: Counts) -> tuple[Floats, Floats]:
    """[C] how much an event in control tells of mu and of log sigma: 1 / n / these is the variance.

    0 where nothing can be told.

    >>> of_mu, of_spread = probit_weights(np.array([[-1.0, 0.0, 1.0, 0.0]]), np.array([4]))
    >>> of_mu.round(2).tolist(), of_spread.round(2).tolist()
    ([0.88], [1.08])
    """
    out = np.zeros((2, len(scores)))
    _weights(np.ascontiguousarray(scores), used, out)
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
        _terms(scores[c], b, 0.0, 0.0, plain, plain, info, False)
        for t in range(T):
            n = 0.0
            for k in range(b):
                n += bins[c, t, k]
            if n == 0:
                continue
            for k in range(b):
                share[k] = (bins[c, t, k] + plain[k]) / (n + 1)
            mu, spread = 0.0, 0.0
            for _ in range(STEPS):
                _terms(scores[c], b, mu, spread, share, here, info, True)
                if b == 2:
                    mu += min(max(info[3] / max(info[0], 1e-12), -1.0), 1.0)
                else:
                    det = info[0] * info[2] - info[1] * info[1] + 1e-12
                    one = (info[2] * info[3] - info[1] * info[4]) / det
                    two = (info[0] * info[4] - info[1] * info[3]) / det
                    mu += min(max(one, -1.0), 1.0)
                    spread = min(max(spread + min(max(two, -0.7), 0.7), -3.0), 3.0)
                mu = min(max(mu, -FAR), FAR)
            _terms(scores[c], b, mu, spread, share, here, info, False)
            misfit = 0.0
            for k in range(b):
                gap = bins[c, t, k] / n - here[k]
                misfit += gap * gap / max(here[k], 0.5 / n)
            out[0, c, t], out[1, c, t], out[2, c, t] = mu, spread, misfit


@compiled
def _terms(
    scores: Floats, b: int, mu: float, spread: float, share: Floats, here: Floats, info: Floats,
    derive: bool,
) -> None:  # fmt: skip
    """Put the fitted shares in `here`; in `info` the information (mm, ms, ss) and the scores."""
    scale = exp(-spread)
    below, slope, tilt = 0.0, 0.0, 0.0
    for k in range(5):
        info[k] = 0.0
    for k in range(b):
        above, slope_up, tilt_up = 1.0, 0.0, 0.0
        if k < b - 1:
            e = (scores[k] - mu) * scale
            above = 0.5 * erfc(-e / sqrt(2.0))
            height = exp(-0.5 * e * e) / ROOT2PI
            slope_up, tilt_up = -height * scale, -height * e
        p = max(above - below, 1e-12)
        if derive:
            dm, ds = slope_up - slope, tilt_up - tilt
            gap = share[k] / p - 1
            info[0] += dm * dm / p
            info[1] += dm * ds / p
            info[2] += ds * ds / p
            info[3] += gap * dm
            info[4] += gap * ds
        here[k] = p
        below, slope, tilt = above, slope_up, tilt_up


@compiled
def _weights(scores: Floats, used: Counts, out: Floats) -> None:
    C, B = scores.shape
    share, info = np.ones(B + 1), np.empty(5)
    here = np.empty(B + 1)
    for c in range(C):
        if used[c] < 2:
            continue
        _terms(scores[c], used[c], 0.0, 0.0, share, here, info, True)
        out[0, c] = info[0]
        if used[c] > 2:
            out[0, c] = info[0] - info[1] * info[1] / info[2]
            out[1, c] = info[2] - info[1] * info[1] / info[0]
