"""Variance shift is the ratio of raw standard deviations, on a scale where 1/n is its variance."""

from math import exp, sqrt

import numpy as np
import pytest

from detectors.comparisons.cells import Cells
from detectors.comparisons.counting import count
from detectors.comparisons.variance_shift import VarianceShift
from detectors.comparisons.verdict import Verdict
from detectors.summaries.binning import quantile_edges
from tests.detectors.comparisons.streams import everywhere


def judged(ratio: float, df: float | None = None, size: int = 400) -> tuple[Verdict, float]:
    """Tell the verdict and the ratio of the raw standard deviations; Student's t if df."""
    rng = np.random.default_rng(3)
    draw = rng.normal if df is None else lambda size: rng.standard_t(df, size)
    raw = [draw(size=size) for _ in range(60)] + [ratio * draw(size=size)]
    past = np.concatenate(raw[:60])
    cells = count(raw, quantile_edges(past))
    history = cells.select(slice(0, 60))
    compare = VarianceShift(history.total(), history, everywhere(60))
    verdict = compare.judge(cells.select(slice(60, 61)), 1e-3)[0]
    return verdict, float(raw[60].std(ddof=1) / past.std(ddof=1))


@pytest.mark.parametrize("ratio", [0.7, 1.0, 1.4])
def test_it_is_the_ratio_of_the_standard_deviations(ratio: float) -> None:
    verdict, raw = judged(ratio)
    assert verdict.statistic == pytest.approx(raw, rel=1e-3)
    assert verdict.alarm == (ratio != 1)


def test_on_its_scale_the_sampling_variance_of_normal_values_is_one_over_n() -> None:
    rng = np.random.default_rng(0)
    places = np.rint(1000 * rng.normal(size=(4000, 200))).astype(np.int64)
    bins = np.full((4000, 1), 200)
    cells = Cells.of(bins, sums=places.sum(axis=1), squares=(places**2).sum(axis=1))
    x = VarianceShift(cells.total(), cells, everywhere(4000)).level(cells)
    assert float(x.var()) == pytest.approx(1 / 200, rel=0.07)


def test_heavy_tails_widen_the_bound() -> None:
    """The variance of Student's t of 5 degrees of freedom wanders twice as far, or more."""
    normal, heavy = judged(1.3)[0], judged(1.3, df=5)[0]
    assert heavy.threshold - 1 > 1.5 * (normal.threshold - 1)


def test_a_constant_window_counts_as_one_step_wide() -> None:
    history = Cells.of(np.full((24, 1), 100), sums=0, squares=120_000 + np.arange(24))
    compare = VarianceShift(history.total(), history, everywhere(24))
    verdict = compare.judge(Cells.of([[100]], sums=300, squares=900), 1e-3)[0]
    assert verdict.alarm
    usual = compare.usual[0, 0]
    assert verdict.statistic == pytest.approx(sqrt(1 / 12 / exp(usual)))


def test_a_fixed_threshold_is_a_factor_either_way() -> None:
    history = Cells.of(np.full((24, 1), 100), sums=0, squares=120_000 + np.arange(24))
    compare = VarianceShift(history.total(), history, everywhere(24), fixed=1.5)
    squares = [120_000 * factor**2 for factor in (0.5, 0.7, 1.0, 1.4, 2.0)]
    verdicts = [
        compare.judge(Cells.of([[100]], sums=0, squares=round(s)), 1e-3)[0] for s in squares
    ]
    assert [verdict.alarm for verdict in verdicts] == [True, False, False, False, True]
    assert verdicts[0].statistic < verdicts[0].threshold == 1 / 1.5
    assert verdicts[-1].statistic > verdicts[-1].threshold == 1.5
