"""The bytes of a stored value: framed, versioned, checksummed, and never code (no pickle).

    magic  frame  flags  version  kind length  body length  content length  crc32   kind  body
    4      1      1      2        1            4            4               4       n     m

Little-endian; the checksum covers everything but itself. The body is the content, compressed by
zlib (level 1) where that is shorter. The content is msgpack: None, booleans, integers of 64 bits,
floats, strings, bytes, lists and dictionaries; tuples come back as lists, sets do not belong in it
(their order is not the same in every process). A numpy array is an extension: the dtype it has, the
dtype it is stored in, its shape, its items in C order. Integers are stored in the smallest dtype
that holds them all, and come back in the dtype they had.

Equal content gives equal bytes on one build of zlib; dictionaries keep the order of the caller.
Cost: linear; about 100 MB/s where it compresses.
"""

import math
import struct
import zlib
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.errors import CodecError

__all__ = ["CONTENT_MAX", "encoded", "pack", "unpack"]

CONTENT_MAX = 1 << 28
"""Longest content in bytes; a damaged or hostile length cannot make us allocate more."""

_MAGIC = b"\x93dbs"
_FRAME = 1
_ZLIB = 1
_COMPRESS_FROM = 2048
_HEAD = struct.Struct("<4sBBHBII")
_CRC = struct.Struct("<I")

_ARRAY = 1
"""The code of our only msgpack extension."""
_DTYPES = tuple(
    np.dtype(name)
    for name in ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8")
)
"""What an array may be made of. The position is what is stored: append only."""
_CODES = {dtype.newbyteorder("<"): code for code, dtype in enumerate(_DTYPES)}
_CODES |= {dtype.newbyteorder(">"): code for code, dtype in enumerate(_DTYPES)}
"""The codes of what may be packed, of either byte order."""
_LIMITS = {
    kind: [(d, int(np.iinfo(d).min), int(np.iinfo(d).max)) for d in _DTYPES if d.kind == kind]
    for kind in "iu"
}
_DIMENSIONS_MAX = 32
FEW = 32
"""Items of an array that Python compares faster than numpy."""


def pack(kind: str, version: int, payload: object, *, compress: bool = True) -> bytes:
    """Frame a value.

    Args:
        kind: what the value is; 1 to 32 ASCII characters.
        version: of the payload's layout, 0 to 65,535.
        payload: see the module.
        compress: whether a long content is compressed; it is not worth its time where the content is dense already.

    Raises:
        CodecError: the payload holds something else, or more than `CONTENT_MAX` bytes of it.

    >>> unpack(pack("pane", 2, {"n": 3}), "pane", newest=2)
    (2, {'n': 3})
    """
    if not (kind.isascii() and 1 <= len(kind) <= 32 and 0 <= version <= 0xFFFF):
        raise ValueError(f"no kind and version of a frame: {kind!r}, {version}")
    try:
        content = _ENCODER.encode(payload)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CodecError(f"cannot be stored: {error}", kind) from error
    if len(content) > CONTENT_MAX:
        raise CodecError(f"{len(content):,} bytes are more than the {CONTENT_MAX:,} allowed", kind)
    flags, body = 0, content
    if compress and len(content) > _COMPRESS_FROM:
        shorter = zlib.compress(content, 1)
        if len(shorter) < len(content):
            flags, body = _ZLIB, shorter
    return _frame(_FRAME, flags, version, kind.encode(), body, len(content))


def encoded(part: object) -> msgspec.Raw:
    """Encode a part of a payload that is written more than once.

    >>> pack("pane", 1, [encoded([1, "a"]), 2]) == pack("pane", 1, [[1, "a"], 2])
    True
    """
    return msgspec.Raw(_ENCODER.encode(part))


