"""Mean shift is the difference of raw means, to within the grid."""

from dataclasses import replace

import numpy as np
import pytest

from detectors.comparisons.cells import Cells
from detectors.comparisons.counting import count
from detectors.comparisons.mean_shift import MeanShift
from detectors.summaries.binning import quantile_edges
from tests.detectors.comparisons.streams import everywhere


def windows_of(rng: np.random.Generator, shift: float = 0.0) -> tuple[list[np.ndarray], Cells]:
    raw = [100 + 15 * rng.normal(size=400) for _ in range(30)]
    raw.append(100 + 15 * rng.normal(shift, size=400))
    return raw, count(raw, quantile_edges(np.concatenate(raw[:30])))


@pytest.mark.parametrize("shift", [0.0, -0.4, 3.0])
def test_it_is_the_difference_of_the_means_in_standard_deviations(shift: float) -> None:
    raw, cells = windows_of(np.random.default_rng(0), shift)
    past = np.concatenate(raw[:30])
    history = cells.select(slice(0, 30))
    compare = MeanShift(history.total(), history, everywhere(30))
    verdict = compare.judge(cells.select(slice(30, 31)), 1e-4)[0]
    expected = (raw[30].mean() - past.mean()) / past.std(ddof=1)
    assert verdict.statistic == pytest.approx(expected, abs=1e-3)
    assert verdict.alarm == (shift != 0)
    assert verdict.contributions is None


def test_the_bound_is_on_the_side_of_the_shift() -> None:
    _, cells = windows_of(np.random.default_rng(1), -0.4)
    history = cells.select(slice(0, 30))
    verdict = MeanShift(history.total(), history, everywhere(30)).judge(
        cells.select(slice(30, 31)), 1e-4
    )[0]
    assert verdict.statistic < verdict.threshold < 0


def test_columns_without_sums_and_constants_have_no_mean_shift() -> None:
    without = Cells.of([[0, 30, 30, 0]])
    constant = Cells.of([[0, 60, 0, 0]], sums=120, squares=240)
    varying = Cells.of([[0, 30, 30, 0]], sums=0, squares=6000)
    both = Cells.stack([without, constant, varying])
    assert MeanShift.applies(both).tolist() == [False, False, True]


def test_a_fixed_threshold_holds_on_both_sides() -> None:
    _, cells = windows_of(np.random.default_rng(1), -0.8)
    history, low = cells.select(slice(0, 30)), cells.select(slice(30, 31))
    high = replace(low, sums=-low.sums)
    compare = MeanShift(history.total(), history, everywhere(30), fixed=0.5)
    down, up, usual = (
        compare.judge(window, 1e-4)[0] for window in (low, high, history.select(slice(3, 4)))
    )
    assert (down.alarm, up.alarm, usual.alarm) == (True, True, False)
    assert down.statistic < down.threshold == -0.5
    assert up.statistic > up.threshold == 0.5
