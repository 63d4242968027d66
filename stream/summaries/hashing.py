"""The hot loop of the join: identifiers into hashes."""

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled

__all__ = ["hash_segments"]


@compiled
def hash_segments(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash consecutive pieces of `text`, piece i ending before ends[i], to 64 bits each (FNV-1a, then murmur's mixer).

    Cost: about 1 ns a byte.
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
