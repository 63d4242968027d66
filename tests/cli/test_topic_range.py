"""`driftbus reference build --from/--to` over topics: the same baseline as from files."""

from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from confluent_kafka import Producer

from stream.config import load
from stream.files import FileEvent
from stream.run.offline.topic_range import read_range
from stream.run.terminal.progress import Progress
from stream.words import Kind
from tests.cli.command import START, driftbus, events, rows, write_config
from tests.cli.test_produce import NOWHERE, topics
from tests.ingest.tables import stream_of

HALF = START + 1_800_000
HOUR = START + 3_600_000


def placed(tmp_path: Path, broker: str, name: str, stream: Path, *how: object) -> Path:
    """Write a stream to topics of this name, and give the configuration that reads them."""
    config = write_config(tmp_path / f"{name}.yaml", f"bootstrap: {broker}\n" + topics(name))
    assert driftbus("produce", "-c", config, stream, "--quiet", *how).exit_code == 0
    return config


def ranged(config: Path, start: int | None, end: int | None) -> list[FileEvent]:
    """Read a range of the topics of a configuration."""
    with Progress("read", quiet=True) as progress:
        return read_range(load(config), start, end, progress)


@pytest.mark.parametrize("how", [(), ("--arrow", 70)], ids=["json", "arrow"])
def test_topics_and_files_of_the_same_teach_the_same(
    broker: str, stream: Path, tmp_path: Path, how: tuple[object, ...]
) -> None:
    """Four partitions a topic, of events or of batches, give the reference of the file, byte for byte."""
    config = placed(tmp_path, broker, f"same{len(how)}", stream, *how)
    build = ("reference", "build", "-c", config, "--quiet", "--to", HOUR, "--out")
    assert driftbus(*build, tmp_path / "topics.ref").exit_code == 0
    only = [row for row in rows() if int(str(row["ts"])) < HOUR]
    file = tmp_path / "only.jsonl"
    file.write_bytes(b"\n".join(events(only)))
    from_file = ("reference", "build", "-c", config, "--quiet", file, "--out")
    assert driftbus(*from_file, tmp_path / "file.ref").exit_code == 0
    assert (tmp_path / "topics.ref").read_bytes() == (tmp_path / "file.ref").read_bytes()


def test_a_range_is_in_order_of_time_and_ends_before_its_end(
    broker: str, stream: Path, tmp_path: Path
) -> None:
    """Every event before --to is there, none at or after it, and none twice."""
    config = placed(tmp_path, broker, "order", stream)
    found = ranged(config, None, HALF)
    assert [event.ts for event in found] == sorted(event.ts for event in found)
    wanted = [row for row in rows() if int(str(row["ts"])) < HALF]
    assert sorted(event.value for event in found) == sorted(events(wanted))


def test_rows_of_batch_messages_are_in_the_range_each_by_itself(
    broker: str, tmp_path: Path
) -> None:
    """Rows that cannot be read are told once a message."""
    config = write_config(tmp_path / "c.yaml", f"bootstrap: {broker}\n" + topics("batch"))
    batch = pa.record_batch({
        "model": ["m", "m", None, "m"], "version": ["1"] * 4, "features.x": [1, 2, 3, 4],
        "ts": [START + 2, START + 1, START, HALF],
    })  # fmt: skip
    producer = Producer({"bootstrap.servers": broker})
    producer.produce("batch-f", value=stream_of(batch), timestamp=HALF)
    producer.produce("batch-f", value=b"\xff\xff\xff\xff", timestamp=START)
    assert producer.flush(60) == 0
    producer.close()
    found = ranged(config, None, HOUR)
    told = [(e.ts, orjson.loads(e.value)["features"]["x"]) for e in found if e.value]
    assert told == [(START + 1, 2), (START + 2, 1), (HALF, 4)]
    wrong = sorted(event.wrong[:20] for event in found if not event.value)
    assert wrong == ["1 of 4 rows cannot b", "no Arrow stream that"]
    assert [event.ts for event in ranged(config, None, HALF) if event.value] == [
        START + 1,
        START + 2,
    ]


def test_the_record_s_time_serves_where_an_event_tells_none(broker: str, tmp_path: Path) -> None:
    """As a worker would take it; an event too far ahead of its record is left out, as there."""
    config = write_config(tmp_path / "c.yaml", f"bootstrap: {broker}\n" + topics("none"))
    head = b'{"model":"m","version":"1","features":{"x":1}'
    far = START + load(config).max_future_ms + 1
    producer = Producer({"bootstrap.servers": broker})
    for value in (head + b"}", head + b',"ts":%d}' % far, head + b',"ts":%d}' % (far - 1)):
        producer.produce("none-f", value=value, timestamp=START)
    assert producer.flush(60) == 0
    producer.close()
    first, second = ranged(config, None, far + 1_000_000)
    assert (first.kind, first.ts, orjson.loads(first.value)["ts"]) == (Kind.FEATURES, START, START)
    assert second.ts == far - 1


def test_topics_that_are_not_there_are_told(broker: str, tmp_path: Path) -> None:
    """Exit code 2: the configuration names others."""
    config = write_config(tmp_path / "c.yaml", f"bootstrap: {broker}\n" + topics("absent"))
    result = driftbus("reference", "build", "-c", config, "--to", HOUR, "--out", tmp_path / "r")
    assert result.exit_code == 2
    assert "none of the input topics is there" in result.output


def test_a_kafka_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Exit code 1, one line."""
    config = write_config(tmp_path / "c.yaml", f"bootstrap: {NOWHERE}\n")
    build = ("reference", "build", "-c", config, "--quiet", "--to", HOUR, "--out", tmp_path / "r")
    result = driftbus(*build)
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "Kafka cannot be reached" in result.output


@pytest.mark.servers
def test_a_real_kafka_is_asked_where_the_range_begins(
    kafka_bootstrap: str, stream: Path, tmp_path: Path
) -> None:
    """--from leaves out what was before, both by the records' times and by the events'."""
    config = placed(tmp_path, kafka_bootstrap, "real", stream)
    wanted = [row for row in rows() if HALF <= int(str(row["ts"])) < HOUR]
    found = ranged(config, HALF, HOUR)
    assert sorted(event.value for event in found) == sorted(events(wanted))
    assert ranged(config, 4_000_000_000_000, None) == []
