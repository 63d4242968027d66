"""Unseen: for discrete columns, of the values that are there."""

from detectors import Cells, Unseen
from tests.detectors.comparisons.streams import everywhere, flat_windows


def test_it_applies_to_discrete_columns_only() -> None:
    columns = Cells.of([[[3, 0]], [[3, 0]], [[0, 0]]], discrete=[True, False, True])
    assert Unseen.applies(columns).tolist() == [True, False, False]


def test_the_share_is_of_values_not_of_events() -> None:
    history = flat_windows(20, [50, 50, 0], discrete=True)
    verdict = Unseen(history.total(), history, everywhere(20)).judge(
        flat_windows(1, [30, 30, 40], discrete=True, missing=900), 1e-4
    )[0]
    assert verdict.alarm
    assert (verdict.statistic, verdict.n) == (0.4, 100)
