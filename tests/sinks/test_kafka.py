"""The Kafka sink over the real protocol: what another client reads, and what goes wrong."""

import logging
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest
from confluent_kafka import Producer

from sinks import DriftEvent, KafkaSink, SinkError, binary, parse, structured

from .broker import Record, fresh_topic, read_topic
from .events import drift_event, series

ROOT = Path(__file__).parents[2]

# Nothing listens on this port.
NOWHERE = {"bootstrap.servers": "127.0.0.1:1"}

EVENT = drift_event(1, model="modèle d'été", segment={"Ort": "Zürich\n"}, data={"n": [1, 2.5]})


def read_back(
    address: str,
    events: list[DriftEvent],
    mode: Literal["structured", "binary"] = "structured",
    settings: dict[str, object] | None = None,
) -> list[Record]:
    """Send through a sink, then read the topic by an independent consumer."""
    topic = fresh_topic()
    sink = KafkaSink({"bootstrap.servers": address} | (settings or {}), topic, mode)
    sink.send(events)
    sink.close()
    return read_topic(address, topic)


def _once_heard(attempt: Callable[[float], str], word: str) -> str:
    """What an attempt says with the first deadline that left the client the time to be refused.

    The client hears so in a thread of its own, within a millisecond or, on a busy machine, later
    than any deadline that a quick test can wait for every time.
    """
    said = ""
    for deadline in (0.3, 1.0, 4.0, 16.0):
        said = attempt(deadline)
        if word in said:
            break
    return said


