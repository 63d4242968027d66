"""Faults put into a stream, each found by a replay and told with its cause."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import orjson
import pytest

from sinks.event import DriftEvent
from stream.files.source import FileEvent
from stream.reference.reference import Reference
from stream.run.replay import Replay
from stream.words import Kind
from tests.events import HOUR, T0, configuration

CONFIG = configuration(learn_events=1200)
HOURS, FAULT, PER_HOUR = 28, 24, 60
COLUMNS = ("a", "b", "c")
Row = dict[str, object]


def rows(fault: Callable[[Row], Row], hours: int = HOURS) -> list[FileEvent]:
    rng = np.random.default_rng(5)
    events = []
    for i in range(hours * PER_HOUR):
        numbers: Row = {name: 20.0 + float(rng.normal()) for name in COLUMNS}
        numbers |= {name + "_wide": float(rng.lognormal(3.0)) for name in COLUMNS}
        words: Row = {name + "_word": str(rng.choice(["x", "y"])) for name in COLUMNS}
        features = numbers | words | {"calm": float(rng.normal())}
        ts = T0 + i * HOUR // PER_HOUR
        if i >= FAULT * PER_HOUR:
            features = fault(features)
        told = {"model": "m", "version": "1", "id": str(i), "ts": ts, "features": features}
        events.append(FileEvent(Kind.FEATURES, ts, orjson.dumps(told)))
    return events


@cache
def references() -> tuple[Reference, ...]:
    replay = Replay(CONFIG, [], list[object]().extend)
    for _ in replay.feed(rows(lambda row: row, FAULT)):
        pass
    return tuple(r for model in replay.learned() for r in model.book.all())


def told(events: list[FileEvent]) -> list[DriftEvent]:
    replay = Replay(CONFIG, references(), list[object]().extend)
    for _ in replay.feed(sorted(events, key=lambda event: event.ts)):
        pass
    return replay.finish()


def changed(make: Callable[[Any], object], suffix: str = "") -> Callable[[Row], Row]:
    return lambda row: row | {n + suffix: make(row[n + suffix]) for n in COLUMNS}


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
    cause: str, action: str, fault: Callable[[Row], Row]
) -> None:
    """Members are told with their columns, too, and the one event names them by their ids."""
    alerts = told(rows(fault))
    rolled: Any = next(a for a in alerts if "members" in a.data)
    members = {a.id: a for a in alerts if a.id in rolled.data["members"]}
    assert rolled.column is None
    assert len(members) == len(rolled.data["members"]) >= len(COLUMNS)
    assert {(a.column or "")[0] for a in members.values()} == set(COLUMNS)
    assert {(a.time_ms, a.phase) for a in members.values()} == {(rolled.time_ms, "started")}
    assert rolled.data["cause"]["name"] == cause
    assert rolled.data["recommendation"]["action"] == action
    assert f"likely cause: {cause}" in rolled.data["summary"]


def test_two_columns_are_told_by_themselves() -> None:
    alerts = told(rows(lambda row: row | {"a": None, "b": None}))
    assert {a.column for a in alerts} == {"a", "b"}


def test_with_another_number_of_events_that_is_the_likely_cause() -> None:
    """A crowd of strangers: five times the events, and other values."""
    crowd = rows(changed(lambda x: x + 1.5))
    late = [event for event in crowd if event.ts >= T0 + FAULT * HOUR]
    alerts = told([*crowd, *late * 4])
    rolled: Any = next(a for a in alerts if "members" in a.data)
    assert rolled.data["cause"]["name"] == "volume"


def test_labels_that_do_not_come_are_told_as_late() -> None:
    """The labels' own series has no column to gather; its alert names the cause."""
    events = []
    for i in range(HOURS * PER_HOUR):
        ts = T0 + i * HOUR // PER_HOUR
        label = {"model": "m", "version": "1", "id": str(i), "ts": ts, "label": float(i % 7)}
        if i < FAULT * PER_HOUR or i % 6 == 0:
            events.append(FileEvent(Kind.LABELS, ts, orjson.dumps(label)))
    alerts = told(events)
    explain: Any = next(a for a in alerts if a.column is None).data["explain"]
    assert explain["cause_hint"] == "label delay"
