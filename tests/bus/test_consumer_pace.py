"""How much the consumer's thread asks for and hands over at once, with a client that always has more."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from confluent_kafka import KafkaError, Message, TopicPartition

from stream.bus import consumer as of_consumer
from stream.bus import pace
from stream.bus.consumer import ConsumerThread
from stream.bus.owner import Start
from stream.ingest.raw import RawBatch, Source
from stream.words import Kind

PARTITIONS = 4
PER_CALL = 3
"""Messages of a partition in a call."""


class EndlessClient:
    """Gives a few messages of every partition with each call, unless it is paused; notes what it was asked for.

    A call that waits would be woken by every fetch, so none may.
    """

    made: "EndlessClient"

    def __init__(self, _: object) -> None:
        EndlessClient.made = self
        self.asked: list[int] = []
        self.gave = 0
        self._paused = False
        self._assign: Callable[..., None] | None = None

    def subscribe(self, topics: list[str], on_assign: Callable[..., None], **_: Any) -> None:
        self._places = [TopicPartition(topic, p) for topic in topics for p in range(PARTITIONS)]
        self._assign = on_assign

    def consume(self, n: int, wait_s: float) -> list[Message]:
        assert wait_s == 0.0
        assign, self._assign = self._assign, None
        if assign is not None:
            assign(self, self._places)
        self.asked.append(n)
        if self._paused:
            time.sleep(0.001)
            return []
        first, self.gave = self.gave * PER_CALL, self.gave + 1
        offsets = range(first, first + PER_CALL)
        return [
            Message(topic=at.topic, partition=at.partition, offset=i, value=b"{}")
            for at in self._places
            for i in offsets
        ]

    def pause(self, places: list[TopicPartition]) -> None:
        self._paused = self._paused or bool(places)

    def resume(self, places: list[TopicPartition]) -> None:
        self._paused = self._paused and not places

    def position(self, places: list[TopicPartition]) -> list[TopicPartition]:
        return places

    def get_watermark_offsets(self, _: TopicPartition, cached: bool) -> tuple[int, int]:
        return 0, -1

    def incremental_assign(self, _: list[TopicPartition]) -> None: ...

    def close(self) -> None: ...


class Clock:
    """Goes on by `step` seconds whenever it is asked: so long the thread finds that it has waited for the fold."""

    def __init__(self) -> None:
        self.step = self._now = 0.0

    def monotonic(self) -> float:
        self._now += self.step
        return self._now


class Keeping:
    """Keeps batches without folding them until it is told to fold at once."""

    thread: ConsumerThread
    clock: Clock

    def __init__(self) -> None:
        self.kept: list[Callable[[], None]] = []
        self.quick = False
        self.errors: list[BaseException] = []

    def assigned(self, sources: list[Source]) -> dict[Source, Start]:
        return dict.fromkeys(sources, Start(0, 1))

    def revoked(self, sources: list[Source], *, lost: bool) -> None: ...

    def batches(self, read: Sequence[tuple[RawBatch, int]], done: Callable[[], None]) -> None:
        quick = self.quick  # it may change while a call is handed over
        for _ in read:
            if quick:
                done()
            else:
                self.kept.append(done)

    def caught_up(self, source: Source, offset: int) -> None: ...

    def outside_log(self, source: Source, low: int, high: int) -> Start:
        return Start(low, 1)

    def failed(self, error: BaseException) -> None:
        self.errors.append(error)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the thread's clock, which stands still: a fold is slow where reading is paused, and nowhere else."""
    made = Clock()
    monkeypatch.setattr(of_consumer, "time", made)
    monkeypatch.setattr(pace, "time", made)
    return made


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[Keeping]:
    """Give the owner of a thread at work that waits for the fold a moment only before it pauses."""
    monkeypatch.setattr(of_consumer, "Consumer", EndlessClient)
    monkeypatch.setattr("stream.bus.messages.AT_ONCE", pace.CONSUME)
    monkeypatch.setattr("stream.bus.messages.FEW", pace.CONSUME)
    monkeypatch.setattr(of_consumer, "WAIT_S", 0.0)  # a call gives once
    monkeypatch.setattr(of_consumer, "PAUSE_AFTER_S", 0.02)
    monkeypatch.setattr(of_consumer, "spare_collector", lambda: None)
    keeping = Keeping()
    keeping.clock = clock
    thread = ConsumerThread({"bootstrap.servers": "nowhere"}, {"f": Kind.FEATURES}, keeping)
    keeping.thread = thread
    thread.start()
    yield keeping
    thread.stop()
    thread.join(60)
    assert not thread.is_alive()
    assert keeping.errors == []


def wait(done: Callable[[], bool]) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.002)


def asked(n: int) -> bool:
    """Tell whether the client was last asked for so many messages."""
    return EndlessClient.made.asked[-1:] == [n]


def test_what_is_in_flight_is_bounded_by_calls_and_room_comes_with_all_batches_of_one(
    owner: Keeping,
) -> None:
    """A call's share of memory is what the client had queued, whatever the number of its partitions."""
    calls = pace.IN_FLIGHT_MAX
    wait(lambda: len(owner.kept) == calls * PARTITIONS)
    wait(partial(asked, pace.CONSUME_LEAST))  # it looks again and again, and is paused
    assert EndlessClient.made.gave == calls
    assert owner.thread.pace.in_flight
    for done in owner.kept[::PARTITIONS]:
        done()  # one of each call
    looks = len(EndlessClient.made.asked)
    wait(lambda: len(EndlessClient.made.asked) > looks + 2)
    assert EndlessClient.made.gave == calls
    for done in owner.kept[1:PARTITIONS]:
        done()
    del owner.kept[:PARTITIONS]
    wait(lambda: len(owner.kept) == calls * PARTITIONS)
    assert EndlessClient.made.gave == calls + 1


