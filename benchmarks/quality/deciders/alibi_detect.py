"""alibi-detect's online detector of one number, the package itself: `CVMDriftOnline`, on the means of windows.

Raw values are out of its reach: it takes 0.35 ms a value, an hour and a half for a fleet-week, and to promise a long
run it must simulate as many streams as values fall into that. So it gets what a user would give it, one mean a window:
the history's as its reference, all monitors that it is asked about as the features of one detector, windows of 24
and an expected run-time of a week. It runs in the environment that `benchmarks.detectors` makes, if that is there.
The threshold's scale is what is set, 1 by default.
"""

import subprocess
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
from numpy.lib.format import read_array, write_array

from benchmarks.detectors.environments import installed
from benchmarks.quality.deciders.decider import Scored
from benchmarks.quality.windows import WEEK_MS, Windows
from detectors.arrays import Floats

__all__ = ["AlibiDetect"]

PEER = "alibi_detect"
WORKER = Path(__file__).parent.parent / "alibi_worker.py"


class AlibiDetect(Scored):
    """Alarms where the statistic exceeds its threshold; the score is their quotient. For a few numeric monitors."""

    FEW: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__("alibi-detect CVM", 1.0)

    @staticmethod
    def installed() -> bool:
        """Whether there is an environment to run it in."""
        return installed(PEER) is not None

    def fit(self, history: Windows) -> None:
        """Keep the means."""
        self._scored = None
        self._week = WEEK_MS // history.window_ms
        self._reference = _means(history)

    def score(self, windows: Windows) -> Floats:
        """[M, T] the largest statistic over its threshold; 0 until the first 24 windows are full."""
        worker = _worker()
        assert worker.stdin is not None
        assert worker.stdout is not None
        # Namespaces, as numpy would seek in what it takes for a file.
        for array in (np.array([self._week]), self._reference.T, _means(windows).T):
            write_array(SimpleNamespace(write=worker.stdin.write), np.ascontiguousarray(array))
        worker.stdin.flush()
        return np.asarray(read_array(SimpleNamespace(read=worker.stdout.read)).T)


def _means(windows: Windows) -> Floats:
    """[M, T] the mean of each window, in grid positions, which ranks don't mind; 0 for an empty one."""
    return np.asarray(windows.sums / np.maximum(windows.valid, 1))


@cache
def _worker() -> "subprocess.Popen[bytes]":
    """Start the process that has the package; it ends with its stdin, that is with this process."""
    python = installed(PEER)
    assert python is not None
    return subprocess.Popen(
        [python, "-P", WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
