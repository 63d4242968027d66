"""Integers come back from few bytes, and from no others."""

from contextlib import suppress
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.state.small_ints import pack_arrays, pack_groups, pack_ints, unpack_ints

INTS = st.lists(st.just(0) | st.integers(-3, 300) | st.integers(-(2**63), 2**63 - 1), max_size=60)


@given(INTS)
def test_integers_of_any_size_come_back(values: list[int]) -> None:
    packed = pack_ints(np.array(values, dtype=np.int64))
    assert unpack_ints(packed, len(values)).tolist() == values
    assert len(packed) <= 10 * len(values) + 1


@given(st.lists(st.lists(st.tuples(INTS, INTS), max_size=4), min_size=1, max_size=5), st.randoms())
def test_each_group_of_pieces_is_packed_as_if_they_lay_alone_behind_each_other(
    groups: list[list[tuple[list[int], list[int]]]], random: Random
) -> None:
    """Whatever lies between them, and in whichever order they lie: a run of zeros goes over the ends of pieces only."""
    pieces = [piece for group in groups for piece in group]
    laid: list[int] = []
    starts = [0] * len(pieces)
    for i in random.sample(range(len(pieces)), len(pieces)):
        starts[i] = len(laid)
        laid += [*pieces[i][0], *pieces[i][1]]
    sizes = [len(piece) for piece, _ in pieces]
    values, at, n = (np.array(of, dtype=np.int64) for of in (laid, starts, sizes))
    packed = pack_groups(values, at, n, np.cumsum(list(map(len, groups))))
    told = ([value for piece, _ in group for value in piece] for group in groups)
    assert packed == [pack_ints(np.array(of, dtype=np.int64)) for of in told]


@given(st.lists(INTS, max_size=5))
def test_arrays_are_packed_as_if_each_were_alone(told: list[list[int]]) -> None:
    arrays = [np.array(values, dtype=np.int64) for values in told]
    assert pack_arrays(arrays) == list(map(pack_ints, arrays))


@pytest.mark.parametrize("run", [1, 126, 127, 128, 129, 16_383, 16_384, 40_000])
def test_a_run_of_zeros_of_any_length_comes_back_whichever_pieces_it_lies_in(run: int) -> None:
    values = np.zeros(run + 2, dtype=np.int64)
    values[[0, -1]] = 5, -300
    (packed,) = pack_groups(
        values, np.array([0, run // 2]), np.array([run // 2, run + 2 - run // 2]), np.array([2])
    )
    assert packed == pack_ints(values)
    assert unpack_ints(packed, len(values)).tolist() == values.tolist()
    assert len(packed) <= 7


def test_more_integers_than_any_value_has_are_refused_before_there_is_room_for_them() -> None:
    with pytest.raises(ValueError, match="integers"):
        unpack_ints(b"\x00\x03", 2**62)


@given(INTS, st.integers(-2, 2).filter(bool))
def test_another_number_of_integers_is_refused(values: list[int], more: int) -> None:
    packed = pack_ints(np.array(values, dtype=np.int64))
    if len(values) + more >= 0:
        with pytest.raises(ValueError, match="are not"):
            unpack_ints(packed, len(values) + more)


@given(st.binary(max_size=40), st.integers(0, 30))
def test_any_other_bytes_are_integers_or_refused(data: bytes, n: int) -> None:
    """Whatever they say, nothing is written beyond the n integers."""
    with suppress(ValueError):
        assert len(unpack_ints(data, n)) == n


def test_zeros_take_no_room() -> None:
    assert len(pack_ints(np.zeros(1_000_000, dtype=np.int64))) == 4
