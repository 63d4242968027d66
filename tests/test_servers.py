"""The servers the tests bring up are real ones and do what the tests of others count on."""

import json
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from redis import Redis

from tests.servers import need, redis_missing, redis_server

pytestmark = pytest.mark.servers


def test_kafka_gives_back_what_was_produced_on_a_topic_of_four_partitions(
    kafka_bootstrap: str,
) -> None:
    """A topic made on first use has 4 partitions, and old records stay whatever their time."""
    sent = {f"event {number}" for number in range(1_000)}
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    for text in sorted(sent):
        producer.produce("round-trip", text.encode(), text.encode(), timestamp=1_357_000_000_000)
    assert producer.flush(60) == 0
    consumer = Consumer(
        {
            "bootstrap.servers": kafka_bootstrap,
            "group.id": "round-trip",
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 1_000,
            "heartbeat.interval.ms": 300,
        }
    )
    consumer.subscribe(["round-trip"])
    got: set[str] = set()
    deadline = time.monotonic() + 120
    while got != sent and time.monotonic() < deadline:
        for message in consumer.consume(1_000, 0.2):
            value = message.value()
            assert value is not None
            got.add(value.decode())
    partitions = consumer.list_topics("round-trip").topics["round-trip"].partitions
    consumer.close()
    assert (got, len(partitions)) == (sent, 4)


def test_redis_comes_back_with_its_data_on_the_same_port_and_folder(tmp_path: Path) -> None:
    """A test of restarts can end a Redis and find in the next one what the first had written."""
    need(redis_missing())
    keep = ("--appendonly", "yes", "--appendfsync", "always")
    with redis_server(tmp_path, 0, *keep) as (url, _), Redis.from_url(url) as client:
        client.set("kept", json.dumps([1]))
    port = int(url.rpartition(":")[2].partition("/")[0])
    with redis_server(tmp_path, port, *keep) as (url, _), Redis.from_url(url) as client:
        assert client.get("kept") == b"[1]"


def test_a_server_that_cannot_start_is_shown_by_the_end_of_its_log(tmp_path: Path) -> None:
    """The error of a failed start has the server's own words."""
    need(redis_missing())
    with (
        pytest.raises(RuntimeError, match="no-such-option"),
        redis_server(tmp_path, 0, "--no-such-option", "1"),
    ):
        pass
