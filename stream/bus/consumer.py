"""The one thread that talks to Kafka's group: consumes, pauses, seeks, and answers rebalances.

librdkafka allows batches to be consumed beside seeks and rebalances only on one thread, so everything of that kind
happens here. Decisions are the runtime's: it is asked where a partition begins, and told when one goes.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from stream.bus.messages import batches_of
from stream.errors import DriftbusError
from stream.ingest.raw import RawBatch, Source
from stream.words import Kind

__all__ = ["ConsumerThread", "Owner"]

LOG = logging.getLogger("driftbus.consumer")
CONSUME = 10_000
IN_FLIGHT_MAX = 6
"""Batches handed over and not folded yet; beyond it the thread waits."""
PAUSE_AFTER_S = 5.0
"""Waiting longer than this, the partitions are paused, so that polling can go on and the group keeps us."""


class Owner(Protocol):
    """Who decides about partitions. Called on the consumer's thread; may block for a while."""

    def assigned(self, sources: list[Source]) -> dict[Source, int]:
        """Take partitions over and give the offsets to read from."""
        ...

    def revoked(self, sources: list[Source], *, lost: bool) -> None:
        """Commit and let go of partitions; when they are lost already, only let go."""
        ...

    def batch(self, batch: RawBatch, done: Callable[[], None]) -> None:
        """Take in a batch and call `done` when it is folded."""
        ...

    def caught_up(self, source: Source, offset: int) -> None:
        """Know that a partition was read to its end."""
        ...

    def failed(self, error: BaseException) -> None:
        """Know that the thread has ended with an error."""
        ...


class ConsumerThread(threading.Thread):
    """Consumes until `stop`. `beat` is when the thread last showed life, `reachable` whether brokers answer."""

    def __init__(
        self, settings: Mapping[str, object], kinds: Mapping[str, Kind], owner: Owner
    ) -> None:
        super().__init__(name="driftbus-consumer", daemon=True)
        self.beat = time.monotonic()
        self.reachable = True
        self.joined = False
        self.lag: dict[Source, int] = {}
        self._settings = dict(settings) | {"error_cb": self._on_error}
        self._kinds = dict(kinds)
        self._owner = owner
        self._commands: deque[Callable[[Consumer], None]] = deque()
        self._in_flight = 0
        self._room = threading.Condition()
        self._stopping = threading.Event()
        self._paused = False

    # -- for other threads -------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop consuming; what was handed over stays with the owner. `join` waits for the group to be left."""
        self._stopping.set()
        with self._room:
            self._room.notify_all()

    def hold(self, source: Source) -> None:
        """Read no further on a partition for now."""
        self._commands.append(lambda consumer: consumer.pause([_place(source)]))

    def seek(self, source: Source, offset: int) -> None:
        """Read a partition from another offset, and go on if it was held."""

        def command(consumer: Consumer) -> None:
            consumer.incremental_unassign([_place(source)])
            consumer.incremental_assign([_place(source, offset)])

        self._commands.append(command)

    def tell_offsets(self, offsets: Mapping[Source, int]) -> None:
        """Write offsets to Kafka, for lag tools only."""
        places = [_place(source, offset) for source, offset in offsets.items() if offset > 0]
        if places:
            self._commands.append(lambda consumer: _commit(consumer, places))

    # -- the thread --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Consume; any error ends the thread and is told to the owner."""
        consumer = Consumer(self._settings)
        try:
            consumer.subscribe(
                sorted(self._kinds),
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )
            while not self._stopping.is_set():
                self._once(consumer)
        except BaseException as error:
            self._owner.failed(error)
        finally:
            consumer.close()

    def _once(self, consumer: Consumer) -> None:
        self.beat = time.monotonic()
        while self._commands:
            self._obey(consumer, self._commands.popleft())
        self._await_room(consumer)
        messages = consumer.consume(CONSUME, 0.1)
        if not messages:
            return
        batches, ends, errors = batches_of(messages, self._kinds)
        for error in errors:
            LOG.warning("Kafka: %s", error.str())
        for batch in batches:
            self.reachable = True
            with self._room:
                self._in_flight += 1
            self._owner.batch(batch, self._done)
        for source, offset in ends.items():
            self._owner.caught_up(source, offset)
        self._measure_lag(consumer, [batch.source for batch in batches] + list(ends))

    def _obey(self, consumer: Consumer, command: Callable[[Consumer], None]) -> None:
        try:
            command(consumer)
        except KafkaException as error:  # the partition may have gone meanwhile
            LOG.info("Kafka: %s", error)

    def _done(self) -> None:
        with self._room:
            self._in_flight -= 1
            self._room.notify_all()

    def _await_room(self, consumer: Consumer) -> None:
        """Wait for the folding to catch up; after a while pause, so that polling keeps us in the group."""
        with self._room:
            limit = 0.0 if self._paused else PAUSE_AFTER_S
            self._room.wait_for(
                lambda: self._in_flight < IN_FLIGHT_MAX or self._stopping.is_set(), limit
            )
            full = self._in_flight >= IN_FLIGHT_MAX
        if full and not self._paused:
            LOG.warning("nothing was folded for %.0f s: reading is paused", PAUSE_AFTER_S)
            consumer.pause(consumer.assignment())
        elif self._paused and not full:
            LOG.warning("folding goes on: reading is resumed")
            consumer.resume(consumer.assignment())
        self._paused = full

    def _measure_lag(self, consumer: Consumer, sources: Iterable[Source]) -> None:
        for source in sources:
            _, high = consumer.get_watermark_offsets(_place(source), cached=True)
            position = consumer.position([_place(source)])[0].offset
            if high >= 0 and position >= 0:
                self.lag[source] = high - position

    # -- rebalances, called from consume on this thread --------------------------------------------------------------

    def _on_assign(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self.joined = True
        offsets = self._owner.assigned([self._source(place) for place in places])
        consumer.incremental_assign([_place(source, offset) for source, offset in offsets.items()])

    def _on_revoke(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._let_go(consumer, places, lost=False)

    def _on_lost(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._let_go(consumer, places, lost=True)

    def _let_go(self, consumer: Consumer, places: list[TopicPartition], *, lost: bool) -> None:
        sources = [self._source(place) for place in places]
        self._owner.revoked(sources, lost=lost)
        for source in sources:
            self.lag.pop(source, None)
        consumer.incremental_unassign(places)

    def _source(self, place: TopicPartition) -> Source:
        return Source(self._kinds[place.topic], place.topic, place.partition)

    def _on_error(self, error: KafkaError) -> None:
        if error.code() in (
            KafkaError._ALL_BROKERS_DOWN,
            KafkaError._TRANSPORT,
            KafkaError._RESOLVE,
        ):
            if self.reachable:
                where = str(self._settings["bootstrap.servers"])
                LOG.error(
                    "%s",
                    DriftbusError(
                        "Kafka cannot be reached",
                        where,
                        "is it running there? driftbus keeps trying",
                    ),
                )
            self.reachable = False
        else:
            LOG.warning("Kafka: %s", error.str())


def _place(source: Source, offset: int | None = None) -> TopicPartition:
    if offset is None:
        return TopicPartition(source.topic, source.partition)
    return TopicPartition(source.topic, source.partition, offset)


def _commit(consumer: Consumer, places: list[TopicPartition]) -> None:
    mine = {(p.topic, p.partition) for p in consumer.assignment()}
    owned = [place for place in places if (place.topic, place.partition) in mine]
    if owned:
        consumer.commit(offsets=owned, asynchronous=True)
