"""How a signal wanders from window to window, and what a step in it would look like.

A signal in control is taken for

    x_t = season_t' beta + s_t + sampling noise of variance kappa / worth_t,

where s_t is a first-order autoregression of correlation phi and variance `wander`. A Kalman filter
turns it into innovations, what a window brings that those before could not tell. A step of size d
k windows ago shows in the innovations since then with a known signature, so its size is estimated
by weighing them, and the estimate over its standard error is a score: one for each k of `LAGS`. The
newest windows alone find jumps, many windows together find small and slow drifts, and neither is
fooled by wander: it is the likelihood ratio test for a step (Willsky and Jones 1976) over a
window of onsets (Lai 1995).

phi is never known, and near 1 a short history cannot tell. So each of `PHIS` is fitted by restricted
maximum likelihood (Harville 1977), with the season's coefficients left free, and the chance of a
score is the mean over all of them by their likelihood: a history that may have a long memory makes
drifts over many windows unsurprising, by itself. What the coefficients' own error adds is in
`doubt`; that of the scale is in Student's t.
"""

from dataclasses import astuple, dataclass
from math import erfc, exp, log, log1p, sqrt

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled

__all__ = ["LAGS", "PHIS", "REACH", "Memory", "Steps", "detectable", "fit_memory", "newest_steps"]

PHIS: Floats = np.array([0.0, 0.5, 0.8, 0.9, 0.96, 0.985, 0.995])
"""Correlations from one window to the next that are weighed against each other."""
RATIOS: Floats = np.array([0.0, 0.05, 0.15, 0.5, 1.5, 5.0, 20.0, 80.0, 400.0, 4000.0])
"""Variances of wander tried, over the mean sampling variance."""
LAGS: Counts = np.array([0, 1, 2, 4, 8, 16, 24, 48, 96])
"""Windows that a step may lie back."""
REACH = 97
"""Windows that a judgement looks back on, the newest included."""
LEAST = 1e-7
"""Likelihood from which a correlation is looked at."""


@dataclass(frozen=True, eq=False)
class Memory:
    """What is known of R signals, over G correlations and L lags, with p seasonal terms.

    Attributes:
        weight: [R, G] likelihood of each correlation, sum 1.
        wander: [R, G] variance of the autoregression.
        scale: [R, G] kappa.
        season: [R, G, p] coefficients.
        doubt: [R, G, L] what the coefficients' error adds to a score's variance of 1.
        gain: [R, G] how much of an innovation the filter takes for wander, in its steady state.
        freedom: [R] degrees of freedom.
        lags: [R] how many of `LAGS` are looked at.

    Cost: 4 G (13 + p) + 32 bytes a signal when packed.
    """

    weight: Floats
    wander: Floats
    scale: Floats
    season: Floats
    doubt: Floats
    gain: Floats
    freedom: Floats
    lags: Counts

    def payload(self) -> list[object]:
        """Give the arrays."""
        return list(astuple(self))


