"""The codec gives back what it was given, and of anything else says what is wrong with it."""

import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from stream.errors import CodecError
from stream.state import codec
from stream.state.codec import pack, unpack

GOLDEN = Path(__file__).parent / "golden"

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)
DTYPES = st.sampled_from(
    ["?", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8", ">i8", ">f8"]
)
ARRAYS = DTYPES.flatmap(
    lambda dtype: arrays.arrays(
        dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)
    )
)


@given(payload=PLAIN, version=st.integers(0, 65_535))
def test_plain_values_come_back_equal_with_their_version(payload: object, version: int) -> None:
    """Round trip of everything msgpack can say."""
    assert unpack(pack("kind", version, payload), "kind", 65_535) == (version, payload)


@given(array=ARRAYS)
def test_arrays_come_back_with_their_items_dtype_and_shape(array: NDArray[np.generic]) -> None:
    """Round trip of any array, bit for bit, writable, in the byte order of the machine."""
    _, got = unpack(pack("kind", 1, {"a": array}), "kind", 1)
    assert got["a"].dtype == array.dtype.newbyteorder("=")
    assert got["a"].shape == array.shape
    assert got["a"].tobytes() == array.astype(got["a"].dtype).tobytes()
    assert got["a"].flags.writeable


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24).reshape(2, 3, 4).T,
        np.arange(100)[::-7],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    ],
)
def test_the_layout_of_an_array_in_memory_does_not_matter(array: NDArray[np.generic]) -> None:
    """Views, transposed and reversed arrays are stored by their items."""
    np.testing.assert_array_equal(unpack(pack("kind", 1, array), "kind", 1)[1], array)


@pytest.mark.parametrize(
    ("top", "each"), [(255, 1), (256, 2), (65_535, 2), (65_536, 4), (2**32, 8), (-1, 1), (-129, 2)]
)
def test_integers_take_the_room_of_their_largest(top: int, each: int) -> None:
    """Counts of 64 bits that fit in one byte take one byte each, and come back as int64."""
    array = np.zeros(100, np.int64)
    array[7] = top
    content = codec._ENCODER.encode(array)
    assert 100 * each < len(content) < 100 * each + 32
    assert unpack(pack("kind", 1, array), "kind", 1)[1].dtype == np.int64


def test_numpys_numbers_come_back_as_pythons() -> None:
    """A scalar that slipped out of an array is a number like any other."""
    payload = [np.int32(-7), np.uint64(2**64 - 1), np.float64(0.1), np.float32(0.5), np.bool_(True)]
    assert unpack(pack("kind", 1, payload), "kind", 1)[1] == [-7, 2**64 - 1, 0.1, 0.5, True]


def test_equal_values_give_equal_bytes_and_the_callers_order_is_kept() -> None:
    """State can be compared byte for byte; the order of a dictionary is part of it."""
    one = pack("kind", 1, {"a": 1, "b": np.arange(3)})
    assert one == pack("kind", 1, {"a": 1, "b": np.array([0, 1, 2])})
    assert list(unpack(pack("kind", 1, {"b": 1, "a": 2}), "kind", 1)[1]) == ["b", "a"]


def test_only_what_gets_shorter_is_compressed() -> None:
    """Long and repetitive content shrinks; short or random content grows by the frame alone."""
    rng = np.random.default_rng(1)
    assert len(pack("kind", 1, bytes(100_000))) < 1_000
    for content in (bytes(200), rng.bytes(100_000)):
        assert len(pack("kind", 1, content)) < len(content) + 40


@pytest.mark.parametrize(
    "payload",
    [object(), np.array(["text"]), np.array([object()]), 2**64, [-(2**63) - 1], 1j],
)
def test_what_cannot_be_stored_is_told_when_it_is_packed(payload: object) -> None:
    """Nothing is stored that would not come back."""
    with pytest.raises(CodecError, match="cannot be stored"):
        pack("kind", 1, payload)


def test_more_content_than_allowed_is_told_when_it_is_packed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What could not be read back is not written."""
    monkeypatch.setattr(codec, "CONTENT_MAX", 1_000)
    pack("kind", 1, bytes(900))
    with pytest.raises(CodecError, match="more than the 1,000 allowed"):
        pack("kind", 1, bytes(1_001))


@pytest.mark.parametrize(
    ("kind", "version"), [("", 1), ("k" * 33, 1), ("ä", 1), ("k", -1), ("k", 65_536)]
)
def test_a_kind_and_version_must_fit_the_frame(kind: str, version: int) -> None:
    """The caller's mistake, so a ValueError."""
    with pytest.raises(ValueError, match="kind and version"):
        pack(kind, version, None)


PAYLOAD = {"n": 3, "counts": np.arange(400), "name": "x" * 40}
BLOBS = [pack("pane", 2, PAYLOAD), pack("pane", 2, {"n": 3})]


