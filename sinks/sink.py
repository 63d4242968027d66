"""The contract between driftbus and the places drift events go to.

A sink is called by one thread at a time, in this order:

    send(events)   any number of times, repeated by the caller after every SinkError
    close()        at the end; twice is fine; nothing is sent afterwards

Delivery is at least once: a send that failed is repeated with the same events in the same order,
and some of them may have arrived the first time. The id of an event lets readers drop repeats.

A sink that can also look (`Remembering`) is asked which events of a doubtful past have arrived, so
that these are not sent again.

Errors:
    SinkError        the destination's fault or the way's; the same send may work later
    anything else    a fault in the sink itself
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from .event import DriftEvent

__all__ = ["Remembering", "Sink", "SinkError"]


class SinkError(Exception):
    """Not all events of a send are known to have been delivered; send them again.

    Args:
        message: What failed, where, and why, in one line for a person.
        retry_after: Seconds the destination asks to be left alone; None if it did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Sink(Protocol):
    """One destination of drift events.

    Making a sink touches nothing outside: connections and files are opened by the first send, so
    that a destination which is down at the start is a failed send like any other.
    """

    name: str
    """Tells this sink from the others in logs, metrics and the schedule of retries."""

    def send(self, events: Sequence[DriftEvent]) -> None:
        """Deliver the events in their order; return only when all of them are durably there.

        Called again with the same events when it raises SinkError. It ends by itself: every wait
        inside has a deadline. An empty sequence is delivered at once.
        """

    def close(self) -> None:
        """Let go of connections and files. Never raises; a second call does nothing."""


@runtime_checkable
class Remembering(Protocol):
    """A sink whose destination can be looked at."""

    def find(self, events: Sequence[DriftEvent]) -> set[str]:
        """Give the ids of those events that have arrived before, whoever sent them.

        An id that is not given may be there all the same, out of reach: it is then sent again, with
        the same id. Ends by itself. Raises SinkError when the destination cannot be looked at.
        """
