"""The settings of every Kafka client we make, and what becomes of its log lines."""

import logging
import time
from collections.abc import Callable
from typing import Any

from stream.config import Config

__all__ = ["Seldom", "admin_settings", "consumer_settings", "producer_settings"]

LOG = logging.getLogger("driftbus.kafka")
FETCHED = 1_000_000
"""Bytes that a fetch waits for: with a quarter of it, a worker at a pace takes some 3 % more processor time."""
FETCHED_AT_MOST = ("fetch.max.bytes", "fetch.message.max.bytes", "max.partition.fetch.bytes")


class Seldom(logging.Filter):
    """Lets a client say each kind of thing once in `every_s`: it repeats itself with every try to connect.

    A kind is the first word of librdkafka's lines, such as FAIL or REQTMOUT.
    """

    def __init__(self, every_s: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._every_s = every_s
        self._clock = clock
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line may pass."""
        kind, now = record.getMessage().partition(" ")[0], self._clock()
        if now - self._said.get(kind, float("-inf")) < self._every_s:
            return False
        self._said[kind] = now
        return True


def _common(config: Config) -> dict[str, Any]:
    return {"bootstrap.servers": config.bootstrap, "client.id": config.app, "logger": LOG} | dict(
        config.kafka
    )


def consumer_settings(config: Config) -> dict[str, Any]:
    """Settings of the worker's consumer: offsets are ours, memory is bounded, rebalances are cooperative.

    A start that the log does not have is an error to be told, never mended in silence. Under the protocol `consumer`
    the broker assigns and watches over sessions. A fetch waits a tenth of a second for a megabyte, or for what the
    person lets it have at most: at 30,000 events/s, fetching each few as they come cost the client twice the processor
    time an event. Where its queue is full, the client looks again after 20 ms; after the second that is its default a
    worker with a backlog has read the queue long before, and waits: it reads 80,000 events/s at most, with more than
    half of a core to spare.
    """
    classic = {"partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 10_000}
    by_broker = config.kafka.get("group.protocol") == "consumer"
    return (
        ({} if by_broker else classic)
        | {
            "group.id": config.app,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "allow.auto.create.topics": True,
            "queued.min.messages": 50_000,
            "queued.max.messages.kbytes": 32_768,
            "fetch.queue.backoff.ms": 20,
            "fetch.wait.max.ms": 100,
            "fetch.min.bytes": _least(config),
            "topic.metadata.refresh.interval.ms": 10_000,
        }
        | _common(config)
    )


def _least(config: Config) -> int:
    """Tell what a fetch waits for; for more than it may have it would always wait in vain."""
    told = (str(config.kafka.get(name, "")) for name in FETCHED_AT_MOST)
    return min([FETCHED, *(int(most) for most in told if most.isdecimal())])


def producer_settings(config: Config) -> dict[str, Any]:
    """Settings of producers of dead letters."""
    return {
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "message.timeout.ms": 10_000,
    } | _common(config)


def admin_settings(config: Config) -> dict[str, Any]:
    """Settings of a client that only asks for metadata."""
    return _common(config)
