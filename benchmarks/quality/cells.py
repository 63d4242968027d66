"""The kinds of streams, each called a cell, and how the level of a monitor moves in them while all is well."""

from dataclasses import dataclass, replace

import numpy as np

from detectors.arrays import Floats

__all__ = ["CELLS", "MIXTURE", "POWER", "SAMPLED", "Cell", "levels"]

DAY, WEEK = 24, 168


@dataclass(frozen=True)
class Cell:
    """A kind of stream; all sizes are in standard deviations of single events.

    Attributes:
        rows: mean number of events a window; the number itself is Poisson.
        sampled: share of the events that is counted, in the history as later.
        heavy: whether events are t with 3 degrees of freedom instead of normal.
        wander: standard deviation of a first-order autoregression that moves the level.
        phi: its correlation from one window to the next.
        daily: amplitude of a daily wave; its second harmonic has half of it.
        weekly: how much lower the level is at weekends.
        shared: share of the wander's variance that all monitors have in common.
        mixed: every monitor gets the values of another cell, drawn at random.
    """

    rows: int = 1_000
    sampled: float = 1.0
    heavy: bool = False
    wander: float = 0.0
    phi: float = 0.0
    daily: float = 0.0
    weekly: float = 0.0
    shared: float = 0.0
    mixed: bool = False


CELLS: dict[str, Cell] = {
    "independent": Cell(),
    "heavy_tailed": Cell(heavy=True),
    "ar_0.5": Cell(wander=0.3, phi=0.5),
    "ar_0.9": Cell(wander=0.3, phi=0.9),
    "ar_0.99": Cell(wander=0.3, phi=0.99),
    "daily": Cell(daily=0.5),
    "weekly": Cell(daily=0.3, weekly=0.5),
    "season_ar_0.9": Cell(daily=0.5, weekly=0.25, wander=0.3, phi=0.9),
    "season_ar_0.99": Cell(daily=0.5, weekly=0.25, wander=0.3, phi=0.99),
    "ar_0.9_gentle": Cell(wander=0.1, phi=0.9),
    "season_ar_0.9_gentle": Cell(daily=0.5, weekly=0.25, wander=0.1, phi=0.9),
    "correlated": Cell(wander=0.3, phi=0.9, shared=0.8),
    "tiny": Cell(rows=30),
    "huge": Cell(rows=1_000_000),
    "mixed": Cell(mixed=True),
}

SAMPLED: dict[str, Cell] = {
    f"{name} 1e5/{every}": replace(CELLS[name], rows=100_000, sampled=1 / every)
    for name in ("independent", "ar_0.9", "season_ar_0.9")
    for every in (1, 10, 64, 100)
}
"""100,000 events a window, of which all, every tenth, 64th or hundredth is counted."""

POWER = ("independent", "ar_0.9_gentle", "season_ar_0.9_gentle", "season_ar_0.9", *SAMPLED)
"""Cells in which drift is injected, too."""

MIXTURE = tuple(cell for cell in CELLS.values() if cell.rows == Cell.rows and not cell.mixed)


def levels(cells: list[Cell], windows: int, rng: np.random.Generator) -> Floats:
    """[M, T] draw the level of monitors, one a cell of the list, from a Monday's midnight on."""
    M = len(cells)
    hour = np.arange(windows)

    def every(name: str) -> Floats:
        return np.array([[getattr(cell, name)] for cell in cells], dtype=np.float64)

    phase = rng.random((M, 1))
    turn = hour / DAY - phase
    daily = np.sin(2 * np.pi * turn) + 0.5 * np.sin(4 * np.pi * turn + 2 * np.pi * phase * 7)
    weekend = hour % WEEK >= 5 * DAY
    phi, shared = every("phi"), every("shared")
    own, common = _wander(phi, windows, rng), _wander(phi[:1], windows, rng)
    wander = np.sqrt(1 - shared) * own + np.sqrt(shared) * common
    return np.asarray(every("daily") * daily - every("weekly") * weekend + every("wander") * wander)


def _wander(phi: Floats, windows: int, rng: np.random.Generator) -> Floats:
    """[M, T] first-order autoregressions of variance 1, stationary from their first value on."""
    steps = rng.standard_normal((windows, len(phi)))
    x = np.empty_like(steps)
    keep, fresh = phi[:, 0], np.sqrt(1 - phi[:, 0] ** 2)
    x[0] = steps[0]
    for w in range(1, windows):
        x[w] = keep * x[w - 1] + fresh * steps[w]
    return x.T
