"""What the bus hands over and what ingest hands back: raw batches in, dead letters out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from stream.words import Kind

__all__ = ["DeadLetter", "RawBatch", "Source"]


class Source(NamedTuple):
    """One partition of one input topic."""

    kind: Kind
    topic: str
    partition: int


Headers = Sequence[tuple[str, bytes | None]]


class Original(Protocol):
    """A message as the client gave it."""

    def key(self) -> bytes | None:
        """Give the record's key."""
        ...

    def headers(self) -> Any:
        """Give the record's headers, name and bytes each; None when it has none."""
        ...


@dataclass(slots=True)
class RawBatch:
    """Consecutive messages of one partition, in offset order.

    `offsets` int64 [n], ascending (compaction may leave gaps); `stamps` int64 [n]: the Kafka timestamps in ms, or None
    for files, which have none. `originals` are asked for the keys and headers of dead letters; without them these have
    none.
    """

    source: Source
    values: Sequence[bytes | None]
    offsets: NDArray[np.int64]
    stamps: NDArray[np.int64] | None
    originals: Sequence["Original"] = ()

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
            [self.originals[i] for i in chosen] if self.originals else (),
        )


@dataclass(slots=True)
class DeadLetter:
    """A message that could not be read, with its untouched bytes and the reason."""

    source: Source
    offset: int
    reason: str
    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
