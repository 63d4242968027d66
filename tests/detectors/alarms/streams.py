"""Signals that wander, and what linear algebra over all windows at once says of them."""

from dataclasses import dataclass

import numpy as np

from detectors.arrays import Floats

WINDOWS = 120


@dataclass(frozen=True)
class Fit:
    """A generalised least squares fit: coefficients, kappa, and the logarithm of the likelihood."""

    beta: Floats
    kappa: float
    told: float


def wandering(
    rng: np.random.Generator, rows: int, windows: int, phi: float, wander: float, noise: float = 1.0
) -> Floats:
    """[rows, windows] stationary autoregressions of that variance, with sampling noise of `noise`."""
    s = rng.normal(size=rows) * np.sqrt(wander)
    x = np.empty((rows, windows))
    for t in range(windows):
        x[:, t] = s + rng.normal(size=rows) * np.sqrt(noise)
        s = phi * s + np.sqrt(wander * (1 - phi * phi)) * rng.normal(size=rows)
    return x


def ragged(rng: np.random.Generator, windows: int = WINDOWS) -> Floats:
    """[windows] worths of windows of very different sizes, one in eight of them missing."""
    worth: Floats = rng.integers(20, 2000, windows).astype(np.float64)
    worth[rng.random(windows) < 0.125] = 0.0
    return worth


def day(windows: int, since: int = 0) -> Floats:
    """[windows, 3] a constant and one wave of 24 windows."""
    turn = 2 * np.pi * (np.arange(windows) + since) / 24
    return np.stack([np.ones(windows), np.sin(turn), np.cos(turn)], axis=1)


def covariance(worth: Floats, phi: float, wander: float) -> Floats:
    """[n, n] of the windows of some worth, over kappa."""
    there = np.flatnonzero(worth)
    apart = np.abs(there[:, None] - there[None])
    wanders = wander * phi**apart if phi else wander * (apart == 0)
    return np.asarray(wanders + np.diag(1 / worth[there]))


def dense_fit(x: Floats, worth: Floats, X: Floats, phi: float, wander: float, least: float) -> Fit:
    """Fit X to x with the covariance of all windows."""
    there = worth > 0
    V, y, A = covariance(worth, phi, wander), x[there], X[there]
    inverse = np.linalg.inv(V)
    told = A.T @ inverse @ A
    beta = np.linalg.solve(told, A.T @ inverse @ y)
    gap = y - A @ beta
    free = len(y) - A.shape[1]
    rest = gap @ inverse @ gap
    kappa = max(rest / free, least)
    volume = np.linalg.slogdet(V)[1] + np.linalg.slogdet(told)[1]
    likelihood = -0.5 * (volume + free * np.log(kappa) + rest / kappa)
    return Fit(np.asarray(beta), float(kappa), float(likelihood))
