"""What the messages of an Arrow stream say of themselves, read before anything is made of them.

Compressed buffers tell how long they are once unpacked, and a reader believes them; so does it believe the number of
rows of columns that have no bytes. What is claimed is therefore summed up here first, from the flatbuffers as
Message.fbs has them.
"""

from struct import Struct, error
from typing import NamedTuple

__all__ = ["Claim", "claim_of"]

_U16, _U32, _I32, _I64 = Struct("<H"), Struct("<I"), Struct("<i"), Struct("<q")
_MESSAGE_TYPE, _MESSAGE_HEADER = 1, 2
_BATCH_LENGTH, _BATCH_NODES, _BATCH_BUFFERS, _BATCH_COMPRESSION = 0, 1, 2, 3
_DICTIONARY_DATA = 1
DICTIONARY, RECORD_BATCH = 2, 3
PAIR = 16
"""Bytes of a FieldNode (length, nulls) and of a Buffer (offset, length)."""
_NOT_PACKED = -1


class Claim(NamedTuple):
    """What a record batch or a dictionary claims: its rows, the longest of its columns, and its bytes once unpacked."""

    rows: int
    longest: int
    size: int


def claim_of(metadata: memoryview, body: memoryview) -> Claim | None:
    """Read what a message claims; None when it is neither a record batch nor a dictionary.

    Raises:
        ValueError: it claims what cannot be.
    """
    try:
        return _claim(metadata, body)
    except error as wrong:
        raise ValueError(f"broken metadata: {wrong}") from None


def _claim(metadata: memoryview, body: memoryview) -> Claim | None:
    table = _follow(metadata, 0)
    kind, header = _field(metadata, table, _MESSAGE_TYPE), _field(metadata, table, _MESSAGE_HEADER)
    if not kind or not header or metadata[kind] not in (DICTIONARY, RECORD_BATCH):
        return None
    batch = _follow(metadata, header)
    if metadata[kind] == DICTIONARY:
        data = _field(metadata, batch, _DICTIONARY_DATA)
        if not data:
            raise ValueError("a dictionary without data")
        batch = _follow(metadata, data)
    length = _field(metadata, batch, _BATCH_LENGTH)
    rows = _I64.unpack_from(metadata, length)[0] if length else 0
    nodes = _pairs(metadata, batch, _BATCH_NODES)
    buffers = _pairs(metadata, batch, _BATCH_BUFFERS)
    if any(first < 0 or second < 0 for first, second in [(rows, 0), *nodes, *buffers]):
        raise ValueError("a length below zero")
    packed = _field(metadata, batch, _BATCH_COMPRESSION) > 0
    size = sum(_size(body, *buffer, packed=packed) for buffer in buffers)
    return Claim(rows, max((n for n, _ in nodes), default=0), size)


def _size(body: memoryview, offset: int, length: int, *, packed: bool) -> int:
    if not packed or not length:
        return length
    if offset > len(body) - _I64.size:
        raise ValueError("a buffer beyond the end")
    size = int(_I64.unpack_from(body, offset)[0])
    if size < _NOT_PACKED:
        raise ValueError("a length below zero")
    return length if size == _NOT_PACKED else max(size, length)


def _follow(metadata: memoryview, at: int) -> int:
    """Go to where an offset leads; it is counted from its own place."""
    return at + int(_U32.unpack_from(metadata, at)[0])


def _field(metadata: memoryview, table: int, number: int) -> int:
    """Find a field of a table by its number; 0 when it is not there."""
    names = table - int(_I32.unpack_from(metadata, table)[0])
    if names < 0:
        raise ValueError("broken metadata")
    if 4 + 2 * number >= _U16.unpack_from(metadata, names)[0]:
        return 0
    offset = int(_U16.unpack_from(metadata, names + 4 + 2 * number)[0])
    if offset and table + offset >= len(metadata):
        raise ValueError("broken metadata")
    return table + offset if offset else 0


def _pairs(metadata: memoryview, table: int, number: int) -> list[tuple[int, int]]:
    at = _field(metadata, table, number)
    if not at:
        return []
    first = _follow(metadata, at)
    n = int(_U32.unpack_from(metadata, first)[0])
    if n * PAIR > len(metadata):
        raise ValueError("broken metadata")
    both = Struct("<qq")
    return [both.unpack_from(metadata, first + 4 + i * PAIR) for i in range(n)]
