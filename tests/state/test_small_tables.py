"""Tables of counts come back from few bytes, and from no others."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from stream.state.small_tables import HEAD, pack_table, shape_of_table, unpack_table

NUMBERS = st.integers(0, 300) | st.integers(-(2**63), 2**63 - 1)
TABLES = arrays(
    np.int64, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9), elements=NUMBERS
)


@given(TABLES)
def test_a_table_of_any_numbers_comes_back(
    table: np.ndarray[tuple[int, int], np.dtype[np.int64]],
) -> None:
    packed = pack_table(table)
    assert shape_of_table(packed) == table.shape
    np.testing.assert_array_equal(unpack_table(packed), table)


def test_what_follows_from_the_number_of_events_takes_hardly_any_room() -> None:
    """Twenty bins of a thousand windows by day and night, as their shares would have them."""
    events = 1_000 + np.rint(900 * np.sin(np.arange(1_000) / 4)).astype(np.int64)
    table = np.rint(np.outer(events, [*np.full(20, 0.05), 1.0])).astype(np.int64)
    drawn = np.random.default_rng(0).poisson(table)
    drawn[:, -1] = events
    assert len(pack_table(table)) < 4_000
    assert len(pack_table(drawn)) < 0.85 * 20_000


@given(TABLES, st.data())
def test_bytes_that_are_cut_or_grown_are_refused(
    table: np.ndarray[tuple[int, int], np.dtype[np.int64]], data: st.DataObject
) -> None:
    packed = pack_table(table)
    cut = data.draw(st.integers(0, len(packed) - 1))
    for damaged in (packed[:cut], packed + b"x"):
        with pytest.raises(ValueError, match=r"table|are not"):
            unpack_table(damaged)


@given(st.binary(max_size=60))
def test_any_other_bytes_are_a_table_or_refused(data: bytes) -> None:
    with suppress(ValueError):
        assert unpack_table(data).shape == shape_of_table(data)


def test_a_table_that_promises_much_is_refused_before_anything_is_allocated() -> None:
    for promised in ((2**20, 2**20, 8, 0), (0, 2**32 - 1, 0, 0), (3, 3, 9, 0)):
        with pytest.raises(ValueError, match="a table of"):
            unpack_table(HEAD.pack(*promised) + b"x" * 40)
