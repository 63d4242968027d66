"""What cannot be read is written aside, untouched, with the reason; or the caller is told that it was not."""

import logging
from typing import Any

import pytest

from stream.bus import dead_letters
from stream.bus.dead_letters import DeadLetterOffice
from stream.errors import BusUnavailable
from stream.ingest.raw import DeadLetter, Source
from stream.words import Kind
from tests.sinks.broker import read_topic

QUIET = logging.getLogger("tests.bus.quiet")
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """Name a topic of the test's own."""
    return f"letters-{abs(hash(request.node.name))}"


def settings(address: str, **more: Any) -> dict[str, Any]:
    """Make the settings of a producer."""
    return {"bootstrap.servers": address, "logger": QUIET, **more}


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine take its time."""
    monkeypatch.setattr(dead_letters, "WAIT_S", 60.0)


def letter(topic: str, offset: int, value: bytes | None, **more: Any) -> DeadLetter:
    """Make a dead letter of partition 2."""
    return DeadLetter(Source(Kind.FEATURES, topic, 2), offset, "not JSON", value, **more)


def test_a_dead_letter_keeps_key_value_and_headers_and_says_where_it_is_from(
    broker: str, topic: str
) -> None:
    """The bytes are untouched, whatever they are; our headers stand behind the message's own."""
    own = [("trace", b"\x00\xff"), ("trace", b"2")]
    office = DeadLetterOffice(settings(broker), "app-1")
    office.deliver([letter(topic, 77, b"\xff{not json\x00", key=b"\x80k", headers=own)])
    [record] = read_topic(broker, topic + ".dlq")
    assert (record.key, record.value) == (b"\x80k", b"\xff{not json\x00")
    prefix = "__driftbus.errors."
    assert record.headers == [
        *own,
        (prefix + "topic", topic.encode()),
        (prefix + "partition", b"2"),
        (prefix + "offset", b"77"),
        (prefix + "message", b"not JSON"),
        (prefix + "app", b"app-1"),
    ]


def test_every_letter_of_a_delivery_is_there_when_it_returns(broker: str, topic: str) -> None:
    """Those without key or value, too; none twice."""
    office = DeadLetterOffice(settings(broker), "app")
    office.deliver([letter(topic, n, None if n % 3 == 0 else b"%d" % n) for n in range(500)])
    office.deliver([])
    told = [
        dict(record.headers)["__driftbus.errors.offset"]
        for record in read_topic(broker, topic + ".dlq")
    ]
    assert sorted(map(int, told)) == list(range(500))


def test_a_letter_too_large_for_the_topic_goes_without_its_value_and_holds_up_no_other(
    broker: str, topic: str
) -> None:
    """It would be refused for ever, and its partition with it."""
    office = DeadLetterOffice(settings(broker, **{"message.max.bytes": 2_000}), "app")
    office.deliver([letter(topic, 1, b"x" * 5_000), letter(topic, 2, b"small")])
    records = {
        dict(r.headers)["__driftbus.errors.offset"]: r for r in read_topic(broker, topic + ".dlq")
    }
    assert records[b"2"].value == b"small"
    assert records[b"1"].value == b""
    assert b"its 5000 bytes" in dict(records[b"1"].headers)["__driftbus.errors.message"]


def test_an_unreachable_kafka_is_an_error_that_names_the_topic(
    broker: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller tries again; what failed before is not sent beside it."""
    monkeypatch.setattr(dead_letters, "WAIT_S", 0.2)
    office = DeadLetterOffice(settings("127.0.0.1:1"), "app")
    with pytest.raises(BusUnavailable, match=rf"{topic}\.dlq"):
        office.deliver([letter(topic, 1, b"a")])
    office._settings = settings(broker)  # Kafka is back
    monkeypatch.setattr(dead_letters, "WAIT_S", 60.0)
    office.deliver([letter(topic, 1, b"a")])
    assert len(read_topic(broker, topic + ".dlq")) == 1
