"""The consumer's thread on a broker: where it begins, what it hands over, when it waits, how it lets go.

A group takes 3 s to form on the embedded broker, so most tests share one thread and keep to a topic of their own.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from stream.bus import consumer as of_consumer
from stream.bus.consumer import ConsumerThread
from stream.bus.owner import Start
from stream.bus.pace import IN_FLIGHT_MAX
from stream.bus.settings import consumer_settings
from stream.config import Config
from stream.ingest.raw import RawBatch, Source
from stream.words import Kind

QUIET = logging.getLogger("tests.bus.quiet")
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False
TOPICS = ("begin", "wait", "seek", "held", "end", "lag", "outside")
FIRST = {"begin": 40, "outside": 700}


class RecordingOwner:
    """Takes partitions from a ledger of committed offsets, and folds at once unless told to wait."""

    def __init__(self, ledger: dict[Source, int] | None = None) -> None:
        self.ledger = {} if ledger is None else ledger
        self.read: dict[Source, list[int]] = {}
        self.under: dict[tuple[Source, int], list[int]] = {}
        self.owned: set[Source] = set()
        self.ends: dict[Source, int] = {}
        self.lost: list[Source] = []
        self.errors: list[BaseException] = []
        self.waiting: list[Callable[[], None]] = []
        self.slow = ""
        self.outside: list[tuple[Source, int, int]] = []
        self.tell: Callable[[dict[Source, int]], None] = lambda _: None

    def assigned(self, sources: list[Source]) -> dict[Source, Start]:
        self.owned |= set(sources)
        return {s: Start(self.ledger.get(s, FIRST.get(s.topic, 0)), 1) for s in sources}

    def revoked(self, sources: list[Source], *, lost: bool) -> None:
        self.owned -= set(sources)
        self.lost += sources if lost else []
        for source in sources:
            if self.read.get(source):
                self.ledger[source] = self.read[source][-1] + 1
                self.tell({source: self.ledger[source], at("elsewhere"): 3})

    def batches(self, read: Sequence[tuple[RawBatch, int]], done: Callable[[], None]) -> None:
        for batch, term in read:
            self.read.setdefault(batch.source, []).extend(batch.offsets.tolist())
            self.under.setdefault((batch.source, term), []).extend(batch.offsets.tolist())
            if batch.source.topic == self.slow:
                self.waiting.append(done)
            else:
                done()

    def caught_up(self, source: Source, offset: int) -> None:
        self.ends[source] = offset

    def outside_log(self, source: Source, low: int, high: int) -> Start:
        self.outside.append((source, low, high))
        return Start(low, 2)

    def failed(self, error: BaseException) -> None:
        self.errors.append(error)


class Running:
    """A thread at work, its owner, and a producer beside it."""

    def __init__(
        self,
        address: str,
        topics: tuple[str, ...],
        group: str,
        ledger: dict[Source, int] | None = None,
        session_ms: int = 60_000,
    ):
        self.owner = RecordingOwner(ledger)
        self.group = {"bootstrap.servers": address, "group.id": group}
        config = Config(
            bootstrap=address,
            app=group,
            kafka={"heartbeat.interval.ms": "200", "session.timeout.ms": str(session_ms)},
        )
        settings = consumer_settings(config) | {"logger": QUIET}
        self.thread = ConsumerThread(settings, dict.fromkeys(topics, Kind.FEATURES), self.owner)
        self.owner.tell = self.thread.tell_offsets
        self.producer = Producer({"bootstrap.servers": address, "linger.ms": 0})
        for topic in topics:
            self.producer.list_topics(topic, timeout=60)

    def produce(self, source: Source, n: int, size: int = 3) -> None:
        """Write some messages and wait for their acknowledgement."""
        for i in range(n):
            self.producer.produce(source.topic, b"%d" % i + b"." * size, partition=source.partition)
        assert self.producer.flush(60) == 0

    def read(self, source: Source) -> list[int]:
        """Tell the offsets handed over so far."""
        return self.owner.read.get(source, [])

    def turn(self) -> None:
        """Wait until what the thread was asked to do by now is done, and it has read on once since."""
        for _ in range(2):
            beat = self.thread.beat
            wait(partial(self._beats_after, beat))

    def _beats_after(self, beat: float) -> bool:
        return self.thread.beat > beat

    def end(self) -> None:
        """Stop the thread and wait for it."""
        self.thread.stop()
        self.thread.join(60)
        assert not self.thread.is_alive()


def at(topic: str, partition: int = 0) -> Source:
    """Name a partition."""
    return Source(Kind.FEATURES, topic, partition)


def wait(done: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def running(broker: str) -> Iterator[Running]:
    """Run a thread that owns all partitions of all topics; of `begin` there is something before it starts."""
    made = Running(broker, TOPICS, "shared")
    made.produce(at("begin"), 100)
    made.thread.start()
    wait(lambda: len(made.owner.owned) == 4 * len(TOPICS))
    yield made
    made.end()
    assert made.owner.errors == []


def test_reading_begins_where_the_owner_says(running: Running) -> None:
    """Not where Kafka's committed offset or the beginning is."""
    wait(lambda: len(running.read(at("begin"))) == 60)
    assert running.read(at("begin")) == list(range(40, 100))
    assert running.thread.joined
    assert running.thread.trouble.reachable


