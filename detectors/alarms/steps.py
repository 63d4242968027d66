"""Steps: what has changed in the newest windows of a signal, and how small a change can be found.

The memory of a signal (`memory.py`) turns windows into innovations, what each brings that those
before could not tell. A step of size d k windows ago shows in the innovations since then with a
known signature, so its size is estimated by weighing them, and the estimate over its standard error
is a score: one for each k of `LAGS`. The newest windows alone find jumps, many windows together find
small and slow drifts, and neither is fooled by wander: it is the likelihood ratio test for a step
(Willsky and Jones 1976) over a window of onsets (Lai 1995).

A chance is the mean over all correlations by their likelihood, and the smallest over all lags is
told: `tail.py` counts how small that is in control.
"""

from dataclasses import dataclass
from math import erfc, inf, log, log1p, sqrt

import numpy as np

from detectors.alarms.memory import LAGS, PHIS, Memory
from detectors.arrays import Counts, Floats
from detectors.compiled import compiled

__all__ = ["POWER", "Steps", "detectable", "newest_steps"]

LEAST = 1e-12
"""Likelihood from which a correlation is looked at."""
MOST = 1e30
"""Signals and worths beyond this count as this; a worth below its inverse counts as 0."""
NEVER = 1e-300
"""Chances below this are this."""
POWER = 1.2816
"""The normal score of 90 %."""


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


def newest_steps(
    memory: Memory, x: Floats, worth: Floats, season: Floats, *, standing: bool = True
) -> Steps:
    """Look for a step in the newest of N windows.

    Args:
        memory: of R signals, from `fit_memory`.
        x: [R, N] signals, N <= REACH, the newest last; without gaps in time.
        worth: [R, N] as in `fit_memory`; a signal whose newest window is worth 0 has no step.
        season: [N, p] regressors.
        standing: whether steps are left out that have passed: spikes, ways back to what is usual.

    Cost: 4 to 8 us a signal of 97 windows and 10 regressors, the more correlations are likely.

    >>> from detectors.alarms.memory import fit_memory
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(1, 500))
    >>> x[0, 491:] += 3
    >>> memory, _ = fit_memory(x[:, :400], np.ones((1, 400)), np.ones((400, 1)), np.ones(1))
    >>> steps = newest_steps(memory, x[:, 403:], np.ones((1, 97)), np.ones((97, 1)))
    >>> int(steps.lag[0]), bool(abs(steps.size[0] - 3) < 3 * steps.error[0])
    (8, True)
    """
    R = len(x)
    out = np.zeros((5, R))
    x, worth, X = map(np.ascontiguousarray, (x, worth, season.T))  # one layout, compiled once
    _newest_all(
        x,
        worth,
        X,
        PHIS,
        LAGS,
        *memory.exact(),
        memory.freedom,
        memory.lags,
        standing,
        out,
    )
    return Steps(out[0], out[1], out[2], out[3].astype(np.int64), out[4])


def detectable(memory: Memory, worth: Floats, surprise: Floats, within: int) -> Floats:
    """[R] the smallest step found with 90 % power within some windows; inf where none is.

    Args:
        memory: of R signals, from `fit_memory`.
        worth: [R] of a usual window.
        surprise: [R] that is needed for an alarm.
        within: windows from the onset on in which it must be found.

    Cost: about 50 us a signal.
    """
    out = np.full(len(worth), inf)
    weight, wander, scale, _, doubt, _ = memory.exact()
    worth = np.ascontiguousarray(worth)  # one layout, compiled once
    _detectable_all(worth, surprise, within, PHIS, LAGS, weight, wander, scale, doubt, memory.freedom,
                    memory.lags, out)  # fmt: skip
    return out


