"""Drift events in a list: the twin of a real destination, for tests and simulations."""

from collections.abc import Sequence

from .event import DriftEvent
from .sink import SinkError

__all__ = ["MemorySink"]


class MemorySink:
    """Keeps what it was given, in order, without bound; fails when told to.

    Args:
        name: The sink's name.
    """

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.events: list[DriftEvent] = []
        self._failing = 0
        self._keep = 0
        self._retry_after: float | None = None

    def fail_next(self, sends: int, keep: int = 0, retry_after: float | None = None) -> None:
        """Make the next sends fail.

        Args:
            sends: How many, from the next one on; 0 heals the sink.
            keep: How many events of each such send arrive all the same, as when a connection
                breaks half way or an acknowledgement is lost.
            retry_after: What the errors ask for, in seconds.
        """
        self._failing = sends
        self._keep = keep
        self._retry_after = retry_after

    def send(self, events: Sequence[DriftEvent]) -> None:
        """Keep the events, or raise SinkError as `fail_next` said."""
        if self._failing > 0:
            self._failing -= 1
            self.events += events[: self._keep]
            raise SinkError(f"{self.name}: told to fail", self._retry_after)
        self.events += events

    def find(self, events: Sequence[DriftEvent]) -> set[str]:
        """Give the ids of those events that were kept before."""
        return {event.id for event in events} & {event.id for event in self.events}

    def close(self) -> None:
        """Do nothing: what was kept can still be read."""