def test_a_slow_fold_is_given_less_at_once_and_a_quick_one_all_again(owner: Keeping) -> None:
    """So what was read is folded soon: at an end, before a rebalance, and before the group thinks the worker gone."""
    wait(partial(asked, pace.CONSUME_LEAST))
    halved = sorted(set(EndlessClient.made.asked), reverse=True)
    assert halved[0] == pace.CONSUME
    assert all(b == max(a // 2, pace.CONSUME_LEAST) for a, b in pairwise(halved))
    owner.quick = True
    while owner.kept:
        owner.kept.pop()()
    wait(partial(asked, pace.CONSUME))


def test_a_fold_that_is_slow_but_not_so_slow_that_reading_is_paused_is_given_less_too(
    owner: Keeping, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wait(lambda: len(owner.kept) == pace.IN_FLIGHT_MAX * PARTITIONS)
    monkeypatch.setattr(of_consumer, "PAUSE_AFTER_S", 60.0)
    owner.quick = True
    while owner.kept:
        owner.kept.pop()()
    wait(partial(asked, pace.CONSUME))
    caplog.clear()
    owner.quick = False
    wait(lambda: len(owner.kept) == pace.IN_FLIGHT_MAX * PARTITIONS)
    owner.clock.step = 2 * pace.SLOW_S
    looks = len(EndlessClient.made.asked)
    for _ in range(PARTITIONS):
        owner.kept.pop(0)()
    wait(lambda: len(EndlessClient.made.asked) > looks)
    assert EndlessClient.made.asked[looks] == pace.CONSUME // 2
    assert "reading is paused" not in caplog.text


def test_at_an_end_it_is_known_when_all_that_was_handed_over_is_folded(owner: Keeping) -> None:
    """Nothing more is handed over then."""
    wait(lambda: len(owner.kept) == pace.IN_FLIGHT_MAX * PARTITIONS)
    owner.thread.pace.end()
    while owner.kept:
        assert owner.thread.pace.in_flight
        owner.kept.pop()()
    assert not owner.thread.pace.in_flight


class Refused(EndlessClient):
    """Has nothing but the same error."""

    def consume(self, n: int, wait_s: float) -> list[Message]:
        super().consume(n, wait_s)
        error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
        return [Message(topic="f", partition=0, offset=0, error=error)]


def test_while_nothing_but_an_error_comes_it_is_told_once(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A look that gives no message is no end of trouble."""
    monkeypatch.setattr(of_consumer, "Consumer", Refused)
    monkeypatch.setattr(of_consumer, "WAIT_S", 0.0)
    monkeypatch.setattr(of_consumer, "spare_collector", lambda: None)
    owner = Noting()
    thread = ConsumerThread({"bootstrap.servers": "nowhere"}, {"f": Kind.FEATURES}, owner)
    thread.start()
    wait(lambda: len(EndlessClient.made.asked) > 20)
    thread.stop()
    thread.join(60)
    assert owner.errors == []
    (told,) = (record for record in caplog.records if record.name == "driftbus.consumer")
    assert "authorization failed" in told.getMessage().lower()


class Rebalancing(EndlessClient):
    """Once, between two parts of a call, loses partition 0 and gets it back; partition 1 it only loses."""

    def subscribe(self, topics: list[str], on_assign: Callable[..., None], **others: Any) -> None:
        super().subscribe(topics, on_assign)
        self._on_assign, self._on_revoke = on_assign, others["on_revoke"]

    def consume(self, n: int, wait_s: float) -> list[Message]:
        if self.gave == 1:
            self._on_revoke(self, self._places[:2])
            self._on_assign(self, self._places[:1])
        return super().consume(n, wait_s)

    def incremental_unassign(self, _: list[TopicPartition]) -> None: ...


class Noting(Keeping):
    """Notes what it is handed, and with which term, of the first call."""

    def __init__(self) -> None:
        super().__init__()
        self.term = 0
        self.read: list[tuple[int, int, list[int]]] = []

    def assigned(self, sources: list[Source]) -> dict[Source, Start]:
        self.term += 1
        return dict.fromkeys(sources, Start(0, self.term))

    def batches(self, read: Sequence[tuple[RawBatch, int]], done: Callable[[], None]) -> None:
        self.read += [(b.source.partition, term, b.offsets.tolist()) for b, term in read]
        super().batches(read, done)


def test_of_a_partition_that_comes_back_within_a_call_nothing_from_before_is_handed_over(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """It is read again from where the owner said; what a partition had that went is somebody else's to read."""
    monkeypatch.setattr(of_consumer, "Consumer", Rebalancing)
    monkeypatch.setattr(of_consumer, "spare_collector", lambda: None)
    monkeypatch.setattr("stream.bus.messages.AT_ONCE", PARTITIONS * PER_CALL)
    monkeypatch.setattr("stream.bus.messages.FEW", PARTITIONS * PER_CALL)
    monkeypatch.setattr(pace, "CONSUME", 2 * PARTITIONS * PER_CALL)
    owner = Noting()
    thread = ConsumerThread({"bootstrap.servers": "nowhere"}, {"f": Kind.FEATURES}, owner)
    thread.start()
    wait(lambda: bool(owner.read))
    thread.stop()
    thread.join(60)
    assert owner.errors == []
    both = list(range(2 * PER_CALL))
    assert sorted(owner.read[:3]) == [(0, 2, both[PER_CALL:]), (2, 1, both), (3, 1, both)]
