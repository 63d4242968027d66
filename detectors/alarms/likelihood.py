"""The restricted likelihood of a wandering signal, its season left free.

A Kalman filter turns the signal and its regressors alike into innovations, what each window brings
that those before could not tell; these are independent, so that least squares on them is generalised
least squares on the signal (Harville 1977). For each correlation the variance of wander that is
likeliest is taken.
"""

from math import inf, log, sqrt

import numpy as np

from detectors.arrays import Floats
from detectors.compiled import compiled

__all__ = ["MOST", "fit_signal"]

RATIOS: Floats = np.array([0.0, 0.05, 0.15, 0.5, 1.5, 5.0, 20.0, 80.0, 400.0, 4000.0])
"""Variances of wander tried, over the mean sampling variance."""
MOST = 1e30
"""Signals and worths beyond this count as this; a worth below its inverse counts as 0."""
RIDGE = 1e-12
"""What is known of a coefficient beforehand, over what the windows and one more tell: none is singular."""


def fit_signal(
    x: Floats, worth: Floats, season: Floats, phis: Floats, least: float, out: Floats, beta: Floats,
    E: Floats, w: Floats, M: Floats,
) -> bool:  # fmt: skip
    """Fit one signal of T windows under each of G correlations; tell whether it has windows enough.

    Args:
        x: [T] signal.
        worth: [T] one over its sampling variance, 0 where it tells nothing.
        season: [T, p] regressors; more than p + 2 windows are enough.
        phis: [G] correlations.
        least: smallest kappa.
        out: [4, G] to be filled with the logarithm of the likelihood, up to a constant; the variance of wander
            over kappa; kappa; and the filter's gain in its steady state.
        beta: [G, p] to be filled with the season's coefficients.
        E: [G, p + 1, T] to be filled with the innovations, of variance kappa, of the regressors and of x.
        w: [G, T] to be filled with one over the variance, over kappa, that x's innovations had; 0 for no window.
        M: [G, p + 1, p + 1] to be filled with the Cholesky factor of E E', in its lower triangle.

    Cost: about 1.8 ms for 672 windows, 10 regressors and 7 correlations.
    """
    return bool(_fit(x, worth, season, phis, RATIOS, least, out, beta, E, w, M))


@compiled
def _fit(
    x: Floats, worth: Floats, season: Floats, phis: Floats, ratios: Floats, least: float, out: Floats,
    beta: Floats, E: Floats, w: Floats, M: Floats,
) -> bool:  # fmt: skip
    T, p = season.shape
    Y, variance = np.empty((T, p + 1)), np.empty(T)
    for t in range(T):
        for i in range(p):
            Y[t, i] = season[t, i]
    noise, some = _prepare(x, worth, Y[:, p], variance)
    if some <= p + 2:
        return False
    for g in range(len(phis)):
        tried = ratios if phis[g] > 0 else ratios[:1]
        ratio = _likeliest_ratio(Y, variance, phis[g], tried, noise, some, least, E[g], w[g], M[g])
        volume = _innovate(Y, variance, phis[g], ratio * noise, noise, E[g], w[g])
        out[0, g], out[2, g] = _regress(E[g], volume, some, noise, least, M[g])
        out[1, g], out[3, g] = ratio * noise, _steady_gain(phis[g], ratio)
        _coefficients(M[g], beta[g])
    return True


@compiled
def _prepare(x: Floats, worth: Floats, y: Floats, variance: Floats) -> tuple[float, int]:
    """Bound a signal; put sampling variances, -1 where none; tell their mean and number."""
    total, some = 0.0, 0
    for t in range(len(x)):
        y[t], variance[t] = 0.0, -1.0
        if worth[t] >= 1 / MOST:
            y[t] = min(max(x[t], -MOST), MOST)
            variance[t] = 1 / min(worth[t], MOST)
            total += variance[t]
            some += 1
    return total / max(some, 1), some


@compiled
def _likeliest_ratio(
    Y: Floats, variance: Floats, phi: float, ratios: Floats, noise: float, some: int, least: float,
    E: Floats, w: Floats, M: Floats,
) -> float:  # fmt: skip
    """Give the ratio of the largest likelihood."""
    best, most = 0.0, -inf
    for ratio in ratios:
        volume = _innovate(Y, variance, phi, ratio * noise, noise, E, w)
        told, _ = _regress(E, volume, some, noise, least, M)
        if told > most:
            best, most = float(ratio), told
    return best


