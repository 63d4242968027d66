"""What runs in alibi-detect's own environment: arrays on stdin, arrays on stdout, until stdin ends.

In: the expected run-time [1] in windows, the reference [T, M], the windows [W, M]. Out: [W, M] statistic over
threshold. It imports nothing of driftbus, which is not installed there.
"""

import os
import sys
from copy import deepcopy
from functools import cache
from io import BufferedReader
from types import SimpleNamespace
from typing import Any

import numpy as np
from alibi_detect.cd import CVMDriftOnline
from numpy.lib.format import read_array, write_array
from numpy.typing import NDArray

__all__ = ["main", "quotients"]

Floats = NDArray[np.float64]
WINDOW = 24
BOOTSTRAPS = 10_000
"""The package's default."""


def quotients(ert: int, reference: Floats, windows: Floats) -> Floats:
    """[W, M] predict window after window with one detector of all features."""
    detector = deepcopy(_calibrated(ert, *reference.shape))
    detector.x_ref = reference
    detector._configure_ref()
    out = np.zeros(windows.shape)
    for w, x in enumerate(windows):
        told = detector.predict(x)["data"]
        if w + 1 >= WINDOW:
            out[w] = np.max(told["test_stat"] / told["threshold"], axis=0)
    return out


@cache
def _calibrated(ert: int, n: int, features: int) -> Any:
    """Simulate thresholds once for a size: the statistic is one of ranks, so they depend on nothing else."""
    some = np.random.default_rng(1).normal(size=(n, features))
    return CVMDriftOnline(
        some, ert=ert, window_sizes=[WINDOW], n_bootstraps=BOOTSTRAPS, verbose=False
    )


def main() -> None:
    """Answer until stdin ends. What the package prints goes to stderr."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    ask = sys.stdin.buffer
    assert isinstance(ask, BufferedReader)
    np.random.seed(1)  # noqa: NPY002 - the package draws from this generator
    while ask.peek(1):
        ert, reference, windows = (read_array(SimpleNamespace(read=ask.read)) for _ in range(3))
        write_array(SimpleNamespace(write=answer.write), quotients(int(ert[0]), reference, windows))
        answer.flush()


if __name__ == "__main__":
    main()
