"""The one thread that talks to Kafka's group: consumes, pauses, seeks, and answers rebalances.

librdkafka allows batches to be consumed beside seeks and rebalances only on one thread, so everything of that kind
happens here. Decisions are the runtime's: it is asked where a partition begins, and told when one goes.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from stream.bus.messages import Reading, spare_collector
from stream.bus.owner import Owner, Start
from stream.bus.pace import Pace
from stream.bus.trouble import Trouble
from stream.ingest.raw import RawBatch, Source
from stream.ingest.thinning import Sieve
from stream.words import Kind

__all__ = ["ConsumerThread"]

LOG = logging.getLogger("driftbus.consumer")
WAIT_S = 0.1
ANSWER_S = 5.0
PAUSE_AFTER_S = 5.0
"""Waiting longer than this, the partitions are paused, so that polling can go on and the group keeps us."""


class ConsumerThread(threading.Thread):
    """Consumes until `stop`.

    `beat` is when the thread last showed life, `joined` whether it is in the group. `pace` knows what waits for
    the fold, and ends the handing over while the partitions are kept until `stop`; `trouble` knows whether brokers
    answer. `ends` are the offsets at which the logs of partitions end, and `lag` how far off these is what was read.
    """

    def __init__(
        self, settings: Mapping[str, object], kinds: Mapping[str, Kind], owner: Owner, sieve: Sieve | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name="driftbus-consumer", daemon=True)
        self.beat = time.monotonic()
        self.joined = False
        self.pace = Pace()
        self.trouble = Trouble(str(settings["bootstrap.servers"]))
        self.lag: dict[Source, int] = {}
        self.ends: dict[Source, int] = {}
        self._settings = dict(settings) | {"error_cb": self.trouble.hear}
        self._kinds = dict(kinds)
        self._owner = owner
        self._sieve = sieve
        self._commands: deque[Callable[[Consumer], None]] = deque()
        self._offsets: dict[Source, int] = {}
        self._at: dict[Source, Start] = {}
        self._held: set[Source] = set()
        self._ended: set[Source] = set()
        self._telling = threading.Lock()
        self._stopping = threading.Event()
        self._paused = False

    # -- for other threads -------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop consuming; what was handed over stays with the owner. `join` waits for the group to be left."""
        self._stopping.set()
        self.pace.end()

    def hold(self, source: Source, term: int) -> None:
        """Read no further on a partition for now; of an older term it says nothing any more."""

        def command(consumer: Consumer) -> None:
            if self._is_current(source, term):
                self._held.add(source)
                consumer.pause([_place(source)])

        self._commands.append(command)

    def seek(self, source: Source, start: Start) -> None:
        """Read a partition from elsewhere, and go on if it was held; of an older term it says nothing any more."""

        def command(consumer: Consumer) -> None:
            if self._is_current(source, start.term):
                consumer.incremental_unassign([_place(source)])
                self._read(consumer, {source: start})

        self._commands.append(command)

    def _is_current(self, source: Source, term: int) -> bool:
        """Whether a partition has not gone meanwhile, nor gone and come back."""
        return source in self._at and term >= self._at[source].term

    def tell_offsets(self, offsets: Mapping[Source, int]) -> None:
        """Write offsets to Kafka, for lag tools only."""
        with self._telling:
            self._offsets |= {source: offset for source, offset in offsets.items() if offset > 0}

    # -- the thread --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Consume; any error ends the thread and is told to the owner."""
        spare_collector()
        try:
            with closing(
                Consumer(self._settings)
            ) as consumer:  # closing revokes, so it may fail, too
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

    def _once(self, consumer: Consumer) -> None:
        self.beat = time.monotonic()
        for _ in range(len(self._commands)):  # some come back to be tried again
            self._obey(consumer, self._commands.popleft())
        self._tell(consumer)
        self._await_room(consumer)
        reading = self._fill(consumer)
        if self.pace.ended:
            return
        batches = reading.batches()
        for error in reading.errors:
            self.trouble.say(error)
        if batches:
            self.trouble.over()
        self._hand_over(batches)
        read = {batch.source for batch in batches}
        self._ended = (self._ended - read | reading.ends.keys()) & self._at.keys()
        for source in self._ended:
            if not self._paused and source not in self._held:
                self._owner.caught_up(source, self._at[source].offset)
        for source in reading.outside:
            self._commands.append(partial(self._find_back, source=source))
        self._measure_lag(consumer, read | reading.ends.keys())

    def _fill(self, consumer: Consumer) -> Reading:
        """Read what comes within a tenth of a second; of partitions that go or come meanwhile nothing from before."""
        reading, terms = Reading(self._kinds, self._sieve), self._terms()

        def consume(n: int) -> list[Message]:
            nonlocal terms
            messages = consumer.consume(n, 0.0)
            now = self._terms()
            reading.forget([source for source, term in terms.items() if now.get(source) != term])
            terms = now
            return messages

        reading.fill(consume, self.pace.consume, WAIT_S)
        return reading

    def _terms(self) -> dict[Source, int]:
        return {source: at.term for source, at in self._at.items()}

    def _hand_over(self, batches: Sequence[RawBatch]) -> None:
        # What went within this very call is read again by whoever has it now.
        owned = [batch for batch in batches if batch.source in self._at]
        if not owned:
            return
        done = self.pace.hand_over(len(owned))
        for batch in owned:
            term = self._at[batch.source].term
            self._at[batch.source] = Start(batch.end, term)
        read = [(batch, self._at[batch.source].term) for batch in owned]
        self._owner.batches(read, done)

    def _find_back(self, consumer: Consumer, source: Source) -> None:
        """Ask the owner where to go on with a partition whose log does not have the next offset."""
        folded = self.pace.await_all(PAUSE_AFTER_S)
        if source not in self._at or self.pace.ended:
            return
        try:
            if not folded:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            low, high = consumer.get_watermark_offsets(_place(source), timeout=ANSWER_S)
        except KafkaException:
            self._commands.append(partial(self._find_back, source=source))
            return
        start = self._owner.outside_log(source, low, high)
        consumer.incremental_unassign([_place(source)])
        self._read(consumer, {source: start})

    def _obey(self, consumer: Consumer, command: Callable[[Consumer], None]) -> None:
        try:
            command(consumer)
        except KafkaException as error:  # the partition may have gone meanwhile
            LOG.info("Kafka: %s", error)

    def _await_room(self, consumer: Consumer) -> None:
        """Wait for the folding to catch up; after a while pause, so that polling keeps us in the group."""
        room = self.pace.await_room(0.0 if self._paused else PAUSE_AFTER_S)
        ended = self.pace.ended
        if not room and not self._paused and not ended:
            LOG.warning(
                "what was read is not folded within %.0f s: reading is paused", PAUSE_AFTER_S
            )
        elif self._paused and room and not ended:
            LOG.warning("folding goes on: reading is resumed")
        if (ended or not room) != self._paused:
            self._paused = ended or not room
            self._pause_or_resume(consumer, list(self._at))

    def _pause_or_resume(self, consumer: Consumer, sources: Sequence[Source]) -> None:
        """Bring partitions to the state they should be in; the client keeps an old pause over an assignment."""
        still = [source for source in sources if self._paused or source in self._held]
        consumer.pause([_place(source) for source in still])
        consumer.resume([_place(source) for source in sources if source not in still])

    def _measure_lag(self, consumer: Consumer, sources: Iterable[Source]) -> None:
        for source in sources:
            _, high = consumer.get_watermark_offsets(_place(source), cached=True)
            position = consumer.position([_place(source)])[0].offset
            if high >= 0 and position >= 0:
                self.lag[source] = high - position
                self.ends[source] = high

    # -- rebalances, called from consume on this thread --------------------------------------------------------------

    def _on_assign(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._read(consumer, self._owner.assigned([self._source(place) for place in places]))
        self.joined = True

    def _read(self, consumer: Consumer, starts: Mapping[Source, Start]) -> None:
        consumer.incremental_assign(
            [_place(s, start.offset or OFFSET_BEGINNING) for s, start in starts.items()]
        )
        self._at |= starts
        self._held -= starts.keys()
        self._ended -= starts.keys()
        self._pause_or_resume(consumer, list(starts))

    def _on_revoke(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._let_go(consumer, places, lost=False)

    def _on_lost(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self.joined = False
        self._let_go(consumer, places, lost=True)

    def _let_go(self, consumer: Consumer, places: list[TopicPartition], *, lost: bool) -> None:
        sources = [self._source(place) for place in places]
        self._owner.revoked(sources, lost=lost)
        self._tell(consumer)
        for source in sources:
            self.lag.pop(source, None)
            self.ends.pop(source, None)
            self._at.pop(source, None)
            self._held.discard(source)
        consumer.incremental_unassign(places)

    def _tell(self, consumer: Consumer) -> None:
        with self._telling:
            told, self._offsets = self._offsets, {}
        places = [_place(source, offset) for source, offset in told.items() if source in self._at]
        if places:
            self._obey(consumer, lambda c: c.commit(offsets=places, asynchronous=True))

    def _source(self, place: TopicPartition) -> Source:
        return Source(self._kinds[place.topic], place.topic, place.partition)


def _place(source: Source, offset: int | None = None) -> TopicPartition:
    if offset is None:
        return TopicPartition(source.topic, source.partition)
    return TopicPartition(source.topic, source.partition, offset)
