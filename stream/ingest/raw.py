"""What the bus hands over and what ingest hands back: raw batches in, dead letters out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.words import Kind

__all__ = ["DeadLetter", "RawBatch", "Source"]


class Source(NamedTuple):
    """One partition of one input topic."""

    kind: Kind
    topic: str
    partition: int


@dataclass(slots=True)
class RawBatch:
    """Consecutive messages of one partition, in offset order.

    `offsets` int64 [n], ascending (compaction may leave gaps); `stamps` int64 [n]: the Kafka timestamps in ms, or None
    for files, which have none. `keys` and `headers` may be empty (then dead letters carry none).
    """

    source: Source
    values: Sequence[bytes | None]
    offsets: NDArray[np.int64]
    stamps: NDArray[np.int64] | None
    keys: Sequence[bytes | None] = ()
    headers: Sequence[object] = ()

    def __len__(self) -> int:
        return len(self.values)

    def take(self, kept: NDArray[np.bool_]) -> "RawBatch":
        """Keep some of the messages."""
        chosen = np.flatnonzero(kept).tolist()
        return RawBatch(
            self.source,
            [self.values[i] for i in chosen],
            self.offsets[kept],
            None if self.stamps is None else self.stamps[kept],
            [self.keys[i] for i in chosen] if self.keys else (),
            [self.headers[i] for i in chosen] if self.headers else (),
        )


@dataclass(slots=True)
class DeadLetter:
    """A message that could not be read, with its untouched bytes and the reason."""

    source: Source
    offset: int
    reason: str
    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = field(default_factory=tuple)
