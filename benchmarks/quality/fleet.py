"""A fleet of monitors: what is true of every monitor and window, and the counts and values drawn from it.

Counts are drawn at once for a window (multinomial), not event by event, so a window of a million events costs
no more than one of thirty. Of its values the extremes are drawn, too; the others stand at two places of their bin that
have its mean and nearly its variance, and sums follow from these. Raw values are drawn anew from the same truth, for
those who need them.
"""

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.quality.cells import MIXTURE, Cell, levels
from benchmarks.quality.shapes import cdf, draw, ppf
from benchmarks.quality.windows import Windows
from detectors.arrays import Counts, Flags, Floats
from detectors.summaries.column import Column, learn_column
from detectors.summaries.folding import SUM_CLIP

__all__ = ["HOUR_MS", "Fleet", "make_fleet", "observe"]

Seed = tuple[int, ...]

HOUR_MS = 3_600_000
MONDAY_MS = 4 * 24 * HOUR_MS
"""The first Monday after the epoch, which was a Thursday."""

MEAN = 5.0
"""Numbers are 5 plus their level and noise, so that another unit moves them, too."""
MISSING = 0.01
CATEGORIES = 8
CATEGORICAL_EVERY = 4
"""Every fourth monitor is a category: the same values, cut into eight whose shares fall as 1, 1/2, 1/3..."""
BINS, SAMPLE = 20, 1_000
NODES = 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3)
"""Gauss and Legendre's two places: exact for the mean, and for the variance unless the noise bends much in a bin."""
TINY = 1e-15
"""Shares are kept so far from 0 and 1, where values would be infinite."""
RAW_ROWS_MAX = 10_000


@dataclass
class Fleet:
    """What is true of M monitors in T windows, the first `history` of which are known to be in control.

    Attributes:
        seed: numbers from which all is drawn.
        history: number of windows to learn from.
        rows: [T] events that are counted.
        heavy: [M] whether noise is heavy-tailed.
        categorical: [M] whether it is cut into categories.
        level: [M, T] mean, in deviations of single events.
        scale: [M, T] standard deviation of the noise.
        missing: [M, T] share of events without a value.
        factor: [M, T] unit of the numbers.
        swapped: [M, T] whether the commonest and the third category have changed places.
    """

    seed: Seed
    history: int
    rows: Counts
    heavy: Flags
    categorical: Flags
    level: Floats
    scale: Floats
    missing: Floats
    factor: Floats
    swapped: Flags


def make_fleet(cell: Cell, seed: Seed, monitors: int, history: int, windows: int) -> Fleet:
    """Draw the truth of a fleet in control: `history` windows to learn from, then `windows` to judge."""
    rng = np.random.default_rng([*seed, 1])
    kinds = [cell] * monitors
    missing = np.full((monitors, 1), MISSING)
    if cell.mixed:
        kinds = [MIXTURE[i] for i in rng.integers(len(MIXTURE), size=monitors)]
        missing = rng.uniform(0, 5 * MISSING, (monitors, 1))
    T = history + windows
    shape = (monitors, T)
    return Fleet(
        seed=seed,
        history=history,
        rows=rng.binomial(rng.poisson(cell.rows, T), cell.sampled),
        heavy=np.array([kind.heavy for kind in kinds]),
        categorical=np.arange(monitors) % CATEGORICAL_EVERY == CATEGORICAL_EVERY - 1,
        level=levels(kinds, T, rng),
        scale=np.ones(shape),
        missing=np.broadcast_to(missing, shape).copy(),
        factor=np.ones(shape),
        swapped=np.zeros(shape, dtype=np.bool_),
    )


