"""How surprising the windows of a history are themselves, scored as new ones will be (`steps.py`)."""

from math import erfc, log, log1p, sqrt

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled

__all__ = ["score_history"]

NEVER = 1e-300
"""Chances below this are this."""


def score_history(
    E: Floats, w: Floats, M: Floats, beta: Floats, kappa: Floats, phis: Floats, gains: Floats,
    lags: Counts, weight: Floats, freedom: float, doubt: Floats,
) -> Floats:  # fmt: skip
    """[T] give the surprise of each window of one signal, 0 where too few precede it.

    Args:
        E: [G, p + 1, T] innovations of regressors and signal, from `fit_signal`; they are used up.
        w: [G, T] also from there, as are M and beta.
        M: [G, p + 1, p + 1].
        beta: [G, p].
        kappa: [G] variance of the innovations.
        phis: [G] correlations.
        gains: [G] the filter's gain in its steady state.
        lags: windows that a step may lie back, ascending.
        weight: [G] likelihood of each correlation, sum 1.
        freedom: degrees of freedom.
        doubt: [G, at least as many as lags] to be filled with what the coefficients' error adds to a score's
            variance of 1.

    Cost: about 1.2 ms for 672 windows, 10 regressors and 7 correlations.
    """
    surprise = np.zeros(w.shape[1])
    _score_all(E, w, M, beta, kappa, phis, gains, lags, weight, freedom, doubt, surprise)
    return surprise


@compiled
def _score_all(
    E: Floats, w: Floats, M: Floats, beta: Floats, kappa: Floats, phis: Floats, gains: Floats,
    lags: Counts, weight: Floats, freedom: float, doubt: Floats, surprise: Floats,
) -> None:  # fmt: skip
    G, T = w.shape
    Z = np.zeros((G, len(lags), T))
    for g in range(G):
        _score(E[g], w[g], M[g], beta[g], kappa[g], phis[g], gains[g], lags, doubt[g], Z[g])
    for t in range(lags[-1], T):
        if w[0, t] > 0:
            surprise[t] = _surprise(Z[:, :, t], weight, freedom)


@compiled
def _score(
    E: Floats, w: Floats, M: Floats, beta: Floats, kappa: float, phi: float, gain: float, lags: Counts,
    doubt: Floats, Z: Floats,
) -> None:  # fmt: skip
    """Score a step at each lag as of each window, and learn what the season's error adds.

    A step of 1 leaves c + (1 - c) r^j in the innovation j windows later, once the filter is steady.
    So the sums over any stretch are differences of two sums from a window on: plain and decaying.
    """
    width, T = E.shape
    p = width - 1
    root = np.sqrt(w)
    for i in range(p):
        for t in range(T):
            E[p, t] -= beta[i] * E[i, t]
    for i in range(width):
        for t in range(T):
            E[i, t] *= root[t]
    r = phi * (1 - gain)
    c = (1 - phi) / (1 - r)
    A, B = np.zeros((width, T + 1)), np.zeros((width, T + 1))
    W = np.zeros((3, T + 1))
    for i in range(width):
        _sum_on(E[i], 1.0, c, A[i])
        _sum_on(E[i], r, 1 - c, B[i])
    _sum_on(w, 1.0, c * c, W[0])
    _sum_on(w, r, 2 * c * (1 - c), W[1])
    _sum_on(w, r * r, (1 - c) * (1 - c), W[2])
    for q in range(len(lags)):
        decay = r ** (lags[q] + 1)
        doubt[q] = _doubt(A, B, W, decay, M, lags[q])
        # The history's own scores are smaller than new ones by what the fit took.
        own = sqrt(kappa * max(1 - doubt[q], 0.05))
        _scores(A[p], B[p], W, decay, lags[q], own, Z[q])


@compiled
def _sum_on(y: Floats, decay: float, part: float, total: Floats) -> None:
    """[T + 1] part of the sum of y from each window on, those k windows later times decay^k."""
    for t in range(len(y) - 1, -1, -1):
        total[t] = part * y[t] + decay * total[t + 1]


@compiled
def _sure(W: Floats, decay: float, start: int, end: int) -> float:
    """Tell how much a stretch tells of a step at its start; 0 where rounding hides it."""
    sure = W[0, start] - W[0, end] + W[1, start] - decay * W[1, end]
    sure += W[2, start] - decay * decay * W[2, end]
    return sure if sure > 1e-10 * (W[0, start] + W[1, start] + W[2, start]) else 0.0


@compiled
def _scores(
    A: Floats, B: Floats, W: Floats, decay: float, lag: int, unit: float, Z: Floats
) -> None:
    Z[:lag] = 0.0
    for end in range(lag + 1, len(A)):
        start = end - lag - 1
        sure = _sure(W, decay, start, end)
        found = A[start] - A[end] + B[start] - decay * B[end]
        Z[end - 1] = found / (sqrt(sure) * unit) if sure > 0 else 0.0


@compiled
def _doubt(A: Floats, B: Floats, W: Floats, decay: float, M: Floats, lag: int) -> float:
    """Tell the mean share of a score's variance that the coefficients' error makes."""
    p, T = len(A) - 1, A.shape[1] - 1
    z = np.zeros(p)
    every = 1 if T < 200 else 7  # every seventh window shows all hours of a day
    added, times = 0.0, 0
    for start in range((-lag) % every, T - lag, every):
        end = start + lag + 1
        sure = _sure(W, decay, start, end)
        if sure == 0:
            continue
        for i in range(p):
            found = A[i, start] - A[i, end] + B[i, start] - decay * B[i, end]
            z[i] = (found - _dot(M[i], z, i)) / M[i, i]
            added += z[i] * z[i] / sure
        times += 1
    return added / max(times, 1)


@compiled
def _dot(a: Floats, b: Floats, length: int) -> float:
    total = 0.0
    for k in range(length):
        total += a[k] * b[k]
    return total


@compiled
def _surprise(Z: Floats, weight: Floats, freedom: float) -> float:
    """-log of the smallest chance over all lags of scores [G, L]."""
    best = int(weight.argmax())
    first = int(np.abs(Z[best]).argmax())
    least = _chance(Z[:, first], weight, freedom, best, 1.0)
    for q in range(Z.shape[1]):
        if q != first:
            least = min(least, _chance(Z[:, q], weight, freedom, best, least))
    return max(0.0, -log(max(least, NEVER)))


@compiled
def _chance(z: Floats, weight: Floats, freedom: float, best: int, enough: float) -> float:
    """Mean chance of scores [G]; of one that is beyond `enough`, only that it is."""
    chance = float(weight[best]) * _two_tails(z[best], freedom)
    for g in range(len(z)):
        if chance > enough:
            break
        if g != best:
            chance += weight[g] * _two_tails(z[g], freedom)
    return chance


@compiled
def _two_tails(z: float, freedom: float) -> float:
    """Tell the chance of a Student's t beyond z on either side (Wallace 1959: within 1 % here)."""
    normal = sqrt(freedom * log1p(z * z / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return float(erfc(normal / sqrt(2)))
