"""Unseen: for discrete columns, of the values that are there."""

from detectors import Cells, Unseen
from tests.detectors.comparisons.streams import everywhere, flat_windows


def test_it_applies_to_discrete_columns_only() -> None:
    assert Unseen.applies(Cells.of([[3, 0]], discrete=True))
    assert not Unseen.applies(Cells.of([[3, 0]]))
    assert not Unseen.applies(Cells.of([[0, 0]], discrete=True))


def test_the_share_is_of_values_not_of_events() -> None:
    history = flat_windows(20, [50, 50, 0], discrete=True)
    verdict = Unseen(history.total(), history, everywhere(20)).judge(
        flat_windows(1, [30, 30, 40], discrete=True, missing=900), 1e-4
    )
    assert verdict.alarm
    assert (verdict.statistic, verdict.n) == (0.4, 100)