@pytest.mark.parametrize("blob", BLOBS, ids=["compressed", "plain"])
def test_every_flipped_bit_and_every_cut_is_noticed(blob: bytes) -> None:
    """No single damage goes unseen, wherever it is."""
    for place in range(len(blob)):
        for bit in range(8):
            damaged = bytearray(blob)
            damaged[place] ^= 1 << bit
            with pytest.raises(CodecError):
                unpack(bytes(damaged), "pane", 2)
        with pytest.raises(CodecError):
            unpack(blob[:place], "pane", 2)
    with pytest.raises(CodecError, match="grown"):
        unpack(blob + b"\x00", "pane", 2)


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"", "no bytes of driftbus"),
        (b"\x80\x04\x95", "no bytes of driftbus"),
        (BLOBS[1][:10], "cut short"),
        (BLOBS[1][:-1], "cut short"),
        (BLOBS[1][:-1] + b"\x07", "checksum"),
        (pack("window", 2, None), "these bytes are a window"),
        (
            pack("pane", 3, None),
            "version 3 was written by a newer driftbus.*reads up to 2.*upgrade",
        ),
        (codec._frame(2, 0, 2, b"pane", b"\xc0", 1), "frame 2 is not known.*upgrade"),
        (codec._frame(1, 2, 2, b"pane", b"\xc0", 1), "no driftbus writes"),
        (codec._frame(1, 0, 2, b"pane", b"\xc0", 2**32 - 1), "no driftbus writes"),
        (codec._frame(1, 0, 2, b"pane", b"\xc0", 2), "1 bytes instead of 2"),
        (codec._frame(1, 1, 2, b"pane", zlib.compress(bytes(10**6)), 1), "another length"),
        (codec._frame(1, 1, 2, b"pane", b"no zlib", 1), "cannot be read"),
    ],
)
def test_the_error_says_what_is_wrong_and_with_what(blob: bytes, message: str) -> None:
    """Each wrong input has its own words, and names the kind that was wanted."""
    with pytest.raises(CodecError, match=message) as caught:
        unpack(blob, "pane", 2)
    assert caught.value.where == "pane"


@given(blob=st.binary(max_size=80) | st.binary(max_size=60).map(lambda rest: BLOBS[0][:5] + rest))
def test_no_bytes_raise_anything_but_a_codec_error(blob: bytes) -> None:
    """Fuzz of the frame."""
    with pytest.raises(CodecError):
        unpack(blob, "pane", 2)


HOSTILE_ARRAYS = st.builds(
    lambda head, sides, items: msgspec.msgpack.encode(
        msgspec.msgpack.Ext(
            1, bytes(head) + b"".join(side.to_bytes(8, "little") for side in sides) + items
        )
    ),
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 34)),
    st.lists(st.sampled_from([0, 1, 2, 2**31, 2**63, 2**64 - 1]), max_size=3),
    st.binary(max_size=16),
)


@settings(max_examples=500)
@given(
    body=st.binary(max_size=60) | HOSTILE_ARRAYS,
    flags=st.sampled_from([0, 1]),
    length=st.none() | st.integers(0, 2**32 - 1),
)
@example(body=b"\x91" * 5_000 + b"\xc0", flags=0, length=None)
@example(body=zlib.compress(b"\x91" * 100_000 + b"\xc0"), flags=1, length=100_001)
def test_no_content_raises_anything_but_a_codec_error(
    body: bytes, flags: int, length: int | None
) -> None:
    """Fuzz behind a good checksum: content is read, or refused as a codec error."""
    blob = codec._frame(1, flags, 2, b"pane", body, len(body) if length is None else length)
    try:
        version, _ = unpack(blob, "pane", 2)
    except CodecError:
        return
    assert version == 2


def golden_payload() -> dict[str, object]:
    """What the files in golden/ hold."""
    return {
        "none": None,
        "flags": [True, False],
        "numbers": [0, -1, 2**63, -(2**63), 0.1, float("inf")],
        "text": "Grüße",
        "raw": bytes(range(256)),
        "counts": np.arange(1_000, dtype=np.int64).reshape(10, 100),
        "signed": np.array([-40_000, 40_000], np.int64),
        "hashes": np.array([2**64 - 1, 0], np.uint64),
        "edges": np.linspace(-1.0, 1.0, 9),
        "mask": np.array([True, False, True]),
        "small": np.array([1.5, -2.5], np.float32),
        "nothing": np.empty((0, 3), np.int32),
    }


@pytest.mark.parametrize("name", ["frame-1.bin", "frame-1-zlib.bin"])
def test_bytes_written_by_earlier_releases_can_still_be_read(name: str) -> None:
    """The layout of a frame is a promise: these files never change."""
    version, got = unpack((GOLDEN / name).read_bytes(), "golden", 1)
    wanted = golden_payload()
    assert (version, list(got)) == (1, list(wanted))
    for field, value in wanted.items():
        if isinstance(value, np.ndarray):
            assert got[field].dtype == value.dtype
            np.testing.assert_array_equal(got[field], value)
        else:
            assert got[field] == value
