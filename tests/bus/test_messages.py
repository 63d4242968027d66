"""The messages of one consume call become one batch a partition, and nothing is lost on the way."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Message
from hypothesis import given
from hypothesis import strategies as st

from stream.bus.messages import batches_of
from stream.ingest.raw import Source
from stream.words import Kind

KINDS = {"f": Kind.FEATURES, "l": Kind.LABELS}


def message(topic: str, partition: int, offset: int, error: KafkaError | None = None) -> Message:
    """Make a message as the client would give it, or an error in its place."""
    value = f"{topic} {partition} {offset}".encode()
    stamp = (1, 1_000 + offset)
    return Message(
        topic=topic, partition=partition, offset=offset, value=value, timestamp=stamp, error=error
    )


def place(of: Message) -> tuple[str | None, int | None]:
    """Tell where a message comes from."""
    return of.topic(), of.partition()


def split(messages: list[Message]) -> Any:
    """Call it."""
    return batches_of(messages, KINDS)


def end(topic: str, partition: int, offset: int) -> Message:
    """Make the client's word that a partition was read to its end."""
    return message(topic, partition, offset, KafkaError(KafkaError._PARTITION_EOF))


@pytest.mark.parametrize("topics", [["f", "l"], ["l"]], ids=["several topics", "one topic"])
@given(data=st.data())
def test_every_message_is_in_the_batch_of_its_partition_in_order(
    topics: list[str], data: st.DataObject
) -> None:
    """However partitions interleave, offsets, stamps, values and originals stay side by side."""
    place_of = st.tuples(st.sampled_from(topics), st.integers(0, 2))
    places = data.draw(st.lists(place_of, max_size=40))
    messages = [message(*at, offset) for offset, at in enumerate(places)]
    kinds = {topic: KINDS[topic] for topic in topics}
    batches, ends, outside, errors = batches_of(messages, kinds)
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
        assert batch.originals == own


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


@pytest.mark.parametrize("most", [1, 3, 4])
def test_what_is_long_is_cut_into_batches_that_the_event_loop_can_bear(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the partition; the last one has what is left."""
    monkeypatch.setattr("stream.bus.messages.BATCH_MAX", most)
    batches, *_ = split([message("f", n % 2, n) for n in range(15)])
    for partition, n in ((0, 8), (1, 7)):
        own = [batch for batch in batches if batch.source.partition == partition]
        assert [o for batch in own for o in batch.offsets.tolist()] == list(range(partition, 15, 2))
        full, rest = divmod(n, most)
        assert [len(batch) for batch in own] == [most] * full + [rest] * (rest > 0)
