"""Drift events to a Kafka topic: idempotent, acknowledged by all replicas, keyed by model.

One model's events share a partition and keep their order there. The partition is the one that
Java's default partitioner takes for the same key, so a reader in any language can find it. A send
returns after the broker acknowledged every event. When one was not, the client is thrown away
with all it still held, so that nothing of a failed send overtakes its repeat. What arrived of it
all the same, or was published by a worker that is gone, `find` finds on the topic.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from .event import STRUCTURED_TYPE, DriftEvent, binary, structured
from .kafka_find import find_ids
from .sink import SinkError

__all__ = ["KafkaSink"]

# librdkafka speaks to a logger and never to stderr: without a handler of the application's own,
# Python would print its warnings there.
_log = logging.getLogger("driftbus.sinks.kafka")
_log.addHandler(logging.NullHandler())

# What the promise of this sink rests on; it cannot be configured away.
_FIXED: Mapping[str, object] = {
    "acks": "all",
    "enable.idempotence": True,
    "partitioner": "murmur2_random",
}


class KafkaSink:
    """A topic of CloudEvents.

    Args:
        settings: Client settings as librdkafka names them; `bootstrap.servers` is needed.
            `acks`, `enable.idempotence` and `partitioner` are ours whatever they say.
        topic: Where to write; created by the broker on first use if it does so.
        mode: `structured` puts the whole CloudEvent into the value, `binary` its attributes into
            headers.
        deadline: Seconds a send, or a look, may take before it counts as failed.
        ahead_ms: How far an event's time may be ahead of the clock it is published by.
        name: The sink's name.
    """

    def __init__(
        self,
        settings: Mapping[str, object],
        topic: str = "drift-alerts",
        mode: Literal["structured", "binary"] = "structured",
        deadline: float = 10.0,
        ahead_ms: int = 0,
        name: str = "kafka",
    ) -> None:
        if mode not in ("structured", "binary"):
            raise ValueError(f"mode must be structured or binary, not {mode!r}")
        self.name = name
        self._settings = dict(settings)
        self._topic = topic
        self._record = _structured if mode == "structured" else binary
        self._deadline = deadline
        self._ahead_ms = ahead_ms
        self._producer: Producer | None = None
        self._trouble = ""

    def send(self, events: Sequence[DriftEvent]) -> None:
        """Produce all events and wait for every acknowledgement, `deadline` seconds at most.

        Raises SinkError with the first delivery error, and with the last thing the client said
        about its connections, which is often the reason.
        """
        if not events:
            return
        end = time.monotonic() + self._deadline
        errors: list[str] = []

        def heard(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                errors.append(error.str())

        try:
            producer = self._producer = self._producer or self._connect()
            for event in events:
                headers, value = self._record(event)
                record = {"key": event.model, "value": value, "headers": headers}
                _produce(producer, end, topic=self._topic, on_delivery=heard, **record)
            if producer.flush(max(0.0, end - time.monotonic())):
                errors.append(f"not acknowledged within {self._deadline:g} s")
        except KafkaException as error:
            errors.append(error.args[0].str())
        except BufferError:
            errors.append(f"the client's queue was full for {self._deadline:g} s")
        if errors:
            self._discard()
            why = f" ({self._trouble})" if self._trouble else ""
            raise SinkError(f"kafka topic {self._topic}: {errors[0]}{why}")
        self._trouble = ""

    def find(self, events: Sequence[DriftEvent]) -> set[str]:
        """Give the ids of those events that are on the topic; see `kafka_find` for the cost."""
        if not events:
            return set()
        since_ms = min(event.time_ms for event in events) - self._ahead_ms
        ids = {event.id for event in events}
        return find_ids(self._settings, self._topic, ids, since_ms, self._deadline)

    def close(self) -> None:
        """Let go of the client; nothing waits in it between sends."""
        self._discard()

    def _connect(self) -> Producer:
        return Producer({**self._settings, **_FIXED, "error_cb": self._remember}, logger=_log)

    def _remember(self, error: KafkaError) -> None:
        # The client tells what is wrong with each connection, then that all of them are down;
        # the former is what helps.
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._trouble = error.str()

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()  # close() would wait for what an unreachable broker cannot take
            producer.close()


def _structured(event: DriftEvent) -> tuple[list[tuple[str, bytes]], bytes]:
    return [("content-type", STRUCTURED_TYPE.encode())], structured(event)


def _produce(producer: Producer, end: float, **record: Any) -> None:
    """Queue one record; while the client's queue is full, wait for room until `end`."""
    while True:
        try:
            return producer.produce(**record)
        except BufferError:
            if time.monotonic() >= end:
                raise
            producer.poll(0.05)
