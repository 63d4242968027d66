"""The broker inside confluent-kafka, and an independent reader of its topics."""

import itertools
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

PARTITIONS = 4
_quiet = logging.getLogger("tests.sinks.broker")
_quiet.addHandler(logging.NullHandler())
_numbers = itertools.count()


class Record(NamedTuple):
    """What a reader of a topic sees of one message."""

    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@contextmanager
def embedded_broker() -> Iterator[str]:
    """Run a broker in this process and yield its address."""
    host = Producer({"test.mock.num.brokers": 1}, logger=_quiet)
    yield ",".join(f"{b.host}:{b.port}" for b in host.list_topics(timeout=60).brokers.values())
    host.close()


def fresh_topic() -> str:
    """Name a topic that nobody has written to."""
    return f"drift-alerts-{next(_numbers)}"


def read_topic(address: str, topic: str) -> list[Record]:
    """Read all partitions of a topic to their ends, one partition after the other."""
    settings = {
        "bootstrap.servers": address,
        "group.id": "reader",
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 10,
        "allow.auto.create.topics": True,  # a topic that nobody wrote to has ends, too
    }
    consumer = Consumer(settings, logger=_quiet)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    records: list[Record] = []
    unread = set(range(PARTITIONS))
    deadline = time.monotonic() + 60
    while unread and time.monotonic() < deadline:
        for message in consumer.consume(500, 0.02):
            error = message.error()
            if error is None:
                records.append(_record(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition() or 0)
    consumer.close()
    assert not unread, "the broker did not show the end of every partition"
    return sorted(records, key=lambda record: record.partition)  # stable: keeps each one's order


def _record(message: Message) -> Record:
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    plain = [(name, value) for name, value in pairs if isinstance(value, bytes)]
    return Record(message.partition() or 0, message.key() or b"", message.value() or b"", plain)
