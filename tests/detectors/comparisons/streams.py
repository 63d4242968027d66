"""Seeded streams of windows that the detector tests share."""

import numpy as np
from hypothesis import strategies as st
from scipy.stats import norm

from detectors import Cells
from detectors.arrays import Counts, Flags, Floats

EDGES = np.concatenate([[-5.5], norm.ppf(np.arange(1, 20) / 20), [5.5]])
PLACES = np.rint(1000 * np.concatenate([[-6.0], (EDGES[1:] + EDGES[:-1]) / 2, [6.0]])).astype(
    np.int64
)
"""Where the values of each of the 22 bins lie on the integer grid, a thousandth of a deviation a step."""


def moments(bins: Counts, places: Counts | None = None) -> dict[str, Counts]:
    """The sums and squares of counts [..., B] whose values lie in places [B] of the grid."""
    at = 10 * np.arange(bins.shape[-1]) if places is None else places
    return {"sums": bins @ at, "squares": bins @ at**2}


def wandering(rng: np.random.Generator, windows: int, phi: float) -> Floats:
    """An AR(1) path of unit variance."""
    path = rng.normal(size=windows)
    for t in range(1, windows):
        path[t] = phi * path[t - 1] + np.sqrt(1 - phi**2) * path[t]
    return path


def normal_windows(
    seed: int,
    windows: int,
    events: int = 1000,
    wander: float = 0.0,
    phi: float = 0.0,
    shift: float = 0.0,
    shift_from: int = 0,
) -> Cells:
    """A normal column in 20 quantile bins and two outer ones, 1 % missing.

    Its mean wanders by `wander` standard deviations and moves by `shift` at window `shift_from`.
    """
    rng = np.random.default_rng(seed)
    means = wander * wandering(rng, windows, phi) + shift * (np.arange(windows) >= shift_from)
    sizes = rng.poisson(events, windows)
    bins = np.array(
        [rng.multinomial(n, p) for n, p in zip(sizes, normal_shares(means), strict=True)]
    )
    missing = rng.binomial(sizes, 0.01)
    return Cells.of(bins, missing=missing, lo=-3.0, hi=3.0, **moments(bins, PLACES))


def normal_shares(means: Floats) -> Floats:
    """The shares [..., 22] of normal values of these means in the bins of a standard normal reference."""
    below = norm.cdf(EDGES - means[..., None])
    shares = np.diff(below, axis=-1, prepend=0, append=1)
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def flat_windows(windows: int, bins: list[int], discrete: bool = False, **counts: int) -> Cells:
    """The same window again and again, of two different values."""
    rows = np.array([bins] * windows, np.int64).reshape(windows, len(bins))
    return Cells.of(rows, lo=1.0, hi=2.0, discrete=discrete, **counts, **moments(rows))


def everywhere(windows: int) -> Flags:
    """Flags that say that each window is part of the reference."""
    return np.full(windows, True)


COUNT = st.one_of(st.just(0), st.integers(0, 40), st.integers(0, 10**9))


@st.composite
def any_cells(draw: st.DrawFn, windows: int | None = None, bins: int = 4) -> Cells:
    """Cells of any counts: empty, huge, all in one bin, all missing."""
    rows = draw(st.integers(0, 14)) if windows is None else windows
    counts = draw(st.lists(COUNT, min_size=rows * (bins + 2), max_size=rows * (bins + 2)))
    table = np.array(counts, np.int64).reshape(rows, bins + 2)
    filled = table[:, :bins].sum(axis=1) > 0
    width = draw(st.sampled_from([0.0, 1.0]))
    return Cells.of(
        table[:, :bins],
        missing=table[:, bins],
        invalid=table[:, bins + 1],
        lo=np.where(filled, 2.0, np.inf),
        hi=np.where(filled, 2.0 + width, -np.inf),
        **moments(table[:, :bins]),
    )


@st.composite
def repeated_cells(draw: st.DrawFn) -> Cells:
    """A history of ten windows or more that resemble each other, so that comparisons judge."""
    one = draw(any_cells(windows=1))
    return Cells.concat([one] * draw(st.integers(10, 14)))
