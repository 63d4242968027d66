"""Cells add up exactly and let a window be taken out again."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from detectors import Cells, baseline
from tests.detectors.comparisons.streams import any_cells, everywhere


def same(one: Cells, other: Cells) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in (field.name for field in fields(Cells))
    )


@settings(max_examples=40)
@given(any_cells(), any_cells())
def test_merging_parts_equals_merging_all_at_once(one: Cells, other: Cells) -> None:
    at_once = Cells.concat([one, other]).total()
    assert same(Cells.concat([one.total(), other.total()]).total(), at_once)
    assert same(Cells.concat([other, one]).total(), at_once)


@settings(max_examples=40)
@given(any_cells())
def test_the_total_keeps_every_event(cells: Cells) -> None:
    total = cells.total()
    assert len(total) == 1
    for name in ("n", "valid", "sums", "squares"):
        assert getattr(total, name).tolist() == [[getattr(cells, name).sum()]]


@settings(max_examples=40)
@given(any_cells())
def test_a_window_and_its_rest_make_the_total(cells: Cells) -> None:
    total = cells.total()
    assert np.array_equal(cells.rest(total) + cells.bins, np.broadcast_to(total.bins, cells.shape))


@settings(max_examples=40)
@given(any_cells())
def test_the_baseline_leaves_out_a_window_only_where_it_is_inside(cells: Cells) -> None:
    total = cells.total()
    inside = baseline(total, cells, everywhere(len(cells)))
    outside = baseline(total, cells, ~everywhere(len(cells)))
    for name in ("n", "sums", "squares"):
        added = getattr(inside, name) + getattr(cells, name)
        assert np.array_equal(added, getattr(outside, name))
    assert np.array_equal(outside.n, np.full((1, len(cells)), total.n[0]))
    assert inside.grid.tolist() == [True]


def test_selecting_takes_slices_and_masks() -> None:
    cells = Cells.of([[1, 2], [3, 4], [5, 6]], missing=[7, 8, 9])
    by_mask = cells.select(np.array([False, True, True]))
    assert same(by_mask, cells.select(slice(1, None)))
    assert by_mask.missing.tolist() == [[8, 9]]


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
    cells = Cells.of([[1, 2]])
    with pytest.raises(ValueError, match="bins must be"):
        replace(cells, bins=cells.bins[0])
    with pytest.raises(ValueError, match="missing has shape"):
        replace(cells, missing=np.zeros((1, 2), np.int64))
    with pytest.raises(ValueError, match="grid has shape"):
        replace(cells, grid=np.zeros(2, np.bool_))
    with pytest.raises(ValueError, match="sums come with squares"):
        Cells.of([[1, 2]], sums=3)


def test_bins_that_a_column_does_not_hold_stand_last_and_are_empty() -> None:
    cells = Cells.of([[1, 0, 0]])
    assert replace(cells, held=np.array([[True, True, False]])).last.tolist() == [1]
    for held in ([False, True, True], [True, False, True], [False, False, False]):
        with pytest.raises(ValueError, match="must be its first"):
            replace(cells, held=np.array([held]))
    with pytest.raises(ValueError, match="does not hold"):
        replace(Cells.of([[1, 0, 3]]), held=np.array([[True, True, False]]))
    with pytest.raises(ValueError, match="one at least"):
        Cells.of(np.zeros((2, 0)))


@settings(max_examples=40)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.data())
def test_columns_of_any_widths_stand_side_by_side_and_come_out_as_they_went_in(
    widths: list[int], data: st.DataObject
) -> None:
    columns = [data.draw(any_cells(windows=2, bins=bins)) for bins in widths]
    stacked = Cells.stack(columns)
    assert stacked.shape == (len(widths), 2, max(widths))
    assert stacked.last.tolist() == [bins - 1 for bins in widths]
    for c, column in enumerate(columns):
        assert same(stacked.column(c), column)
        assert stacked.last_counts[c].tolist() == column.bins[0, :, -1].tolist()
        shown = stacked.with_missing[c][:, stacked.held_with_missing[c, 0]]
        assert np.array_equal(shown, column.with_missing[0])
    few = np.arange(len(widths)) % 2 == 0
    assert same(stacked.columns(few).column(0), columns[0])
    assert same(Cells.stack([stacked.columns(few), stacked.columns(~few)]).total().column(0),
                columns[0].total())  # fmt: skip


def test_windows_of_different_columns_do_not_go_behind_each_other() -> None:
    numeric, discrete = Cells.of([[1, 2]]), Cells.of([[1, 2]], discrete=True)
    with pytest.raises(ValueError, match="different columns"):
        Cells.concat([numeric, discrete])


def test_discrete_columns_have_no_grid_and_a_lack_of_sums_is_passed_on() -> None:
    both = Cells.of([[[1, 2]], [[1, 2]]], sums=[[4], [4]], squares=9, discrete=[False, True])
    assert (both.grid.tolist(), both.sums.tolist(), both.squares.tolist()) == (
        [True, False],
        [[4], [0]],
        [[9], [0]],
    )
    without = Cells.of([[1, 2]])
    assert not Cells.concat([both.column(0), without]).grid.any()


def test_cells_of_no_parts_and_columns_of_unequal_windows_are_refused() -> None:
    for put_together in (Cells.concat, Cells.stack):
        with pytest.raises(ValueError, match="no cells"):
            put_together([])
    with pytest.raises(ValueError, match=r"unequal.*1, 2"):
        Cells.stack([Cells.of([[1, 2]]), Cells.of([[1, 2], [3, 4]])])


@pytest.mark.parametrize(
    "wrong",
    [
        {"bins": [[1, -2]]},
        {"bins": [[1.5, 2]]},
        {"bins": [[np.nan, 2]]},
        {"bins": [[np.inf, 2]]},
        {"bins": [["1", "2"]]},
        {"bins": [[10**30, 2]]},
        {"bins": np.array([[2**63, 2]], np.uint64)},
        {"missing": -1},
        {"missing": 0.5},
        {"invalid": -1},
        {"sums": 0.5, "squares": 1},
        {"sums": 1, "squares": -1},
    ],
)
def test_counts_that_are_none_are_refused(wrong: dict[str, ArrayLike]) -> None:
    given: dict[str, ArrayLike] = {"bins": [[1, 2]]}
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be" + r"|squares must be"):
        Cells.of(**(given | wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        {"bins": [[2**61], [2**61]], "missing": 1},
        {"bins": [[1]] * 5, "missing": 2**60},
        {"bins": [[1]] * 5, "sums": 2**60, "squares": 0},
        {"bins": [[1]] * 5, "sums": -(2**60), "squares": 0},
        {"bins": [[1]] * 5, "sums": 0, "squares": 2**60},
    ],
)
def test_columns_whose_totals_would_not_fit_are_refused(wrong: dict[str, ArrayLike]) -> None:
    """Windows are added up, and 64 bits that overflow say nothing."""
    with pytest.raises(ValueError, match="2\\^62"):
        Cells.of(**wrong)


def test_whole_numbers_are_counts_whatever_their_type() -> None:
    floats = Cells.of([[1.0, 2.0]], missing=np.float32(3))
    assert same(floats, Cells.of(np.array([[1, 2]], np.uint8), missing=3))
    assert floats.bins.dtype == np.int64
