"""The hot loop of summaries: numbers into bins and exact sums."""

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled

__all__ = ["SUM_CLIP", "count_places", "fold_numbers", "fold_scattered", "merge_arrays"]

SUM_CLIP = 32767
"""Grid positions beyond this are clipped, so that 2^31 of their squares fit 64 bits."""
COUNTED_MAX = 128
"""Edges that are all compared, several at a time: a search would guess wrong at every other step."""
BLOCK = 256
"""Rows that stay in the nearest cache while column after column reads them."""
FEW = 16
"""Rows of a summary from which on a call for each column pays."""


@compiled
def _edges_below(edges: NDArray[np.float64], x: float) -> np.int64:
    """Tell how many of the sorted edges lie at or below x."""
    first, last = 0, len(edges)
    while last - first > COUNTED_MAX:
        half = (first + last) >> 1
        if edges[half] <= x:
            first = half + 1
        else:
            last = half
    near = edges[first:last]
    n = np.int64(0)
    for k in range(len(near)):
        n += np.int64(near[k] <= x)
    return n + first


@compiled
def _on_grid(x: float, mid: float, per_step: float) -> np.int64:
    """Give the grid position of x, clipped."""
    place = np.rint((x - mid) * per_step)
    place = max(-SUM_CLIP, place)
    return np.int64(min(SUM_CLIP, place))


@compiled
def _tell_bins(
    edges: NDArray[np.float64], near: NDArray[np.float64], n: int, bins: NDArray[np.int64]
) -> None:
    """Tell how many of the sorted edges lie at or below each of the first n values: four edges in a pass."""
    if len(edges) > COUNTED_MAX:
        for i in range(n):
            bins[i] = _edges_below(edges, near[i])
        return
    for i in range(n):
        bins[i] = 0
    whole = len(edges) - len(edges) % 4
    for k in range(0, whole, 4):
        a, b, c, d = edges[k], edges[k + 1], edges[k + 2], edges[k + 3]
        for i in range(n):
            x = near[i]
            bins[i] += np.int64(a <= x) + np.int64(b <= x) + np.int64(c <= x) + np.int64(d <= x)
    for k in range(whole, len(edges)):
        a = edges[k]
        for i in range(n):
            bins[i] += np.int64(a <= near[i])


@compiled
def _fold_column(
    X: NDArray[np.float64],
    rows: NDArray[np.int64],
    start: int,
    end: int,
    source: int,
    edges: NDArray[np.float64],
    mid: float,
    per_step: float,
    counts: NDArray[np.int64],
    base: int,
    extremes: NDArray[np.float64],
    own: int,
    near: NDArray[np.float64],
    bins: NDArray[np.int64],
) -> None:
    """Count X[rows[start:end], source] into the slots from `base` on and the extremes in row `own`.

    `near` and `bins` have room for as many values. The finite ones are brought together first, each from wherever it
    lies, and then every step is one for several of them.
    """
    n, missing = 0, base + len(edges) + 1
    lo, hi = extremes[own, 0], extremes[own, 1]
    for i in range(start, end):
        x = X[rows[i], source]
        if not lo <= x <= hi:
            if not abs(x) < np.inf:
                counts[missing + np.int64(x == x)] += 1
                continue
            x += 0.0  # -0.0 becomes 0.0: which of the two is the smaller one would depend on the order
            lo, hi = min(lo, x), max(hi, x)
        near[n] = x
        n += 1
    extremes[own, 0], extremes[own, 1] = lo, hi
    _tell_bins(edges, near, n, bins)
    total, squares = np.int64(0), np.int64(0)
    for i in range(n):
        q = _on_grid(near[i], mid, per_step)
        total += q
        squares += q * q
    for i in range(n):
        counts[base + bins[i]] += 1
    counts[missing + 2] += total
    counts[missing + 3] += squares


@compiled
def fold_numbers(
    X: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    edges: NDArray[np.float64],
    edge_at: NDArray[np.int64],
    slot_at: NDArray[np.int64],
    mid: NDArray[np.float64],
    per_step: NDArray[np.float64],
    counts: NDArray[np.int64],
    extremes: NDArray[np.float64],
) -> None:
    """Count the chosen rows of X into the slots of their columns, in place.

    X is [rows, numbers]; NaN is missing, an infinity is invalid. Column j of the layout reads X[:, columns[j]] (-1: the
    column is absent, so missing), has the edges edges[edge_at[j]:edge_at[j+1]] and the slots from slot_at[j] on: bins,
    missing, invalid, sum, sum of squares. `extremes` is [columns, 2]. All counts are integers, so any order gives the
    same bytes. Cost: about 4 ns a value of 20 edges, 8 ns of 100.
    """
    near, bins = np.empty(BLOCK), np.empty(BLOCK, np.int64)
    for start in range(0, len(rows), BLOCK):
        end = min(start + BLOCK, len(rows))
        for j in range(len(columns)):
            own = edges[edge_at[j] : edge_at[j + 1]]
            if columns[j] < 0:
                counts[slot_at[j] + len(own) + 1] += end - start
                continue
            _fold_column(X, rows, start, end, columns[j], own, mid[j], per_step[j], counts, slot_at[j],
                         extremes, j, near, bins)  # fmt: skip


