"""Comparisons of several references, put beside each other, judge as each does alone."""

import numpy as np
import pytest

from detectors import COMPARISONS, Cells, Comparison, Volume
from detectors.comparisons.beside import comparisons_beside
from detectors.comparisons.volume import Silence


def cells(seed: int, bins: int, windows: int, *, columns: int = 2, shift: float = 1.0) -> Cells:
    """Make columns of which the last one is discrete, with some missing and invalid values."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(20 * shift ** np.arange(bins), (columns, windows, bins))
    missing, invalid = rng.poisson(3, (2, columns, windows))
    lo, hi = -1 - rng.random((columns, windows)), 1 + rng.random((columns, windows))
    sums = rng.integers(-900, 900, (columns, windows))
    discrete = np.arange(columns) == columns - 1
    return Cells.of(counts, missing, invalid, lo, hi, discrete, sums, 1000 * np.abs(sums))


@pytest.mark.parametrize("kind", [*COMPARISONS, Volume, Silence], ids=lambda kind: kind.name)
@pytest.mark.parametrize("fixed", [None, 1.5], ids=["calibrated", "fixed"])
@pytest.mark.filterwarnings("ignore:overflow")
def test_comparisons_beside_each_other_judge_as_each_alone(
    kind: type[Comparison], fixed: float | None
) -> None:
    """To the last bit: of unlike numbers of bins, of windows known, and of drift; alarms and their reasons."""
    tests, windows = [], []
    for i, (bins, known) in enumerate([(5, 30), (9, 4), (5, 12), (7, 40)]):
        history = cells(i, bins, known)
        asked = np.flatnonzero(kind.applies(history.total()))
        inside = np.full(known, True)
        history = history.columns(asked)
        tests.append(kind(history.total(), history, inside, fixed=fixed))
        shift = 1.0 if i % 2 else 1.6
        windows.append(cells(100 + i, bins, 1, shift=shift).columns(asked))
    together = comparisons_beside(tests).judge(Cells.beside(windows), 0.01)
    alone = [test.judge(window, 0.01) for test, window in zip(tests, windows, strict=True)]
    for name in ("statistic", "effect", "alarm", "n", "m", "threshold", "p_value"):
        parts = np.concatenate([getattr(of, name) for of in alone])
        assert np.array_equal(getattr(together, name), parts, equal_nan=True), name
    assert together.notes == [note for of in alone for note in of.notes]
