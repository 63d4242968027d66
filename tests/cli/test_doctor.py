"""`driftbus doctor`: one line for everything a worker needs, and exit code 1 if it would not run."""

import time
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from redis import Redis

from stream.config import load
from stream.run.doctor import doctor
from stream.run.doctor.doctor import Finding, Level, examine
from tests.cli.command import START, driftbus, write_config
from tests.cli.test_produce import NOWHERE, topics


def found(config: Path, now_s: float) -> dict[str, Finding]:
    """Examine a configuration at some time."""
    return {finding.what: finding for finding in examine(load(config), lambda: now_s)}


def test_a_kafka_that_is_not_there_fails_and_redis_is_looked_at_all_the_same(
    tmp_path: Path,
) -> None:
    """Exit code 1; one trouble does not hide the next."""
    more = f"bootstrap: {NOWHERE}\nredis: {{url: 'redis://me:hunter2@{NOWHERE}/0'}}\n"
    config = write_config(tmp_path / "c.yaml", more)
    start = time.monotonic()
    result = driftbus("doctor", "-c", config)
    assert time.monotonic() - start < 30
    assert result.exit_code == 1
    lines = {line.split()[1]: line for line in result.stdout.splitlines()}
    assert lines["configuration:"].startswith("ok ")
    assert lines["kafka:"].startswith(f"fail  kafka: {NOWHERE}: Kafka cannot be reached (")
    assert lines["redis:"].startswith(f"fail  redis: redis {NOWHERE}: ")
    assert "hunter2" not in result.output


def test_topics_and_clocks_are_told(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic that is there has its partitions told; one that is not, how to make it."""
    monkeypatch.setattr(doctor, "_LATEST_S", 60.0)
    config = write_config(tmp_path / "c.yaml", f"bootstrap: {broker}\n" + topics("doc"))
    producer = Producer({"bootstrap.servers": broker})
    for i in range(20):
        producer.produce("doc-f", key=str(i), value=b"{}", timestamp=START + i)
    assert producer.flush(60) == 0
    producer.close()
    seen = found(config, (START + 90_000) / 1000)
    assert seen["kafka"].level is Level.OK
    assert seen["topic doc-f"][::2] == (Level.OK, "features, 4 partitions")
    assert seen["topic doc-l"].level is Level.WARN
    assert "--create --topic doc-l" in seen["topic doc-l"].todo
    assert "topic doc-p.dlq" in seen
    assert seen["clock of doc-f"].found == "the latest record was written 89s ago"
    assert seen["redis"].level is Level.WARN
    behind = found(config, START / 1000 - 60)
    assert behind["clock of doc-f"][::2] == (
        Level.WARN,
        "the latest record lies 1m in the future",
    )


def test_what_only_warns_ends_with_zero(broker: str, tmp_path: Path) -> None:
    """Warnings are for people, exit codes for scripts."""
    more = f"bootstrap: {broker}\nkafka: {{ssl.endpoint.identification.algorithm: none}}\n"
    result = driftbus("doctor", "-c", write_config(tmp_path / "c.yaml", more + topics("zero")))
    assert result.exit_code == 0
    assert "warn  configuration: kafka.ssl.endpoint" in result.stdout
    assert "warn  redis: none: the state lives in memory" in result.stdout
    assert "ok    clocks: no record to tell by" in result.stdout


@pytest.mark.servers
def test_a_redis_that_will_do_is_ok_and_one_that_forgets_is_not(
    redis_url: str, broker: str, tmp_path: Path
) -> None:
    """A commit is tried; a policy that throws state away fails."""
    more = f"bootstrap: {broker}\nredis: {{url: '{redis_url}'}}\n" + topics("red")
    config = write_config(tmp_path / "c.yaml", more)
    for _ in range(2):  # the second visit finds the key of the first
        seen = found(config, time.time())
        assert seen["redis"].level is Level.OK
        assert seen["redis commits"].level in (Level.OK, Level.WARN)
    with Redis.from_url(redis_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            assert found(config, time.time())["redis"].level is Level.FAIL
        finally:
            client.config_set("maxmemory-policy", "noeviction")


@pytest.mark.servers
def test_a_real_kafka_says_that_it_makes_topics(kafka_bootstrap: str, tmp_path: Path) -> None:
    """Then a topic that is not there yet is no trouble."""
    config = write_config(tmp_path / "c.yaml", f"bootstrap: {kafka_bootstrap}\n" + topics("auto"))
    seen = found(config, time.time())
    assert seen["topic auto-f"][::2] == (
        Level.OK,
        "features: not there yet, made by its first event",
    )
    assert seen["topic auto-f.dlq"].level is Level.OK


@pytest.mark.servers
def test_copies_of_the_state_are_held_against_how_long_topics_keep_events(
    kafka_bootstrap: str, redis_url: str, tmp_path: Path
) -> None:
    """A topic that forgets too soon, one that is not compacted, and a copy that is too old are told."""
    name = f"kept-{time.monotonic_ns()}"
    more = f"bootstrap: {kafka_bootstrap}\nredis: {{url: '{redis_url}'}}\napp: {name}\n" + topics(
        name
    )
    config = write_config(tmp_path / "c.yaml", more)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})

    def make(topic: str, **settings: str) -> None:
        plain = {key.replace("_", "."): value for key, value in settings.items()}
        for made in admin.create_topics([NewTopic(topic, 1, config=plain)]).values():
            made.result(60)

    make(f"{name}-f", retention_ms="600000")
    make(f"{name}-l", retention_ms="-1")
    seen = found(config, 1_000_000.0)
    short, long = seen[f"retention of {name}-f"], seen[f"retention of {name}-l"]
    assert short.level is Level.WARN
    assert "kept for 10m: going on from a copy needs 80m" in short.found
    assert (long.level, long.found) == (Level.OK, "for ever; copies need 80m")
    assert seen["backup"][::2] == (Level.OK, "no copy yet; one every 10m")
    assert "made by the first copy" in seen[f"topic {name}.backup"].found
    with Redis.from_url(redis_url) as client:
        client.hset(f"{{{name}:backup}}", "made", 1_000_000_000 - 1_201_000)
    make(f"{name}.backup", cleanup_policy="delete")
    seen = found(config, 1_000_000.0)
    assert seen["backup"].level is Level.WARN
    assert "is 1201s old" in seen["backup"].found
    assert seen[f"topic {name}.backup"].level is Level.FAIL
    assert "not compacted" in seen[f"topic {name}.backup"].found
    never = write_config(tmp_path / "never.yaml", more + "backup: {every: null}\n")
    assert found(never, 0.0)["backup"].level is Level.WARN
