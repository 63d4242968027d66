"""What the bus hands over and what ingest hands back: raw batches in, dead letters out."""

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from operator import itemgetter
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
    """A message as the client gave it; its length is that of its bytes, 0 where it has none."""

    def __len__(self) -> int: ...

    def key(self) -> bytes | None:
        """Give the record's key."""
        ...

    def value(self) -> bytes | None:
        """Give the record's bytes."""
        ...

    def timestamp(self) -> tuple[int, int]:
        """Give the kind of the record's timestamp, and the timestamp in ms."""
        ...

    def headers(self) -> Any:
        """Give the record's headers, name and bytes each; None when it has none."""
        ...


class RawBatch:
    """Consecutive messages of one partition, in offset order.

    `offsets` int64 [n], ascending (compaction may leave gaps); `stamps` int64 [n]: the Kafka timestamps in ms, or None
    for files, which have none. `originals` are asked for keys and headers; without them messages have none.
    """

    __slots__ = ("_stamps", "_unread", "_values", "offsets", "originals", "source")

    def __init__(
        self,
        source: Source,
        values: Sequence[bytes | None],
        offsets: NDArray[np.int64],
        stamps: NDArray[np.int64] | None,
        originals: Sequence[Original] = (),
    ) -> None:
        self.source = source
        self.offsets = offsets
        self.originals = originals
        self._values: Sequence[bytes | None] | None = values
        self._stamps = stamps
        self._unread = False

    @classmethod
    def unread(
        cls, source: Source, offsets: NDArray[np.int64], originals: Sequence[Original]
    ) -> "RawBatch":
        """Make a batch of messages that are asked for bytes and timestamps when first wanted, if they ever are."""
        batch = cls(source, (), offsets, None, originals)
        batch._values, batch._unread = None, True
        return batch

    @property
    def values(self) -> Sequence[bytes | None]:
        """The bytes of the messages."""
        if self._values is None:
            self._values = list(_each(self.originals, "value"))
        return self._values

    @property
    def stamps(self) -> NDArray[np.int64] | None:
        """The Kafka timestamps in ms; None for files."""
        if self._stamps is None and self._unread:
            told = map(itemgetter(1), _each(self.originals, "timestamp"))
            self._stamps = np.fromiter(told, np.int64, len(self.originals))
        return self._stamps

    def __len__(self) -> int:
        return len(self.offsets)

    def keys(self) -> list[bytes | None]:
        """Give the records' keys; none at all of files."""
        return [message.key() for message in self.originals]

    def lengths(self) -> NDArray[np.int64]:
        """Tell how many bytes each message has, without asking for these. Cost: about 30 ns a message."""
        held = self._values
        of: Sequence[Sized] = self.originals if held is None else [v or b"" for v in held]
        return np.fromiter(map(len, of), np.int64, len(of))

    def values_at(self, at: Sequence[int]) -> Iterable[Any]:
        """Give the bytes of some messages, and ask no other for them."""
        if self._values is not None:
            return map(self._values.__getitem__, at)
        return _each(list(map(self.originals.__getitem__, at)), "value")

    def portion(self, part: slice) -> "RawBatch":
        """Give some messages in a row, which are read by now, without their keys and headers."""
        stamps = self.stamps
        return RawBatch(
            self.source,
            self.values[part],
            self.offsets[part],
            None if stamps is None else stamps[part],
        )

    def take(self, kept: NDArray[np.bool_]) -> "RawBatch":
        """Keep some of the messages."""
        chosen = np.flatnonzero(kept).tolist()
        originals = [self.originals[i] for i in chosen] if self.originals else ()
        stamps = None if self._stamps is None else self._stamps[kept]
        values = None if self._values is None else [self._values[i] for i in chosen]
        batch = RawBatch(self.source, (), self.offsets[kept], stamps, originals)
        batch._values, batch._unread = values, self._unread
        return batch


def _each(originals: Sequence[Original], method: str) -> Iterable[Any]:
    """Call a method of each message, which are all of one type: half of what it costs to look it up on each."""
    return map(getattr(type(originals[0]), method), originals) if originals else ()


@dataclass(slots=True)
class DeadLetter:
    """A message that could not be read, with its untouched bytes and the reason."""

    source: Source
    offset: int
    reason: str
    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
