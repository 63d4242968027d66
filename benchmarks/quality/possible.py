"""How soon a shift of the mean can be found at all, by someone who knows what nobody knows in advance.

This observer knows the season, the law by which the level wanders, the windows before the onset, the onset itself and
the shape of the shift. After each window it weighs all windows so far in the best way (Neyman and Pearson's) and alarms
where the two-sided normal test falls below p = budget / (168 x monitors): one test a window has all of the budget.
With S the covariance of the levels seen, sampling included, and s the shift, the weighed sum has the signal
s' S^-1 s; from window to window it is a Brownian motion with drift, whose crossings are simulated.

Another rule can be a little better at the same rate of incidents, since its alarms may come in bunches; none that
must guess the onset comes near.
"""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtri

from benchmarks.quality.cells import Cell
from benchmarks.quality.drifts import SHIFTS, WATCHED
from benchmarks.quality.fleet import MISSING
from detectors.arrays import Floats

__all__ = ["BEFORE", "possible"]

BEFORE = 168
"""Windows before the onset whose levels are known."""
PATHS = 20_000
WEEK = 168


def possible(cell: Cell, drift: str, budget: float, monitors: int) -> Floats:
    """[PATHS] draw the windows until the drift is found, 1 for its first window, inf for not within WATCHED.

    Shares of them are exact to 0.4 %. Cost: some 50 ms.

    Raises:
        KeyError: the drift is none of the mean.
    """
    signal = _signal(cell, SHIFTS[drift](np.arange(-BEFORE, WATCHED, dtype=np.float64)))
    bound = -ndtri(budget / (WEEK * monitors) / 2)
    steps = np.diff(signal, prepend=0.0)
    noise = np.random.default_rng(0).standard_normal((PATHS, WATCHED))
    path = signal + np.cumsum(noise * np.sqrt(steps), axis=1)
    found = np.abs(path) > bound * np.sqrt(signal)
    return np.where(found.any(axis=1), found.argmax(axis=1) + 1.0, np.inf)


def _signal(cell: Cell, shift: Floats) -> Floats:
    """[WATCHED] s' S^-1 s of all windows up to each one since the onset."""
    apart = np.abs(np.subtract.outer(np.arange(len(shift)), np.arange(len(shift))))
    sampling = 1 / (cell.rows * cell.sampled * (1 - MISSING))
    S = cell.wander**2 * cell.phi**apart + sampling * np.eye(len(shift))
    news = solve_triangular(np.linalg.cholesky(S), shift, lower=True)
    return np.asarray(np.cumsum(news**2)[BEFORE:])
