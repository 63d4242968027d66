"""The worker as a process: events in, alerts out, and a clear word when something is missing."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from stream.bus.embedded import EmbeddedBroker
from stream.config import from_text
from stream.files.source import FileEvent
from stream.run.offline.replay import Replay
from stream.words import Kind
from tests.events import T0, feature
from tests.run.process import Process, worker
from tests.run.rig import stream
from tests.servers import free_ports, need, redis_missing, redis_server
from tests.sinks.broker import read_topic

SMALL = """
pane: 1m
windows: [1h]
reference: {learn_events: 240, bins: 10}
alarms: {monitors: 20}
commit_interval: 200ms
"""


def produce(
    producer: Producer, values: list[bytes], topic: str = "features", start: int = 0
) -> None:
    """Write messages, spread over the partitions by number."""
    for i, value in enumerate(values, start):
        producer.produce(topic, value, b"key-%d" % i, partition=i % 4)
        producer.poll(0)
    assert producer.flush(60) == 0


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    """Run a broker with all topics."""
    made = EmbeddedBroker()
    made.create("features", "predictions", "labels", "drift-alerts", "features.dlq")
    yield made
    made.producer.flush(1)


def test_drift_is_told_bad_events_are_put_aside_and_the_end_is_clean_under_load(
    tmp_path: Path, broker: EmbeddedBroker
) -> None:
    """The alerts of a replay, with a learned reference; dead letters on their topic; offsets written at SIGTERM."""
    bad = [b"\xffno event", b"{}"]
    events = stream(12, shift_after=6)
    expected = replayed(events)
    assert expected
    with worker(tmp_path, f"bootstrap: {broker.bootstrap}\n{SMALL}") as process:
        process.wait(lambda: process.get("/readyz")[0] == 200)
        assert process.get("/livez")[0] == 200
        produce(broker.producer, [*events, *bad])
        process.wait(lambda: process.consumed() == len(events) + len(bad))
        process.wait(lambda: len(alerts(broker.bootstrap)) >= len(expected))
        process.wait(lambda: process.model("m")["outbox"] == 0)
        assert [event["id"] for event in alerts(broker.bootstrap)] == expected
        assert process.get("/status")[1]["topics"]["features"]["malformed"] == len(bad)
        stop, sent = threading.Event(), len(events) + len(bad)
        loading = threading.Thread(target=_load, args=(broker.producer, stop, sent), daemon=True)
        loading.start()
        process.wait(lambda: process.consumed() > sent + 500)
        assert process.end() == 0, process.log
        stop.set()
        loading.join()
    assert "Traceback" not in process.log
    assert "CRITICAL" not in process.log
    ids = [event["id"] for event in alerts(broker.bootstrap)]
    assert len(ids) == len(set(ids)), "an alert was told twice"
    letters = read_topic(broker.bootstrap, "features.dlq")
    assert sorted(letter.value for letter in letters) == sorted(bad)
    assert committed(broker.bootstrap) > sent
    assert list(tmp_path.glob("driftbus-*")) == [], "its folder is left behind"


def _load(producer: Producer, stop: threading.Event, start: int) -> None:
    hours = 12.0
    while not stop.wait(0.02):
        more = stream(0.25, first=int(hours * 360))
        produce(producer, more, start=start)
        start, hours = start + len(more), hours + 0.25


def replayed(values: list[bytes]) -> list[str]:
    """Tell the ids of the alerts that a replay raises."""
    replay = Replay(from_text(SMALL, {}), [], lambda _: None)
    for _ in replay.feed(
        FileEvent(Kind.FEATURES, json.loads(value)["ts"], value) for value in values
    ):
        pass
    return [event.id for event in replay.finish(flush=False)]


def alerts(bootstrap: str) -> list[dict[str, Any]]:
    """Read the alerts topic."""
    return [json.loads(record.value) for record in read_topic(bootstrap, "drift-alerts")]


def committed(bootstrap: str) -> int:
    """Tell how many events the group has read, as Kafka's own tools would."""
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "driftbus"})
    places = reader.committed([TopicPartition("features", p) for p in range(4)], timeout=60)
    reader.close()
    return sum(max(place.offset, 0) for place in places)


def says_once(process: Process, words: str) -> bool:
    """Tell whether one line of the log has the words."""
    return len([line for line in process.log.splitlines() if words in line]) == 1


def test_a_kafka_that_cannot_be_reached_is_said_once_and_waited_for(tmp_path: Path) -> None:
    """Alive, not ready, and quiet: the client's own complaints do not flood the log. SIGTERM ends it with 0."""
    (nobody,) = free_ports(1)
    text = f"bootstrap: 127.0.0.1:{nobody}\n{SMALL}"
    with worker(tmp_path, text, ", token: secret") as process:
        process.wait(lambda: "Kafka cannot be reached" in process.log)
        process.wait(lambda: process.get("/livez")[0] == 200)
        time.sleep(2)
        assert says_once(process, f"127.0.0.1:{nobody}: Kafka cannot be reached"), process.log
        assert len(process.log.splitlines()) < 10, process.log
        status, told = process.get("/readyz")
        assert (status, told["kafka"], told["store"]) == (503, False, True)
        assert process.get("/livez")[0] == 200
        assert_guarded(process)
        assert process.end() == 0, process.log
    assert "Traceback" not in process.log


