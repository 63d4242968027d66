"""Texts into 64-bit hashes that are the same on every machine and in every run."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled

__all__ = ["hash_segments", "hash_texts"]


@compiled
def hash_segments(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash consecutive pieces of `text`, piece i ending before ends[i], to 64 bits each.

    FNV-1a over the bytes, then the last mixing step of murmur3. Cost: about 1 ns a byte.
    """
    out = np.empty(len(ends), np.uint64)
    start = 0
    for i in range(len(ends)):
        h = np.uint64(0xCBF29CE484222325)
        for k in range(start, ends[i]):
            h = (h ^ np.uint64(text[k])) * np.uint64(0x100000001B3)
        h ^= h >> np.uint64(33)
        h *= np.uint64(0xFF51AFD7ED558CCD)
        h ^= h >> np.uint64(33)
        h *= np.uint64(0xC4CEB9FE1A85EC53)
        h ^= h >> np.uint64(33)
        out[i] = h
        start = ends[i]
    return out


def hash_texts(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Hash texts to 64 bits each; a text has its hash whatever stands beside it.

    Cost: about 0.1 us a text.

    >>> one, two = hash_texts(["web", "app"]).tolist()
    >>> one == hash_texts(["web"])[0] and one != two
    True
    """
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))
    return hash_segments(np.frombuffer(b"".join(encoded), dtype=np.uint8), ends)