def observe(fleet: Fleet) -> Windows:
    """Draw what deciders see of a fleet; bins are learned from its history."""
    rng = np.random.default_rng([*fleet.seed, 2])
    columns = tuple(_columns(fleet, rng))
    M = len(columns)
    B = max(column.bins for column in columns)
    edges = np.full((M, 1, B - 1), np.inf)
    for m, column in enumerate(columns):
        inner = _cuts() if column.discrete else np.asarray(column.edges)
        edges[m, 0, : len(inner)] = inner
    heavy = fleet.heavy[:, None, None]
    below = cdf(_standardised(fleet, edges), heavy)
    below = np.concatenate([np.zeros_like(below[..., :1]), below, np.ones_like(below[..., :1])], -1)
    shares = np.diff(below)
    shares[..., [0, 2]] = np.where(
        fleet.swapped[..., None], shares[..., [2, 0]], shares[..., [0, 2]]
    )
    missing = rng.binomial(fleet.rows, fleet.missing)
    bins = rng.multinomial(fleet.rows - missing, shares)
    _keep_history_inside(bins, columns, fleet.history)
    lo, hi, left = _extremes(fleet, below, bins, rng)
    sums, squares = _sums(fleet, columns, below, left, lo, hi, rng)
    few = fleet.rows.max() <= RAW_ROWS_MAX
    valid = bins.sum(axis=2)
    return Windows(
        columns, np.zeros(M, dtype=np.int64), HOUR_MS, MONDAY_MS, bins, missing, sums, squares, lo, hi,
        (lambda m: _values(fleet, m, valid[m])) if few else None,
    )  # fmt: skip


# -- bins ------------------------------------------------------------------------------------------------------------


def _columns(fleet: Fleet, rng: np.random.Generator) -> list[Column]:
    """Learn the binning of each monitor from a sample of its history and the extremes of all of it."""
    M, T = fleet.level.shape[0], fleet.history
    windows = rng.integers(T, size=(M, SAMPLE))
    rows = fleet.rows[:T]
    least = 1 - rng.random((M, T)) ** (1 / rows)
    most = rng.random((M, T)) ** (1 / rows)
    heavy = fleet.heavy[:, None]
    lo = (fleet.level[:, :T] + ppf(least, heavy)).min(axis=1)
    hi = (fleet.level[:, :T] + ppf(most, heavy)).max(axis=1)
    columns = []
    for m in range(M):
        name = f"c{m:05}"
        if fleet.categorical[m]:
            names = tuple("abcdefgh"[:CATEGORIES])
            columns.append(Column(name, "string", values=names))
            continue
        noise = draw(rng, SAMPLE, bool(fleet.heavy[m]))
        sample = np.clip(fleet.level[m, windows[m]] + noise, lo[m], hi[m])
        learned = learn_column(name, (MEAN + np.append(sample, [lo[m], hi[m]])).tolist(), BINS, 50)
        assert learned is not None
        columns.append(learned)
    return columns


def _cuts() -> Floats:
    """Where values are cut into categories."""
    weights = 1 / np.arange(1, CATEGORIES + 1)
    return ppf(np.cumsum(weights)[:-1] / weights.sum(), np.zeros(1, dtype=np.bool_))


def _standardised(fleet: Fleet, edges: Floats) -> Floats:
    """[M, T, edges] express edges in deviations of each window's noise."""
    mean = np.where(fleet.categorical, 0.0, MEAN)[:, None, None]
    place = edges / fleet.factor[..., None] - mean - fleet.level[..., None]
    return np.asarray(place / fleet.scale[..., None])


def _keep_history_inside(bins: Counts, columns: tuple[Column, ...], history: int) -> None:
    """Move what history has in the outer bins, beyond its own extremes, one bin inwards."""
    for m, column in enumerate(columns):
        if not column.discrete:
            last = column.bins - 1
            for outer, inner in ((0, 1), (last, last - 1)):
                bins[m, :history, inner] += bins[m, :history, outer]
                bins[m, :history, outer] = 0


def _part(fleet: Fleet, monitors: Counts) -> Fleet:
    """Give the truth of some of the monitors."""
    names = ("heavy", "categorical", "level", "scale", "missing", "factor", "swapped")
    return replace(fleet, **{name: getattr(fleet, name)[monitors] for name in names})