@compiled
def _innovate(
    Y: Floats, variance: Floats, phi: float, wander: float, noise: float, E: Floats, w: Floats
) -> float:
    """Filter regressors and signal alike, into [p + 1, T] innovations of variance kappa.

    `w` is one over the variance of an innovation before it was divided by that. The sum of the
    logarithms of these variances, over `noise`, is returned.
    """
    T, width = Y.shape
    P, fresh = wander, wander * (1 - phi * phi)
    S = np.zeros(width)
    volume, product = 0.0, 1.0
    for t in range(T):
        gain = 0.0
        w[t] = 0.0
        if variance[t] > 0:
            w[t] = 1 / (P + variance[t])
            gain = P * w[t]
            product *= w[t] * noise
            if not 1e-100 < product < 1e100:
                volume -= log(product)
                product = 1.0
        root = sqrt(w[t])
        keep, take = phi * (1 - gain), phi * gain
        for i in range(width):
            E[i, t] = root * (Y[t, i] - S[i])
            S[i] = keep * S[i] + take * Y[t, i]
        P = phi * phi * P * (1 - gain) + fresh
    return volume - log(product)


@compiled
def _regress(
    E: Floats, volume: float, some: int, noise: float, least: float, M: Floats
) -> tuple[float, float]:
    """Fit the season; give the restricted likelihood and kappa.

    `M` becomes the Cholesky factor of all cross products, the signal's in the last row: the others
    hold the regressors' determinant, and what is left of the signal is its corner.
    """
    width = len(E)
    p = width - 1
    folded = 0.0
    _multiply(E, M)
    for i in range(width):
        if i < p:
            M[i, i] += RIDGE * (M[i, i] + 1 / noise)
        for j in range(i + 1):
            known = _dot(M[i], M[j], j)
            M[i, j] = (M[i, j] - known) / M[j, j] if j < i else M[i, i] - known
        if i < p:
            folded += log(M[i, i])
            M[i, i] = sqrt(M[i, i])
    rest = max(M[p, p], 0.0)
    free = some - p
    kappa = max(rest / free, least)
    return -0.5 * (volume + free * log(kappa) + rest / kappa + folded), kappa


@compiled
def _multiply(E: Floats, M: Floats) -> None:
    """Put all products of rows into `M`, eight sums at a time: one alone would wait for itself."""
    width, T = E.shape
    rows = np.minimum(np.arange(width + 4), width - 1)
    for i in range(0, width, 2):
        one, two = E[i], E[rows[i + 1]]
        for j in range(0, i + 2, 4):
            a, b, c, d = E[rows[j]], E[rows[j + 1]], E[rows[j + 2]], E[rows[j + 3]]
            oa, ob, oc, od = 0.0, 0.0, 0.0, 0.0
            ta, tb, tc, td = 0.0, 0.0, 0.0, 0.0
            for t in range(T):
                oa += one[t] * a[t]
                ob += one[t] * b[t]
                oc += one[t] * c[t]
                od += one[t] * d[t]
                ta += two[t] * a[t]
                tb += two[t] * b[t]
                tc += two[t] * c[t]
                td += two[t] * d[t]
            for k, (o, s) in enumerate(((oa, ta), (ob, tb), (oc, tc), (od, td))):
                M[i, rows[j + k]] = o
                M[rows[i + 1], rows[j + k]] = s


@compiled
def _dot(a: Floats, b: Floats, length: int) -> float:
    total = 0.0
    for k in range(length):
        total += a[k] * b[k]
    return total


@compiled
def _coefficients(M: Floats, beta: Floats) -> None:
    """Solve for the season's coefficients from the factor's rows."""
    p = len(beta)
    for i in range(p - 1, -1, -1):
        rest = M[p, i]
        for j in range(i + 1, p):
            rest -= M[j, i] * beta[j]
        beta[i] = rest / M[i, i]


@compiled
def _steady_gain(phi: float, ratio: float) -> float:
    """Tell the filter's gain once it has run for long, where windows are alike."""
    P = ratio
    for _ in range(200):
        P = phi * phi * P / (P + 1) + ratio * (1 - phi * phi)
    return P / (P + 1)
