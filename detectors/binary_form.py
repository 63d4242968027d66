"""The binary form of a detector's or a summary's state: self-describing, versioned, checked.

    "DRFT" | format: u8 | kind: u8 length, ASCII | version: u16 | value | CRC-32 of all before: u32

A value is a tag of one byte and what belongs to it, little-endian, lengths as u32:

    N none   T true   F false   I i64   D f64   S utf-8   B bytes   L list   M map   A array

An array is its type (one letter of TYPES), the number of axes (u8), the axes (u32 each) and the
elements in C order. Maps are written by ascending key, so equal states have equal bytes. Nothing
is ever executed or imported on reading; every length is checked against what is there.
"""

import struct
from collections.abc import Mapping
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

__all__ = ["Value", "pack", "unpack"]

Value = Any
"""None, bool, int of 64 bits, float, str, bytes, an array of TYPES, or a list or str-keyed map."""

MAGIC = b"DRFT"
FORMAT = 1
DEPTH_MAX = 32
AXES_MAX = 4
TYPES = {"d": "<f8", "q": "<i8", "Q": "<u8", "I": "<u4", "B": "|u1", "?": "|b1"}
LETTERS = {np.dtype(name): letter for letter, name in TYPES.items()}


def pack(kind: str, version: int, fields: Mapping[str, Value]) -> bytes:
    """Write a state.

    Args:
        kind: what it is the state of; up to 255 ASCII letters.
        version: of the fields' meaning, 0 to 65535.
        fields: the state.

    Raises:
        ValueError: a value has no binary form, or an integer has more than 64 bits.

    >>> unpack(pack("demo", 1, {"x": [1, 0.5, None]}), "demo", range(1, 2))
    {'x': [1, 0.5, None]}
    """
    name = kind.encode("ascii")
    parts = [MAGIC, struct.pack("<BB", FORMAT, len(name)), name, struct.pack("<H", version)]
    _write(parts, dict(fields), 0)
    body = b"".join(parts)
    return body + struct.pack("<I", crc32(body))


def unpack(data: bytes, kind: str, versions: range) -> dict[str, Value]:
    """Read a state.

    Args:
        data: what `pack` gave.
        kind: what is expected.
        versions: versions that the caller understands.

    Raises:
        ValueError: these bytes are damaged, of another kind or of a version not understood.
    """
    if len(data) < len(MAGIC) + 8 or data[: len(MAGIC)] != MAGIC:
        raise ValueError(f"these are not the bytes of a {kind}: they do not begin with {MAGIC!r}")
    body, (checksum,) = data[:-4], struct.unpack("<I", data[-4:])
    if crc32(body) != checksum:
        raise ValueError(f"the bytes of this {kind} are damaged: their checksum does not fit")
    reader = _Reader(body, len(MAGIC))
    form = reader.number("<B")
    if form != FORMAT:
        raise ValueError(f"the bytes of this {kind} have the format {form}, known is {FORMAT}")
    found = reader.take(reader.number("<B")).decode("ascii", "replace")
    if found != kind:
        raise ValueError(f"these are the bytes of a {found}, not of a {kind}")
    version = reader.number("<H")
    if version not in versions:
        raise ValueError(
            f"this {kind} has the version {version}, understood are {versions.start}"
            f" to {versions.stop - 1}: read it with a newer driftbus"
        )
    fields = reader.value(0)
    if not isinstance(fields, dict) or reader.at != len(body):
        raise ValueError(f"the bytes of this {kind} are damaged: no map, or more than a map")
    return fields


def _write(parts: list[bytes], value: Value, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise ValueError(f"a state may be nested {DEPTH_MAX} deep, this one is deeper")
    if isinstance(value, list | tuple):
        parts.append(struct.pack("<cI", b"L", len(value)))
        for item in value:
            _write(parts, item, depth + 1)
    elif isinstance(value, dict):
        parts.append(struct.pack("<cI", b"M", len(value)))
        for key in sorted(value):
            _write(parts, str(key), depth + 1)
            _write(parts, value[key], depth + 1)
    elif isinstance(value, np.ndarray):
        _write_array(parts, value)
    else:
        parts.append(_atom(value))


def _atom(value: Value) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, bool | np.bool_):
        return b"T" if value else b"F"
    if isinstance(value, int | np.integer):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"an integer of a state has at most 64 bits, not {value}")
        return struct.pack("<cq", b"I", int(value))
    if isinstance(value, float | np.floating):
        return struct.pack("<cd", b"D", float(value))
    if isinstance(value, str):
        text = value.encode()
        return struct.pack("<cI", b"S", len(text)) + text
    if isinstance(value, bytes):
        return struct.pack("<cI", b"B", len(value)) + value
    raise ValueError(f"a state cannot hold a {type(value).__name__}")


def _write_array(parts: list[bytes], array: NDArray[Any]) -> None:
    letter = LETTERS.get(array.dtype.newbyteorder("<"))
    if letter is None or array.ndim > AXES_MAX:
        raise ValueError(f"a state cannot hold an array of {array.dtype} with {array.ndim} axes")
    parts.append(struct.pack(f"<ccB{array.ndim}I", b"A", letter.encode(), array.ndim, *array.shape))
    parts.append(array.astype(TYPES[letter], copy=False).tobytes())


class _Reader:
    """Reads values one after the other, never beyond the end."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise ValueError(f"the bytes end at {len(self.data)} within a value that goes to {end}")
        self.at, start = end, self.at
        return self.data[start:end]

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def value(self, depth: int) -> Value:
        tag = self.take(1)
        if tag in b"NTF":
            return {b"N": None, b"T": True, b"F": False}[tag]
        if tag == b"I":
            return self.number("<q")
        if tag == b"D":
            return struct.unpack("<d", self.take(8))[0]
        if tag == b"A":
            return self.array()
        size = self.number("<I")
        if tag == b"S":
            return self.take(size).decode()  # a UnicodeDecodeError is a ValueError
        if tag == b"B":
            return self.take(size)
        if tag in b"LM" and depth < DEPTH_MAX:
            items = [self.value(depth + 1) for _ in range(size if tag == b"L" else 2 * size)]
            if tag == b"L":
                return items
            if all(isinstance(key, str) for key in items[::2]):
                return dict(zip(items[::2], items[1::2], strict=True))
        raise ValueError(f"the bytes hold no known value at {self.at}")

    def array(self) -> NDArray[Any]:
        letter = self.take(1).decode("latin-1")
        axes = self.number("<B")
        if letter not in TYPES or axes > AXES_MAX:
            raise ValueError(f"the bytes hold no known array at {self.at}")
        shape = [self.number("<I") for _ in range(axes)]
        dtype = np.dtype(TYPES[letter])
        size = dtype.itemsize
        for axis in shape:
            size *= axis
        return np.frombuffer(self.take(size), dtype).reshape(shape).copy()
