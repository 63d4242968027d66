"""A worker on a broker reads the whole corpus, puts aside exactly what is dead, and goes on."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from stream.bus.dead_letters import PREFIX
from stream.bus.embedded import EmbeddedBroker
from stream.words import Kind
from tests.events import T0, feature
from tests.hostile.corpus import corpus
from tests.run.process import worker

TOPICS = {Kind.FEATURES: "features", Kind.PREDICTIONS: "predictions", Kind.LABELS: "labels"}


Place = tuple[str | None, int | None, int | None]


def place(letter: Message) -> Place:
    """Tell where a dead letter came from, by its headers."""
    headers: Any = letter.headers()
    told: dict[str, bytes] = dict(headers)
    topic, partition, offset = (
        told[PREFIX + name].decode() for name in ("topic", "partition", "offset")
    )
    return topic, int(partition), int(offset)


def letters(broker: EmbeddedBroker) -> list[Message]:
    """Read all dead letters."""
    reader = Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": "reader", "enable.partition.eof": True}
    )
    places = [TopicPartition(f"{topic}.dlq", p, 0) for topic in TOPICS.values() for p in range(4)]
    reader.assign(places)
    found: list[Message] = []
    ends = 0
    while ends < len(places):
        for message in reader.consume(1_000, 1.0):
            ends += message.error() is not None
            found += [] if message.error() else [message]
    reader.close()
    return found


def test_a_worker_reads_the_corpus_and_its_dead_letters_are_exactly_the_dead(
    tmp_path: Path,
) -> None:
    """Each once, by topic, partition and offset, with the bytes that stand there; and it ends in good order."""
    broker = EmbeddedBroker()
    broker.create(*TOPICS.values(), *(f"{topic}.dlq" for topic in TOPICS.values()), "drift-alerts")
    sent: dict[Place, bytes | None] = {}

    def delivered(error: object, message: Message) -> None:
        assert error is None
        sent[message.topic(), message.partition(), message.offset()] = message.value()

    # The longer ones would push others out of the broker, which keeps 5 MB a partition.
    hostile = [h for h in corpus() if len(h.value or b"") < 100_000]
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    good = [feature(T0 + i, x=float(i)) for i in range(200)]
    everything: list[tuple[str, bytes | None]] = [("features", value) for value in good[:100]]
    everything += [(TOPICS[h.kind], h.value) for h in hostile]
    everything += [("features", value) for value in good[100:]]
    for i, (topic, value) in enumerate(everything):
        producer.produce(topic, value, partition=i % 4, timestamp=T0, on_delivery=delivered)
        producer.poll(0)
    assert producer.flush(60) == 0
    with worker(
        tmp_path, f"bootstrap: {broker.bootstrap}\npane: 1m\ncommit_interval: 200ms"
    ) as process:
        process.wait(lambda: process.consumed() == len(everything))
        told = json.loads(process.ask("/status")[1])["topics"]
        assert process.end() == 0, process.log
        assert "Traceback" not in process.log
    found = letters(broker)
    places = Counter(place(message) for message in found)
    assert set(places.values()) == {1}
    dead = Counter((TOPICS[h.kind], h.value or None) for h in hostile if h.dead is not None)
    assert Counter((at[0], sent[at] or None) for at in places) == dead
    assert all((message.value() or None) == (sent[place(message)] or None) for message in found)
    assert sum(topic["malformed"] for topic in told.values()) == dead.total()
