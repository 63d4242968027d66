"""Batch messages through a broker and a worker: the alerts of a replay of the same events as JSON."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.bus.embedded import EmbeddedBroker
from stream.config import from_text
from stream.files.source import FileEvent
from stream.ingest.arrow.messages import CONTENT_TYPE
from stream.run.offline.batches import Record, in_batches, one_by_one
from stream.run.offline.replay import Replay
from stream.words import Kind
from tests.run.process import worker
from tests.run.rig import stream
from tests.run.test_worker import SMALL
from tests.sinks.broker import read_topic


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    """Run a broker with all topics."""
    made = EmbeddedBroker()
    made.create("features", "predictions", "labels", "drift-alerts", "features.dlq")
    yield made
    made.producer.flush(1)


def test_a_worker_tells_of_batch_messages_what_a_replay_tells_of_their_events(
    tmp_path: Path, broker: EmbeddedBroker
) -> None:
    """Spread over partitions, with JSON and a broken message between them, which is put aside with its header."""
    events = [
        FileEvent(Kind.FEATURES, json.loads(value)["ts"], value)
        for value in stream(12, shift_after=6)
    ]
    config = from_text(f"bootstrap: {broker.bootstrap}\n{SMALL}", {})
    replay = Replay(config, [], lambda _: None)
    for _ in replay.feed(events):
        pass
    expected = [event.id for event in replay.finish(flush=False)]
    assert expected
    broken = b"\xff\xff\xff\xff" + bytes(40)
    with worker(tmp_path, f"bootstrap: {broker.bootstrap}\n{SMALL}") as process:
        process.wait(lambda: process.get("/readyz")[0] == 200)
        for first in range(0, len(events), 200):  # a hundred in batches, then a hundred one by one
            send(broker, list(in_batches(events[first : first + 100], 30)))
            send(broker, list(one_by_one(events[first + 100 : first + 200])))
        broker.producer.produce("features", broken, headers={"content-type": CONTENT_TYPE})
        assert broker.producer.flush(60) == 0
        process.wait(lambda: process.consumed() == len(events) + 1)
        process.wait(lambda: len(alerts(broker)) >= len(expected))
        assert alerts(broker) == expected
        assert process.get("/status")[1]["topics"]["features"]["malformed"] == 1
        assert process.end() == 0, process.log
    (letter,) = read_topic(broker.bootstrap, "features.dlq")
    assert letter.value == broken
    told = dict(letter.headers)
    assert told["content-type"] == CONTENT_TYPE.encode()
    assert told["__driftbus.errors.message"].startswith(b"no Arrow stream that can be read")


def send(broker: EmbeddedBroker, records: list[Record]) -> None:
    """Write messages, spread over the partitions."""
    for i, record in enumerate(records):
        broker.producer.produce(
            "features", record.value, headers=list(record.headers), partition=i % 4
        )
    assert broker.producer.flush(60) == 0


def alerts(broker: EmbeddedBroker) -> list[str]:
    """Tell the ids on the alerts topic."""
    return [
        json.loads(record.value)["id"] for record in read_topic(broker.bootstrap, "drift-alerts")
    ]
