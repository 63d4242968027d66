"""From alarms to what people feel: incidents a week, and how soon a drift is told."""

import numpy as np
from scipy.special import betaincinv, gammaincinv

from benchmarks.quality.drifts import GAP
from detectors.arrays import Counts, Flags, Floats

__all__ = ["begins", "delays", "lower_bound", "upper_bound"]


def begins(alarms: Flags, gap: int = GAP) -> Flags:
    """[M, T] tell where an incident begins: an alarm after at least `gap` windows without one.

    >>> begins(np.array([[True, True, False, True, False, False, True]]), gap=2).astype(int)
    array([[1, 0, 0, 0, 0, 0, 1]])
    """
    told = np.cumsum(alarms, axis=1)
    past = np.concatenate([np.zeros_like(told[:, :1]), told[:, :-1]], axis=1)
    older = np.concatenate([np.zeros_like(told[:, :gap]), past[:, :-gap]], axis=1)[
        :, : told.shape[1]
    ]
    return np.asarray(alarms & (past == older))


def upper_bound(incidents: int, weeks: float, confidence: float = 0.95) -> float:
    """Tell the largest rate a week under which so few incidents still have the chance 1 - confidence (exact, Poisson).

    >>> round(upper_bound(0, 1.0), 3), round(upper_bound(2, 16.0), 2)
    (2.996, 0.39)
    """
    return float(gammaincinv(incidents + 1, confidence)) / weeks


def lower_bound(found: int, trials: int, confidence: float = 0.95) -> float:
    """Tell the smallest share with which so many are still found with the chance 1 - confidence (exact, binomial).

    >>> round(lower_bound(100, 100), 3), round(lower_bound(290, 300), 3), lower_bound(0, 300)
    (0.97, 0.944, 0.0)
    """
    if not found:
        return 0.0
    return float(betaincinv(found, trials - found + 1, 1 - confidence))


def delays(alarms: Flags, onset: Counts) -> Floats:
    """[M] count the windows to the first incident that begins in drift, 1 for its first window; inf for none.

    An alarm that goes on since before the onset tells nothing new, and nothing is found by it.
    """
    found = begins(alarms) & (np.arange(alarms.shape[1]) >= onset[:, None])
    return np.where(found.any(axis=1), found.argmax(axis=1) - onset + 1.0, np.inf)