@dataclass(frozen=True, eq=False)
class Steps:
    """The most surprising step of R signals, as of one window.

    Attributes:
        surprise: [R] -log of the raw chance of the score, the smallest over all lags; >= 0.
        size: [R] the step's estimated size, in units of the signal.
        error: [R] the standard error of that, under the likeliest correlation.
        lag: [R] how many windows ago it began.
        usual: [R] what the season makes of the newest window.
    """

    surprise: Floats
    size: Floats
    error: Floats
    lag: Counts
    usual: Floats


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

    Cost: about 8 ms a signal of 672 windows.

    >>> rng = np.random.default_rng(1)
    >>> noise = rng.normal(size=(1, 400))
    >>> memory, _ = fit_memory(noise, np.ones((1, 400)), np.ones((400, 1)), np.ones(1))
    >>> bool(memory.scale[0, 0] < 1.1), memory.weight.shape
    (True, (1, 7))
    """
    R, T = x.shape
    G, L, p = len(PHIS), len(LAGS), season.shape[1]
    used = int(min(lags, np.searchsorted(LAGS, max(1, T // 4))))
    memory = Memory(
        np.zeros((R, G)), np.zeros((R, G)), np.ones((R, G)), np.zeros((R, G, p)), np.zeros((R, G, L)),
        np.zeros((R, G)), np.maximum(3.0, (worth > 0).sum(axis=1) - p).astype(np.float64),
        np.full(R, used, np.int64),
    )  # fmt: skip
    surprise = np.zeros((R, T))
    fields = (memory.weight, memory.wander, memory.scale, memory.season, memory.doubt, memory.gain)
    _fit_all(x, worth, np.ascontiguousarray(season), least, PHIS, RATIOS, LAGS, *fields,
             memory.freedom, memory.lags, surprise)  # fmt: skip
    for array in fields:
        array[:] = array.astype(np.float32)
    return memory, surprise


def newest_steps(memory: Memory, x: Floats, worth: Floats, season: Floats) -> Steps:
    """Look for a step in the newest of N windows.

    Args:
        x: [R, N] signals, N <= REACH, the newest last; without gaps in time.
        worth: [R, N] as in `fit_memory`; a signal whose newest window is worth 0 has no step.
        season: [N, p] regressors.

    Cost: about 6 us a signal.
    """
    R = len(x)
    out = np.zeros((5, R))
    _newest_all(x, worth, np.ascontiguousarray(season), PHIS, LAGS, memory.weight, memory.wander,
                memory.scale, memory.season, memory.doubt, memory.gain, memory.freedom, memory.lags, out)  # fmt: skip
    return Steps(out[0], out[1], out[2], out[3].astype(np.int64), out[4])


def detectable(memory: Memory, worth: Floats, surprise: Floats, within: int) -> Floats:
    """[R] the smallest step found with 90 % power within some windows; inf where none is.

    Args:
        worth: [R] of a usual window.
        surprise: [R] that is needed for an alarm.
        within: windows from the onset on in which it must be found.
    """
    out = np.full(len(worth), np.inf)
    _detectable_all(worth, surprise, within, PHIS, LAGS, memory.weight, memory.wander, memory.scale,
                    memory.doubt, memory.freedom, memory.lags, out)  # fmt: skip
    return out


@compiled
def _fit_all(
    x: Floats, worth: Floats, X: Floats, least: Floats, phis: Floats, ratios: Floats, lags: Counts,
    weight: Floats, wander: Floats, scale: Floats, season: Floats, doubt: Floats, gains: Floats,
    freedom: Floats, used: Counts, surprise: Floats,
) -> None:  # fmt: skip
    R, T = x.shape
    p, G, L = X.shape[1], len(phis), len(lags)
    e, w, E = np.empty(T), np.empty(T), np.empty((T, p))
    likely = np.empty(G)
    Z = np.zeros((G, L, T))
    for r in range(R):
        total, some = 0.0, 0
        for t in range(T):
            if worth[r, t] > 0:
                total += 1 / worth[r, t]
                some += 1
        if some <= p + 2:
            for g in range(G):
                weight[r, g] = 1 / G
            continue
        noise = total / some
        for g in range(G):
            likely[g] = -1e300
            for ratio in ratios:
                if phis[g] == 0.0 and ratio > 0:
                    break
                _innovate(x[r], worth[r], X, phis[g], ratio * noise, e, w, E)
                _, _, kappa, told = _regress(e, w, E, some, least[r])
                if told > likely[g]:
                    likely[g], wander[r, g] = told, ratio * noise
            _innovate(x[r], worth[r], X, phis[g], wander[r, g], e, w, E)
            beta, inverse, kappa, _ = _regress(e, w, E, some, least[r])
            scale[r, g] = kappa
            for i in range(p):
                season[r, g, i] = beta[i]
            for t in range(T):
                for i in range(p):
                    e[t] -= E[t, i] * beta[i]
            # Innovations have the variance kappa / w; wander was fitted before kappa.
            gains[r, g] = _steady_gain(phis[g], wander[r, g], noise)
            trace = _signature(phis[g], gains[r, g], lags[L - 1] + 1)
            for q in range(used[r]):
                _scores(e, w, E, inverse, trace, lags[q], kappa, doubt[r, g], q, Z[g, q])
        most = likely.max()
        sum_ = 0.0
        for g in range(G):
            weight[r, g] = exp(likely[g] - most)
            sum_ += weight[r, g]
        for g in range(G):
            weight[r, g] /= sum_
        for t in range(lags[used[r] - 1], T):
            if worth[r, t] == 0:
                continue
            for q in range(used[r]):
                chance = 0.0
                for g in range(G):
                    chance += weight[r, g] * _two_tails(Z[g, q, t], freedom[r])
                surprise[r, t] = max(surprise[r, t], -log(max(chance, 1e-300)))


@compiled
def _innovate(
    x: Floats, worth: Floats, X: Floats, phi: float, wander: float, e: Floats, w: Floats, E: Floats
) -> None:  # fmt: skip
    """Filter a signal and its regressors alike; `w` is one over the variance of an innovation."""
    T, p = X.shape
    P, fresh, s = wander, wander * (1 - phi * phi), 0.0
    S = np.zeros(p)
    for t in range(T):
        gain = 0.0
        w[t] = 0.0
        if worth[t] > 0:
            w[t] = 1 / (P + 1 / worth[t])
            gain = P * w[t]
        e[t] = x[t] - s if worth[t] > 0 else 0.0
        s = phi * (s + gain * e[t])
        for i in range(p):
            E[t, i] = X[t, i] - S[i]
            S[i] = phi * (S[i] + gain * E[t, i])
        P = phi * phi * P * (1 - gain) + fresh


@compiled
def _regress(
    e: Floats, w: Floats, E: Floats, some: int, least: float
) -> tuple[Floats, Floats, float, float]:
    """Fit the season to the innovations; give its coefficients, the inverse, kappa, the likelihood."""
    T, p = E.shape
    A, b = np.zeros((p, p)), np.zeros(p)
    squares, volume = 0.0, 0.0
    for t in range(T):
        if w[t] == 0:
            continue
        volume -= log(w[t])
        squares += e[t] * e[t] * w[t]
        for i in range(p):
            wi = E[t, i] * w[t]
            b[i] += wi * e[t]
            for j in range(i + 1):
                A[i, j] += wi * E[t, j]
    for i in range(p):
        for j in range(i):
            A[j, i] = A[i, j]
        A[i, i] *= 1 + 1e-9
        A[i, i] += 1e-9
    inverse = np.linalg.inv(A)
    beta = inverse @ b
    rest = max(squares - b @ beta, 0.0)
    free = some - p
    kappa = max(rest / free, least)
    told = -0.5 * (volume + free * log(kappa) + rest / kappa + np.linalg.slogdet(A)[1])
    return beta, inverse, kappa, told


@compiled
def _steady_gain(phi: float, wander: float, noise: float) -> float:
    """Tell the filter's gain once it has run for long, where windows are alike."""
    P, fresh = wander, wander * (1 - phi * phi)
    for _ in range(200):
        P = phi * phi * P * noise / (P + noise) + fresh
    return P / (P + noise)


