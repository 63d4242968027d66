"""How surprising the windows of a history are themselves, scored as new ones will be (`steps.py`)."""

from math import erfc, log, log1p, sqrt

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled

__all__ = ["score_history", "tails_of"]

NEVER = 1e-300
"""Chances below this are this."""
FINE, FAR = 16, 8
"""Chances of scores are worked out beforehand in steps of one over FINE, up to FAR."""
CLEARLY = 1 + 1e-9
"""How much larger a number must be so that it is no matter of rounding."""


def score_history(
    E: Floats, w: Floats, M: Floats, beta: Floats, kappa: Floats, phis: Floats, gains: Floats,
    lags: Counts, weight: Floats, freedom: float, doubt: Floats,
) -> Floats:  # fmt: skip
    """[T] give the surprise of each window of one signal, 0 where too few precede it.

    Args:
        E: [G, T, p + 1] innovations of regressors and signal, from `fit_signal`; they are used up.
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

    Cost: about 0.7 ms for 672 windows, 10 regressors and 7 correlations.
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
        if g > 0 and gains[g] == gains[g - 1] == 0:  # without wander no correlation matters
            for q in range(len(lags)):
                doubt[g, q] = doubt[g - 1, q]
                for t in range(T):
                    Z[g, q, t] = Z[g - 1, q, t]
            continue
        _score(E[g], w[g], M[g], beta[g], kappa[g], phis[g], gains[g], lags, doubt[g], Z[g])
    tails = tails_of(freedom)
    for t in range(lags[-1], T):
        if w[0, t] > 0:
            surprise[t] = _surprise(Z[:, :, t], weight, freedom, tails)


@compiled
def _score(
    E: Floats, w: Floats, M: Floats, beta: Floats, kappa: float, phi: float, gain: float, lags: Counts,
    doubt: Floats, Z: Floats,
) -> None:  # fmt: skip
    """Score a step at each lag as of each window, and learn what the season's error adds.

    A step of 1 leaves c + (1 - c) r^j in the innovation j windows later, once the filter is steady.
    So the sums over any stretch are differences of two sums from a window on: plain and decaying.
    """
    T, width = E.shape
    p = width - 1
    for t in range(T):
        root = sqrt(w[t])
        for i in range(p):
            E[t, p] -= beta[i] * E[t, i]
        for i in range(width):
            E[t, i] *= root
    r = phi * (1 - gain)
    c = (1 - phi) / (1 - r)
    A, B = np.zeros((T + 1, width)), np.zeros((T + 1, width))
    sums, worth = np.zeros((3, T + 1, 1)), w.reshape(T, 1)
    _sum_on(E, 1.0, c, A)
    _sum_on(E, r, 1 - c, B)
    _sum_on(worth, 1.0, c * c, sums[0])
    _sum_on(worth, r, 2 * c * (1 - c), sums[1])
    _sum_on(worth, r * r, (1 - c) * (1 - c), sums[2])
    W, of_signal, z = sums.reshape(3, T + 1), np.stack((A[:, p], B[:, p])), np.empty((p + 2, T))
    for q in range(len(lags)):
        decay = r ** (lags[q] + 1)
        doubt[q] = _doubt(A, B, W, decay, M, lags[q], z)
        # The history's own scores are smaller than new ones by what the fit took.
        own = sqrt(kappa * max(1 - doubt[q], 0.05))
        _scores(of_signal[0], of_signal[1], W, decay, lags[q], own, Z[q])


@compiled
def _sum_on(y: Floats, decay: float, part: float, total: Floats) -> None:
    """[T + 1, N] part of the sums of y [T, N] from each window on, those k windows later times decay^k."""
    for t in range(len(y) - 1, -1, -1):
        here, of, after = total[t], y[t], total[t + 1]
        for i in range(len(of)):
            here[i] = part * of[i] + decay * after[i]


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
def _doubt(
    A: Floats, B: Floats, W: Floats, decay: float, M: Floats, lag: int, z: Floats
) -> float:  # fmt: skip
    """Tell the mean share of a score's variance that the coefficients' error makes; z is to be written on."""
    p, T = A.shape[1] - 1, len(A) - 1
    sure = z[p]
    every = 1 if T < 200 else 7  # every seventh window shows all hours of a day
    times = 0
    for start in range((-lag) % every, T - lag, every):
        end = start + lag + 1
        sure[times] = _sure(W, decay, start, end)
        if sure[times] == 0:
            continue
        for i in range(p):
            z[i, times] = A[start, i] - A[end, i] + B[start, i] - decay * B[end, i]
        times += 1
    _solve(M, z, p, times)
    for i in range(p):
        of = z[i]
        for s in range(times):
            of[s] = of[s] * of[s] / sure[s]
    added = 0.0
    for s in range(times):
        for i in range(p):
            added += z[i, s]
    return added / max(times, 1)


@compiled
def _solve(M: Floats, z: Floats, p: int, times: int) -> None:
    """Solve for the first columns of z, of p rows, by the factor's rows, side by side; the last row is written on."""
    known = z[-1]
    for i in range(p):
        of = z[i]
        known[:times] = 0.0
        for k in range(i):
            other, factor = z[k], M[i, k]
            for s in range(times):
                known[s] += factor * other[s]
        for s in range(times):
            of[s] = (of[s] - known[s]) / M[i, i]


@compiled
def tails_of(freedom: float) -> Floats:
    """Work out chances that those of scores are clearly above which lie below so many times 1 / FINE."""
    tails = np.empty(FINE * FAR)
    for k in range(len(tails)):
        tails[k] = _two_tails(k / FINE, freedom) / CLEARLY
    return tails


@compiled
def _surprise(Z: Floats, weight: Floats, freedom: float, tails: Floats) -> float:
    """-log of the smallest chance over all lags of scores [G, L]; of most a bound shows that it is not theirs."""
    best, first = int(weight.argmax()), 0
    for q in range(Z.shape[1]):
        if abs(Z[best, q]) > abs(Z[best, first]):
            first = q
    least = _chance(Z[:, first], weight, freedom, best, 1.0)
    for q in range(Z.shape[1]):
        if q != first and _at_least(Z[:, q], weight, tails) <= least:
            least = min(least, _chance(Z[:, q], weight, freedom, best, least))
    return max(0.0, -log(max(least, NEVER)))


@compiled
def _at_least(z: Floats, weight: Floats, tails: Floats) -> float:
    """Tell a bound that the mean chance of scores [G] is clearly above."""
    bound = 0.0
    for g in range(len(z)):
        at = abs(z[g]) * FINE + 1
        if at < len(tails):
            bound += weight[g] * tails[int(at)]
    return bound


@compiled
def _chance(z: Floats, weight: Floats, freedom: float, best: int, enough: float) -> float:
    """Mean chance of scores [G]; of one that is beyond `enough`, only that it is."""
    known, tails = z[best], _two_tails(z[best], freedom)
    chance = float(weight[best]) * tails
    for g in range(len(z)):
        if chance > enough:
            break
        if g != best and chance + weight[g] > chance:
            if z[g] != known:  # correlations that see no wander score alike
                known, tails = z[g], _two_tails(z[g], freedom)
            chance += weight[g] * tails
    return chance


@compiled
def _two_tails(z: float, freedom: float) -> float:
    """Tell the chance of a Student's t beyond z on either side (Wallace 1959: within 1 % here)."""
    normal = sqrt(freedom * log1p(z * z / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return float(erfc(normal / sqrt(2)))
