"""Totals are viewed once, whoever asks, and as the comparisons would view them."""

import numpy as np
import pytest

from detectors import Cells
from detectors.comparisons.cells import NAMES
from detectors.comparisons.counting import cells
from tests.evaluate import watched

COLUMNS = list(range(len(watched.COLUMNS)))


def same(one: Cells, other: Cells) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in NAMES)


@pytest.mark.parametrize("columns", [COLUMNS, COLUMNS[1:], COLUMNS[:1]])
def test_totals_are_those_of_the_reference_in_any_columns(columns: list[int]) -> None:
    of = watched.reference()
    seen = cells(of.layout, columns, [of.total])
    assert same(of.totals.cells(columns), seen)
    for last in range(1, len(columns) + 1):
        which = np.arange(last)
        assert same(of.totals.cells(columns, which), seen.columns(which))


def test_who_asks_for_the_same_columns_is_given_the_same() -> None:
    """And columns of a batch are no others for being asked for as a part of it."""
    totals = watched.reference().totals
    part = np.array([0])
    assert totals.view(COLUMNS) is totals.view(tuple(COLUMNS))
    assert totals.cells(COLUMNS) is totals.cells(COLUMNS, np.array(COLUMNS))
    assert totals.cells(COLUMNS, part) is totals.cells(COLUMNS, part.copy())
    assert totals.cells(COLUMNS, part).shape[2] == totals.cells(COLUMNS).shape[2]
