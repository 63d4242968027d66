"""The window of ADWIN: rows of buckets, and the search for a cut; free functions over three arrays.

    window [SLOTS]               what is known of the whole, see STATUS to RESTART
    counts [ROWS]                how many buckets each row has
    buckets [3, ROWS, capacity]  sizes, totals and squared deviations, the oldest of a row first

The functions trust what they get: `sound` tells whether they may. All that is compiled stands in
this one file, as compiled code that is cached does not notice changes of what it calls elsewhere.
"""

from math import floor, log, log2, sqrt

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled
from detectors.sequential.sequential import CALM, DRIFT

__all__ = ["begin", "sound", "take_aggregate", "take_many"]

WEIGHT_ROW = 31  # where a bucket of WEIGHT_MAX enters
ROWS = (
    80  # the last row would take some 2^48 buckets of WEIGHT_MAX; should they come, it keeps them
)
WAITING_MAX = 256
ROUNDING = 1e-11
"""More than rounding can do to a sum of the window, as a share of the largest partial sum."""

# Where the window holds what. PURE: whether row i has held nothing but buckets of 2^i values;
# RESTART: whether all is forgotten with the update after a detection.
STATUS, TICKS, SIZE, TOTAL, SQUARES, TOP, PURE, RESTART = range(8)
SLOTS = 8
# Where a bucket holds what: [part, row, bucket].
SIZES, TOTALS, SQUARED = range(3)
PARTS = 3


def sound(window: Floats, counts: Counts, buckets: Floats) -> bool:
    """Tell whether compiled code may rely on a state of the right shapes."""
    held = np.arange(buckets.shape[2]) < counts[:, None]
    sizes = buckets[SIZES][held]
    row = np.broadcast_to(np.arange(len(counts))[:, None], held.shape)[held]
    return bool(
        counts.min() >= 0
        and counts.max() < buckets.shape[2]
        and window[TOP] == np.max(np.flatnonzero(counts), initial=0) == len(counts) - 1
        and window[STATUS] in (CALM, DRIFT)
        and window[RESTART] in (0, 1)
        and 0 <= window[TICKS] < 2.0**63
        and window[TICKS] == np.floor(window[TICKS])
        # Small, old buckets are carried up to WEIGHT_ROW at most; beyond, two make one.
        and (sizes >= 2.0 ** np.maximum(0, row - WEIGHT_ROW)).all()
        and (sizes == np.floor(sizes)).all()
        and window[SIZE] == sizes.sum() < 2.0**63
        and (window[PURE] == 0 or (window[PURE] == 1 and (sizes == 2.0**row).all()))
    )


@compiled
def begin(window: Floats, counts: Counts, buckets: Floats) -> None:
    """Forget all."""
    counts[:] = 0
    window[:PURE] = 0.0
    window[PURE] = 1.0
    size = 1.0
    for row in range(ROWS):
        buckets[SIZES, row, :] = size
        size *= 2.0


@compiled
def take_many(
    window: Floats,
    counts: Counts,
    buckets: Floats,
    delta: float,
    clock: int,
    shortest: float,
    grace: float,
    rounding: float,
    values: Floats,
    found: Counts,
) -> int:
    """Take value after value; tell how many detections were noted in `found`."""
    scratch = np.empty((4, WAITING_MAX + buckets.shape[2]))
    at = k = 0
    while at < len(values):
        if window[STATUS] == DRIFT and window[RESTART] == 1.0:
            begin(window, counts, buckets)
        stop = min(len(values), at + clock - int(window[TICKS]) % clock, at + WAITING_MAX)
        if window[PURE] == 1.0:
            _absorb(window, counts, buckets, values[at:stop], scratch)
        else:
            for i in range(at, stop):
                _insert(window, counts, buckets, values[i], 1.0, 0.0)
        window[TICKS] += stop - at
        at = stop
        if _search_if_due(window, counts, buckets, delta, clock, shortest, grace, rounding):
            found[k] = at - 1
            k += 1
    return k


@compiled
def take_aggregate(
    window: Floats,
    counts: Counts,
    buckets: Floats,
    delta: float,
    clock: int,
    shortest: float,
    grace: float,
    rounding: float,
    mean: float,
    weight: float,
    variance: float,
) -> None:
    """Take the aggregate of several values."""
    if window[STATUS] == DRIFT and window[RESTART] == 1.0:
        begin(window, counts, buckets)
    if weight != 1.0:
        window[PURE] = 0.0
    _insert(window, counts, buckets, mean, weight, variance)
    window[TICKS] += 1.0
    _search_if_due(window, counts, buckets, delta, clock, shortest, grace, rounding)


