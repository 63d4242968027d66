"""A topic that is deleted, made anew and grows beyond the state's offset, on a real broker and a real Redis."""

import time
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stream.bus.topic_ids import ask_topics, topic_ids
from tests.events import feature
from tests.run.process import worker

pytestmark = pytest.mark.servers

TOPIC = "made-anew"
TEXT = f"""
app: {TOPIC}
topics: {{features: {TOPIC}, predictions: null, labels: null}}
pane: 1m
windows: [1h]
commit_interval: 200ms
backup: {{every: null}}
"""


def make(admin: AdminClient) -> str:
    """Make the topic and tell its identity."""
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(60)
    end, told = time.monotonic() + 60, {}
    while TOPIC not in told and time.monotonic() < end:  # the brokers have still to hear of it
        time.sleep(0.2)
        told = topic_ids(ask_topics(admin, [TOPIC], 10), 20)
    return told[TOPIC]


def write(bootstrap: str, events: int) -> None:
    """Write events."""
    producer = Producer({"bootstrap.servers": bootstrap})
    for i in range(events):
        producer.produce(TOPIC, feature(x=float(i)))
    assert producer.flush(60) == 0


def test_a_topic_made_anew_is_told_from_the_old_one_though_it_has_grown_beyond_the_offset(
    tmp_path: Path, kafka_bootstrap: str, redis_url: str
) -> None:
    """By default the worker stops and says so; told to go on, it reads the new one from its beginning."""
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    text = f"bootstrap: {kafka_bootstrap}\nredis: {{url: '{redis_url}'}}\n{TEXT}"
    first = make(admin)
    write(kafka_bootstrap, 50)
    with worker(tmp_path, text) as process:
        process.wait(lambda: process.consumed() == 50)
        assert process.end() == 0, process.log
    admin.delete_topics([TOPIC])[TOPIC].result(60)
    second = make(admin)
    assert first != second
    write(kafka_bootstrap, 80)
    with worker(tmp_path, text) as process:
        assert process.ended() == 1, process.log
        assert (
            f"made anew: the state stands at offset 50 of {first}, and this is {second}"
            in process.log
        )
    with worker(tmp_path, f"{text}on_lost_log: reset_and_flag\n") as process:
        process.wait(lambda: process.consumed() == 50 + 80)
        assert process.end() == 0, process.log
