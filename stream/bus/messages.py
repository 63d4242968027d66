"""From the messages that a client gives to raw batches of partitions."""

import gc
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import filterfalse, groupby
from operator import itemgetter
from typing import Any

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message
from numpy.typing import NDArray

from stream.ingest.arrow.messages import arrow_among
from stream.ingest.raw import NONE_PASSED, Headers, RawBatch, Source
from stream.ingest.thinning import Sieve
from stream.words import Kind

__all__ = ["Reading", "spare_collector"]

AT_ONCE = 1_000
"""Messages that live at once: so few stay in the cache, and their memory is used again for the next ones."""
FEW = 50
"""Messages asked for though they may be large, as nothing is known of it yet, or memory all but full."""
PAUSE_S = 0.05
"""How long nobody waits at the client's queue: who does is woken by every fetch, hundreds of times a second."""
BATCH_MAX = 10_000
"""Messages of a batch, as folding one holds the event loop: up to 50 ms where there are thousands of series."""
HELD_MAX = 1 << 25
"""Bytes of messages from which on no more are asked for: the client may have far more, as it unpacks fetches whole."""
SIEVED_FROM = 200
"""Messages of a partition that come together from which on leaving some out at once costs less than reading all."""
COLLECT_AFTER = (50_000, 10, 10)
"""Containers made and not given back before Python looks for cycles among them (its default: 700)."""


