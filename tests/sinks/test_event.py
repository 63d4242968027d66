"""The event as a CloudEvent: complete, the same bytes each time, and readable again."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks import DriftEvent, binary, order, parse, rfc3339, structured, subject

from .events import drift_event, drift_events

lawful = settings(max_examples=150, deadline=None, derandomize=True, database=None)

EXAMPLE = drift_event(
    7,
    id="3f9c1e7a0b5d4c8e9a2f6b7c8d0e1f23",
    time_ms=1_795_342_500_000,
    model="fraud",
    version="12",
    column="amount",
    segment={"country": "DE"},
    source="urn:driftbus:fraud-prod",
)


@given(drift_events)
@lawful
def test_parse_is_the_inverse_of_structured(event: DriftEvent) -> None:
    """Whatever stands in names and data, reading what was written gives the same event."""
    assert parse(structured(event)) == event


@given(drift_events)
@lawful
def test_structured_is_one_line_with_every_required_attribute(event: DriftEvent) -> None:
    """CloudEvents 1.0 asks for specversion, id, source and type; a file of events for one line."""
    raw = structured(event)
    written = orjson.loads(raw)
    assert b"\n" not in raw
    assert written["specversion"] == "1.0"
    assert all(written[name] for name in ("id", "source", "type", "subject", "time"))
    assert (written["id"], written["source"]) == (event.id, event.source)
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in written["subject"])


@given(drift_events)
@lawful
def test_both_modes_carry_the_same_attributes_and_data(event: DriftEvent) -> None:
    """A binary event is a structured one with its attributes in headers, in the same order."""
    headers, value = binary(event)
    written = orjson.loads(structured(event))
    content_type, data = written.pop("datacontenttype"), written.pop("data")
    expected = [("content-type", content_type)]
    expected += [(f"ce_{name}", str(attribute)) for name, attribute in written.items()]
    assert [(name, header.decode()) for name, header in headers] == expected
    assert orjson.loads(value) == data


def test_the_bytes_are_those_of_the_standard() -> None:
    """Attributes stand in the documented order, and data keeps the order it came in."""
    expected = (
        b'{"specversion":"1.0","id":"3f9c1e7a0b5d4c8e9a2f6b7c8d0e1f23",'
        b'"source":"urn:driftbus:fraud-prod","type":"io.driftbus.alert.v1",'
        b'"subject":"fraud/12/amount/country=DE","time":"2026-11-22T10:15:00Z",'
        b'"severitytext":"WARN","severitynumber":13,"datacontenttype":"application/json","data":'
    )
    assert structured(EXAMPLE) == expected + orjson.dumps(EXAMPLE.data) + b"}"


@pytest.mark.parametrize(
    ("severity", "text", "number"),
    [
        ("info", "INFO", 9),
        ("warning", "WARN", 13),
        ("error", "ERROR", 17),
        ("critical", "FATAL", 21),
    ],
)
def test_severities_are_those_of_opentelemetry(severity: str, text: str, number: int) -> None:
    """Text and number agree, one to one."""
    written = orjson.loads(structured(drift_event(1, severity=severity)))
    assert (written["severitytext"], written["severitynumber"]) == (text, number)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "flights/1/temp"),
        ({"column": None}, "flights/1"),
        ({"column": None, "segment": {"origin": "EWR"}}, "flights/1/origin=EWR"),
        ({"segment": {"z": "1", "a": "2"}}, "flights/1/temp/a=2,z=1"),
        ({"version": ""}, "flights//temp"),
        ({"column": "a=b/c,d%\n"}, "flights/1/a%3Db%2Fc%2Cd%25%0A"),
        ({"column": "température"}, "flights/1/température"),
    ],
)
def test_a_subject_leaves_out_what_is_empty(changes: dict[str, Any], expected: str) -> None:
    """Column and segment vanish with their slash; model and version keep their places."""
    assert subject(drift_event(1, **changes)) == expected


tricky = st.text("a/,=%2F", max_size=3)
monitors = st.builds(
    lambda column, **names: drift_event(1, column=column, **names),
    st.none() | tricky,
    model=tricky,
    version=tricky,
    segment=st.dictionaries(tricky, tricky, max_size=2),
)


@given(monitors, monitors)
@settings(lawful, max_examples=500)
def test_different_monitors_have_different_subjects(one: DriftEvent, two: DriftEvent) -> None:
    """No name can imitate a separator."""

    def monitor(event: DriftEvent) -> object:
        return event.model, event.version, event.column, event.segment

    assert (subject(one) == subject(two)) == (monitor(one) == monitor(two))


def test_a_column_that_looks_like_a_segment_is_told_apart() -> None:
    """The nearest miss of the law above."""
    column = drift_event(1, column="origin=EWR")
    segment = drift_event(1, column=None, segment={"origin": "EWR"})
    assert subject(column) != subject(segment)


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_372_636_800_000, "2013-07-01T00:00:00Z"),
        (1_372_636_800_001, "2013-07-01T00:00:00.001Z"),
        (1_372_636_800_120, "2013-07-01T00:00:00.120Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_times_show_milliseconds_only_when_there_are_some(ms: int, expected: str) -> None:
    """To the last digit, over the whole range."""
    assert rfc3339(ms) == expected


def test_order_is_end_model_version_segment_column_detector_phase() -> None:
    """Each key decides only between events that are equal in all keys before it."""
    changes: list[dict[str, Any]] = [
        {"time_ms": 1, "model": "a", "version": "0"},
        {"time_ms": 2, "model": "a", "version": "9"},
        {"time_ms": 2, "model": "b", "version": "1", "segment": {"z": "z"}},
        {"time_ms": 2, "model": "b", "version": "2", "column": None, "phase": "started"},
        {"time_ms": 2, "model": "b", "version": "2", "column": "x", "detector": "a"},
        {"time_ms": 2, "model": "b", "version": "2", "column": "x", "detector": "b"},
        {"time_ms": 2, "model": "b", "version": "2", "segment": {"a": "1"}, "column": "b"},
        {"time_ms": 2, "model": "b", "version": "2", "segment": {"a": "1"}, "column": "c"},
        {"time_ms": 2, "model": "b", "version": "2", "segment": {"a": "2"}, "column": "a"},
        {"time_ms": 3, "model": "a", "phase": "ongoing"},
        {"time_ms": 3, "model": "a", "phase": "resolved"},
    ]
    # Ids fall as the order rises: sorting by id would turn it round.
    events = [drift_event(99 - n, **change) for n, change in enumerate(changes)]
    assert sorted(events[6:] + events[5::-1], key=order) == events
    assert sorted(events[1::2] + events[::2], key=order) == events


def test_a_segment_is_ordered_by_its_pairs_however_it_was_built() -> None:
    """The order of insertion into the segment does not show."""
    one = drift_event(1, segment={"a": "1", "b": "2"})
    two = drift_event(1, segment={"b": "2", "a": "1"})
    assert order(one) == order(two)


def damaged(path: list[str], value: object) -> bytes:
    written = orjson.loads(structured(EXAMPLE))
    place = written
    for name in path[:-1]:
        place = place[name]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return orjson.dumps(written)


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"", "truncated"),
        (b"[]", "array"),
        (b"\xff", "malformed"),
        (b'{"a":' * 5_000, "recursion"),
        (structured(EXAMPLE)[:-5], "truncated"),
        (damaged(["specversion"], "0.3"), "specversion"),
        (damaged(["id"], None), "`id`"),
        (damaged(["id"], "not hexadecimal"), r"\$.id"),
        (damaged(["type"], "com.example.other"), r"\$.type"),
        (damaged(["time"], "yesterday"), "yesterday"),
        (damaged(["time"], "2013-07-01T00:00:00"), "`time`"),
        (damaged(["data"], None), "`data`"),
        (damaged(["data", "model"], None), "`model`"),
        (damaged(["data", "phase"], "begun"), r"\$.phase"),
        (damaged(["data", "severity"], 4), r"\$.severity"),
        (damaged(["data", "detector"], "psi"), r"\$.detector"),
    ],
)
def test_what_is_not_a_drift_event_is_a_value_error_that_names_the_fault(
    raw: bytes, named: str
) -> None:
    """A reader learns what to look at."""
    with pytest.raises(ValueError, match=f"(?i)not a drift event: .*{named}"):
        parse(raw)


def test_attributes_that_others_add_do_not_disturb_parse() -> None:
    """CloudEvents lets every hop add extensions."""
    assert parse(damaged(["traceparent"], "00-ab-cd-01")) == EXAMPLE