@compiled
def _absorb(
    window: Floats, counts: Counts, buckets: Floats, values: Floats, scratch: Floats
) -> None:
    """Add single values to a window whose row i has buckets of 2^i values only.

    Row by row: of a row with all that came to it, the oldest pairs go up until the rest fits. That
    is what single insertions do, as a row is a queue. Dividing by 2^i is multiplying by 2^-i, to
    the bit. `scratch` holds what comes to a row (totals, squares) and what leaves it.
    """
    size, total, squares = window[SIZE], window[TOTAL], window[SQUARES]
    room = buckets.shape[2]  # in front of what comes there is room for what a row has
    come = len(values)
    for i in range(come):
        x = values[i]
        if size > 0.0:
            gap = x - total / size
            squares += size * gap * gap / (size + 1.0)
        size += 1.0
        total += x
        scratch[0, room + i] = x
        scratch[1, room + i] = 0.0
    window[SIZE], window[TOTAL], window[SQUARES] = size, total, squares
    row, now, then, half = 0, 0, 2, 0.5
    while come > 0:
        held = counts[row]
        first, every = room - held, held + come
        for k in range(held):
            scratch[now, first + k] = buckets[TOTALS, row, k]
            scratch[now + 1, first + k] = buckets[SQUARED, row, k]
        pairs = max(0, (every - room + 2) // 2)
        per_value = 0.5 / half
        for pair in range(pairs):
            a, b = first + 2 * pair, first + 2 * pair + 1
            gap = scratch[now, a] * per_value - scratch[now, b] * per_value
            scratch[then, room + pair] = scratch[now, a] + scratch[now, b]
            merged = scratch[now + 1, a] + scratch[now + 1, b] + half * gap * gap
            scratch[then + 1, room + pair] = merged
        counts[row] = every - 2 * pairs
        for k in range(counts[row]):
            buckets[TOTALS, row, k] = scratch[now, first + 2 * pairs + k]
            buckets[SQUARED, row, k] = scratch[now + 1, first + 2 * pairs + k]
        come, now, then, half = pairs, then, now, 2.0 * half
        row += 1
    window[TOP] = max(window[TOP], row - 1.0)


@compiled
def _push(
    counts: Counts, buckets: Floats, row: int, size: float, total: float, squares: float
) -> int:
    """Append a bucket to a row; the two oldest of an overfull row go to the next as one.

    In the last row, which has none after it, the two stay as one.
    """
    while True:
        last = counts[row]
        buckets[SIZES, row, last] = size
        buckets[TOTALS, row, last] = total
        buckets[SQUARED, row, last] = squares
        counts[row] = last + 1
        if last + 1 < buckets.shape[2]:
            return row
        size0, size1 = buckets[SIZES, row, 0], buckets[SIZES, row, 1]
        gap = buckets[TOTALS, row, 0] / size0 - buckets[TOTALS, row, 1] / size1
        size = size0 + size1
        total = buckets[TOTALS, row, 0] + buckets[TOTALS, row, 1]
        squares = buckets[SQUARED, row, 0] + buckets[SQUARED, row, 1]
        squares += size0 * size1 / size * gap * gap
        if row + 1 == buckets.shape[1]:
            buckets[SIZES, row, 0] = size
            buckets[TOTALS, row, 0] = total
            buckets[SQUARED, row, 0] = squares
            for k in range(2, last + 1):
                for part in range(3):
                    buckets[part, row, k - 1] = buckets[part, row, k]
            counts[row] = last
            return row
        for k in range(2, last + 1):
            for part in range(3):
                buckets[part, row, k - 2] = buckets[part, row, k]
        counts[row] = last - 1
        row += 1


@compiled
def _insert(
    window: Floats, counts: Counts, buckets: Floats, mean: float, weight: float, variance: float
) -> None:
    """Add `weight` values to the window, as one bucket."""
    row = floor(log2(weight))
    top = int(window[TOP])
    for lower in range(row - 1, -1, -1):  # the oldest first
        for k in range(counts[lower]):
            size, total = buckets[SIZES, lower, k], buckets[TOTALS, lower, k]
            top = max(top, _push(counts, buckets, row, size, total, buckets[SQUARED, lower, k]))
        counts[lower] = 0
    before = window[SIZE]
    window[SIZE] = before + weight
    if before > 0.0:
        gap = mean - window[TOTAL] / before
        window[SQUARES] += before * weight * gap * gap / window[SIZE]
    window[TOTAL] += weight * mean
    window[SQUARES] += weight * variance
    top = max(top, _push(counts, buckets, row, weight, weight * mean, weight * variance))
    window[TOP] = top


@compiled
def _drop_oldest(window: Floats, counts: Counts, buckets: Floats) -> None:
    """Take the oldest bucket, the first of the highest row, out of the window."""
    row = int(window[TOP])
    size, total = buckets[SIZES, row, 0], buckets[TOTALS, row, 0]
    window[SIZE] -= size
    window[TOTAL] -= total
    gap = total / size - window[TOTAL] / window[SIZE]
    between = size * window[SIZE] * gap * gap / (size + window[SIZE])
    window[SQUARES] -= buckets[SQUARED, row, 0] + between
    counts[row] -= 1
    for k in range(counts[row]):
        for part in range(3):
            buckets[part, row, k] = buckets[part, row, k + 1]
    while row > 0 and counts[row] == 0:
        row -= 1
    window[TOP] = row


@compiled
def _largest(window: Floats) -> float:
    """Give what no partial sum of the window exceeds."""
    return float(abs(window[TOTAL]) + sqrt(window[SIZE] * max(0.0, window[SQUARES])))


@compiled
def _may_cut(window: Floats, counts: Counts, buckets: Floats, confidence: float) -> bool:
    """Tell whether a cut is possible at all; never false where `_find_cut` is true.

    With W values of total T and variance v, of which n0 with the total t0 are older, the means
    differ by |t0 W - T n0| / (n0 n1). `_find_cut` wants that above a + b, where
    a^2 >= 2 v confidence W / (n0 n1) and b >= 2/3 confidence W / (n0 n1). Multiplied by n0 n1 there
    is nothing left to divide. `slack` is more than rounding can do on either side: partial sums
    are at most sqrt(W sum of x^2), by Cauchy and Schwarz.
    """
    size, total = window[SIZE], window[TOTAL]
    slack = ROUNDING * size * _largest(window)
    spread = 2.0 * (window[SQUARES] / size) * confidence * size * (1.0 - 1e-9)
    least = 2.0 / 3.0 * confidence * size * (1.0 - 1e-9)
    old_size, old_total = 0.0, 0.0
    for row in range(int(window[TOP]), -1, -1):
        for k in range(counts[row]):
            old_size += buckets[SIZES, row, k]
            old_total += buckets[TOTALS, row, k]
            gap = abs(old_total * size - total * old_size) + slack
            below = gap < least or gap * gap < spread * old_size * (size - old_size)
            if not below:  # also where a value has overflowed
                return True
    return False


@compiled
def _find_cut(
    window: Floats,
    counts: Counts,
    buckets: Floats,
    confidence: float,
    shortest: float,
    rounding: float,
) -> bool:
    """Tell whether somewhere the means of the older and the newer part differ too much.

    Where `rounding` is not 0 they have to differ by the `slack` of `_may_cut`, too.
    """
    size, total = window[SIZE], window[TOTAL]
    slack = rounding * size * _largest(window)
    old_size, old_total, new_size, new_total = 0.0, 0.0, size, total
    for row in range(int(window[TOP]), -1, -1):
        for k in range(counts[row]):
            old_size += buckets[SIZES, row, k]
            new_size -= buckets[SIZES, row, k]
            old_total += buckets[TOTALS, row, k]
            new_total -= buckets[TOTALS, row, k]
            if new_size < shortest:
                return False
            if old_size < shortest:
                continue
            # 1/m, m the harmonic mean of the two sizes
            m = 1.0 / (old_size - shortest + 1.0) + 1.0 / (new_size - shortest + 1.0)
            # Rounding can leave a tiny negative variance; the root is then NaN, and nothing is cut.
            spread = sqrt(2.0 * m * (window[SQUARES] / size) * confidence)
            bound = spread + 2.0 / 3.0 * confidence * m
            gap = abs(old_total / old_size - new_total / new_size)
            if gap > bound and (rounding == 0.0 or gap > bound + slack / (old_size * new_size)):
                return True
    return False


@compiled
def _search_if_due(
    window: Floats,
    counts: Counts,
    buckets: Floats,
    delta: float,
    clock: int,
    shortest: float,
    grace: float,
    rounding: float,
) -> bool:
    """Every `clock` updates drop the oldest bucket as long as there is a cut; tell whether."""
    window[STATUS] = CALM
    if int(window[TICKS]) % clock != 0 or not window[SIZE] > grace:
        return False
    while window[TOP] > 0.0 or counts[0] > 1:  # no cut without two buckets
        # the paper's ln(2/delta'), delta' = delta/ln W
        confidence = log(2.0 * log(window[SIZE]) / delta)
        if not _may_cut(window, counts, buckets, confidence):
            break
        if not _find_cut(window, counts, buckets, confidence, shortest, rounding):
            break
        _drop_oldest(window, counts, buckets)
        window[STATUS] = DRIFT
    return bool(window[STATUS] == DRIFT)
