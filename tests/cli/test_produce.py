"""`driftbus produce`: every event of the files on its topic once, keyed so that a model spreads."""

import time
from collections import Counter
from itertools import islice
from pathlib import Path

import orjson
import pyarrow as pa

from stream.bus.murmur2 import partition_of
from stream.config import load
from stream.files import FileEvent, read_events
from stream.ingest.arrow.messages import CONTENT_TYPE
from stream.run.offline.produce import FLIGHTS, FLIGHTS_CONFIG, produce
from stream.run.terminal.progress import Progress
from stream.words import INPUTS, Kind
from tests.cli.command import START, driftbus, events, rows, write_config, write_jsonl
from tests.sinks.broker import PARTITIONS, read_topic

NOWHERE = "127.0.0.1:9"


def topics(name: str) -> str:
    """Configure topics of one test's own."""
    return f"topics: {{features: {name}-f, predictions: {name}-p, labels: {name}-l}}\n"


def test_every_event_arrives_once_and_unchanged(broker: str, stream: Path, tmp_path: Path) -> None:
    """The values are the lines of the file, each on the topic of its kind, the key is the id."""
    config = write_config(tmp_path / "c.yaml", topics("once"))
    result = driftbus("produce", "-c", config, "--bootstrap", broker, stream)
    assert result.exit_code == 0
    told = f"wrote 1,440 features, 1,440 labels, 1,440 predictions to {broker}"
    assert result.stdout.splitlines()[-1] == told
    lines = stream.read_bytes().splitlines()
    for kind, topic in enumerate(("once-f", "once-p", "once-l")):
        records = read_topic(broker, topic)
        assert Counter(record.value for record in records) == Counter(lines[kind::3])
        for record in records:
            assert record.key.decode() == orjson.loads(record.value)["id"]
            assert record.partition == partition_of(record.key.decode(), PARTITIONS)
        assert {record.partition for record in records} == set(range(PARTITIONS))


def test_features_without_an_id_are_keyed_by_their_model(broker: str, tmp_path: Path) -> None:
    """The contract does not ask features for an id."""
    value = b'{"model":"m","version":"1","ts":%d,"features":{"x":1}}' % START
    config = write_config(tmp_path / "c.yaml", topics("noid"))
    file = write_jsonl(tmp_path / "f.jsonl", [value])
    assert driftbus("produce", "-c", config, "--bootstrap", broker, file).exit_code == 0
    assert [record.key for record in read_topic(broker, "noid-f")] == [b"m"]


def test_a_kind_without_a_topic_is_left_out(broker: str, tmp_path: Path) -> None:
    """`topics.labels: null` means that labels are nobody's affair."""
    more = "topics: {features: null-f, predictions: null-p, labels: null}\n"
    config = write_config(tmp_path / "c.yaml", more)
    file = write_jsonl(tmp_path / "f.jsonl", events(rows(0.01)))
    result = driftbus("produce", "-c", config, "--bootstrap", broker, file)
    assert result.stdout.splitlines()[-1].startswith("wrote 7 features, 7 predictions to")


def test_the_rate_is_kept(broker: str, tmp_path: Path) -> None:
    """60 events at 200 a second take 0.3 s, not less."""
    config = load(write_config(tmp_path / "c.yaml", topics("rate")), {"bootstrap": broker})
    some = [FileEvent(Kind.FEATURES, START, b"{}")] * 60
    start = time.monotonic()
    with Progress("produce", quiet=True) as progress:
        assert produce(config, some, 200, progress) == {Kind.FEATURES: 60}
    assert time.monotonic() - start >= 0.3


def test_a_kafka_that_is_not_there_is_one_clear_line(stream: Path, config: Path) -> None:
    """Within seconds, with exit code 1, the address and what to do."""
    start = time.monotonic()
    result = driftbus("produce", "-c", config, "--bootstrap", NOWHERE, stream, "--quiet")
    assert time.monotonic() - start < 30
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"error: {NOWHERE}: Kafka cannot be reached (")
    assert "is it running there?" in result.stderr


def test_the_embedded_broker_cannot_be_produced_to(stream: Path, config: Path) -> None:
    """It lives and ends inside the demo."""
    result = driftbus("produce", "-c", config, "--bootstrap", "embedded", stream, "--quiet")
    assert result.exit_code == 2
    assert "the embedded broker only lives inside `driftbus demo`" in result.output


def test_the_shipped_flights_fit_their_configuration() -> None:
    """Without FILE there is something to write: flights with features, predictions and labels."""
    config = load(Path(str(FLIGHTS_CONFIG)))
    first = list(islice(read_events([Path(str(FLIGHTS))], config.files), 30))
    assert Counter(event.kind for event in first) == dict.fromkeys(INPUTS, 10)
    assert {orjson.loads(event.value)["model"] for event in first} == {"flight-delay"}


def test_arrow_messages_hold_the_events_of_the_files(broker: str, tmp_path: Path) -> None:
    """`--arrow 100`: each message names its content type, and is keyed by its first event."""
    config = write_config(tmp_path / "c.yaml", topics("arrow"))
    of = rows(0.5)
    file = write_jsonl(tmp_path / "f.jsonl", events(of))
    result = driftbus("produce", "-c", config, "--bootstrap", broker, "--arrow", 100, file)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith(
        f"wrote {len(of)} features, {len(of)} labels, {len(of)} predictions to"
    )
    for topic in ("arrow-f", "arrow-p", "arrow-l"):
        records = read_topic(broker, topic)
        assert len(records) == -(-len(of) // 100)
        assert {record.key for record in records} == {b"e%d" % i for i in range(0, len(of), 100)}
        for record in records:
            assert dict(record.headers) == {"content-type": CONTENT_TYPE.encode()}
        times = [
            t for r in records for t in pa.ipc.open_stream(r.value).read_all()["ts"].to_pylist()
        ]
        assert sorted(times) == [row["ts"] for row in of]
