"""The restricted likelihood of a wandering signal, its season left free.

A Kalman filter turns the signal and its regressors alike into innovations, what each window brings
that those before could not tell; these are independent, so that least squares on them is generalised
least squares on the signal (Harville 1977). For each correlation the variance of wander that is
likeliest is taken.
"""

from math import log, sqrt

import numpy as np

from detectors.arrays import Floats
from detectors.compiled import compiled

__all__ = ["MOST", "fit_signal"]

RATIOS: Floats = np.array([0.0, 0.05, 0.15, 0.5, 1.5, 5.0, 20.0, 80.0, 400.0, 4000.0])
"""Variances of wander tried, over the mean sampling variance."""
MOST = 1e30
"""Signals and worths beyond this count as this; a worth below its inverse counts as 0."""
STRIDE = 4
"""Windows whose products are added at once: each sum is then read and written once for four."""
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
        E: [G, T, p + 1] to be filled with the innovations, of variance kappa, of the regressors and of x.
        w: [G, T] to be filled with one over the variance, over kappa, that x's innovations had; 0 for no window.
        M: [G, p + 1, p + 1] to be filled with the Cholesky factor of E' E, in its lower triangle.

    Cost: about 0.9 ms for 672 windows, 10 regressors and 7 correlations.
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
    phi, ratio = _tried(phis, ratios)
    wander, volume = ratio * noise, np.zeros(len(phi))
    products = np.zeros((p + 1, p + 1, len(phi)))
    _multiply(Y, variance, phi, wander, noise, products, volume)
    told, kappa = _regress(products, volume, some, noise, least)
    for g in range(len(phis)):
        best = 0
        for q in range(1, len(phi)):
            if phi[q] == phis[g] and told[q] > told[best]:
                best = q
        for i in range(p + 1):
            for j in range(i + 1):
                M[g, i, j] = products[i, j, best]
        _innovate(Y, variance, phis[g], wander[best], E[g], w[g])
        out[0, g], out[1, g], out[2, g] = told[best], wander[best], kappa[best]
        out[3, g] = _steady_gain(phis[g], ratio[best])
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
def _tried(phis: Floats, ratios: Floats) -> tuple[Floats, Floats]:
    """Give the Q pairs of a correlation and a ratio: none of either first, as without wander no correlation matters."""
    tried = [(0.0, 0.0)]
    tried += [(phi, ratio) for phi in phis[phis > 0] for ratio in ratios[ratios > 0]]
    return np.array([phi for phi, _ in tried]), np.array([ratio for _, ratio in tried])


@compiled
def _multiply(
    Y: Floats, variance: Floats, phi: Floats, wander: Floats, noise: float, M: Floats, volume: Floats
) -> None:  # fmt: skip
    """Filter regressors and signal alike under each of Q pairs of a correlation and a variance of wander.

    Put the sums of products of the innovations, of variance kappa, into the lower triangle of M [p + 1, p + 1, Q],
    and into `volume` [Q] the sum of the logarithms of the variances that they had, over `noise`.
    """
    T, width = Y.shape
    Q = len(phi)
    P, fresh, product = wander.copy(), wander * (1 - phi * phi), np.ones(Q)
    S, E = np.zeros((width, Q)), np.zeros((STRIDE, width, Q))
    root, keep, take = np.empty(Q), np.empty(Q), np.empty(Q)
    for t in range(T):
        told = variance[t] > 0
        for q in range(Q):
            w = 1 / (P[q] + variance[t]) if told else 0.0
            gain = P[q] * w
            root[q], keep[q], take[q] = sqrt(w), phi[q] * (1 - gain), phi[q] * gain
            P[q] = phi[q] * phi[q] * P[q] * (1 - gain) + fresh[q]
            product[q] *= w * noise if told else 1.0
        _bound(product, volume)
        for i in range(width):
            e, s, y = E[t % STRIDE, i], S[i], Y[t, i]
            for q in range(Q):
                e[q] = root[q] * (y - s[q])
                s[q] = keep[q] * s[q] + take[q] * y
        if t % STRIDE == STRIDE - 1:
            _add_products(E, M)
    for k in range(T % STRIDE, STRIDE):
        E[k] = 0.0
    _add_products(E, M)
    for q in range(Q):
        volume[q] -= log(product[q])


@compiled
def _bound(product: Floats, volume: Floats) -> None:
    """Move products into the sums of their logarithms before they leave the range of numbers."""
    for q in range(len(product)):
        if not 1e-100 < product[q] < 1e100:
            volume[q] -= log(product[q])
            product[q] = 1.0


@compiled
def _add_products(E: Floats, M: Floats) -> None:
    """Add the products of innovations of four windows, in their order."""
    _, width, Q = E.shape
    for i in range(width):
        a, b, c, d = E[0, i], E[1, i], E[2, i], E[3, i]
        for j in range(i + 1):
            m, e, f, g, h = M[i, j], E[0, j], E[1, j], E[2, j], E[3, j]
            for q in range(Q):
                m[q] = m[q] + a[q] * e[q] + b[q] * f[q] + c[q] * g[q] + d[q] * h[q]


@compiled
def _innovate(Y: Floats, variance: Floats, phi: float, wander: float, E: Floats, w: Floats) -> None:
    """Filter regressors and signal alike, into [T, p + 1] innovations of variance kappa.

    `w` is one over the variance of an innovation before it was divided by that.
    """
    T, width = Y.shape
    P, fresh = wander, wander * (1 - phi * phi)
    S = np.zeros(width)
    for t in range(T):
        w[t] = 1 / (P + variance[t]) if variance[t] > 0 else 0.0
        gain, root = P * w[t], sqrt(w[t])
        keep, take = phi * (1 - gain), phi * gain
        y, e = Y[t], E[t]
        for i in range(width):
            e[i] = root * (y[i] - S[i])
            S[i] = keep * S[i] + take * y[i]
        P = phi * phi * P * (1 - gain) + fresh


@compiled
def _regress(
    M: Floats, volume: Floats, some: int, noise: float, least: float
) -> tuple[Floats, Floats]:
    """Fit the season; give the restricted likelihoods [Q] and kappa [Q].

    Each `M` [:, :, q] becomes the Cholesky factor of all cross products, the signal's in the last row: the others
    hold the regressors' determinant, and what is left of the signal is its corner.
    """
    width, _, Q = M.shape
    p = width - 1
    folded, known = np.zeros(Q), np.empty(Q)
    for i in range(width):
        corner = M[i, i]
        if i < p:
            for q in range(Q):
                corner[q] += RIDGE * (corner[q] + 1 / noise)
        for j in range(i + 1):
            known[:] = 0.0
            for k in range(j):
                a, b = M[i, k], M[j, k]
                for q in range(Q):
                    known[q] += a[q] * b[q]
            m, root = M[i, j], M[j, j]
            for q in range(Q):
                m[q] = (m[q] - known[q]) / root[q] if j < i else m[q] - known[q]
        if i < p:
            for q in range(Q):
                folded[q] += log(corner[q])
                corner[q] = sqrt(corner[q])
    free = some - p
    rest = np.maximum(M[p, p], 0.0)
    kappa = np.maximum(rest / free, least)
    return -0.5 * (volume + free * np.log(kappa) + rest / kappa + folded), kappa


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