@compiled
def fold_scattered(
    X: NDArray[np.float64],
    rows: NDArray[np.int64],
    seats: NDArray[np.int64],
    layout_of: NDArray[np.int64],
    count_at: NDArray[np.int64],
    extreme_at: NDArray[np.int64],
    sources: NDArray[np.int64],
    column_at: NDArray[np.int64],
    name: NDArray[np.int64],
    edges: NDArray[np.float64],
    edge_at: NDArray[np.int64],
    slot_at: NDArray[np.int64],
    mid: NDArray[np.float64],
    per_step: NDArray[np.float64],
    size: NDArray[np.int64],
    counts: NDArray[np.int64],
    extremes: NDArray[np.float64],
) -> None:
    """Count rows of X of which each belongs to a summary of its own: what `fold_numbers` does for each.

    Row rows[i] counts in the summary in seat seats[i], which has the layout layout_of[seat], its counts from
    count_at[seat] and its extremes from extreme_at[seat] on; the event itself is counted, too. A column reads
    X[:, sources[name]] (-1: absent); the rest is as `Layouts.numbers` gives it. Rows of one seat that follow each other
    are counted column by column. Cost: about 5 ns a value where many do, 20 ns where none, and what it takes to fetch a
    summary that is not in the cache.
    """
    near, bins = np.empty(BLOCK), np.empty(BLOCK, np.int64)
    end = 0
    while end < len(rows):
        start, seat = end, seats[end]
        while end < len(rows) and seats[end] == seat and end < start + BLOCK:
            end += 1
        layout, first, top = layout_of[seat], count_at[seat], extreme_at[seat]
        first_column = column_at[layout]
        counts[first + size[layout] - 1] += end - start
        for c in range(first_column, column_at[layout + 1]):
            edges_of = edges[edge_at[c] : edge_at[c + 1]]
            base = first + slot_at[c]
            missing = base + len(edges_of) + 1
            source = sources[name[c]]
            if source < 0:
                counts[missing] += end - start
                continue
            own = top + c - first_column
            if end - start >= FEW:
                _fold_column(X, rows, start, end, source, edges_of, mid[c], per_step[c], counts, base,
                             extremes, own, near, bins)  # fmt: skip
                continue
            lo, hi = extremes[own, 0], extremes[own, 1]
            total, squares = np.int64(0), np.int64(0)
            middle, scale = mid[c], per_step[c]
            n = 0
            for i in range(start, end):  # as in _fold_column, of which a call a column costs more
                x = X[rows[i], source]
                if not abs(x) < np.inf:
                    counts[missing + np.int64(x == x)] += 1
                    continue
                near[n] = x + 0.0  # -0.0 becomes 0.0
                n += 1
            for i in range(n):
                lo, hi = min(lo, near[i]), max(hi, near[i])
                q = _on_grid(near[i], middle, scale)
                total += q
                squares += q * q
            for i in range(n):
                counts[base + _edges_below(edges_of, near[i])] += 1
            counts[missing + 2] += total
            counts[missing + 3] += squares
            extremes[own, 0], extremes[own, 1] = lo, hi


@compiled
def count_places(counts: NDArray[np.int64], places: NDArray[np.int64]) -> None:
    """Add 1 at each of the places, in place."""
    for i in range(len(places)):
        counts[places[i]] += 1


@compiled
def merge_arrays(
    counts: NDArray[np.int64], extremes: NDArray[np.float64], more: NDArray[np.int64], beyond: NDArray[np.float64]
) -> None:  # fmt: skip
    """Add counts, and widen extremes, in place: numpy's calls cost several times as much for so few numbers."""
    for i in range(len(counts)):
        counts[i] += more[i]
    for j in range(len(extremes)):
        extremes[j, 0] = min(extremes[j, 0], beyond[j, 0])
        extremes[j, 1] = max(extremes[j, 1], beyond[j, 1])
