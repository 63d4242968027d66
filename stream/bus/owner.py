"""Whom the consumer's thread asks where partitions begin, and tells what it has read and when they go."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from stream.ingest.raw import RawBatch, Source

__all__ = ["Owner", "Start"]


class Start(NamedTuple):
    """Where to read a partition from. All that is read from there on bears `term`, and nothing that was read before.

    Offset 0 is where the log begins, wherever that is: of a partition that was never read nothing can be missing.
    """

    offset: int
    term: int


class Owner(Protocol):
    """Who decides about partitions. Called on the consumer's thread; may block for a while."""

    def assigned(self, sources: list[Source]) -> dict[Source, Start]:
        """Take partitions over and tell where to read from."""
        ...

    def revoked(self, sources: list[Source], *, lost: bool) -> None:
        """Commit and let go of partitions; when they are lost already, only let go."""
        ...

    def batches(self, read: Sequence[tuple[RawBatch, int]], done: Callable[[], None]) -> None:
        """Take in batches, each read under a term, and call `done` for each that is folded."""
        ...

    def caught_up(self, source: Source, offset: int) -> None:
        """Know that a partition has been read to its end; the last event handed over stands before `offset`.

        Told with every look that finds nothing more.
        """
        ...

    def outside_log(self, source: Source, low: int, high: int) -> Start:
        """Tell where to go on: the log holds offsets low <= offset < high, and the next one to read is no such.

        All that was handed over is folded by then. Raises LogLost where nobody shall go on.
        """
        ...

    def failed(self, error: BaseException) -> None:
        """Know that the thread has ended with an error."""
        ...