# -- values ----------------------------------------------------------------------------------------------------------


def _place(fleet: Fleet, share: Floats) -> Floats:
    """[M, T] or [M, T, ...] give the value that has a share of its window's values below it."""
    more = (...,) + (None,) * (share.ndim - 2)
    noise = ppf(share, fleet.heavy.reshape(-1, *(1,) * (share.ndim - 1)))
    return np.asarray(fleet.factor[more] * (MEAN + fleet.level[more] + fleet.scale[more] * noise))


def _extremes(
    fleet: Fleet, below: Floats, bins: Counts, rng: np.random.Generator
) -> tuple[Floats, Floats, Counts]:
    """[M, T] draw the smallest and the largest value, of as many as the outermost bins hold that are not empty.

    The third answer is [M, T, B]: how many of each bin's values are not drawn yet.
    """
    some = bins > 0
    lowest = some.argmax(axis=2)[..., None]
    highest = (bins.shape[2] - 1 - some[..., ::-1].argmax(axis=2))[..., None]
    left = bins.copy()
    taken = []
    for at, largest in ((lowest, False), (highest, True)):
        start = np.take_along_axis(below, at, 2)[..., 0]
        width = np.take_along_axis(below, at + 1, 2)[..., 0] - start
        held = np.take_along_axis(left, at, 2)
        most = rng.random(start.shape) ** (1 / np.maximum(held[..., 0], 1))
        share = start + width * (most if largest else 1 - most)
        taken.append(_place(fleet, np.clip(share, TINY, 1 - TINY)))
        np.put_along_axis(left, at, np.maximum(held - 1, 0), 2)
    none = ~some.any(axis=2) | fleet.categorical[:, None]
    return np.where(none, np.inf, taken[0]), np.where(none, -np.inf, taken[1]), left


def _sums(
    fleet: Fleet, columns: tuple[Column, ...], below: Floats, left: Counts, lo: Floats, hi: Floats,
    rng: np.random.Generator,
) -> tuple[Counts, Counts]:  # fmt: skip
    """[M, T] sum and sum of squares of grid positions: of the extremes, and of the others at their bins' two places."""
    some = np.flatnonzero(~fleet.categorical)  # categories have no sums
    of, below, left = _part(fleet, some), below[some], left[some]
    mid = np.array([columns[m].mid for m in some])[:, None]
    step = np.array([columns[m].step for m in some])[:, None]

    def grid(values: Floats) -> Counts:
        more = (..., *(None,) * (values.ndim - 2))
        place = np.rint((values - mid[more]) / step[more])
        return np.asarray(np.clip(place, -SUM_CLIP, SUM_CLIP), dtype=np.int64)

    valid = np.isfinite(lo[some]) & np.isfinite(hi[some])
    sums, squares = np.zeros(lo.shape, dtype=np.int64), np.zeros(lo.shape, dtype=np.int64)
    for extreme in (lo[some], hi[some]):
        place = grid(np.where(valid, extreme, mid))
        sums[some] += place
        squares[some] += place**2
    upper = rng.binomial(left, 0.5)
    width = np.diff(below)
    for node, held in zip(NODES, (left - upper, upper), strict=True):
        place = grid(_place(of, np.clip(below[..., :-1] + node * width, TINY, 1 - TINY)))
        total = held * place
        sums[some] += total.sum(axis=2)
        squares[some] += np.einsum("mtb,mtb->mt", total, place)
    return sums, squares


def _values(fleet: Fleet, m: int, valid: Counts) -> tuple[Floats, Counts]:
    """Draw the values of a monitor, as many in each window as the counts say."""
    rng = np.random.default_rng([*fleet.seed, 3, m])
    noise = draw(rng, int(valid.sum()), bool(fleet.heavy[m]))

    def each(of: Floats) -> Floats:
        return np.repeat(of[m], valid)

    values = each(fleet.factor) * (MEAN + each(fleet.level) + each(fleet.scale) * noise)
    return values, valid
