"""Values by their place among the few words that they are."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.column import Value

__all__ = ["Coded", "Word", "compact"]

Word = Value | tuple[()] | None
"""A value of an event: None is missing, INVALID what no column can hold."""
SMALL = 1 << 16
"""So many codes are counted in a table, more are sorted."""


class Coded(Sequence[Word]):
    """Values by their place among few words: `words[code[i]]` is value i. A sequence, for who wants single ones."""

    __slots__ = ("code", "words")

    def __init__(self, words: Sequence[Word], code: NDArray[np.int64]) -> None:
        self.words = words
        self.code = code

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, i: Any) -> Any:
        return self.words[int(self.code[i])]

    def __iter__(self) -> Iterator[Word]:
        return map(self.words.__getitem__, self.code.tolist())

    def take(self, at: NDArray[np.int64]) -> "Coded":
        """Keep some values."""
        return Coded(self.words, self.code[at])

    def listed(self) -> list[Word]:
        """Give the values one by one."""
        return list(self)


def compact(code: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the codes below `size` that occur, and each one's place among them."""
    if size > SMALL:
        used, place = np.unique(code, return_inverse=True)
        return used, place.astype(np.int64)
    there = np.zeros(size, dtype=bool)
    there[code] = True
    used = np.flatnonzero(there)
    at = np.zeros(size, dtype=np.int64)
    at[used] = np.arange(len(used))
    return used, at[code]
