"""Looks on a Kafka topic for drift events that may have been published by somebody before us.

A drift event is published after it happened, so its record lies behind every record that is older
than the event itself; `SLACK_MS` allows for clocks that disagree. From there each partition is read
to its end. All partitions are read: a topic may have been given more of them since.

Cost: what was published since the oldest of the events, and no more than the last `RECORDS_MAX`
records of a partition.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import closing

import orjson
from confluent_kafka import (
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from .sink import SinkError

__all__ = ["RECORDS_MAX", "find_ids"]

SLACK_MS = 3_600_000
RECORDS_MAX = 20_000
"""Records of a partition that are looked at, at most: its newest, as what we look for was sent last."""

_log = logging.getLogger("driftbus.sinks.kafka")
_ANSWER_S = 5.0


def find_ids(
    settings: Mapping[str, object], topic: str, wanted: set[str], since_ms: int, deadline: float
) -> set[str]:
    """Give those of the wanted ids that are on the topic, as readers of committed records see it.

    Args:
        settings: of the client, as librdkafka names them.
        topic: where to look; one that is not there holds nothing.
        wanted: the ids of events.
        since_ms: the time of the oldest of them: none was published before it.
        deadline: seconds that reading may take.

    Raises:
        SinkError: the topic could not be read to its end in time.
    """
    end = time.monotonic() + deadline
    reading = {
        **settings,
        # Never joined, and no offset is stored in it; the app's own, so that no other right is needed.
        "group.id": str(settings.get("client.id", "driftbus")),
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "allow.auto.create.topics": False,
        "fetch.wait.max.ms": 10,
    }
    try:
        with closing(Consumer(reading, logger=_log)) as consumer:
            starts = _starts(consumer, topic, max(0, since_ms - SLACK_MS), end)
            return {
                event_id
                for message in _read(consumer, starts, end)
                if (event_id := _id_of(message)) in wanted
            }
    except KafkaException as error:
        raise SinkError(f"kafka topic {topic}: cannot be read: {error.args[0].str()}") from None


def _starts(consumer: Consumer, topic: str, since: int, end: float) -> list[TopicPartition]:
    """Tell where to begin on each partition that may hold a record of that time or later."""
    patience = max(0.1, min(_ANSWER_S, end - time.monotonic()))
    known = consumer.list_topics(topic, timeout=patience).topics[topic]
    if known.error is not None:
        if known.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return []  # the first event makes it
        raise KafkaException(known.error)
    asked = [TopicPartition(topic, partition, since) for partition in known.partitions]
    starts: list[TopicPartition] = []
    unsure: list[TopicPartition] = []
    last: list[TopicPartition] = []
    for place in consumer.offsets_for_times(asked, timeout=_ANSWER_S):
        low, high = consumer.get_watermark_offsets(place, timeout=_ANSWER_S)
        first = TopicPartition(topic, place.partition, max(low, high - RECORDS_MAX, place.offset))
        if first.offset < high and place.offset != OFFSET_END:
            starts.append(first)
        elif first.offset < high:
            unsure.append(first)
            last.append(TopicPartition(topic, place.partition, high - 1))
    # Nothing is as new as that, or the broker cannot search by time: the last records tell.
    stamps = _read(consumer, last, time.monotonic() + _ANSWER_S)
    new = {message.partition() for message in stamps if message.timestamp()[1] >= since}
    return starts + [place for place in unsure if place.partition in new]


def _read(consumer: Consumer, starts: list[TopicPartition], end: float) -> Iterator[Message]:
    """Read partitions to the ends they have when they are reached."""
    consumer.assign(starts)
    unread = {place.partition for place in starts}
    while unread:
        if time.monotonic() >= end:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        for message in consumer.consume(500, 0.1):
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition() or 0)
            elif not error.retriable():
                raise KafkaException(error)


def _id_of(message: Message) -> str | None:
    """Read the id of a CloudEvent, whatever its mode; None when the record is something else."""
    headers = message.headers() or []
    for name, value in headers.items() if isinstance(headers, dict) else headers:
        if name == "ce_id" and isinstance(value, bytes):
            return value.decode("utf-8", "replace")
    try:
        told = orjson.loads(message.value() or b"")
    except orjson.JSONDecodeError:
        return None
    found = told.get("id") if isinstance(told, dict) else None
    return found if isinstance(found, str) else None
