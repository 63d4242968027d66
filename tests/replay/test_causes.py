"""Faults put into a stream, each found by a replay, gathered by one event and told with its cause."""

from functools import cache
from typing import Any, cast

import orjson
import pytest

from sinks.event import DriftEvent
from stream.evaluate import model
from stream.evaluate.telling.carried import SEGMENTS_TOLD, tell_segments
from stream.files.source import FileEvent
from stream.reference.reference import Reference
from stream.words import Kind
from tests.evaluate.streams import WINDOW
from tests.events import T0
from tests.replay.faults import (
    COLUMNS,
    END,
    FAULT,
    PER_WINDOW,
    Fault,
    Row,
    changed,
    learned,
    rolled,
    rows,
    sound,
    told,
)


@pytest.mark.parametrize(
    ("cause", "action", "fault"),
    [
        ("missing values", "fix upstream", changed(lambda _: None)),
        ("unit or scale", "fix upstream", changed(lambda x: x * 1000)),
        ("unit or scale", "fix upstream", changed(lambda x: x / 100)),
        ("unit or scale", "fix upstream", changed(lambda x: x / 1000, "_wide")),
        ("type change", "fix upstream", changed(str)),
        ("frozen", "fix upstream", changed(lambda _: 20.0)),
        ("new category", "investigate", changed(lambda x: "z" if x == "x" else x, "_word")),
        ("population shift", "investigate", changed(lambda x: x + 1.5)),
    ],
)
def test_columns_that_break_together_are_gathered_with_their_cause(
    cause: str, action: str, fault: Fault
) -> None:
    """Members are told with their columns, too, and the one event names them by their ids."""
    alerts = told(rows(fault))
    gathered = rolled(alerts)[0]
    members = {a.id: a for a in alerts if a.id in gathered.data["members"]}
    assert gathered.column is None
    assert len(members) == len(gathered.data["members"]) >= len(COLUMNS)
    assert {(a.column or "")[0] for a in members.values()} == set(COLUMNS)
    assert {(a.time_ms, a.phase) for a in members.values()} == {(gathered.time_ms, "started")}
    assert gathered.data["explain"]["cause_hint"] == cause
    assert gathered.data["recommendation"]["action"] == action
    assert f"likely cause: {cause}" in gathered.data["summary"]
    for member in members.values():
        explain: Any = member.data["explain"]
        others = {a.column for a in members.values()} - {member.column}
        assert others <= set(explain["coaffected"])
        assert member.column not in explain["coaffected"]


def test_one_trouble_is_gathered_once() -> None:
    """It lasts, and is resolved, without another roll-up."""
    assert len(rolled(told(rows(changed(lambda _: None))))) == 1


def test_two_columns_are_told_by_themselves() -> None:
    alerts = told(rows(lambda row: row | {"a": None, "b": None}))
    assert {a.column for a in alerts} == {"a", "b"}


def test_with_another_number_of_events_that_is_the_likely_cause() -> None:
    """A crowd of strangers: five times the events, and other values."""
    crowd = rows(changed(lambda x: x + 1.5))
    late = [event for event in crowd if event.ts >= T0 + FAULT * WINDOW]
    gathered = rolled(told([*crowd, *late * 4]))[0]
    assert gathered.data["explain"]["cause_hint"] == "volume"


COUNTRIES = tuple({"country": name} for name in ("DE", "FR", "IT"))


@cache
def of_countries() -> tuple[Reference, ...]:
    """Give the references of the stream with segments."""
    return learned(rows(sound, FAULT, COUNTRIES))


def broken_in_two() -> list[FileEvent]:
    """Make the stream of which a column breaks in two of three countries."""

    def broken(row: Row) -> Row:
        return row if row["country"] == "IT" else row | {"a": None}

    return rows(broken, END, COUNTRIES)


@cache
def in_two_countries() -> list[DriftEvent]:
    """Give what is told of it."""
    return told(broken_in_two(), of_countries())


