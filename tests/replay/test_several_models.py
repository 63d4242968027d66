"""Faults upstream of several models, each told by its model, and by one event for all of them."""

from functools import cache
from typing import Any

import pytest

from sinks.event import DriftEvent
from stream.files.source import FileEvent
from tests.replay.faults import FAULT, Fault, sound
from tests.replay.two_models import gathered, lost, moved, rows, scaled, told


@pytest.mark.parametrize(
    ("cause", "action", "churn", "fraud"),
    [
        ("missing values", "fix upstream", lost("amount"), lost("amount")),
        ("missing values", "fix upstream", lost("age"), lost("city")),
        ("unit or scale", "fix upstream", scaled(100, "amount"), scaled(100, "amount")),
        ("population shift", "investigate", moved(1.5, "amount"), moved(1.5, "amount")),
        ("missing values", "fix upstream", lost("amount"), moved(1.5, "amount")),
    ],
    ids=["missing", "missing of columns with other names", "unit", "shift", "told in two ways"],
)
def test_models_that_break_together_are_gathered_with_their_cause(
    cause: str, action: str, churn: Fault, fraud: Fault
) -> None:
    """By the ids of their alerts; a third model that goes on as usual is not among them."""
    alerts = told(rows({"churn": churn, "fraud": fraud, "offers": sound}))
    (event,) = gathered(alerts)
    explain: Any = event.data["explain"]
    members = [alert for alert in alerts if alert.id in event.data["members"]]
    assert len(members) == len(event.data["members"]) == 2
    assert {(a.model, a.time_ms, a.phase) for a in members} == {
        ("churn", event.time_ms, "started"), ("fraud", event.time_ms, "started")
    }  # fmt: skip
    assert {(of["model"], *of["columns"]) for of in explain["models"]} == {
        (a.model, a.column) for a in members
    }
    assert (explain["cause_hint"], event.data["recommendation"]["action"]) == (cause, action)
    assert event.data["summary"].endswith(f"in 2 models, churn, fraud; likely cause: {cause}")
    assert event.severity == max((a.severity for a in members), key=["warning", "error"].index)


def test_where_a_model_gathers_its_columns_that_event_is_the_member() -> None:
    """Both columns as a whole and in the only country: four alerts of `churn`, gathered by one."""
    alerts = told(
        rows({"churn": lost("amount", "age"), "fraud": lost("amount")}, segments=("churn",))
    )
    (event,) = gathered(alerts)
    (own,) = (a for a in alerts if a.model == "churn" and "members" in a.data)
    (alone,) = (a for a in alerts if a.model == "fraud" and a.phase == "started")
    assert event.data["members"] == [own.id, alone.id]
    assert event.data["explain"]["models"][0]["columns"] == ["age", "amount"]


@pytest.mark.parametrize(
    ("churn", "fraud"),
    [(moved(1.5, "age"), moved(1.5, "city")), (lost("age"), scaled(100, "city")), (lost("amount"), sound)],
    ids=["shifts of other columns", "faults of other kinds", "one alone"],
)  # fmt: skip
def test_two_stories_are_told_as_two(churn: Fault, fraud: Fault) -> None:
    alerts = told(rows({"churn": churn, "fraud": fraud}))
    assert any(alert.phase == "started" for alert in alerts)
    assert gathered(alerts) == []


def test_models_that_break_one_after_the_other_are_not_gathered() -> None:
    """In another window it may be another trouble; who reads of both sees what they share."""
    faults = {"churn": lost("amount"), "fraud": lost("amount")}
    alerts = told(rows(faults, since={"fraud": FAULT + 1}))
    assert {alert.model for alert in alerts} == {"churn", "fraud"}
    assert gathered(alerts) == []


def test_the_predictions_of_models_are_gathered_by_themselves() -> None:
    """Their columns are all called alike; the features moved, too, and are another event."""
    faults = {"churn": moved(1.5, "amount"), "fraud": moved(1.5, "amount")}
    events = gathered(told(rows(faults, predictions=True)))
    assert {(e.kind, *e.data["explain"]["columns"]) for e in events} == {
        ("data_drift", "amount"), ("prediction_drift", "prediction")
    }  # fmt: skip


@pytest.mark.parametrize("batch", [1, 97, 100_000])
def test_the_alerts_do_not_depend_on_the_portions(batch: int) -> None:
    """Byte for byte, in their order; with the windows that are still open at the end."""
    assert told(apart(), batch) == of_apart()


@cache
def apart() -> tuple[FileEvent, ...]:
    """Give a stream in which the third model breaks later than the others."""
    faults = {"churn": lost("amount"), "fraud": scaled(100, "amount"), "offers": lost("price")}
    return tuple(rows(faults, since={"offers": FAULT + 3}))


@cache
def of_apart() -> list[DriftEvent]:
    """Give what is told of it in portions of a thousand."""
    return told(apart(), 1_000)
