"""Where a simulated worker writes to: the topic of alerts, and that of dead letters."""

from collections.abc import Sequence

from sinks.event import DriftEvent
from sinks.sink import SinkError
from stream.errors import BusUnavailable
from stream.ingest.raw import DeadLetter
from tests.simulator.chaos import Chaos
from tests.simulator.kafka import Broker
from tests.simulator.loop import Process

__all__ = ["AlertsTopic", "Letters"]


class AlertsTopic:
    """A sink of the product's contract that writes to the simulated topic."""

    name = "alerts"

    def __init__(self, broker: Broker, chaos: Chaos, process: Process) -> None:
        self._broker = broker
        self._chaos = chaos
        self._process = process

    def send(self, events: Sequence[DriftEvent]) -> None:
        """Write alerts; of a send that fails some may have arrived, or all."""
        fault = self._chaos.before(self._process, "send")
        if fault == "request lost":
            raise SinkError("the request was lost")
        arrived = events[: len(events) // 2] if fault == "sent by half" else events
        self._broker.alerts += [(event.id, event.data) for event in arrived]
        self._chaos.tell(lambda: f"{self._process} sends {_ids(arrived)}")
        self._chaos.after(self._process, fault)
        if fault in ("reply lost", "sent by half"):
            raise SinkError("no acknowledgement came")

    def close(self) -> None:
        """Close nothing."""


class Letters:
    """The office of dead letters."""

    def __init__(self, broker: Broker, chaos: Chaos, process: Process) -> None:
        self._broker = broker
        self._chaos = chaos
        self._process = process

    def deliver(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters, or fail before that or after it."""
        fault = self._chaos.before(self._process, "deliver")
        if fault == "request lost":
            raise BusUnavailable("the request was lost", "dead letters")
        self._broker.bury(letters)
        self._chaos.tell(lambda: f"{self._process} buries {_places(letters)}")
        self._chaos.after(self._process, fault)
        if fault == "reply lost":
            raise BusUnavailable("no acknowledgement came", "dead letters")


def _ids(events: Sequence[DriftEvent]) -> str:
    return " ".join(f"{event.id[:6]} ({event.column} {event.phase})" for event in events)


def _places(letters: Sequence[DeadLetter]) -> str:
    return " ".join(f"{f.source.topic}/{f.source.partition}@{f.offset}" for f in letters)