def unpack(blob: bytes, kind: str, newest: int, oldest: int = 0) -> tuple[int, Any]:
    """Read back what `pack` framed: the version and the payload. Arrays come back writable.

    Args:
        blob: the bytes.
        kind: what they must be.
        newest: the newest version the caller can read.
        oldest: the oldest one.

    Raises:
        CodecError: they are something else, damaged, cut short, newer or older; whatever the bytes,
            no other error is raised.
    """
    version, flags, body, length = _unframe(bytes(blob), kind)
    if version > newest:
        raise CodecError(
            f"version {version} was written by a newer driftbus; this one reads up to {newest}",
            kind,
            "upgrade every worker before any of them goes on",
        )
    if version < oldest:
        raise CodecError(
            f"version {version} was written by an older driftbus; this one reads from {oldest} on",
            kind,
            "let the older one run on, or begin anew under another `app`",
        )
    try:
        content = _decompress(body, length) if flags & _ZLIB else body
        if len(content) != length:
            raise ValueError(f"{len(content)} bytes instead of {length}")
        return version, _DECODER.decode(content)
    except (
        msgspec.MsgspecError,
        zlib.error,
        struct.error,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        raise CodecError(f"the content cannot be read: {error}", kind) from error


def _frame(frame: int, flags: int, version: int, kind: bytes, body: bytes, length: int) -> bytes:
    head = _HEAD.pack(_MAGIC, frame, flags, version, len(kind), len(body), length)
    rest = kind + body
    return head + _CRC.pack(zlib.crc32(rest, zlib.crc32(head))) + rest


def _unframe(blob: bytes, kind: str) -> tuple[int, int, bytes, int]:
    """Check a frame from the outside in: who wrote it, is it whole, is it undamaged, what is it."""
    start = _HEAD.size + _CRC.size
    if blob[:4] != _MAGIC:
        raise CodecError("these are no bytes of driftbus", kind)
    if len(blob) < start:
        raise CodecError(f"cut short: {len(blob)} bytes, the head alone has {start}", kind)
    _, frame, flags, version, kind_length, body_length, length = _HEAD.unpack_from(blob)
    if frame != _FRAME:
        raise CodecError(
            f"frame {frame} is not known; this driftbus reads frame {_FRAME}",
            kind,
            "upgrade every worker before any of them goes on",
        )
    if len(blob) != start + kind_length + body_length:
        raise CodecError(
            f"cut short or grown: {len(blob)} bytes instead of {start + kind_length + body_length}",
            kind,
        )
    head, rest = blob[: _HEAD.size], memoryview(blob)[start:]
    if _CRC.unpack_from(blob, _HEAD.size) != (zlib.crc32(rest, zlib.crc32(head)),):
        raise CodecError("damaged: the checksum does not match", kind)
    found, body = bytes(rest[:kind_length]), bytes(rest[kind_length:])
    if found != kind.encode():
        raise CodecError(f"these bytes are a {found.decode('ascii', 'replace')}", kind)
    if length > CONTENT_MAX or flags > _ZLIB:
        raise CodecError("damaged: the head says what no driftbus writes", kind)
    return version, flags, body, length


def _decompress(body: bytes, length: int) -> bytes:
    """Decompress to at most one byte more than promised, so that a bomb stays small."""
    machine = zlib.decompressobj()
    content = machine.decompress(body, length + 1)
    if machine.unconsumed_tail or machine.unused_data or not machine.eof:
        raise ValueError("the compressed body has another length than it says")
    return content


def _from_numpy(value: object) -> object:
    """Turn numpy's values into what msgpack knows; called for everything it does not know."""
    if isinstance(value, np.ndarray):
        return msgspec.msgpack.Ext(_ARRAY, _array_bytes(value))
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return value.item()
    raise TypeError(f"a {type(value).__name__}")


def _array_bytes(array: NDArray[Any]) -> bytes:
    code = _CODES.get(array.dtype)
    if code is None or array.ndim > _DIMENSIONS_MAX:
        raise TypeError(f"an array of {array.dtype} with {array.ndim} dimensions")
    own = _DTYPES[code]
    stored = _smallest(array) if own.kind in "iu" else own
    head = struct.pack(f"<3B{array.ndim}Q", code, _CODES[stored], array.ndim, *array.shape)
    return head + (array if stored == array.dtype else array.astype(stored)).tobytes()


def _smallest(array: NDArray[Any]) -> np.dtype[Any]:
    """Tell the smallest integer dtype that holds all items; unsigned when none is negative."""
    if array.size == 0:
        return np.dtype("|u1")
    if array.size <= FEW:  # so few are told sooner one by one
        values = array.ravel().tolist()
        low, high = min(values), max(values)
    else:
        low, high = int(array.min()), int(array.max())
    kind = "i" if low < 0 else "u"
    for dtype, smallest, largest in _LIMITS[kind]:
        if smallest <= low and high <= largest:
            return dtype
    raise AssertionError("64 bits hold every integer of numpy")


def _to_numpy(code: int, data: memoryview) -> NDArray[Any]:
    """Build the array of an extension; every size is checked before it is believed."""
    if code != _ARRAY:
        raise ValueError(f"extension {code} is not known")
    own_code, stored_code, dimensions = struct.unpack_from("<3B", data)
    if max(own_code, stored_code) >= len(_DTYPES) or dimensions > _DIMENSIONS_MAX:
        raise ValueError("an array of no known kind")
    own, stored = _DTYPES[own_code], _DTYPES[stored_code]
    if own != stored and not (own.kind in "iu" and stored.kind in "iu"):
        raise ValueError(f"an array of {own} stored as {stored}")
    shape = struct.unpack_from(f"<{dimensions}Q", data, 3)
    items = data[3 + 8 * dimensions :]
    if math.prod(shape) * stored.itemsize != len(items):
        raise ValueError("an array whose items do not fill its shape")
    return np.frombuffer(items, stored).reshape(shape).astype(own.newbyteorder("="))


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_from_numpy)
_DECODER = msgspec.msgpack.Decoder(ext_hook=_to_numpy)
