"""Verdicts of many columns are those of each."""

import numpy as np
import pytest

from detectors import Cells, Psi, Verdict, Verdicts
from detectors.comparisons.verdict import Score
from tests.detectors.comparisons.streams import everywhere, flat_windows


def score(*statistics: float) -> Score:
    n = np.full(len(statistics), 50)
    return Score("some", np.array(statistics), np.zeros(len(statistics)), n, 2 * n)


def test_one_by_one_they_are_plain_verdicts() -> None:
    verdicts = score(1.0, 3.0).judged(
        2.0, np.array([np.nan, 0.5]), np.array([False, True]), ["", ""]
    )
    assert list(verdicts) == [verdicts[0], verdicts[1]]
    assert verdicts[-1] == Verdict("some", 3.0, 2.0, 0.5, 0.0, True, 50, 100, None)
    assert verdicts[0].p_value is None
    assert [type(x) for x in (verdicts[1].alarm, verdicts[1].n, verdicts[1].statistic)] == [
        bool,
        int,
        float,
    ]
    assert len(verdicts) == 2
    with pytest.raises(IndexError):
        verdicts[2]


def test_a_quiet_column_says_why_and_never_alarms() -> None:
    alarm = np.array([True, True])
    verdicts = score(1.0, 3.0).judged(2.0, 0.1, alarm, ["learning", ""], ["x", "y"])
    assert verdicts.notes == ["learning", "y"]
    assert verdicts.alarm.tolist() == [False, True]
    assert verdicts.threshold.tolist() == [np.inf, 2.0]
    assert [v.p_value for v in verdicts] == [None, 0.1]


def test_a_fixed_threshold_is_the_most_that_is_fine_or_the_least() -> None:
    assert score(1.0, 2.0, 3.0).fixed(2.0).alarm.tolist() == [False, False, True]
    assert score(1.0, 2.0, 3.0).fixed(2.0, "least").alarm.tolist() == [True, False, False]


def test_a_hard_rule_speaks_only_where_it_holds() -> None:
    calm = score(1.0, 3.0).judged(9.0, 0.2, np.array([False, False]), ["", ""])
    ruled = calm.overruled(np.array([False, True]), 3.0, "hard rule")
    assert ruled[0] == calm[0]
    assert ruled[1] == Verdict("some", 3.0, 3.0, 0.2, 0.0, True, 50, 100, None, "hard rule")


def test_contributions_are_those_of_the_bins_that_a_column_has_and_the_missing() -> None:
    history = Cells.stack([flat_windows(12, [9, 40, 60, 5]), flat_windows(12, [50, 50], missing=9)])
    verdicts = Psi(history.total(), history, everywhere(12)).judge(
        Cells.stack([flat_windows(1, [9, 70, 30, 5]), flat_windows(1, [50, 50], missing=70)]), 0.01
    )
    assert isinstance(verdicts, Verdicts)
    parts = [verdict.contributions for verdict in verdicts]
    assert [None if own is None else len(own) for own in parts] == [5, 3]
    assert parts[1] is not None
    assert int(np.argmax(parts[1])) == 2
    assert float(parts[1].sum()) == pytest.approx(verdicts[1].statistic)


def test_a_fixed_threshold_is_a_distance_from_zero_or_a_factor() -> None:
    away = score(-3.0, -1.0, 0.0, 3.0).fixed(2.0, "away")
    assert away.alarm.tolist() == [True, False, False, True]
    assert away.threshold.tolist() == [-2.0, -2.0, 2.0, 2.0]
    factor = score(0.0, 0.4, 0.6, 1.9, 2.1).fixed(2.0, "factor")
    assert factor.alarm.tolist() == [True, True, False, False, True]
    assert factor.threshold.tolist() == [0.5, 0.5, 0.5, 2.0, 2.0]
