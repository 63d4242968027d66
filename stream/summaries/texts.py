"""Numbers for short texts that come again and again: one compiled pass looks up many of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled

__all__ = ["Spans", "Texts", "eight", "find"]

ROOM = 1 << 10
"""Texts that there is room for at first."""
BYTES_AT_ONCE = 1 << 20
"""Room is made for as many bytes as if no text were known; but for one that is longer, for no more than these."""
SEED = np.uint64(hash(b"texts") & (2**64 - 1))
"""Another one in each process, so that texts of one hash are hard to make up; no number hangs on it."""

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class Spans(NamedTuple):
    """Texts where they stand: text i is `data[starts[i]:starts[i] + lengths[i]]`."""

    data: Bytes
    starts: Ints
    lengths: Ints


class Texts:
    """Texts, as bytes, numbered 0, 1, 2 ... in the order in which they came first. `size` is that of all, in bytes.

    Text i is `data[ends[i]:ends[i + 1]]` and has the hash hashes[i]; its number stands in `slots` where that hash says,
    or behind. At least every other slot is free (-1).

    >>> texts, data = Texts(), np.frombuffer(b"abca", np.uint8)
    >>> texts.number(Spans(data, np.array([0, 1, 3]), np.array([1, 2, 1]))).tolist(), texts[1]
    ([0, 1, 0], b'bc')
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

    @property
    def table(self) -> tuple[np.uint64, NDArray[np.int32], Hashes, Ints, Bytes]:
        """What `find` looks into, as it is now."""
        return SEED, self._slots, self._hashes, self._ends, self._data

    def number(self, texts: Spans) -> Ints:
        """Give the number of each text; who is new gets the next one. Cost: about 15 ns each, of 20 bytes."""
        data, starts, lengths = texts
        size, n = int(lengths.sum()), len(starts)
        if size > BYTES_AT_ONCE and n > 1:  # most may be known, and need no room
            halves = slice(n // 2), slice(n // 2, n)
            return np.concatenate(
                [self.number(Spans(data, starts[half], lengths[half])) for half in halves]
            )
        self._make_room(self._n + n, self.size + size)
        numbers = np.empty(n, dtype=np.int64)
        self._n = _number(data, starts, lengths, self._n, *self.table, numbers)
        return numbers

    def _make_room(self, texts: int, size: int) -> None:
        if size > len(self._data):
            room = np.empty(2 * size, dtype=np.uint8)  # what is not written to is no memory yet
            room[: self.size] = self._data[: self.size]
            self._data = room
        if texts > len(self._hashes):
            self._hashes = np.resize(self._hashes, 2 * texts)
            self._ends = np.resize(self._ends, 2 * texts + 1)
            self._slots = np.full(1 << (4 * texts - 1).bit_length(), -1, dtype=np.int32)
            _enter(self._hashes[: self._n], self._slots)


@compiled
def eight(data: Bytes, at: np.int64) -> np.uint64:
    """Give the number that eight bytes are, the first of them the highest."""
    value, told = np.uint64(0), data[at : at + 8]
    for k in range(8):  # known beforehand, so the compiler makes one move of it
        value = (value << np.uint64(8)) | np.uint64(told[k])
    return value


@compiled
def _hash(data: Bytes, start: np.int64, length: np.int64, seed: np.uint64) -> np.uint64:
    h, at, end = seed ^ np.uint64(length), start, start + length
    while at + 8 <= end:
        h ^= eight(data, at)
        # Multiplied by a constant alone, a change of the highest bit would be the same one whatever the seed is.
        h = h * np.uint64(0x9E3779B97F4A7C15) + (h >> np.uint64(32)) * (h & np.uint64(0xFFFFFFFF))
        h ^= h >> np.uint64(32)
        at += 8
    rest = np.uint64(0)
    for k in range(at, end):
        rest = (rest << np.uint64(8)) | np.uint64(data[k])
    h = (h ^ rest) * np.uint64(0x9E3779B97F4A7C15)
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    return h ^ (h >> np.uint64(33))


@compiled
def _look(
    data: Bytes, start: np.int64, length: np.int64, h: np.uint64, slots: NDArray[np.int32], hashes: Hashes, ends: Ints,
    known: Bytes,
) -> np.int64:  # fmt: skip
    """Give the slot of the text of this hash, or the free one where it belongs."""
    mask = np.uint64(len(slots) - 1)
    slot = h & mask
    while True:
        found = np.int64(slots[slot])
        if found < 0:
            return np.int64(slot)
        if hashes[found] == h and ends[found + 1] - ends[found] == length:
            first, same = ends[found], 0
            while same < length and known[first + same] == data[start + same]:
                same += 1
            if same == length:
                return np.int64(slot)
        slot = (slot + np.uint64(1)) & mask


@compiled
def find(
    data: Bytes, start: np.int64, length: np.int64, seed: np.uint64, slots: NDArray[np.int32], hashes: Hashes,
    ends: Ints, known: Bytes,
) -> np.int64:  # fmt: skip
    """Give the number of a text; -1 if it has none."""
    h = _hash(data, start, length, seed)
    return np.int64(slots[_look(data, start, length, h, slots, hashes, ends, known)])


@compiled
def _number(
    data: Bytes, starts: Ints, lengths: Ints, n: int, seed: np.uint64, slots: NDArray[np.int32], hashes: Hashes,
    ends: Ints, known: Bytes, numbers: Ints,
) -> int:  # fmt: skip
    """Number texts; give how many there are by now.

    Of each the slot where its hash says is looked at first, and who is found there: step by step for all texts, as what
    is fetched from afar then comes for several of them at a time.
    """
    mask = np.uint64(len(slots) - 1)
    hashed = np.empty(len(starts), np.uint64)
    for i in range(len(starts)):
        hashed[i] = _hash(data, starts[i], lengths[i], seed)
        numbers[i] = slots[hashed[i] & mask]
    firsts = np.empty(len(starts), np.int64)
    for i in range(len(starts)):
        found = numbers[i]
        alike = (
            found >= 0
            and hashes[found] == hashed[i]
            and ends[found + 1] - ends[found] == lengths[i]
        )
        firsts[i] = ends[found] if alike else -1
    for i in range(len(starts)):
        start, length, h = starts[i], lengths[i], hashed[i]
        first, same = firsts[i], 0
        if first >= 0:
            while same + 8 <= length and eight(known, first + same) == eight(data, start + same):
                same += 8
            while same < length and known[first + same] == data[start + same]:
                same += 1
            if same == length:
                continue
        slot = _look(data, start, length, h, slots, hashes, ends, known)
        found = np.int64(slots[slot])
        if found < 0:
            slots[slot], hashes[n] = n, h
            to = ends[n]
            for k in range(length):
                known[to + k] = data[start + k]
            ends[n + 1] = to + length
            found = np.int64(n)
            n += 1
        numbers[i] = found
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
