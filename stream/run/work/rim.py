"""What the runtime and the threads around it hand to each other: batches in, seeks and offsets out, dead letters."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from stream.bus.owner import Start
from stream.ingest.raw import DeadLetter, RawBatch, Source

__all__ = ["Bus", "Item", "Office"]


class Bus(Protocol):
    """What the runtime asks of the consumer's thread.

    `ends` tells the offsets at which the logs of partitions end, as far as that is known.
    """

    ends: dict[Source, int]

    def hold(self, source: Source, term: int) -> None:
        """Read no further on a partition for now, unless it has a newer term already."""
        ...

    def seek(self, source: Source, start: Start) -> None:
        """Read a partition from another start, and go on if it was held; unless it has a newer term already."""
        ...

    def tell_offsets(self, offsets: dict[Source, int]) -> None:
        """Write offsets to Kafka, for lag tools only."""
        ...


class Office(Protocol):
    """Where the runtime leaves what cannot be read; see `DeadLetterOffice`."""

    def deliver(self, letters: Sequence[DeadLetter]) -> None:
        """Write letters and wait for their acknowledgement, or raise BusUnavailable."""
        ...


class Item(NamedTuple):
    """A batch on its way to an agent; `term` tells from which start it was read."""

    batch: RawBatch
    term: int
    done: Callable[[], None]
