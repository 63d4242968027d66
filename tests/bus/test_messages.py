"""What the client gives becomes batches of partitions, and nothing is lost on the way."""

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from confluent_kafka import KafkaError, KafkaException, Message
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream.bus.messages import HELD_MAX, Reading
from stream.ingest.raw import RawBatch, Source
from stream.ingest.sample import Key, SampleRules, kept
from stream.ingest.thinning import Sieve
from stream.words import Kind

KINDS = {"f": Kind.FEATURES, "l": Kind.LABELS}


def message(topic: str, partition: int, offset: int, error: KafkaError | None = None) -> Message:
    """Make a message as the client would give it, or an error in its place."""
    value = f"{topic} {partition} {offset}".encode()
    stamp = (1, 1_000 + offset)
    return Message(
        topic=topic, partition=partition, offset=offset, value=value, timestamp=stamp, error=error,
        key=b"%d" % offset if offset % 3 == 0 and partition else None,
        headers=[("h", b"%d" % offset)] if offset % 2 == 0 and partition > 1 else None,
    )  # fmt: skip


def place(of: Message) -> tuple[str | None, int | None]:
    """Tell where a message comes from."""
    return of.topic(), of.partition()


def split(messages: list[Message], kinds: Mapping[str, Kind] = KINDS) -> Any:
    """Read what one call has given."""
    reading = Reading(kinds)
    reading.add(messages)
    return reading.batches(), reading.ends, reading.outside, reading.errors


def end(topic: str, partition: int, offset: int) -> Message:
    """Make the client's word that a partition was read to its end."""
    return message(topic, partition, offset, KafkaError(KafkaError._PARTITION_EOF))


@pytest.mark.parametrize("topics", [["f", "l"], ["l"]], ids=["several topics", "one topic"])
@given(data=st.data())
def test_every_message_is_in_the_batch_of_its_partition_in_order(
    topics: list[str], data: st.DataObject
) -> None:
    """However partitions interleave, offsets, stamps, values, keys and headers stay side by side."""
    place_of = st.tuples(st.sampled_from(topics), st.integers(0, 2))
    places = data.draw(st.lists(place_of, max_size=40))
    messages = [message(*at, offset) for offset, at in enumerate(places)]
    kinds = {topic: KINDS[topic] for topic in topics}
    batches, ends, outside, errors = split(messages, kinds)
    assert (ends, outside, errors) == ({}, set(), [])
    assert {(b.source.topic, b.source.partition) for b in batches} == set(places)
    assert len(batches) == len(set(places))
    for batch in batches:
        own = [m for m in messages if place(m) == (batch.source.topic, batch.source.partition)]
        assert batch.source.kind is KINDS[batch.source.topic]
        assert batch.offsets.tolist() == [m.offset() for m in own]
        assert batch.stamps is not None
        assert batch.stamps.tolist() == [m.timestamp()[1] for m in own]
        assert batch.values == [m.value() for m in own]
        assert [batch.key(i) for i in range(len(own))] == [m.key() for m in own]
        assert [batch.headers_of(i) for i in range(len(own))] == [m.headers() or () for m in own]


def test_the_end_of_a_partition_is_no_message_and_no_error() -> None:
    """Also of an empty one, whose end is 0."""
    messages = [message("f", 0, 7), end("f", 0, 8), end("l", 3, 0)]
    batches, ends, outside, errors = split(messages)
    assert [len(batch) for batch in batches] == [1]
    assert ends == {Source(Kind.FEATURES, "f", 0): 8, Source(Kind.LABELS, "l", 3): 0}
    assert (outside, errors) == (set(), [])


def test_an_error_that_passes_is_told_and_costs_no_message() -> None:
    """The client goes on by itself."""
    trouble = KafkaError(KafkaError._MAX_POLL_EXCEEDED)
    batches, _, _, errors = split(
        [message("f", 0, 0), message("f", 0, 0, trouble), message("f", 0, 1)]
    )
    assert errors == [trouble]
    assert batches[0].offsets.tolist() == [0, 1]