def test_a_start_that_the_log_does_not_have_is_the_owners_to_decide(running: Running) -> None:
    """The client never picks another one in silence; reading goes on where the owner says."""
    source = at("outside")
    wait(lambda: (source, 0, 0) in running.owner.outside)
    running.produce(source, 8)
    wait(lambda: running.owner.under.get((source, 2)) == list(range(8)))


def test_the_owner_hears_of_ends_and_of_the_offset_before_which_all_was_handed_over(
    running: Running,
) -> None:
    """Also of a partition that is empty, and again and again while nothing more comes."""
    running.produce(at("end", 1), 10)
    for _ in range(3):
        wait(lambda: running.owner.ends.pop(at("end", 1), None) == 10)
        wait(lambda: running.owner.ends.pop(at("end", 2), None) == 0)
    assert running.read(at("end", 1)) == list(range(10))


def test_lag_is_what_is_left_on_the_topic(running: Running) -> None:
    """None when all is read; what a held partition has not read is found when it goes on."""
    running.produce(at("lag"), 30)
    wait(lambda: len(running.read(at("lag"))) == 30)
    wait(lambda: running.thread.lag.get(at("lag")) == 0)


def test_a_seek_reads_again_under_the_new_term(running: Running) -> None:
    """All that bears the new term was read from the new place on, without a gap."""
    source = at("seek")
    running.produce(source, 50)
    wait(lambda: len(running.read(source)) == 50)
    running.thread.seek(source, Start(20, 2))
    running.produce(source, 10)
    wait(lambda: running.owner.under.get((source, 2), []) == list(range(20, 60)))
    first = running.owner.under[source, 1]
    assert first == list(range(len(first)))


def test_what_was_asked_of_an_older_term_is_left_undone(running: Running) -> None:
    """It was meant for a partition that has gone and come back meanwhile; obeying would read for nobody, or never."""
    source = at("seek", 1)
    running.produce(source, 5)
    wait(lambda: len(running.read(source)) == 5)
    running.thread.seek(source, Start(5, 3))
    running.thread.seek(source, Start(0, 2))
    running.thread.hold(source, 2)
    running.produce(source, 5)
    wait(lambda: running.owner.under.get((source, 3), []) == list(range(5, 10)))
    assert (source, 2) not in running.owner.under


def test_a_held_partition_is_silent_until_a_seek_and_holds_up_no_other(running: Running) -> None:
    """What the seek passes over is not read, what is behind it is."""
    source, other = at("held"), at("held", 1)
    running.produce(source, 5)
    wait(lambda: len(running.read(source)) == 5)
    running.thread.hold(source, 1)
    running.turn()
    running.produce(source, 5)
    running.produce(other, 5)
    wait(lambda: len(running.read(other)) == 5)
    assert len(running.read(source)) == 5
    running.thread.seek(source, Start(5, 1))
    wait(lambda: running.read(source) == list(range(10)))


