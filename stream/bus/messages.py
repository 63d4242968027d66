"""From the messages of one consume call to one raw batch a partition."""

import gc
from collections.abc import Iterable, Mapping, Sequence
from itertools import filterfalse, groupby

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message

from stream.ingest.raw import RawBatch, Source
from stream.words import Kind

__all__ = ["batches_of", "spare_collector"]

BATCH_MAX = 10_000
"""Messages of a batch: the event loop is held while one is folded, some 20 ms."""
COLLECT_AFTER = (50_000, 10, 10)
"""Containers made and not given back before Python looks for cycles among them (its default: 700)."""


def batches_of(
    messages: Sequence[Message], kinds: Mapping[str, Kind]
) -> tuple[list[RawBatch], dict[Source, int], set[Source], list[KafkaError]]:
    """Group messages by partition, in offset order, in batches of `BATCH_MAX` at most.

    Returns:
        The batches; for partitions that were read to their end, the offset of the end; the partitions whose log does
        not have the next offset; other errors, which are librdkafka's to retry and ours to tell.

    Raises:
        KafkaException: of an error that is fatal for the client.
    """
    ends: dict[Source, int] = {}
    outside: set[Source] = set()
    errors: list[KafkaError] = []
    failed = list(filter(Message.error, messages))
    for message in failed:
        error = message.error()
        assert error is not None  # noqa: S101 - so it was filtered
        if error.code() == KafkaError._PARTITION_EOF:
            ends[_source(message.topic(), message.partition(), kinds)] = message.offset() or 0
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            outside.add(_source(message.topic(), message.partition(), kinds))
        elif error.fatal():
            raise KafkaException(error)
        else:
            errors.append(error)
    if failed:
        messages = list(filterfalse(Message.error, messages))
    batches = [
        _batch(_source(*place, kinds), own[first : first + BATCH_MAX])
        for place, own in _by_place(messages, kinds)
        for first in range(0, len(own), BATCH_MAX)
    ]
    return batches, ends, outside, errors


def _by_place(
    messages: Sequence[Message], kinds: Mapping[str, Kind]
) -> Iterable[tuple[tuple[str | None, int | None], list[Message]]]:
    """Group messages by topic and partition, in their order.

    A consume call gives long runs of one partition, so nothing is looked up a message: runs are found and joined. Where
    there is one topic, messages are not asked for it.
    """
    groups: dict[tuple[str | None, int | None], list[Message]] = {}
    (one, *more) = kinds
    for partition, of_partition in groupby(messages, Message.partition):
        if not more:
            groups.setdefault((one, partition), []).extend(of_partition)
            continue
        for topic, run in groupby(of_partition, Message.topic):
            groups.setdefault((topic, partition), []).extend(run)
    return groups.items()


def _batch(source: Source, messages: list[Message]) -> RawBatch:
    n = len(messages)
    first, last = messages[0].offset() or 0, messages[-1].offset() or 0
    if last - first == n - 1:  # they ascend, so none is left out
        offsets = np.arange(first, last + 1, dtype=np.int64)
    else:
        offsets = np.fromiter(map(Message.offset, messages), np.int64, n)
    return RawBatch.unread(source, offsets, messages)


def _source(topic: str | None, partition: int | None, kinds: Mapping[str, Kind]) -> Source:
    assert topic is not None and partition is not None  # noqa: S101, PT018 - consumed messages have both
    return Source(kinds[topic], topic, partition)


def spare_collector() -> None:
    """Let thousands of messages live at once without a search for cycles; for the whole process, once, at its start.

    A message counts as a container, so by default a batch of 10,000 starts 14 searches, and they cost nearly half of
    the consuming: 0.8 us an event. What the process is made of by now is set aside and not searched again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
