"""Cells add up exactly and let a window be taken out again."""

import numpy as np
import pytest
from hypothesis import given

from detectors import Cells, baseline
from tests.detectors.comparisons.streams import any_cells, everywhere


def same(one: Cells, other: Cells) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("bins", "missing", "invalid", "lo", "hi")
    )


@given(any_cells(), any_cells())
def test_merging_parts_equals_merging_all_at_once(one: Cells, other: Cells) -> None:
    at_once = Cells.concat([one, other]).total()
    assert same(Cells.concat([one.total(), other.total()]).total(), at_once)
    assert same(Cells.concat([other, one]).total(), at_once)


@given(any_cells())
def test_the_total_keeps_every_event(cells: Cells) -> None:
    assert int(cells.total().n[0]) == int(cells.n.sum())
    assert len(cells.total()) == 1


@given(any_cells())
def test_a_window_and_its_rest_make_the_total(cells: Cells) -> None:
    total = cells.total()
    assert np.array_equal(
        cells.rest(total) + cells.bins, np.broadcast_to(total.bins, (len(cells), 4))
    )


@given(any_cells())
def test_the_baseline_leaves_out_a_window_only_where_it_is_inside(cells: Cells) -> None:
    total = cells.total()
    inside = baseline(total, cells, everywhere(len(cells)))
    outside = baseline(total, cells, ~everywhere(len(cells)))
    assert np.array_equal(inside.n + cells.n, outside.n)
    assert np.array_equal(outside.n, np.full(len(cells), total.n[0]))


def test_selecting_takes_slices_and_masks() -> None:
    cells = Cells.of([[1, 2], [3, 4], [5, 6]], missing=[7, 8, 9])
    by_mask = cells.select(np.array([False, True, True]))
    assert same(by_mask, cells.select(slice(1, None)))
    assert by_mask.missing.tolist() == [8, 9]


def test_a_window_larger_than_the_reference_it_is_said_to_be_in_is_refused() -> None:
    with pytest.raises(ValueError, match="holds more than the reference"):
        baseline(Cells.of([[5, 5]]), Cells.of([[6, 1]]), everywhere(1))


def test_a_reference_of_two_windows_and_flags_of_another_length_are_refused() -> None:
    two = Cells.of([[5, 5], [5, 5]])
    with pytest.raises(ValueError, match="one reference"):
        baseline(two, two, everywhere(2))
    with pytest.raises(ValueError, match="a flag a window"):
        baseline(two.total(), two, everywhere(3))


def test_shapes_that_do_not_agree_are_refused() -> None:
    with pytest.raises(ValueError, match="bins must be"):
        Cells.of([1, 2, 3])
    one, lo = np.zeros(1, np.int64), np.zeros(1)
    with pytest.raises(ValueError, match="missing has shape"):
        Cells(np.zeros((1, 2), np.int64), np.zeros(2, np.int64), one, lo, lo, False)
