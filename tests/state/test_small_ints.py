"""Integers come back from few bytes, and from no others."""

from contextlib import suppress
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.state.small_ints import pack_ints, pack_pieces, unpack_ints

INTS = st.lists(st.just(0) | st.integers(-3, 300) | st.integers(-(2**63), 2**63 - 1), max_size=60)


@given(INTS)
def test_integers_of_any_size_come_back(values: list[int]) -> None:
    packed = pack_ints(np.array(values, dtype=np.int64))
    assert unpack_ints(packed, len(values)).tolist() == values
    assert len(packed) <= 10 * len(values) + 1


@given(st.lists(st.tuples(INTS, INTS), max_size=8), st.randoms())
def test_pieces_are_packed_as_if_they_lay_behind_each_other(
    pieces: list[tuple[list[int], list[int]]], random: Random
) -> None:
    """Whatever lies between them, and in whichever order they are asked for: a run of zeros may go over their ends."""
    laid = [value for piece, between in pieces for value in piece + between]
    sizes = [len(piece) for piece, _ in pieces]
    starts = np.cumsum([0, *(len(piece) + len(between) for piece, between in pieces)])[:-1]
    order = list(range(len(pieces)))
    random.shuffle(order)
    packed = pack_pieces(
        np.array(laid, dtype=np.int64),
        starts[order].astype(np.int64),
        np.array([sizes[i] for i in order], dtype=np.int64),
    )
    told = [value for i in order for value in pieces[i][0]]
    assert packed == pack_ints(np.array(told, dtype=np.int64))


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
