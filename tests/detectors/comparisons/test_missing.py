"""Missing: both ways, and the rule for a column that is gone."""

import numpy as np

from detectors import Cells, Missing
from tests.detectors.comparisons.streams import everywhere, flat_windows

NONE = Cells.of(np.zeros((0, 3)))


def test_values_that_come_back_are_a_change_too() -> None:
    history = flat_windows(30, [0, 500, 0], missing=500)
    verdict = Missing(history.total(), history, everywhere(30)).judge(
        flat_windows(1, [0, 1000, 0]), 1e-4
    )[0]
    assert verdict.alarm
    assert verdict.statistic < verdict.threshold


def test_a_column_that_is_gone_alarms_without_any_history() -> None:
    compare = Missing(flat_windows(1, [0, 900, 0], missing=100), NONE, everywhere(0))
    gone = compare.judge(flat_windows(1, [0, 0, 0], missing=30), 1e-4)[0]
    assert gone.alarm
    assert gone.note.startswith("hard rule")
    assert not compare.judge(flat_windows(1, [0, 0, 0], missing=29), 1e-4)[0].alarm
    assert not compare.judge(flat_windows(1, [0, 1, 0], missing=99), 1e-4)[0].alarm


def test_a_column_that_is_mostly_missing_anyway_may_be_gone() -> None:
    compare = Missing(flat_windows(1, [0, 400, 0], missing=600), NONE, everywhere(0))
    assert not compare.judge(flat_windows(1, [0, 0, 0], missing=100), 1e-4)[0].alarm


def test_a_column_that_was_gone_before_may_be_gone_again() -> None:
    there, gone = flat_windows(1, [0, 100, 0]), flat_windows(1, [0, 0, 0], missing=100)
    history = Cells.concat([there, there, there, gone] * 5)
    assert not Missing(history.total(), history, everywhere(20)).judge(gone, 1e-4)[0].alarm


def test_a_fixed_threshold_is_the_largest_share_that_is_fine() -> None:
    """Although a level judges both ways: nobody asks for a share of missing values by name to be warned of none."""
    history = flat_windows(30, [0, 500, 0], missing=500)
    compare = Missing(history.total(), history, everywhere(30), fixed=0.3)
    windows = [flat_windows(1, [0, 100 - k, 0], missing=k) for k in (0, 30, 31)]
    assert [compare.judge(window, 1e-4)[0].alarm for window in windows] == [False, False, True]