def test_a_fatal_error_is_raised() -> None:
    """The client is of no use after it."""
    fatal = KafkaError(KafkaError._FENCED, "another one has this name", True)
    with pytest.raises(KafkaException, match="another one has this name"):
        split([message("f", 0, 0), message("f", 0, 0, fatal)])


def test_a_log_that_does_not_have_the_next_offset_is_told_by_its_partition() -> None:
    """It is no error that passes; somebody must say where to go on."""
    gone = KafkaError(KafkaError._AUTO_OFFSET_RESET)
    batches, _, outside, errors = split([message("f", 0, 4), message("l", 2, 9, gone)])
    assert (len(batches), outside, errors) == (1, {Source(Kind.LABELS, "l", 2)}, [])


@pytest.mark.parametrize("value", [b"", b"x" * 77, None])
def test_the_length_of_a_message_is_that_of_its_bytes(value: bytes | None) -> None:
    """Sampling asks the client for nothing else of what it leaves out."""
    assert len(Message(topic="f", value=value)) == len(value or b"")


def test_partitions_of_one_number_are_told_apart_by_their_topics() -> None:
    """Also where the run of one follows that of the other, and comes back."""
    at = [("f", 1), ("f", 1), ("l", 1), ("f", 1), ("f", 0)]
    batches, *_ = split([message(*where, offset) for offset, where in enumerate(at)])
    told = {(b.source.topic, b.source.partition): b.offsets.tolist() for b in batches}
    assert told == {("f", 1): [0, 1, 3], ("l", 1): [2], ("f", 0): [4]}


