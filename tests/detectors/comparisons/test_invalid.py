"""Invalid: a first wrong type is told, a stray one is not, and the rule for a column of another type."""

import numpy as np
import pytest

from detectors import Cells, Invalid
from tests.detectors.comparisons.streams import everywhere, flat_windows

NONE = Cells.of(np.zeros((0, 3)))


def test_a_producer_that_changes_its_type_alarms_and_a_stray_value_does_not() -> None:
    history = flat_windows(24, [0, 1000, 0])
    compare = Invalid(history.total(), history, everywhere(24))
    assert not compare.judge(flat_windows(1, [0, 999, 0], invalid=1), 1e-4)[0].alarm
    assert compare.judge(flat_windows(1, [0, 500, 0], invalid=500), 1e-4)[0].alarm
    assert compare.judge(flat_windows(1, [0, 0, 0], invalid=500), 1e-4)[0].statistic == 1


def test_a_column_of_another_type_alarms_without_any_history() -> None:
    """As far as it has values; one that fits, or fewer than 30, are no other type."""
    compare = Invalid(flat_windows(1, [0, 900, 0], invalid=100), NONE, everywhere(0))
    flipped = compare.judge(flat_windows(1, [0, 0, 0], invalid=30, missing=9), 1e-4)[0]
    assert flipped.alarm
    assert flipped.note == "hard rule: every value is of a wrong type"
    assert not compare.judge(flat_windows(1, [0, 0, 0], invalid=29, missing=9), 1e-4)[0].alarm
    assert not compare.judge(flat_windows(1, [0, 1, 0], invalid=99), 1e-4)[0].alarm
    assert not compare.judge(flat_windows(1, [0, 0, 0], missing=99), 1e-4)[0].alarm


@pytest.mark.parametrize("alpha", [0.0, 1e-4])
def test_another_type_is_told_by_the_hard_rule_whatever_chance_says(alpha: float) -> None:
    history = flat_windows(24, [0, 1000, 0])
    compare = Invalid(history.total(), history, everywhere(24))
    verdict = compare.judge(flat_windows(1, [0, 0, 0], invalid=500), alpha)[0]
    assert verdict.alarm
    assert verdict.note.startswith("hard rule")


def test_a_column_that_is_mostly_invalid_anyway_or_was_wholly_before_may_be_so_again() -> None:
    flipped = flat_windows(1, [0, 0, 0], invalid=100)
    mostly = Invalid(flat_windows(1, [0, 400, 0], invalid=600), NONE, everywhere(0))
    assert not mostly.judge(flipped, 1e-4)[0].alarm
    history = Cells.concat([*[flat_windows(1, [0, 100, 0])] * 3, flipped] * 5)
    before = Invalid(history.total(), history, everywhere(20))
    assert not before.judge(flipped, 1e-4)[0].alarm


def test_a_fixed_threshold_knows_no_hard_rule() -> None:
    compare = Invalid(flat_windows(1, [0, 900, 0]), NONE, everywhere(0), fixed=0.3)
    verdict = compare.judge(flat_windows(1, [0, 0, 0], invalid=99), 1e-4)[0]
    assert verdict.note.startswith("fixed threshold")
