"""Out of range: both ends count, and a change of unit needs no history."""

import numpy as np
import pytest

from detectors import Cells, OutOfRange
from tests.detectors.comparisons.streams import everywhere, flat_windows

NONE = Cells.of(np.zeros((0, 4)))
REFERENCE = flat_windows(1, [1, 500, 500, 1])


@pytest.mark.parametrize("bins", [[92, 4, 4, 0], [0, 4, 4, 92], [46, 4, 4, 46]])
def test_nine_in_ten_values_outside_alarm_without_any_history(bins: list[int]) -> None:
    verdict = OutOfRange(REFERENCE, NONE, everywhere(0)).judge(flat_windows(1, bins), 1e-4)[0]
    assert verdict.alarm
    assert verdict.statistic == pytest.approx(0.92)


@pytest.mark.parametrize("alpha", [0.0, 1e-4, 0.5])
def test_nine_in_ten_values_outside_are_told_by_the_hard_rule_whatever_chance_says(
    alpha: float,
) -> None:
    """With a history, whether chance alarms too or not; it is the rule that makes it an error."""
    history = flat_windows(20, [0, 50, 50, 0])
    compare = OutOfRange(history.total(), history, everywhere(20))
    verdict = compare.judge(flat_windows(1, [0, 4, 4, 92]), alpha)[0]
    assert verdict.alarm
    assert verdict.note.startswith("hard rule")
    assert verdict.threshold == 0.9


def test_a_few_values_outside_wait_for_a_history() -> None:
    window = flat_windows(1, [10, 40, 40, 0])
    early = OutOfRange(REFERENCE, NONE, everywhere(0)).judge(window, 1e-4)[0]
    assert (early.alarm, early.note) == (False, "learning: 0 of 10 windows")
    history = flat_windows(20, [0, 50, 50, 0])
    assert OutOfRange(history.total(), history, everywhere(20)).judge(window, 1e-4)[0].alarm


def test_a_season_that_moves_half_of_the_values_outside_is_no_change_of_unit() -> None:
    """A summer beside a winter: 55 % far outside."""
    compare = OutOfRange(REFERENCE, NONE, everywhere(0))
    assert not compare.judge(flat_windows(1, [0, 20, 25, 55]), 1e-4)[0].alarm


def test_a_stream_that_often_lies_outside_may_do_so_again() -> None:
    near, far = flat_windows(1, [0, 50, 50, 0]), flat_windows(1, [92, 4, 4, 0])
    history = Cells.concat([near, near, far] * 8)
    assert not OutOfRange(history.total(), history, everywhere(24)).judge(far, 1e-4)[0].alarm


def test_it_applies_to_numbers_only() -> None:
    columns = Cells.stack([REFERENCE, Cells.of([[3, 3, 0]], discrete=True)])
    assert OutOfRange.applies(columns).tolist() == [True, False]
