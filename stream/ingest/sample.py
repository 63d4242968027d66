"""Thins a stream by a hash of (topic, partition, offset): the same events whenever the same log is read."""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from stream.ingest.raw import Source

__all__ = ["kept"]


def kept(source: Source, offsets: NDArray[np.int64], rate: float) -> NDArray[np.bool_]:
    """Tell which of the offsets are kept at a rate between 0 and 1; a lower rate keeps a subset.

    The offsets are mixed by splitmix64 with a seed of the source. Cost: about 5 ns an offset.
    """
    seed = blake2b(f"{source.topic}:{source.partition}".encode(), digest_size=8).digest()
    z = offsets.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
        int.from_bytes(seed, "little")
    )
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))) >> np.uint64(11) < np.uint64(round(rate * 2**53))