class Reading:
    """What a client has given: batches of partitions, in offset order, of `BATCH_MAX` messages at most.

    A message is asked for all that is wanted of it and let go of before the next ones come: ten thousand that wait for
    the fold cost 0.2 us each for memory that is cold. What `sieve` leaves out is only asked for its length; of a
    partition of which few come together all are read, and the fold leaves out the same.

    `ends`: of partitions that were read to their end, the offset of the end. `outside`: the partitions whose log does
    not have the next offset. `errors`: others, which are librdkafka's to retry, and ours to tell.
    """

    def __init__(self, kinds: Mapping[str, Kind], sieve: Sieve | None = None) -> None:
        self.ends: dict[Source, int] = {}
        self.outside: set[Source] = set()
        self.errors: list[KafkaError] = []
        self._kinds = kinds
        self._sieve = sieve
        self._growing: dict[Source, _Growing] = {}
        self._grown: list[RawBatch] = []
        self._held = 0
        self._holding = 0

    def fill(self, consume: Callable[[int], list[Message]], n: int, wait_s: float) -> None:
        """Read up to n messages, as many as come within a time; what is there comes without waiting.

        As many are asked for as would come to `HELD_MAX` bytes, going by the mean of those before.

        Raises:
            KafkaException: of an error that is fatal for the client.
        """
        end = time.monotonic() + wait_s
        while n > 0 and self._held < HELD_MAX:
            asked = min(n, AT_ONCE, self._room())
            messages = consume(asked)
            self.add(messages)
            few = len(messages) < asked
            n -= len(messages)
            del messages  # before the next ones are made
            if few and (left := end - time.monotonic()) <= 0:
                return
            if few and self._held < HELD_MAX:
                time.sleep(min(left, PAUSE_S))

    def _room(self) -> int:
        """Tell how many messages more there is memory for, as far as can be told."""
        return max(FEW, (HELD_MAX - self._held) * self._holding // max(self._held, 1))

    def add(self, messages: Sequence[Message]) -> None:
        """Take in what one call has given; as `fill`."""
        failed = list(filter(Message.error, messages))
        if failed:
            messages = list(filterfalse(Message.error, messages))
        for source, own in self._by_source(messages).items():
            self.ends.pop(source, None)  # it has gone on since
            growing = self._growing.get(source)
            if growing is None or len(growing.values) + len(own) > BATCH_MAX:
                self._end_batch(source)
                growing = self._growing[source] = _Growing(source)
            before = len(growing.values)
            self._held += growing.add(own, self._sieve)
            self._holding += len(growing.values) - before
        for message in failed:
            self._fail(message)

    def forget(self, sources: Collection[Source]) -> None:
        """Let go of what was read of some partitions."""
        self._grown = [batch for batch in self._grown if batch.source not in sources]
        for source in sources:
            self._growing.pop(source, None)
            self.ends.pop(source, None)
            self.outside.discard(source)

    def batches(self) -> list[RawBatch]:
        """Give the batches, once."""
        for source in list(self._growing):
            self._end_batch(source)
        grown, self._grown = self._grown, []
        return grown

    def _end_batch(self, source: Source) -> None:
        growing = self._growing.pop(source, None)
        if growing is not None:
            self._grown.append(growing.batch())

    def _by_source(self, messages: Sequence[Message]) -> dict[Source, list[Message]]:
        """Group messages by topic and partition, in their order.

        A call mostly gives runs of one partition, so nothing is looked up a message: runs are found and joined. Where
        there is one topic, messages are not asked for it.
        """
        groups: dict[tuple[str | None, int | None], list[Message]] = {}
        (one, *more) = self._kinds
        for partition, of_partition in groupby(messages, Message.partition):
            if not more:
                groups.setdefault((one, partition), []).extend(of_partition)
                continue
            for topic, run in groupby(of_partition, Message.topic):
                groups.setdefault((topic, partition), []).extend(run)
        return {self._source(*place): own for place, own in groups.items()}

    def _fail(self, message: Message) -> None:
        error = message.error()
        assert error is not None  # noqa: S101 - so it was filtered
        if error.code() == KafkaError._PARTITION_EOF:
            source = self._source(message.topic(), message.partition())
            self.ends[source] = message.offset() or 0
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            self.outside.add(self._source(message.topic(), message.partition()))
        elif error.fatal():
            raise KafkaException(error)
        else:
            self.errors.append(error)

    def _source(self, topic: str | None, partition: int | None) -> Source:
        assert topic is not None and partition is not None  # noqa: S101, PT018 - consumed messages have both
        return Source(self._kinds[topic], topic, partition)


class _Growing:
    """A batch that grows by what one part of a call has of its partition."""

    def __init__(self, source: Source) -> None:
        self.values: list[bytes | None] = []
        self._source = source
        self._offsets: list[NDArray[np.int64]] = []
        self._passed: list[NDArray[np.int64]] = []
        self._stamps: list[int] = []
        self._keys: list[bytes | None] = []
        self._headers: list[Headers | None] = []

    def add(self, run: list[Message], sieve: Sieve | None) -> int:
        """Take in consecutive messages of the partition, but for what the sieve leaves out, and tell their bytes."""
        offsets = _offsets(run)
        stays = None
        if sieve is not None and len(run) >= SIEVED_FROM:
            stays = sieve.stays(self._source, offsets)
        if stays is not None:
            lengths = np.fromiter(map(len, run), np.int64, len(run))
            stays[arrow_among(~stays, lengths, lambda i: run[i].value())] = True
            self._passed.append(offsets[~stays])
            left = np.flatnonzero(stays)
            run, offsets = list(map(run.__getitem__, left.tolist())), offsets[left]
        values = list(map(Message.value, run))
        self.values += values
        self._offsets.append(offsets)
        self._stamps += map(itemgetter(1), map(Message.timestamp, run))
        self._keys += map(Message.key, run)
        headers: Iterable[Any] = map(Message.headers, run)
        self._headers += headers
        held: Iterable[Any] = filter(None, values) if None in values else values
        return sum(map(len, held))

    def batch(self) -> RawBatch:
        """Give the batch."""
        offsets, stamps = np.concatenate(self._offsets), np.array(self._stamps, dtype=np.int64)
        passed = np.concatenate([NONE_PASSED, *self._passed])
        keys, headers = _if_any(self._keys), _if_any(self._headers)
        return RawBatch(self._source, self.values, offsets, stamps, keys, headers, passed)


def _if_any(told: list[Any]) -> Sequence[Any]:
    return () if told.count(None) == len(told) else told


def _offsets(run: Sequence[Message]) -> NDArray[np.int64]:
    first, last = run[0].offset() or 0, run[-1].offset() or 0
    if last - first == len(run) - 1:  # they ascend, so none is left out
        return np.arange(first, last + 1, dtype=np.int64)
    return np.fromiter(map(Message.offset, run), np.int64, len(run))


def spare_collector() -> None:
    """Let a call's messages be read without searches for cycles; for the whole process, once, at its start.

    A message counts as a container, so by default every thousand that live at once start a search. Of those, 0.07 us an
    event in a small process, each hundredth looks at all that there is. What the process is made of by now is set aside
    and not searched again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
