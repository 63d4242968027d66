"""Integers of which most are small and many are zero, as few bytes: each alone takes what it needs.

An integer is written as a varint of its zigzag form (0, -1, 1, -2 ... become 0, 1, 2, 3 ...): seven bits a byte, low
ones first, the high bit says that more follow. A run of zeros is one zero byte and the varint of its length.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from stream.state.codec import CONTENT_MAX

__all__ = ["pack_arrays", "pack_groups", "pack_ints", "unpack_ints"]

BYTES_MAX = 10
"""Bytes of the longest varint of 64 bits; a zero alone takes two."""


def pack_ints(values: NDArray[np.int64]) -> bytes:
    r"""Give integers as bytes: equal integers, equal bytes. Cost: about 3 ns an integer.

    >>> pack_ints(np.array([0, 0, 0, 1, -1, 64]))
    b'\x00\x03\x02\x01\x80\x01'
    """
    return pack_groups(values, np.array([0]), np.array([len(values)]), np.array([1]))[0]


def pack_groups(
    values: NDArray[np.int64], starts: NDArray[np.int64], sizes: NDArray[np.int64], ends: NDArray[np.int64]
) -> list[bytes]:  # fmt: skip
    r"""Give groups of pieces of an array, each as `pack_ints` gives its pieces laid behind each other.

    Piece i is sizes[i] integers from starts[i] on; group g has the pieces up to, not including, ends[g] that no group
    before has. There is one group at least.

    >>> values, pieces = np.array([0, 1, 0, 64]), (np.array([2, 0, 3]), np.array([2, 1, 1]))
    >>> pack_groups(values, *pieces, np.array([2, 3])) == [pack_ints(np.array([0, 64, 0])), pack_ints(np.array([64]))]
    True
    """
    out = np.empty(BYTES_MAX * (int(sizes.sum()) + 1), dtype=np.uint8)
    cuts = np.zeros(len(ends) + 1, dtype=np.int64)
    _write(np.ascontiguousarray(values, dtype=np.int64), starts, sizes, ends, out, cuts)
    written = out[: cuts[-1]].tobytes()
    return [written[start:end] for start, end in pairwise(cuts.tolist())]


def pack_arrays(arrays: Sequence[NDArray[np.int64]]) -> list[bytes]:
    """Give each of some arrays as `pack_ints` does, in one pass."""
    if not arrays:
        return []
    sizes = np.array(list(map(len, arrays)), dtype=np.int64)
    starts, ends = np.cumsum(sizes) - sizes, np.arange(1, len(arrays) + 1)
    return pack_groups(np.concatenate(arrays), starts, sizes, ends)


def unpack_ints(data: bytes, n: int) -> NDArray[np.int64]:
    r"""Read n integers that `pack_ints` wrote.

    Raises:
        ValueError: the bytes are those of more or of fewer integers, or of none at all.

    >>> unpack_ints(b"\x00\x03\x02\x01\x80\x01", 6).tolist()
    [0, 0, 0, 1, -1, 64]
    """
    if n > CONTENT_MAX:  # more than any stored value has
        raise ValueError(f"{n} integers")
    values = np.zeros(n, dtype=np.int64)
    if _read(np.frombuffer(data, dtype=np.uint8), values) != n:
        raise ValueError(f"these {len(data)} bytes are not {n} integers")
    return values


@compiled
def _write(
    values: NDArray[np.int64], starts: NDArray[np.int64], sizes: NDArray[np.int64], ends: NDArray[np.int64],
    out: NDArray[np.uint8], cuts: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write the groups behind each other; group g ends before out[cuts[g + 1]].

    Which integers are zeros, and which begin a run of them, no processor foresees: so places are noted, and short runs
    written, without asking, and only then it is said whether that counts. That is twice as fast.
    """
    longest = np.int64(0)
    for size in sizes:
        longest = max(longest, size)
    places = np.empty(longest, np.int64)
    at, piece = 0, 0
    for group in range(len(ends)):
        zeros = np.int64(0)
        while piece < ends[group]:
            start, n = starts[piece], 0
            for i in range(sizes[piece]):
                places[n] = i
                n += int(values[start + i] != 0)
            last = -1 - zeros
            for k in range(n):
                run, last = places[k] - last - 1, places[k]
                if run < 128:
                    out[at], out[at + 1] = np.uint8(0), np.uint8(run)
                    at += 2 * int(run > 0)
                else:
                    at = _write_zeros(np.uint64(run), out, at)
                value = values[start + last]
                at = _write_one(np.uint64((value << 1) ^ (value >> 63)), out, at)
            zeros = sizes[piece] - last - 1
            piece += 1
        if zeros > 0:
            at = _write_zeros(np.uint64(zeros), out, at)
        cuts[group + 1] = at


@compiled
def _write_zeros(run: np.uint64, out: NDArray[np.uint8], at: int) -> int:
    out[at] = np.uint8(0)
    return _write_one(run, out, at + 1)


@compiled
def _write_one(rest: np.uint64, out: NDArray[np.uint8], at: int) -> int:
    while rest >= np.uint64(128):
        out[at] = np.uint8((rest & np.uint64(127)) | np.uint64(128))
        at += 1
        rest >>= np.uint64(7)
    out[at] = np.uint8(rest)
    return at + 1


@compiled
def _read(data: NDArray[np.uint8], values: NDArray[np.int64]) -> int:
    """Fill `values`, which are zeros; give how many the bytes are, -1 where they do not fit."""
    at, i = 0, np.int64(0)
    while at < len(data):
        zeros = data[at] == 0
        if zeros:
            at += 1
        rest, shift = np.uint64(0), np.uint64(0)
        more = True
        while more:
            if at >= len(data) or shift > np.uint64(63):
                return -1
            rest |= np.uint64(data[at] & np.uint8(127)) << shift
            more = data[at] >= 128
            shift += np.uint64(7)
            at += 1
        if zeros:
            if rest > np.uint64(len(values) - i):
                return -1
            i += np.int64(rest)
            continue
        if i >= len(values):
            return -1
        values[i] = np.int64(rest >> np.uint64(1)) ^ -np.int64(rest & np.uint64(1))
        i += np.int64(1)
    return int(i)
