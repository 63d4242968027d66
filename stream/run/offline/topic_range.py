"""Reads a range of event time out of the input topics, as if it were files."""

import time
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np
import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from stream.bus.settings import consumer_settings
from stream.config import Config
from stream.errors import UsageError
from stream.files import FileEvent
from stream.files.times import time_ms
from stream.ingest.arrow.events import events_of
from stream.ingest.arrow.message import read_message
from stream.ingest.arrow.messages import is_arrow
from stream.ingest.fold import NEVER
from stream.ingest.raw import RawBatch, Source
from stream.run.fleet.topics import (
    ANSWER_S,
    Listener,
    cluster_of,
    kafka_border,
    sources_of,
    unavailable,
)
from stream.run.terminal.progress import Progress

__all__ = ["SILENCE_S", "read_range"]

SILENCE_S = 15.0
"""Longest wait for the next record of a range that is not at its end."""

_MESSAGES = 5_000
Placed = tuple[int, str, int, int, FileEvent]


class _Time(msgspec.Struct):
    ts: msgspec.Raw = msgspec.Raw(b"null")


def read_range(
    config: Config,
    start_ms: int | None,
    end_ms: int | None,
    progress: Progress,
    silence_s: float = SILENCE_S,
) -> list[FileEvent]:
    """Read the events of a range of event time from all partitions, in order of time.

    1. A partition is read from the first record that Kafka took in at `start_ms` - `max_future` or
       later: an event that is further ahead of its record would be put aside by a worker.
    2. It is read until its watermark says that whatever is still to come before `end_ms` would be
       late; at most up to the end it has at the start of the reading.
    3. Events are ordered by (time, topic, partition, offset), so the answer hangs on nothing else.

    No group is joined and nothing is committed. Memory: all events of the range.

    Raises:
        BusUnavailable: Kafka cannot be reached, or falls silent for `silence_s`.
        UsageError: none of the input topics is there.
    """
    sources = sources_of(config, cluster_of(config))
    if not sources:
        raise UsageError("none of the input topics is there", config.bootstrap, "check `topics`")
    listener = Listener()
    settings = dict(consumer_settings(config)) | listener.settings()
    settings["allow.auto.create.topics"] = False
    with kafka_border(config, listener):
        consumer = Consumer(settings)
        try:
            found = _Range(config, consumer, sources, start_ms, end_ms).read(
                progress, silence_s, listener
            )
        finally:
            consumer.close()
    return [event for *_, event in sorted(found, key=itemgetter(0, 1, 2, 3))]


class _Range:
    """The partitions that are still read, each with the offset of its end and its watermark."""

    def __init__(
        self,
        config: Config,
        consumer: Consumer,
        sources: Sequence[Source],
        start_ms: int | None,
        end_ms: int | None,
    ) -> None:
        self._config = config
        self._consumer = consumer
        self._kinds = {source.topic: source.kind for source in sources}
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._ends: dict[tuple[str, int], int] = {}
        self._watermarks: dict[tuple[str, int], int] = {}
        self._to_read = 0
        self._assign(sources)

    def _assign(self, sources: Sequence[Source]) -> None:
        places = [TopicPartition(s.topic, s.partition, OFFSET_BEGINNING) for s in sources]
        if self._start_ms is not None:
            since = max(0, self._start_ms - self._config.max_future_ms)
            asked = [TopicPartition(s.topic, s.partition, since) for s in sources]
            places = self._consumer.offsets_for_times(asked, timeout=ANSWER_S)
        assigned = []
        for place in places:
            low, high = self._consumer.get_watermark_offsets(place, timeout=ANSWER_S)
            first = low if place.offset == OFFSET_BEGINNING else place.offset
            if 0 <= first < high:  # a negative one: Kafka took in nothing since
                self._ends[place.topic, place.partition] = high
                self._to_read += high - first
                assigned.append(TopicPartition(place.topic, place.partition, first))
        self._consumer.assign(assigned)

    def read(self, progress: Progress, silence_s: float, listener: Listener) -> list[Placed]:
        """Read all partitions to their ends."""
        found: list[Placed] = []
        total, done, heard = self._to_read, 0, time.monotonic()
        while self._ends:
            messages = self._consumer.consume(_MESSAGES, 0.2)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > silence_s:
                raise unavailable(
                    self._config, listener.trouble or f"no record came for {silence_s:g} s"
                )
            for message in messages:
                found += self._take(message)
            done += len(messages)
            progress.part(done, total)
        return found

    def _take(self, message: Message) -> list[Placed]:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is None or partition is None or offset is None:
            return []
        place, error = (topic, partition), message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                self._ends.pop(place, None)
            return []
        end = self._ends.get(place)
        if end is None:
            return []
        events = self._events(message, topic) if offset < end else []
        if offset >= end - 1 or self._passed(place):
            del self._ends[place]
            self._consumer.pause([TopicPartition(topic, partition)])
        return [(event.ts, topic, partition, offset, event) for event in events]

    def _events(self, message: Message, topic: str) -> list[FileEvent]:
        """Make events of a record; of an Arrow message, one of each row."""
        value, stamp = message.value(), message.timestamp()[1]
        if not isinstance(value, bytes):
            return []
        place, kind = (topic, message.partition() or 0), self._kinds[topic]
        if not is_arrow(value):
            ts, value = _timed(value, stamp)
            found = [FileEvent(kind, ts, value)]
        else:
            found = list(self._rows(message, Source(kind, *place), value, stamp))
        return [event for event in found if self._within(event.ts, stamp, place)]

    def _rows(
        self, message: Message, source: Source, value: bytes, stamp: int
    ) -> Iterator[FileEvent]:
        offset = message.offset() or 0
        headers: Any = message.headers()
        batch = RawBatch(
            source, [value], np.array([offset]), np.array([stamp]), [message.key()], [headers]
        )
        limits = self._config.limits
        read = read_message(
            batch, limits.batch_bytes_max, limits.batch_rows_max, self._config.max_future_ms
        )
        ts = stamp
        for table in read.tables:
            for ts, event in events_of(table, source.kind):
                yield FileEvent(source.kind, ts, event)
        for letter in read.dead:  # the pipeline puts it aside; of the good rows it has heard
            yield FileEvent(source.kind, ts, b"", letter.reason)

    def _within(self, ts: int, stamp: int, place: tuple[str, int]) -> bool:
        """Tell whether an event lies in the range, and not too far ahead of its record; it moves the watermark."""
        if stamp > 0 and ts > stamp + self._config.max_future_ms:
            return False
        self._watermarks[place] = max(ts, self._watermarks.get(place, NEVER))
        before = self._start_ms is not None and ts < self._start_ms
        after = self._end_ms is not None and ts >= self._end_ms
        return not before and not after

    def _passed(self, place: tuple[str, int]) -> bool:
        """Tell whether every pane before the end of the range is closed on a partition."""
        if self._end_ms is None:
            return False
        last_pane_end = -(-self._end_ms // self._config.pane_ms) * self._config.pane_ms
        return self._watermarks.get(place, NEVER) >= last_pane_end + self._config.lateness_ms


def _timed(value: bytes, stamp: int) -> tuple[int, bytes]:
    """Tell the time of an event and give it with it: the record's, where the event tells none."""
    try:
        told = msgspec.json.decode(msgspec.json.decode(value, type=_Time).ts)
        if told is None:
            return stamp, orjson.dumps({**orjson.loads(value), "ts": stamp})
    except (ValueError, TypeError, RecursionError):  # the pipeline puts it aside
        return stamp, value
    ms = time_ms(told)
    return (stamp, value) if ms is None else (ms, value)