@compiled
def _signature(phi: float, gain: float, length: int) -> Floats:
    """[length] how much of a step of 1 each innovation since it holds, in the steady state."""
    trace = np.ones(length)
    known = 0.0
    for j in range(length):
        trace[j] = 1 - known
        known = phi * (known + gain * (1 - known))
    return trace


@compiled
def _scores(
    e: Floats, w: Floats, E: Floats, inverse: Floats, trace: Floats, lag: int, kappa: float,
    doubt: Floats, q: int, Z: Floats,
) -> None:  # fmt: skip
    """Score a step `lag` windows ago as of each window, and learn what the season's error adds."""
    T, p = E.shape
    z = np.zeros(p)
    added, times = 0.0, 0
    for t in range(T):
        Z[t] = 0.0
    for t in range(lag, T):
        found, sure = 0.0, 0.0
        for j in range(lag + 1):
            at = t - lag + j
            found += trace[j] * w[at] * e[at]
            sure += trace[j] * trace[j] * w[at]
        if sure == 0:
            continue
        Z[t] = found / sqrt(sure * kappa)
        if t % 7 == 0 or T < 200:  # every seventh window shows all hours of a day
            for i in range(p):
                z[i] = 0.0
            for j in range(lag + 1):
                at = t - lag + j
                for i in range(p):
                    z[i] += trace[j] * w[at] * E[at, i]
            for i in range(p):
                for k in range(p):
                    added += z[i] * inverse[i, k] * z[k] / sure
            times += 1
    doubt[q] = added / max(times, 1)
    # The history's own scores are smaller than new ones by what the fit took.
    own = sqrt(max(1 - doubt[q], 0.05))
    for t in range(lag, T):
        Z[t] /= own


