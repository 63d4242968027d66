"""Numbers for short texts that come again and again: one compiled pass looks up many of them."""

from collections.abc import Sequence

import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from detectors.compiled import compiled

__all__ = ["Texts"]

ROOM = 1 << 10
"""Texts that there is room for at first."""
SEED = np.uint64(hash(b"texts") & (2**64 - 1))
"""Another one in each process, so that texts of one hash are hard to make up; no number hangs on it."""

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class Texts:
    """Texts, as bytes, numbered 0, 1, 2 ... in the order in which they came first. `size` is that of all, in bytes.

    Text i is `data[ends[i]:ends[i + 1]]` and has the hash hashes[i]; its number stands in `slots` where that hash says,
    or behind. At least every other slot is free (-1).

    >>> texts = Texts()
    >>> texts.number([b"a", b"bc", b"a"]).tolist(), texts.number([b"bc", b""]).tolist(), texts[1]
    ([0, 1, 0], [1, 2], b'bc')
    """

    def __init__(self) -> None:
        self._n = 0
        self._slots = np.full(2 * ROOM, -1, dtype=np.int32)
        self._hashes: Hashes = np.zeros(ROOM, dtype=np.uint64)
        self._ends: Ints = np.zeros(ROOM + 1, dtype=np.int64)
        self._data = np.zeros(32 * ROOM, dtype=np.uint8)

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, number: int) -> bytes:
        first, end = self._ends[number : number + 2].tolist()
        return self._data[first:end].tobytes()

    @property
    def size(self) -> int:
        """Tell how many bytes all texts have."""
        return int(self._ends[self._n])

    def number(self, texts: Sequence[bytes | Raw]) -> Ints:
        """Give the number of each text; who is new gets the next one. Cost: about 0.1 us each, of 20 bytes."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        joined = np.frombuffer(b"".join(texts), dtype=np.uint8)
        self._make_room(self._n + len(texts), self.size + len(joined))
        numbers = np.empty(len(texts), dtype=np.int64)
        self._n = _number(
            joined,
            lengths,
            SEED,
            self._n,
            self._slots,
            self._hashes,
            self._ends,
            self._data,
            numbers,
        )
        return numbers

    def _make_room(self, texts: int, size: int) -> None:
        if size > len(self._data):
            self._data = np.resize(self._data, 2 * size)
        if texts > len(self._hashes):
            self._hashes = np.resize(self._hashes, 2 * texts)
            self._ends = np.resize(self._ends, 2 * texts + 1)
            self._slots = np.full(1 << (4 * texts - 1).bit_length(), -1, dtype=np.int32)
            _enter(self._hashes[: self._n], self._slots)


@compiled
def _number(
    joined: NDArray[np.uint8], lengths: Ints, seed: np.uint64, n: int, slots: NDArray[np.int32], hashes: Hashes,
    ends: Ints, data: NDArray[np.uint8], numbers: Ints,
) -> int:  # fmt: skip
    """Number the texts that lie behind each other in `joined`; give how many there are by now.

    All are hashed first: what is left then is fetching from afar, for several of them at a time.
    """
    hashed, end = np.empty(len(lengths), np.uint64), np.int64(0)
    for i in range(len(lengths)):
        h, start = seed, end
        end += lengths[i]
        for k in range(start, end):
            h = (h ^ np.uint64(joined[k])) * np.uint64(0x100000001B3)
        h ^= h >> np.uint64(33)
        h *= np.uint64(0xFF51AFD7ED558CCD)
        hashed[i] = h ^ (h >> np.uint64(33))
    start, mask = np.int64(0), np.uint64(len(slots) - 1)
    for i in range(len(lengths)):
        length, h = lengths[i], hashed[i]
        slot = h & mask
        while True:
            found = np.int64(slots[slot])
            if found < 0:
                slots[slot], hashes[n] = n, h
                to = ends[n]
                for k in range(length):
                    data[to + k] = joined[start + k]
                ends[n + 1] = to + length
                found = np.int64(n)
                n += 1
                break
            if hashes[found] == h and ends[found + 1] - ends[found] == length:
                first, same = ends[found], 0
                while same < length and data[first + same] == joined[start + same]:
                    same += 1
                if same == length:
                    break
            slot = (slot + np.uint64(1)) & mask
        numbers[i] = found
        start += length
    return n


@compiled
def _enter(hashes: Hashes, slots: NDArray[np.int32]) -> None:
    """Enter texts into slots that are all free."""
    mask = np.uint64(len(slots) - 1)
    for i in range(len(hashes)):
        slot = hashes[i] & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = i