@pytest.mark.parametrize("most", [3, 4, 15])
def test_what_is_long_is_cut_into_batches_that_the_event_loop_can_bear(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the partition."""
    monkeypatch.setattr("stream.bus.messages.BATCH_MAX", most)
    reading = Reading(KINDS)
    for first in range(0, 30, 3):
        reading.add([message("f", n % 2, n) for n in range(first, first + 3)])
    batches = reading.batches()
    assert reading.batches() == []
    for partition in (0, 1):
        own = [batch for batch in batches if batch.source.partition == partition]
        assert [o for batch in own for o in batch.offsets.tolist()] == list(range(partition, 30, 2))
        assert max(map(len, own)) <= most
        assert all(len(a) + len(b) > most for a, b in pairwise(own)), "no more batches than needed"


HELD_HERE = 3
"""References to a message of which only this test knows: in its list, in its loop, and as an argument."""


class Client:
    """Has messages, of which it gives as many as it is asked for; counts who is still alive when it is asked."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._left = list(messages)
        self._given: list[Any] = []
        self.asked: list[int] = []
        self.alive = 0

    def consume(self, n: int) -> list[Message]:
        self.asked.append(n)
        given, self._left = self._left[:n], self._left[n:]
        self.alive = max(self.alive, sum(sys.getrefcount(m) > HELD_HERE for m in self._given))
        self._given += given
        return given


def test_messages_are_let_go_of_before_the_next_ones_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is asked for comes in parts; where no time is left, a part that is not full was the last."""
    monkeypatch.setattr("stream.bus.messages.AT_ONCE", 4)
    client, reading = Client([message("f", n % 2, n) for n in range(18)]), Reading(KINDS)
    reading.fill(client.consume, 10, 0.0)
    assert (client.asked, client.alive) == ([4, 4, 2], 0)
    reading.fill(client.consume, 100, 0.0)
    assert (client.asked, client.alive) == ([4, 4, 2, 4, 4, 4], 0)
    assert sorted(o for b in reading.batches() for o in b.offsets.tolist()) == list(range(18))


def test_who_has_time_looks_again_now_and_then_until_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not at once, for a few messages each time; what comes in the last pause is still taken in."""
    now, slept, left = [100.0], list[float](), [3, 0, 1, 2, 5]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("stream.bus.messages.time.monotonic", lambda: now[0])
    monkeypatch.setattr("stream.bus.messages.time.sleep", sleep)
    reading = Reading(KINDS)
    reading.fill(lambda _: [message("f", 0, len(left))] * left.pop(0), 40_000, 0.17)
    assert slept == pytest.approx([0.05, 0.05, 0.05, 0.02])
    assert (sum(map(len, reading.batches())), left) == (11, [])


def test_who_is_given_few_is_still_given_all_he_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts against that is what has come, not what was asked for."""
    monkeypatch.setattr("stream.bus.messages.time.sleep", lambda _: None)
    monkeypatch.setattr("stream.bus.messages.AT_ONCE", 4)
    asked, left = list[int](), [3, 1, 0, 2]

    def consume(n: int) -> list[Message]:
        asked.append(n)
        return [message("f", 0, len(left))] * left.pop(0)

    Reading(KINDS).fill(consume, 6, 60.0)
    assert (asked, left) == ([4, 3, 2, 2], [])


def test_who_is_given_all_he_asks_for_asks_on_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As there may be more; but for no more than was wanted."""
    monkeypatch.setattr("stream.bus.messages.time.sleep", lambda _: pytest.fail("nobody pauses"))
    asked: list[int] = []

    def consume(n: int) -> list[Message]:
        asked.append(n)
        return [message("f", 0, 0)] * n

    Reading(KINDS).fill(consume, 2_500, 60.0)
    assert asked == [50, 1_000, 1_000, 450]


SIZES = [(0, 40_000), (250, 40_000), (10_000, 3_409), (50_000, 684), (1_000_000, 50)]


@pytest.mark.parametrize(("size", "read"), SIZES)
def test_no_more_is_asked_for_than_memory_is_for(size: int, read: int) -> None:
    """A client that fetches faster than it is asked always has more; the first fifty say how large they are."""
    some = [
        Message(topic="f", partition=0, offset=i, value=b"x" * size if i else None)
        for i in range(2)
    ]
    reading = Reading(KINDS)
    reading.fill(lambda n: some[:1] + some[1:] * (n - 1), 40_000, 60.0)
    assert sum(map(len, reading.batches())) == read


def test_of_large_messages_few_live_at_once_though_most_are_left_out() -> None:
    """What there is memory for is told by those that stay; those that are left out take as much until they are."""
    asked, reading = list[int](), Reading(KINDS, Sieve(SampleRules(default=0.01)))

    def consume(n: int) -> list[Message]:
        first = sum(asked)
        asked.append(n)
        value = b"x" * 100_000
        return [Message(topic="f", partition=0, offset=first + i, value=value) for i in range(n)]

    reading.fill(consume, 2_000, 60.0)
    assert sum(asked) == 2_000
    assert max(asked) <= HELD_MAX // 100_000


def test_who_holds_all_that_memory_is_for_waits_for_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where few messages are so large."""
    monkeypatch.setattr("stream.bus.messages.time.sleep", lambda _: pytest.fail("nobody pauses"))
    large = Message(topic="f", partition=0, offset=0, value=b"." * (1 << 20), timestamp=(1, 1_000))
    reading = Reading(KINDS)
    reading.fill(lambda _: [large] * 32, 40_000, 60.0)
    assert sum(map(len, reading.batches())) == 32


def test_a_partition_that_went_on_is_not_at_its_end() -> None:
    reading = Reading(KINDS)
    reading.add([end("f", 0, 3), end("f", 1, 7)])
    reading.add([message("f", 0, 3)])
    assert reading.ends == {Source(Kind.FEATURES, "f", 1): 7}


def test_what_was_read_of_partitions_can_be_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of full batches, growing ones and ends; what comes after it stays."""
    monkeypatch.setattr("stream.bus.messages.BATCH_MAX", 2)
    reading, gone = Reading(KINDS), Source(Kind.FEATURES, "f", 0)
    outside = KafkaError(KafkaError._AUTO_OFFSET_RESET)
    for n in range(3):
        reading.add([message("f", 0, n), message("f", 1, n)])
    reading.add([end("f", 0, 3), message("f", 0, 0, outside)])
    reading.forget([gone])
    reading.add([message("f", 0, 7)])
    told = [(batch.source.partition, batch.offsets.tolist()) for batch in reading.batches()]
    assert sorted(told) == [(0, [7]), (1, [0, 1]), (1, [2])]
    assert (reading.ends, reading.outside) == ({}, set())


@patch("stream.bus.messages.SIEVED_FROM", 1)
@given(
    rate=st.sampled_from([0.1, 0.5, 1.0]), key=st.sampled_from(list(Key)),
    floor=st.sampled_from([0.0, 5.0]), sizes=st.lists(st.integers(1, 30), max_size=4), gap=st.integers(1, 3),
)  # fmt: skip
def test_a_sieve_leaves_out_features_below_the_rate_and_says_which(
    rate: float, key: Key, floor: float, sizes: list[int], gap: int
) -> None:
    """Not where a key may keep them; predictions and labels are chosen by their ids."""
    reading, first = Reading(KINDS, Sieve(SampleRules(rate, key=key, floor=floor))), 0
    for size in sizes:
        reading.add([message(topic, 1, first + gap * i) for topic in "fl" for i in range(size)])
        first += size * gap
    every = set(range(0, first, gap))
    batches = reading.batches()
    assert sum(batch.seen for batch in batches) == 2 * len(every)
    for batch in batches:
        offsets = np.array(sorted(every))
        if batch.source.topic == "f" and not (key is not Key.NONE and floor):
            offsets = offsets[kept(batch.source, offsets, rate)]
        assert batch.offsets.tolist() == offsets.tolist()
        assert batch.values == [b"%s 1 %d" % (batch.source.topic.encode(), o) for o in offsets]
        assert sorted([*batch.passed.tolist(), *offsets.tolist()]) == sorted(every)
        assert (batch.seen, batch.begin, batch.end) == (len(every), 0, max(every) + 1)


def test_a_sieve_lets_batch_messages_pass() -> None:
    """It is their rows that are thinned; of short messages nobody asks for the bytes."""
    stream, long = b"\xff\xff\xff\xff" + b"x" * 400, b'{"x": "%s"}' % (b"x" * 400)
    made = [
        Message(topic="f", partition=0, offset=i, value=(stream, long, b"{}")[i % 3]) for i in range(900)
    ]  # fmt: skip
    reading = Reading({"f": Kind.FEATURES}, Sieve(SampleRules(1 / 64)))
    reading.add(made)
    (batch,) = reading.batches()
    assert isinstance(batch, RawBatch)
    drawn = kept(batch.source, np.arange(900), 1 / 64)
    assert batch.offsets.tolist() == [i for i in range(900) if i % 3 == 0 or drawn[i]]


class CountingSieve(Sieve):
    """Counts how often it is asked."""

    asked = 0

    def stays(self, source: Source, offsets: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        self.asked += 1
        return super().stays(source, offsets)


@pytest.mark.parametrize(("partitions", "asked"), [(1, 1), (4, 4), (24, 0)])
def test_partitions_that_take_turns_cost_by_partition_and_not_by_turn(
    partitions: int, asked: int
) -> None:
    """And of few messages all are read, as to choose among them costs more; the fold leaves out the same."""
    sieve = CountingSieve(SampleRules(0.1))
    reading = Reading({"f": Kind.FEATURES}, sieve)
    reading.add([message("f", i % partitions, i // partitions) for i in range(1_000)])
    batches = reading.batches()
    assert sieve.asked == asked
    assert (len(batches), sum(batch.seen for batch in batches)) == (partitions, 1_000)
    assert all(len(batch) == batch.seen for batch in batches) == (not asked)
