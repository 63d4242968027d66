"""The binary form gives back what was written, and refuses everything else."""

import struct
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.binary_form import pack, unpack

ONE = range(1, 2)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def sealed(body: bytes) -> bytes:
    return body + struct.pack("<I", crc32(body))


@given(st.dictionaries(st.text(max_size=4), values, max_size=5))
def test_what_is_read_is_what_was_written(fields: dict[str, Any]) -> None:
    data = pack("demo", 1, fields)
    assert unpack(data, "demo", ONE) == fields
    assert pack("demo", 1, unpack(data, "demo", ONE)) == data


@pytest.mark.parametrize("dtype", ["f8", "i8", "u8", "u4", "u1", "?"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 4)])
def test_arrays_keep_type_shape_and_bits(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).integers(0, 2, shape).astype(dtype)
    back = unpack(pack("demo", 1, {"a": array}), "demo", ONE)["a"]
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_floats_keep_every_bit() -> None:
    odd = [float("nan"), float("inf"), -0.0, 5e-324, 1.7976931348623157e308]
    back = unpack(pack("demo", 1, {"x": odd}), "demo", ONE)["x"]
    assert np.array(back).tobytes() == np.array(odd).tobytes()


def test_the_order_of_keys_does_not_matter() -> None:
    assert pack("demo", 1, {"a": 1, "b": 2}) == pack("demo", 1, {"b": 2, "a": 1})


@given(st.data())
def test_damaged_bytes_are_refused(data: st.DataObject) -> None:
    whole = pack("demo", 1, {"x": [1, "two", np.arange(3)], "y": {"z": None}})
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[at] ^= data.draw(st.integers(1, 255))
    for bad in (whole[:at], bytes(flipped), whole + b"\0"):
        with pytest.raises(ValueError, match=r"bytes|kind|version"):
            unpack(bad, "demo", ONE)


@given(st.binary(max_size=60))
def test_nonsense_with_the_right_checksum_is_refused_or_read_but_never_breaks(body: bytes) -> None:
    data = sealed(pack("demo", 1, {})[:-9] + body)
    try:
        assert isinstance(unpack(data, "demo", ONE), dict)
    except ValueError as error:
        assert str(error)  # noqa: PT017


def test_another_kind_version_and_format_are_told_apart() -> None:
    data = pack("demo", 2, {})
    with pytest.raises(ValueError, match="bytes of a demo, not of a other"):
        unpack(data, "other", ONE)
    with pytest.raises(ValueError, match="version 2, understood are 1 to 1"):
        unpack(data, "demo", ONE)
    newer = bytearray(data[:-4])
    newer[4] = 9
    with pytest.raises(ValueError, match="format 9"):
        unpack(sealed(bytes(newer)), "demo", range(1, 3))


def test_depth_is_bounded_both_ways() -> None:
    deep: list[Any] = []
    for _ in range(50):
        deep = [deep]
    with pytest.raises(ValueError, match="nested 32 deep"):
        pack("demo", 1, {"x": deep})
    head = pack("demo", 1, {})[:-9]
    with pytest.raises(ValueError, match="no known value"):
        unpack(sealed(head + b"L\x01\0\0\0" * 5000 + b"N"), "demo", ONE)


@pytest.mark.parametrize("value", [2**63, object(), np.zeros(1, "f4"), np.zeros((1,) * 5)])
def test_what_has_no_binary_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"state cannot hold|64 bits"):
        pack("demo", 1, {"x": value})