@compiled
def _newest_all(
    x: Floats, worth: Floats, X: Floats, phis: Floats, lags: Counts, weight: Floats, wander: Floats,
    scale: Floats, season: Floats, doubt: Floats, gains: Floats, freedom: Floats, used: Counts,
    standing: bool, out: Floats,
) -> None:  # fmt: skip
    R, N = x.shape
    G, L = len(phis), len(lags)
    w, e, variance = np.empty((G, N)), np.empty((G, N)), np.empty(N)
    found, sure = np.empty((G, L)), np.empty((G, L))
    backs = np.minimum(lags, N - 1)
    for r in range(R):
        best = weight[r].argmax()
        for i in range(len(X)):
            out[4, r] += X[i, N - 1] * season[r, best, i]
        if worth[r, N - 1] < 1 / MOST:
            continue
        live = np.flatnonzero(weight[r] >= LEAST)
        _prepare(x[r], worth[r], X, season[r], live, e, variance)
        away = e[best].copy()
        _innovate(variance, phis, wander[r], live, e, w)
        for g in live:
            _weigh(e[g], w[g], phis[g], gains[r, g], backs[: used[r]], found[g], sure[g])
            for q in range(used[r]):  # a score, and the standard error of the size
                spread = sqrt(scale[r, g] * (1 + doubt[r, g, q]) / sure[g, q])
                found[g, q], sure[g, q] = found[g, q] / sure[g, q] / spread, spread
        if standing:
            sizes = found[best, : used[r]] * sure[best, : used[r]]
            _leave_out(away, e[best], w[best], backs, sizes, found)
        chance, q = _most_surprising(found, weight[r], live, best, freedom[r], used[r])
        out[0, r] = max(0.0, -log(max(chance, NEVER)))
        out[1, r], out[2, r] = found[best, q] * sure[best, q], sure[best, q]
        out[3, r] = backs[q]


@compiled
def _prepare(
    x: Floats, worth: Floats, X: Floats, season: Floats, live: Counts, e: Floats, variance: Floats
) -> None:
    """Put sampling variances, -1 where none, and what the season leaves of the signal."""
    for t in range(len(x)):
        told = worth[t] >= 1 / MOST
        variance[t] = 1 / min(worth[t], MOST) if told else -1.0
        e[live[0], t] = min(max(x[t], -MOST), MOST) if told else 0.0
    for g in live[1:]:
        for t in range(len(x)):
            e[g, t] = e[live[0], t]
    for g in live:
        for i in range(len(X)):
            _subtract(season[g, i], X[i], e[g])


@compiled
def _subtract(times: float, a: Floats, of: Floats) -> None:
    for t in range(len(a)):
        of[t] -= times * a[t]


@compiled
def _innovate(
    variance: Floats, phis: Floats, wander: Floats, live: Counts, e: Floats, w: Floats
) -> None:
    """Filter with all correlations beside each other; `w` is one over an innovation's variance."""
    P, s = wander.copy(), np.zeros(len(phis))
    for t in range(len(variance)):
        for g in live:
            phi, gain = phis[g], 0.0
            if variance[t] > 0:
                w[g, t] = 1 / (P[g] + variance[t])
                gain = P[g] * w[g, t]
                e[g, t] -= s[g]
            else:
                w[g, t], e[g, t] = 0.0, 0.0
            s[g] = phi * (s[g] + gain * e[g, t])
            P[g] = phi * phi * P[g] * (1 - gain) + wander[g] * (1 - phi * phi)


@compiled
def _weigh(
    e: Floats, w: Floats, phi: float, gain: float, backs: Counts, found: Floats, sure: Floats
) -> None:
    """Weigh the innovations by a step's signature: `found` over `sure` is its size.

    A step of 1 leaves c + (1 - c) r^j in the innovation j windows later, once the filter is steady.
    """
    last = len(e) - 1
    r = phi * (1 - gain)
    c = (1 - phi) / (1 - r)
    plain, decaying = 0.0, 0.0
    sure0, sure1, sure2 = 0.0, 0.0, 0.0
    back = -1
    for q in range(len(backs)):
        while back < backs[q]:
            back += 1
            wt = w[last - back]
            plain += wt * e[last - back]
            decaying = r * decaying + wt * e[last - back]
            sure0 += wt
            sure1 = r * sure1 + wt
            sure2 = r * r * sure2 + wt
        found[q] = c * plain + (1 - c) * decaying
        sure[q] = c * c * sure0 + 2 * c * (1 - c) * sure1 + (1 - c) * (1 - c) * sure2


@compiled
def _leave_out(
    away: Floats, e: Floats, w: Floats, backs: Counts, sizes: Floats, found: Floats
) -> None:
    """Put 0 for the scores of steps that do not stand."""
    for q in range(len(sizes)):
        if not _stands(away, e, w, len(e) - 1 - backs[q], sizes[q]):
            found[:, q] = 0.0