def test_a_structured_record_is_the_whole_event_and_says_so(broker: str) -> None:
    """The value alone rebuilds the event; the one header is the content type."""
    [record] = read_back(broker, [EVENT])
    assert record.headers == [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    assert record.value == structured(EVENT)
    assert parse(record.value) == EVENT


def test_a_binary_record_has_its_attributes_in_headers(broker: str) -> None:
    """The value is the alert object; each attribute is a UTF-8 header with the prefix ce_."""
    [record] = read_back(broker, [EVENT], "binary")
    headers = dict(record.headers)
    assert (record.headers, record.value) == binary(EVENT)
    assert headers["content-type"] == b"application/json"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"].decode() == EVENT.id
    assert headers["ce_subject"].decode() == "modèle d'été/1/temp/Ort=Zürich%0A"
    assert orjson.loads(record.value) == EVENT.data


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_the_key_is_the_model_so_one_model_shares_a_partition(
    mode: Literal["structured", "binary"], broker: str
) -> None:
    """Whatever version, segment or column; other models spread over other partitions."""
    events = [
        drift_event(n, model=f"m{n % 8}", version=str(n), segment={"s": str(n)}) for n in range(40)
    ]
    records = read_back(broker, events, mode)
    assert sorted(record.key.decode() for record in records) == sorted(e.model for e in events)
    places = {(record.key, record.partition) for record in records}
    assert len(places) == 8
    assert len({partition for _, partition in places}) > 1


def test_the_partition_is_the_one_of_javas_default_partitioner(broker: str) -> None:
    """A reader in any language finds a model's alerts by murmur2 of its name."""
    # Published vectors of the Kafka clients' own tests.
    murmur2 = {
        "21": -973932308,
        "foobar": -790332482,
        "a-little-bit-long-string": -985981536,
        "a-little-bit-longer-string": -1486304829,
        "abc": 479470107,
    }
    records = read_back(broker, [drift_event(n, model=name) for n, name in enumerate(murmur2)])
    found = {record.key.decode(): record.partition for record in records}
    assert found == {name: (code & 0x7FFFFFFF) % 4 for name, code in murmur2.items()}


def test_what_the_promise_rests_on_cannot_be_configured_away(broker: str) -> None:
    """Contrary settings are overruled: the client starts, and the model keeps its partition."""
    loose: dict[str, object] = {"acks": 1, "enable.idempotence": False, "partitioner": "random"}
    records = read_back(broker, series(40), settings=loose)
    assert [parse(record.value) for record in records] == series(40)
    assert len({record.partition for record in records}) == 1


def test_more_events_than_the_clients_queue_holds_are_all_delivered(broker: str) -> None:
    """A full queue makes the sink wait for room, not fail."""
    small: dict[str, object] = {"queue.buffering.max.messages": 10, "linger.ms": 1}
    records = read_back(broker, series(50), settings=small)
    assert [parse(record.value).id for record in records] == [event.id for event in series(50)]


def test_an_unreachable_broker_fails_within_the_deadline_and_says_why() -> None:
    """The error names the topic and the refused address."""

    def attempt(deadline: float) -> str:
        sink = KafkaSink(NOWHERE, "drift-alerts", deadline=deadline)
        begun = time.monotonic()
        with pytest.raises(SinkError, match="drift-alerts: not acknowledged") as failed:
            sink.send(series(3))
        assert deadline <= time.monotonic() - begun < deadline + 4.0
        return str(failed.value)

    assert re.search(r"127\.0\.0\.1:1.*refused", _once_heard(attempt, "refused"))


def test_a_program_without_logging_sees_no_noise_and_ends() -> None:
    """An unreachable broker writes nothing to the terminal and holds up no exit."""
    program = f"""
from sinks import KafkaSink, SinkError, parse
try:
    KafkaSink({NOWHERE}, deadline=0.3).send([parse({structured(EVENT)!r})])
except SinkError:
    print("failed as it should")
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (run.stdout, run.stderr, run.returncode) == ("failed as it should\n", "", 0)


def test_a_queue_that_stays_full_fails_within_the_deadline() -> None:
    """More events than the client holds, and a broker that takes none."""

    def attempt(deadline: float) -> str:
        sink = KafkaSink({**NOWHERE, "queue.buffering.max.messages": 2}, deadline=deadline)
        with pytest.raises(SinkError, match=f"queue was full for {deadline:g} s") as failed:
            sink.send(series(3))
        return str(failed.value)

    assert "refused" in _once_heard(attempt, "refused")


def test_the_clients_own_words_go_to_a_logger(caplog: pytest.LogCaptureFixture) -> None:
    """An operator who wants the client's log gets it by Python's means."""

    def attempt(deadline: float) -> str:
        with pytest.raises(SinkError):
            KafkaSink(NOWHERE, deadline=deadline).send(series(1))
        return caplog.text

    with caplog.at_level(logging.INFO, "driftbus.sinks.kafka"):
        assert "127.0.0.1:1" in _once_heard(attempt, "127.0.0.1:1")


def test_a_failed_send_leaves_nothing_that_could_overtake_its_repeat(broker: str) -> None:
    """What was queued for a send that failed is given up, not delivered later."""
    topic = fresh_topic()
    sink = KafkaSink({"bootstrap.servers": broker, "linger.ms": 300}, topic, deadline=0.0)
    with pytest.raises(SinkError):
        sink.send(series(3))
    time.sleep(0.5)
    sink.close()
    assert read_topic(broker, topic) == []


def test_the_first_delivery_error_is_named_and_the_next_send_works(broker: str) -> None:
    """An event beyond the size limit fails its send; the sink recovers without it."""
    topic = fresh_topic()
    sink = KafkaSink({"bootstrap.servers": broker, "message.max.bytes": 2_000}, topic)
    giant = drift_event(9, data={"summary": "x" * 5_000})
    with pytest.raises(SinkError, match="Message size too large"):
        sink.send([*series(2), giant])
    sink.send(series(2))
    sink.close()
    found = [parse(record.value).id for record in read_topic(broker, topic)]
    assert list(dict.fromkeys(found)) == [event.id for event in series(2)]


def test_a_setting_the_client_does_not_know_is_a_sink_error_that_names_it() -> None:
    """Wrong settings appear where every failure appears."""
    with pytest.raises(SinkError, match=r"no\.such\.setting"):
        KafkaSink({**NOWHERE, "no.such.setting": 1}).send(series(1))


def test_an_unknown_mode_is_refused_at_once() -> None:
    """A wrong word is a fault of the caller."""
    wrong: Any = "batched"
    with pytest.raises(ValueError, match="structured or binary, not 'batched'"):
        KafkaSink(NOWHERE, mode=wrong)


def test_what_another_worker_published_is_found_in_either_mode_and_nothing_else(
    broker: str,
) -> None:
    """By id, whatever partition it is on, among records that are no drift events."""
    topic, events = fresh_topic(), series(7)
    for sink, own in (
        (KafkaSink({"bootstrap.servers": broker}, topic), events[:3]),
        (KafkaSink({"bootstrap.servers": broker}, topic, "binary"), events[3:5]),
    ):
        sink.send(own)
        sink.close()
    noise = Producer({"bootstrap.servers": broker})
    for partition, value in enumerate((b"no json", b"[1]", b'{"id": 5}', None)):
        noise.produce(topic, value, partition=partition)
    assert noise.flush(10) == 0
    looking = KafkaSink({"bootstrap.servers": broker}, topic)
    assert looking.find(events) == {event.id for event in events[:5]}
    assert looking.find(events[5:]) == set()


def test_a_topic_that_is_not_there_holds_nothing_and_is_not_made(broker: str) -> None:
    """The first alert of all needs no look at what cannot be."""
    topic = fresh_topic()
    assert KafkaSink({"bootstrap.servers": broker}, topic).find(series(2)) == set()


def test_only_the_newest_records_of_a_long_topic_are_read(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What we look for was sent last; a look ends, however long the topic is."""
    monkeypatch.setattr("sinks.kafka_find.RECORDS_MAX", 4)
    sink, events = KafkaSink({"bootstrap.servers": broker}, fresh_topic()), series(10)
    sink.send(events)
    assert sink.find(events) == {event.id for event in events[-4:]}


def test_records_that_are_older_than_the_events_are_not_read(broker: str) -> None:
    """An event is published after it happened, so a look from its time on, less some slack, is enough."""
    topic, now = fresh_topic(), int(time.time() * 1000)
    sink = KafkaSink({"bootstrap.servers": broker}, topic)
    sent = drift_event(1, time_ms=now - 7_200_000)
    sink.send([sent])
    future = drift_event(1, time_ms=now + 7_200_000)
    assert sink.find([future]) == set()
    patient = KafkaSink({"bootstrap.servers": broker}, topic, ahead_ms=7_200_000)
    assert patient.find([future]) == {sent.id}


def test_a_broker_that_does_not_answer_is_a_sink_error_when_looking() -> None:
    """The courier decides what then."""
    with pytest.raises(SinkError, match="cannot be read"):
        KafkaSink({**NOWHERE, "log_level": 0}, deadline=0.3).find(series(1))


@pytest.mark.servers
def test_a_look_on_a_real_kafka_begins_at_the_events_time_and_sees_committed_records_only(
    kafka_bootstrap: str,
) -> None:
    """What lies hours back is not read; what a transaction has not committed is not there."""
    topic, now = fresh_topic(), int(time.time() * 1000)
    sink = KafkaSink({"bootstrap.servers": kafka_bootstrap}, topic)
    old, sent, aborted, missing = (drift_event(n, time_ms=now) for n in range(4))
    plain = Producer({"bootstrap.servers": kafka_bootstrap})
    plain.produce(topic, structured(old), "flights", timestamp=now - 3 * 3_600_000)
    assert plain.flush(20) == 0
    assert sink.find([old]) == set()
    sink.send([sent])
    undecided = Producer({"bootstrap.servers": kafka_bootstrap, "transactional.id": topic})
    undecided.init_transactions(20)
    undecided.begin_transaction()
    undecided.produce(topic, structured(aborted), "flights")
    assert undecided.flush(20) == 0
    assert sink.find([sent, aborted, missing]) == {sent.id}
    undecided.abort_transaction(20)
    assert sink.find([old, sent, aborted, missing]) == {sent.id}