def test_the_thread_waits_while_too_much_is_in_flight_and_pauses_after_a_while(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Polling goes on while paused; a held partition stays held when reading is resumed."""
    monkeypatch.setattr(of_consumer, "PAUSE_AFTER_S", 0.2)
    source, held = at("wait"), at("wait", 1)
    running.thread.hold(held, 1)
    running.owner.slow = "wait"

    def in_flight(n: int) -> bool:
        return len(running.owner.waiting) == n

    for n in range(1, IN_FLIGHT_MAX + 1):
        running.produce(source, 1)
        wait(partial(in_flight, n))
    wait(lambda: "reading is paused" in caplog.text)
    running.produce(source, 3)
    running.produce(held, 3)
    running.turn()
    time.sleep(0.3)
    assert len(running.read(source)) == IN_FLIGHT_MAX
    running.owner.slow = ""
    while running.owner.waiting:
        running.owner.waiting.pop()()
    wait(lambda: len(running.read(source)) == IN_FLIGHT_MAX + 3)
    assert "reading is resumed" in caplog.text
    assert running.read(held) == []
    running.thread.seek(held, Start(0, 1))
    wait(lambda: running.read(held) == [0, 1, 2])


def test_two_threads_share_the_partitions_and_lose_and_repeat_nothing(broker: str) -> None:
    """One joins, and later goes, under load; what an owner committed is where the next one begins.

    Kafka's lag tools are told the same at the end.
    """
    ledger: dict[Source, int] = {}
    sources = [at("shared-out", p) for p in range(4)]
    first, second = (
        # The embedded broker waits a second less for the others of a group.
        Running(broker, ("shared-out",), "pair", ledger, session_ms=3_500)
        for _ in range(2)
    )
    stop = threading.Event()
    written = dict.fromkeys(sources, 0)

    def load() -> None:
        while not stop.wait(0.02):
            for source in sources:
                first.produce(source, 20)
                written[source] += 20

    producing = threading.Thread(target=load, daemon=True)
    producing.start()
    first.thread.start()
    wait(lambda: len(first.owner.owned) == 4)
    second.thread.start()
    wait(lambda: second.owner.owned and first.owner.owned | second.owner.owned == set(sources))
    wait(lambda: all(second.read(source) for source in second.owner.owned.copy()))
    first.thread.pace.end()
    first.turn()
    handed = {source: len(first.read(source)) for source in sources}
    first.end()
    assert {source: len(first.read(source)) for source in sources} == handed, (
        "quiet, and yet handed over"
    )
    wait(lambda: len(second.owner.owned) == 4)
    stop.set()
    producing.join()
    wait(
        lambda: all(
            sorted([*first.read(s), *second.read(s)]) == list(range(written[s])) for s in sources
        )
    )
    second.end()
    assert first.owner.errors == second.owner.errors == []
    assert second.owner.owned == set()
    reader = Consumer(second.group)
    places = reader.committed([TopicPartition("shared-out", p) for p in range(4)], timeout=60)
    reader.close()
    assert [place.offset for place in places] == [written[source] for source in sources]


def test_an_error_ends_the_thread_and_reaches_the_owner(broker: str) -> None:
    """Of a setting that the client refuses, as of an owner that cannot take over."""
    refused = Running(broker, ("t",), "refused")
    refused.thread._settings["no.such.setting"] = "1"
    refused.thread.start()
    refused.thread.join(60)
    assert "no.such.setting" in str(refused.owner.errors)


@pytest.mark.servers
def test_a_real_log_that_lost_its_beginning_is_told_with_what_it_still_holds(
    kafka_bootstrap: str,
) -> None:
    """Before the start, and while reading is held up; a partition that was never read just begins."""
    topic = f"lost-{time.monotonic_ns()}"
    ledger = {at(topic, 0): 10}
    made = Running(kafka_bootstrap, (topic,), topic, ledger)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})

    def cut(partition: int, before: int) -> None:
        for future in admin.delete_records([TopicPartition(topic, partition, before)]).values():
            future.result(60)

    for partition in range(3):
        made.produce(at(topic, partition), 40)
    for partition in range(2):
        cut(partition, 25)
    made.thread.start()
    wait(lambda: made.owner.outside == [(at(topic, 0), 25, 40)])
    wait(lambda: made.owner.under.get((at(topic, 0), 2)) == list(range(25, 40)))
    wait(lambda: made.read(at(topic, 1)) == list(range(25, 40)))
    wait(lambda: len(made.read(at(topic, 2))) == 40)
    made.thread.hold(at(topic, 2), 1)
    made.turn()
    made.produce(at(topic, 2), 20)
    cut(2, 50)
    made.thread.seek(at(topic, 2), Start(40, 1))
    wait(lambda: made.owner.outside[1:] == [(at(topic, 2), 50, 60)])
    made.end()
    assert made.owner.errors == []
