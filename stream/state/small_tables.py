r"""Tables of counts of which a row's are about in proportion to its last one, as few bytes.

A window holds of each bin what it usually holds of so many events. So of each number is taken off what is expected of
it: its column's share in the last column's sum, times the row's last number, rounded. What is left is small, of either
sign, and is laid column by column, all low bytes first, then all second ones, and compressed by zlib. Where nothing is
in proportion the bytes are right, too, only more.

    rows, columns, bytes of a number, bytes of the sums   4 integers of 4 bytes, little-endian
    the sums of the columns                               small_ints
    what is left                                          zlib
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from stream.state.codec import CONTENT_MAX
from stream.state.small_ints import pack_ints, unpack_ints

__all__ = ["pack_table", "shape_of_table", "unpack_table"]

Ints = NDArray[np.int64]
HEAD = struct.Struct("<4I")
LEVEL = 6
NUMBER_BYTES = 8
NUMBERS_MAX = CONTENT_MAX // NUMBER_BYTES
FAR = 2.0**62
"""What is expected is held within this, so that it is an integer of 64 bits."""


def pack_table(table: Ints) -> bytes:
    """Give a table [rows, columns] as bytes: equal tables, equal bytes on one build of zlib.

    Cost: some 70 ns a number.

    >>> table = np.outer(np.arange(1, 101), [3, 1, 10])
    >>> len(pack_table(table)), bool((unpack_table(pack_table(table)) == table).all())
    (128, True)
    """
    rows, columns = table.shape
    sums = table.sum(axis=0, dtype=np.int64)
    left = table.astype(np.int64)
    left[:, :-1] -= _expected(sums, left[:, -1:])
    folded = np.ascontiguousarray(((left << 1) ^ (left >> 63)).T, dtype="<i8")
    by_byte = folded.reshape(-1, 1).view(np.uint8).T
    used = np.flatnonzero(by_byte.any(axis=1)).tolist()
    width = used[-1] + 1 if used else 0
    told = pack_ints(sums)
    head = HEAD.pack(rows, columns, width, len(told))
    return head + told + zlib.compress(by_byte[:width].tobytes(), LEVEL)


def unpack_table(data: bytes) -> Ints:
    """Read a table that `pack_table` wrote. Cost: some 25 ns a number.

    Raises:
        ValueError: the bytes are none of a table, or of more numbers than any stored value has.
    """
    (rows, columns), width, body = _head(data)
    sums = unpack_ints(data[HEAD.size : body], columns)
    by_byte = _inflate(data[body:], width * columns * rows).reshape(width, columns, rows)
    table = np.empty((rows, columns), dtype=np.int64)
    _lay(by_byte, table)
    table[:, :-1] += _expected(sums, table[:, -1:])
    return table


def shape_of_table(data: bytes) -> tuple[int, int]:
    """Tell how many rows and columns a table has, without reading it; ValueError as above."""
    return _head(data)[0]


def _head(data: bytes) -> tuple[tuple[int, int], int, int]:
    """Give the shape, the bytes of a number, and where what is left begins."""
    if len(data) < HEAD.size:
        raise ValueError(f"these {len(data)} bytes are no table")
    rows, columns, width, told = HEAD.unpack_from(data)
    if rows * columns > NUMBERS_MAX or columns > NUMBERS_MAX or width > NUMBER_BYTES:
        raise ValueError(f"a table of {rows} rows and {columns} columns")
    return (rows, columns), width, HEAD.size + told


def _expected(sums: Ints, last: Ints) -> Ints:
    """[rows, columns - 1] what is expected of all columns but the last; the same on every machine."""
    share = sums[:-1] / max(int(sums[-1]), 1) if len(sums) else np.zeros(0)
    return np.clip(np.rint(share * last), -FAR, FAR).astype(np.int64)


def _inflate(body: bytes, length: int) -> NDArray[np.uint8]:
    """Decompress to just so many bytes, and never to many more."""
    machine = zlib.decompressobj()
    try:
        found = machine.decompress(body, length + 1)
    except zlib.error as error:
        raise ValueError(f"the table cannot be read: {error}") from None
    if len(found) != length or machine.unused_data or not machine.eof:
        raise ValueError(f"a table of other than {length} bytes")
    return np.frombuffer(found, np.uint8)


@compiled
def _lay(by_byte: NDArray[np.uint8], table: Ints) -> None:
    """Put numbers together of their bytes, low ones first, and give them their signs."""
    width, columns, rows = by_byte.shape
    for c in range(columns):
        for r in range(rows):
            folded = np.uint64(0)
            for at in range(width):
                folded |= np.uint64(by_byte[at, c, r]) << np.uint64(8 * at)
            table[r, c] = np.int64(folded >> np.uint64(1)) ^ -np.int64(folded & np.uint64(1))