@compiled
def _two_tails(z: float, freedom: float) -> float:
    """Tell the chance of a Student's t beyond z on either side (Wallace 1959: within 1 % here)."""
    normal = sqrt(freedom * log1p(z * z / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return erfc(normal / sqrt(2.0))


@compiled
def _newest_all(
    x: Floats, worth: Floats, X: Floats, phis: Floats, lags: Counts, weight: Floats, wander: Floats,
    scale: Floats, season: Floats, doubt: Floats, gains: Floats, freedom: Floats, used: Counts,
    out: Floats,
) -> None:  # fmt: skip
    R, N = x.shape
    p, G = X.shape[1], len(phis)
    e, w, variance = np.empty(N), np.empty(N), np.empty(N)
    chance, size, error = np.empty(len(lags)), np.empty(len(lags)), np.empty(len(lags))
    for r in range(R):
        best = 0
        for g in range(G):
            if weight[r, g] > weight[r, best]:
                best = g
        for i in range(p):
            out[4, r] += X[N - 1, i] * season[r, best, i]
        if worth[r, N - 1] == 0:
            continue
        for q in range(used[r]):
            chance[q] = 0.0
        for t in range(N):
            variance[t] = 1 / worth[r, t] if worth[r, t] > 0 else -1.0
        for g in range(G):
            if weight[r, g] < LEAST:
                continue
            phi, P = phis[g], wander[r, g]
            fresh, s = P * (1 - phi * phi), 0.0
            for t in range(N):
                gain = 0.0
                w[t], e[t] = 0.0, 0.0
                if variance[t] > 0:
                    w[t] = 1 / (P + variance[t])
                    gain = P * w[t]
                    usual = s
                    for i in range(p):
                        usual += X[t, i] * season[r, g, i]
                    e[t] = x[r, t] - usual
                s = phi * (s + gain * e[t])
                P = phi * phi * P * (1 - gain) + fresh
            trace = _signature(phi, gains[r, g], lags[used[r] - 1] + 1)
            for q in range(used[r]):
                found, sure = 0.0, 0.0
                back = min(lags[q], N - 1)
                for j in range(back + 1):
                    at = N - 1 - back + j
                    found += trace[j] * w[at] * e[at]
                    sure += trace[j] * trace[j] * w[at]
                spread = sqrt(scale[r, g] * (1 + doubt[r, g, q]))
                chance[q] += weight[r, g] * _two_tails(found / (sqrt(sure) * spread), freedom[r])
                if g == best:
                    size[q], error[q] = found / sure, spread / sqrt(sure)
        for q in range(used[r]):
            surprise = -log(max(chance[q], 1e-300))
            if surprise > out[0, r] or q == 0:
                out[0, r], out[1, r], out[2, r] = surprise, size[q], error[q]
                out[3, r] = min(lags[q], N - 1)


@compiled
def _detectable_all(
    worth: Floats, surprise: Floats, within: int, phis: Floats, lags: Counts, weight: Floats,
    wander: Floats, scale: Floats, doubt: Floats, freedom: Floats, used: Counts, out: Floats,
) -> None:  # fmt: skip
    G = len(phis)
    error = np.empty(G)
    for r in range(len(worth)):
        if worth[r] <= 0:
            continue
        best = 0
        for g in range(G):
            if weight[r, g] > weight[r, best]:
                best = g
        for q in range(used[r]):
            if lags[q] >= within:
                break
            for g in range(G):
                gain = _steady_gain(phis[g], wander[r, g], 1 / worth[r])
                trace = _signature(phis[g], gain, lags[q] + 1)
                sure = 0.0
                for j in range(lags[q] + 1):  # an innovation's variance is noise / (1 - gain)
                    sure += trace[j] * trace[j] * worth[r] * (1 - gain)
                error[g] = sqrt(scale[r, g] * (1 + doubt[r, g, q]) / sure)
            low, high = 0.0, 1.0
            for step in range(60):
                middle = (low + high) / 2 if step >= 20 else high
                chance = 0.0
                for g in range(G):
                    chance += weight[r, g] * _two_tails(middle / error[g], freedom[r])
                enough = -log(max(chance, 1e-300)) >= surprise[r]
                if step < 20:
                    if enough:
                        continue
                    high *= 2
                elif enough:
                    high = middle
                else:
                    low = middle
            out[r] = min(out[r], high + 1.2816 * error[best])