def test_segments_that_move_together_are_gathered_and_the_event_names_those_that_carry_it() -> None:
    """One column breaks in two of three countries: the whole moves with them, the third does not."""
    gathered = rolled(in_two_countries())
    assert len(gathered) == 1
    explain = gathered[0].data["explain"]
    assert {s["segment"].get("country") for s in explain["segments"]} == {None, "DE", "FR"}
    assert (explain["columns"], explain["cause_hint"]) == (["a"], "missing values")
    said = "a moved in the same window in country=DE, country=FR; likely cause: missing values"
    assert gathered[0].data["summary"] == said
    assert gathered[0].segment == {}


def test_a_column_that_moves_as_a_whole_and_in_one_segment_is_gathered_as_that_one_carries_it() -> (
    None
):
    """They are only two, and one trouble."""

    def broken(row: Row) -> Row:
        return row | {"a": None} if row["country"] == "DE" else row

    alerts = told(rows(broken, END, COUNTRIES), of_countries())
    (gathered,) = rolled(alerts)
    members = [a for a in alerts if a.id in gathered.data["members"]]
    assert {(a.column, a.segment.get("country")) for a in members} == {("a", None), ("a", "DE")}
    said = "a moved in the same window in country=DE; likely cause: missing values"
    assert gathered.data["summary"] == said


def test_the_alert_of_the_whole_names_the_segments_that_carry_its_shift(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those in which its column moves at the same window's end; ids and order are as if nothing were said of them."""
    alerts = in_two_countries()
    (whole,) = (a for a in alerts if a.column == "a" and not a.segment and a.phase == "started")
    explain: Any = whole.data["explain"]
    parts = [a for a in alerts if a.column == "a" and a.segment and a.time_ms == whole.time_ms]
    assert {s["segment"]["country"] for s in explain["segments"]} == {"DE", "FR"}
    assert {s["id"] for s in explain["segments"]} == {a.id for a in parts}
    effects = [s["effect"] for s in explain["segments"]]
    assert effects == sorted(effects, reverse=True)
    others = [a for a in alerts if a is not whole and "members" not in a.data]
    assert not any("segments" in cast("Any", a.data["explain"]) for a in others)
    monkeypatch.setattr(model, "tell_segments", lambda events: None)
    assert [a.id for a in told(broken_in_two(), of_countries())] == [a.id for a in alerts]


def test_of_many_segments_the_strongest_are_named_and_the_others_counted() -> None:
    events = [segment_event(f"C{i}", 0.01 * i) for i in range(SEGMENTS_TOLD + 3)]
    whole = segment_event(None, 0.1)
    tell_segments([whole, *events, segment_event("late", 9.0, T0 + WINDOW)])
    explain: Any = whole.data["explain"]
    assert explain["segments_left_out"] == 3
    named = [s["segment"]["country"] for s in explain["segments"]]
    assert named == [f"C{i}" for i in range(SEGMENTS_TOLD + 2, 2, -1)]


def segment_event(country: str | None, effect: float, time_ms: int = T0) -> DriftEvent:
    """Make what is read of an alert of a column in a country; None: of the whole."""
    data: dict[str, object] = {"sample": {"n_used": 9}, "score": {"effect": effect}, "explain": {}}
    segment = {} if country is None else {"country": country}
    return DriftEvent(
        f"{country}", time_ms, "m", "1", segment, "a", "location", "started", "warning", "data_drift", data
    )  # fmt: skip


def test_labels_that_do_not_come_are_told_as_late() -> None:
    """They have one series, so there is nothing to gather; its own alert names the cause."""
    (alert,) = (a for a in told(labels(END), learned(labels(FAULT))) if a.column is None)
    explain: Any = alert.data["explain"]
    recommended: Any = alert.data["recommendation"]
    assert (explain["cause_hint"], recommended["action"]) == ("label delay", "fix upstream")


def labels(windows: int) -> list[FileEvent]:
    """Make labels, of which one in six comes from window FAULT on."""
    events = []
    for i in range(windows * PER_WINDOW):
        ts = T0 + i * WINDOW // PER_WINDOW
        if i < FAULT * PER_WINDOW or i % 6 == 0:
            fields = {"model": "m", "version": "1", "id": str(i), "ts": ts, "label": float(i % 7)}
            events.append(FileEvent(Kind.LABELS, ts, orjson.dumps(fields)))
    return events
