"""The topic of copies: records come back in their order, and the last is written only when the others are safe."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from stream.bus.backup_topic import BackupTopic
from stream.config import Config
from stream.errors import BusUnavailable, StoreUnavailable
from stream.run.fleet.retention import is_compacted
from stream.state.kept import Kept, model_of
from stream.state.snapshot import Record, newest_snapshot, records_of


def config_of(address: str) -> Config:
    """Make a configuration with an app of its own."""
    return Config(bootstrap=address, app=f"copies-{time.monotonic_ns()}")


@pytest.mark.servers
def test_copies_come_back_from_a_compacted_topic_of_a_real_kafka(kafka_bootstrap: str) -> None:
    """The topic is made by the first of them; hashes far bigger than a record may be are whole again."""
    config = config_of(kafka_bootstrap)
    topic = BackupTopic(config)
    assert list(topic.read()) == []
    assert is_compacted(config, topic.name) is None
    big = bytes(i * 2_654_435_761 >> 24 & 255 for i in range(3_000_000))
    for generation in (1, 2, 3):
        hashes = [Kept(model_of("m"), b"%d" % generation, {b"f": big, b"g": b"x"})]
        topic.write(records_of(generation, 5, hashes))
        snapshot = newest_snapshot(topic.read())
        assert snapshot is not None
        assert (snapshot.generation, snapshot.hashes) == (generation, hashes)
    assert is_compacted(config, topic.name)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    assert len(admin.list_topics(topic.name).topics[topic.name].partitions) == 1
    again = BackupTopic(config)
    again.write([(b"one", b"more")])
    assert list(again.read())[-1] == (b"one", b"more")


@pytest.mark.servers
def test_records_that_end_in_an_error_leave_out_the_last(kafka_bootstrap: str) -> None:
    """Whoever finds out half way that he may not go on has written no manifest."""
    topic = BackupTopic(config_of(kafka_bootstrap))

    def records() -> Iterator[Record]:
        yield b"a", b"1"
        yield b"b", b"2"
        raise StoreUnavailable("told to stop")

    with pytest.raises(StoreUnavailable):
        topic.write(records())
    assert (b"b", b"2") not in list(topic.read())


def test_a_kafka_that_does_not_answer_is_told_with_the_topic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The caller tries again."""
    monkeypatch.setattr("stream.bus.backup_topic.ANSWER_S", 0.3)
    config = Config(bootstrap="127.0.0.1:1", app="nowhere", kafka={"log_level": "0"})
    with pytest.raises(BusUnavailable, match=r"topic nowhere\.backup: .*may driftbus make"):
        BackupTopic(config).write([(b"a", b"1")])
    with pytest.raises(BusUnavailable, match=r"topic nowhere\.backup"):
        list(BackupTopic(config).read())


def test_a_broker_that_makes_no_compacted_topics_is_told(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the embedded one: no common topic is made in its place, on which copies would be lost."""
    monkeypatch.setattr("stream.bus.backup_topic.ANSWER_S", 2.0)
    with pytest.raises(BusUnavailable, match=r"\.backup"):
        BackupTopic(config_of(broker)).write([(b"a", b"1")])