def assert_guarded(process: Process) -> None:
    """Only health is told without the token, and nothing at another address than the one that is bound."""
    for path in ("/metrics", "/status"):
        assert process.ask(path)[0] == process.ask(path, token="wrong")[0] == 401  # noqa: S106 - of the test
        assert process.ask(path, token="secret")[0] == 200  # noqa: S106 - of the test
    assert process.ask("/livez", "127.0.0.2")[0] == 0


def test_a_redis_that_cannot_be_reached_is_said_once_and_waited_for(
    tmp_path: Path, broker: EmbeddedBroker
) -> None:
    """Nothing is consumed meanwhile; when it is there, work begins. SIGTERM before that ends it with 0."""
    (nobody,) = free_ports(1)
    text = f'bootstrap: {broker.bootstrap}\nredis: {{url: "redis://127.0.0.1:{nobody}/0"}}\n{SMALL}'
    with worker(tmp_path, text) as process:
        process.wait(lambda: "driftbus keeps trying" in process.log)
        process.wait(lambda: process.get("/livez")[0] == 200)
        time.sleep(2)
        assert says_once(process, f"redis 127.0.0.1:{nobody}"), process.log
        status, told = process.get("/readyz")
        assert (status, told["store"], told["joined"]) == (503, False, False)
        assert process.get("/livez")[0] == 200
        assert process.end() == 0, process.log
    assert "Traceback" not in process.log


@pytest.mark.servers
def test_a_redis_that_throws_state_away_is_refused(tmp_path: Path, broker: EmbeddedBroker) -> None:
    """At once, with what to do: waiting would not help."""
    need(redis_missing())
    with (
        redis_server(tmp_path, 0, "--maxmemory-policy", "allkeys-lru") as (url, _),
        worker(
            tmp_path, f'bootstrap: {broker.bootstrap}\nredis: {{url: "{url}"}}\n{SMALL}'
        ) as process,
    ):
        assert process.ended() == 1
        assert says_once(process, "maxmemory-policy is allkeys-lru"), process.log
        assert "set it to noeviction" in process.log
        assert "Traceback" not in process.log


@pytest.mark.servers
def test_a_second_worker_with_its_state_in_memory_is_refused(
    tmp_path: Path, kafka_bootstrap: str
) -> None:
    """It would take half of the partitions and know nothing of their past; the first one goes on."""
    text = f"bootstrap: {kafka_bootstrap}\napp: alone-{tmp_path.name}\n{SMALL}"
    with worker(tmp_path, text) as first:
        first.wait(lambda: first.get("/readyz")[0] == 200)
        with worker(tmp_path, text) as second:
            assert second.ended() == 2
            assert says_once(second, "state in memory serves one worker only"), second.log
            assert "set redis.url" in second.log
        assert first.get("/readyz")[0] == 200
        assert first.end() == 0, first.log


OVERLOADED = """
pane: 1h
windows: [1h]
reference: {learn_events: 1000000000}
limits: {raw_rows_max: 1000}
sample: {adaptive: {lag: 50ms, cpu: 0.2, down_after: 100ms, up_after: 1s}}
on_lost_log: reset_and_flag
"""
AHEAD_MAX = 6_000
"""Events of 100 features of which the embedded broker's partitions hold as many."""


def test_a_worker_that_is_given_too_much_thins_and_counts_everything_again_in_the_end(
    tmp_path: Path, broker: EmbeddedBroker
) -> None:
    """Events of 100 features that are learned from, one by one: more than any worker reads at once."""
    broker.create("heavy")
    topics = "topics: {features: heavy, predictions: null, labels: null}\n"
    values: dict[str, Any] = {f"x{i}": i / 3 for i in range(100)}
    event = feature(T0, **values)
    with worker(tmp_path, f"bootstrap: {broker.bootstrap}\n{topics}{OVERLOADED}") as process:
        process.wait(lambda: process.get("/readyz")[0] == 200)
        written = 0

        def told() -> dict[str, Any]:
            found: dict[str, Any] = process.get("/status")[1]["topics"].get("heavy", {})
            return found

        def thinned() -> bool:
            nonlocal written
            if written - told().get("consumed", 0) < AHEAD_MAX:
                produce(broker.producer, [event] * 2_000, "heavy", written)
                written += 2_000
            now = told()
            return bool(now.get("sampled_out")) and now["sample_rate"] < 1

        def counted() -> bool:
            now = told()
            return bool(now["consumed"] == written and now["sample_rate"] == 1)

        process.wait(thinned)
        process.wait(counted)
        lines = process.ask("/metrics")[1].decode().splitlines()
        rates = [line for line in lines if line.startswith("driftbus_sample_rate{")]
        assert len(rates) == 4
        assert all(line.endswith(" 1.0") for line in rates)
