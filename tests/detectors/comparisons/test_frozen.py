"""Frozen: a stuck column alarms, a resting one never does."""

import numpy as np

from detectors import Cells, Frozen
from tests.detectors.comparisons.streams import everywhere, flat_windows

VARIED = flat_windows(12, [0, 30, 30, 0])
STUCK = Cells.of([[0, 60, 0, 0]], lo=5.0, hi=5.0)


def test_a_column_stuck_at_one_value_alarms() -> None:
    verdict = Frozen(VARIED.total(), VARIED, everywhere(12)).judge(STUCK, 1e-4)[0]
    assert verdict.alarm
    assert (verdict.statistic, verdict.effect) == (1, 1)


def test_values_that_share_a_bin_but_differ_are_not_frozen() -> None:
    compare = Frozen(VARIED.total(), VARIED, everywhere(12))
    verdict = compare.judge(Cells.of([[0, 60, 0, 0]], lo=5.0, hi=5.1), 1e-4)[0]
    assert not verdict.alarm
    assert verdict.statistic < 1


def test_a_column_that_rested_once_may_rest_again() -> None:
    """Dry days: it did not rain all day, and that is nothing to report."""
    dry = Cells.of([[0, 60, 0, 0]], lo=0.0, hi=0.0)
    history = Cells.concat([VARIED, dry])
    assert not Frozen(history.total(), history, everywhere(13)).judge(dry, 1e-4)[0].alarm


def test_few_values_and_a_short_history_say_nothing() -> None:
    compare = Frozen(VARIED.total(), VARIED, everywhere(12))
    assert not compare.judge(Cells.of([[0, 29, 0, 0]], lo=5.0, hi=5.0), 1e-4)[0].alarm
    short = VARIED.select(slice(0, 9))
    early = Frozen(VARIED.total(), short, everywhere(9)).judge(STUCK, 1e-4)[0]
    assert (early.alarm, early.note) == (False, "learning: 9 of 10 windows")


def test_small_constant_windows_of_the_history_do_not_excuse_a_large_one() -> None:
    tiny = Cells.of([[0, 2, 0, 0]], lo=5.0, hi=5.0)
    history = Cells.concat([VARIED, tiny])
    assert Frozen(history.total(), history, everywhere(13)).judge(STUCK, 1e-4)[0].alarm


def test_a_discrete_column_is_frozen_when_one_bin_holds_all() -> None:
    history = flat_windows(12, [30, 30, 0], discrete=True)
    compare = Frozen(history.total(), history, everywhere(12))
    assert compare.judge(Cells.of([[60, 0, 0]], discrete=True), 1e-4)[0].alarm
    assert not compare.judge(Cells.of([[59, 1, 0]], discrete=True), 1e-4)[0].alarm


def test_it_does_not_apply_to_a_column_that_never_varied() -> None:
    assert not Frozen.applies(STUCK)[0]
    assert not Frozen.applies(Cells.of(np.zeros((1, 4))))[0]
    assert not Frozen(STUCK, VARIED, ~everywhere(12)).judge(STUCK, 1e-4)[0].alarm


def test_a_value_that_is_nearly_always_there_may_be_alone_in_a_window() -> None:
    """With 5 % of another value, a hundred equal ones are no news, a thousand are."""
    history = Cells.of([[950, 50, 0]] * 24, discrete=True)
    frozen = Frozen(history.total(), history, np.full(24, True))
    assert not frozen.judge(Cells.of([[100, 0, 0]], discrete=True), alpha=1e-4)[0].alarm
    assert frozen.judge(Cells.of([[1000, 0, 0]], discrete=True), alpha=1e-4)[0].alarm