@compiled
def _stands(away: Floats, e: Floats, w: Floats, onset: int, size: float) -> bool:
    """Whether what a step brought is still there: no spike that has passed, no way back to what is usual.

    Over the later half of the windows since the onset the signal must lie off the season by a quarter of the step,
    on its side, and by half of the step beyond where it was expected before; over the last quarter by an eighth and a
    quarter, over the last eighth by half of that, as means of fewer windows are less sure; and so over the last three.
    """
    N = len(away)
    while w[onset] == 0:  # the newest window is told
        onset += 1
    before = away[onset] - e[onset]
    for part, most in ((2, N), (4, N), (8, N), (8, 3)):
        later, times = 0.0, 0
        for t in range(N - min(most, max(1, (N - onset) // part)), N):
            if w[t] > 0:
                later += away[t]
                times += 1
        later /= times
        least = size * size / part
        if 2 * later * size < least or (later - before) * size < least:
            return False
    return True


@compiled
def _most_surprising(
    Z: Floats, weight: Floats, live: Counts, best: int, freedom: float, used: int
) -> tuple[float, int]:
    """Give the smallest chance of scores [G, L] and its lag; the largest score's if none can be told."""
    at = int(np.abs(Z[best, :used]).argmax())
    least = _chance(Z[:, at], weight, live, best, freedom, 1.0)
    for q in range(used):
        if least > NEVER:
            chance = _chance(Z[:, q], weight, live, best, freedom, least)
            if chance < least:
                least, at = chance, q
    return least, at


@compiled
def _chance(
    z: Floats, weight: Floats, live: Counts, best: int, freedom: float, enough: float
) -> float:
    """Mean chance of scores [G]; of one that is beyond `enough`, only that it is."""
    chance = float(weight[best]) * _two_tails(z[best], freedom)
    for g in live:
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


@compiled
def _detectable_all(
    worth: Floats, surprise: Floats, within: int, phis: Floats, lags: Counts, weight: Floats,
    wander: Floats, scale: Floats, doubt: Floats, freedom: Floats, used: Counts, out: Floats,
) -> None:  # fmt: skip
    G, L = len(phis), len(lags)
    error = np.empty((L, G))
    for r in range(len(worth)):
        if worth[r] <= 0:
            continue
        best = weight[r].argmax()
        for g in range(G):
            _errors(
                phis[g], wander[r, g], worth[r], scale[r, g] * (1 + doubt[r, g]), lags, error[:, g]
            )
        for q in range(used[r] - 1, -1, -1):
            if lags[q] < within:
                spare = POWER * error[q, best]
                size = _size(error[q], weight[r], freedom[r], surprise[r], out[r] - spare)
                out[r] = min(out[r], size + spare)


@compiled
def _errors(
    phi: float, wander: float, worth: float, scale: Floats, lags: Counts, error: Floats
) -> None:
    """Tell the standard error of a step's size at each lag, where windows are alike."""
    P, noise = wander, 1 / worth
    for _ in range(200):
        P = phi * phi * P * noise / (P + noise) + wander * (1 - phi * phi)
    gain = P / (P + noise)
    known, sure, j = 0.0, 0.0, 0
    for q in range(len(lags)):
        while j <= lags[q]:  # an innovation's variance is noise / (1 - gain)
            sure += (1 - known) * (1 - known) * worth * (1 - gain)
            known = phi * (known + gain * (1 - known))
            j += 1
        error[q] = sqrt(scale[q] / sure)


@compiled
def _size(error: Floats, weight: Floats, freedom: float, surprise: float, enough: float) -> float:
    """Tell the smallest estimate that is so surprising; inf if it is beyond `enough`."""
    low, high = 0.0, enough
    if high == inf:
        high = error.max()
        for _ in range(60):
            if _surprise(high, error, weight, freedom) >= surprise:
                break
            high *= 2
    if high <= 0 or _surprise(high, error, weight, freedom) < surprise:
        return inf
    for _ in range(50):
        middle = (low + high) / 2
        if _surprise(middle, error, weight, freedom) >= surprise:
            high = middle
        else:
            low = middle
    return high


@compiled
def _surprise(size: float, error: Floats, weight: Floats, freedom: float) -> float:
    chance = 0.0
    for g in range(len(error)):
        chance += weight[g] * _two_tails(size / error[g], freedom)
    return -log(max(chance, NEVER))
