"""Which models that move at the same window's end are told as one trouble, and what the event says."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from sinks.event import DriftEvent, parse, structured, subject
from stream.evaluate.movers import Mover
from stream.evaluate.roll_up_models import MODELS_TOLD, Moved, roll_up_models
from stream.evaluate.telling.report import Told
from stream.words import Kind

END = 1_767_902_400_000
TOLD = Told(END + 60_000, 3)


def moved(
    model: str, columns: Sequence[str], causes: Sequence[str] = ("population shift",), *, effect: float = 1.0,
    is_new: bool = True, severity: str = "warning", version: str = "1", first: int = 0, country: str = "",
) -> Moved:  # fmt: skip
    """Make what moved in a model."""
    segment = {"country": country} if country else {}
    explain = {
        "columns": list(columns),
        "segments": [{"segment": segment, "columns": list(columns), "n": 9, "effect": effect}],
        "causes": dict.fromkeys(causes, 1), "cause_hint": causes[0], "effect": effect,
    }  # fmt: skip
    data: dict[str, Any] = {
        "schema": "driftbus.alert/1", "baseline": {"id": f"{model}@1"}, "sample": {}, "false_alarm": {}, "onset": {},
        "window": {"kind": "tumbling", "start": "a", "end": "b"}, "kind": "data_drift", "severity": severity,
        "segment": segment, "recommendation": {"action": f"that of {model}"}, "detector": {"name": "roll_up"},
        "score": {"note": f"that of {model}"}, "explain": explain,
        "replay": [{"topic": "features", "partition": 0, "from_offset": first, "to_offset": first + 9}],
    }  # fmt: skip
    return Moved(model, Mover(version, END, is_new, [f"{model}-{version}"], data))


def told(*movers: Moved, kind: Kind = Kind.FEATURES) -> list[DriftEvent]:
    """Give the events that gather them."""
    return list(roll_up_models(kind, movers, TOLD))


def members(event: DriftEvent) -> Any:
    return event.data["members"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (moved("a", ["amount"]), moved("b", ["amount"])),
        (moved("a", ["amount"], ["unit or scale"]), moved("b", ["amount"])),
        (moved("a", ["amount"], ["missing values"]), moved("b", ["age"], ["missing values"])),
        (moved("a", [], ["volume"]), moved("b", [], ["volume"])),
        (moved("a", ["x", "y"]), moved("b", ["y", "z"], ["population shift", "frozen"])),
    ],
    ids=[
        "a column",
        "a column, whatever happened to it",
        "a fault",
        "the number of events",
        "among others",
    ],
)
def test_models_that_share_a_column_or_a_fault_are_gathered(one: Moved, other: Moved) -> None:
    (event,) = told(one, other)
    assert members(event) == ["a-1", "b-1"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (moved("a", ["amount"]), moved("b", ["age"])),
        (moved("a", ["amount"], ["missing values"]), moved("b", ["age"], ["frozen"])),
        (moved("a", ["amount"]), moved("a", ["amount"], version="2")),
        (moved("a", ["amount"], is_new=False), moved("b", ["amount"], is_new=False)),
    ],
    ids=[
        "shifts of other columns",
        "other faults of other columns",
        "versions of one model",
        "nothing new",
    ],
)
def test_models_that_share_nothing_or_tell_nothing_new_are_not(one: Moved, other: Moved) -> None:
    assert told(one, other) == []


def test_what_came_back_counts_beside_what_is_new() -> None:
    (event,) = told(moved("a", ["amount"], is_new=False), moved("b", ["amount"]))
    assert members(event) == ["a-1", "b-1"]


def test_two_troubles_at_one_time_are_two_events_and_who_shares_with_both_makes_them_one() -> None:
    apart = [moved("a", ["x"]), moved("b", ["x"]), moved("c", ["y"]), moved("d", ["y"])]
    assert [members(event) for event in told(*apart)] == [["a-1", "b-1"], ["c-1", "d-1"]]
    (event,) = told(*apart, moved("e", ["x", "y"]))
    assert members(event) == ["a-1", "b-1", "c-1", "d-1", "e-1"]


def test_the_order_in_which_models_are_read_changes_nothing() -> None:
    """To the byte: groups that are joined late, too."""
    movers = [
        moved("a", ["x"]),
        moved("b", ["y"]),
        moved("c", ["x", "y"]),
        moved("d", ["z"]),
        moved("e", ["z"]),
    ]
    (first, *others) = [[structured(e) for e in told(*order)] for order in permutations(movers)]
    assert len(first) == 2
    assert all(other == first for other in others)


def test_the_id_stands_for_the_kind_and_the_members() -> None:
    pair = moved("a", ["x"]), moved("b", ["x"])
    again = moved("a", ["x"], effect=9.0), moved("b", ["x"])
    others = told(*pair, kind=Kind.PREDICTIONS) + told(*pair, moved("c", ["x"]))
    assert told(*pair)[0].id == told(*again)[0].id
    assert told(*pair)[0].id not in {event.id for event in others}


def test_it_tells_the_cause_that_most_models_have_and_speaks_by_the_one_of_them_that_moved_most() -> (
    None
):
    """A fault before a shift that as many have."""
    (event,) = told(
        moved("a", ["x"], ["population shift"], effect=7.0),
        moved("b", ["x"], ["missing values"], effect=2.0, severity="error", first=100),
        moved("c", ["x", "y"], ["population shift", "missing values"], effect=1.0, first=50),
    )
    explain: Any = event.data["explain"]
    assert (explain["cause_hint"], explain["because"]) == ("missing values", "2 of the 3 say so")
    assert event.data["recommendation"] == {
        "action": "that of b",
        "because": "x, y moved in the same window in 3 models, a, b, c; likely cause: missing values"
        " (2 of the 3 say so)",
    }
    assert event.severity == "error"
    assert [(of["model"], of["columns"], of["effect"]) for of in explain["models"]] == [
        ("a", ["x"], 7.0), ("b", ["x"], 2.0), ("c", ["x", "y"], 1.0)
    ]  # fmt: skip
    assert event.data["replay"] == [
        {"topic": "features", "partition": 0, "from_offset": 0, "to_offset": 109}
    ]
    window: Any = event.data["window"]
    assert (window["watermark"], window["late_dropped"]) == ("2026-01-08T20:01:00Z", 3)


def test_of_causes_as_often_found_the_severest_is_told() -> None:
    """Who is called looks there first; the other stands beside it."""
    milder = moved("a", ["income"], ["missing values"], effect=9.0)
    (event,) = told(milder, moved("b", ["income"], ["unit or scale"], severity="error"))
    explain: Any = event.data["explain"]
    assert explain["cause_hint"] == "unit or scale"
    assert set(explain["causes"]) == {"missing values", "unit or scale"}
    assert event.data["baseline"] == {"id": "b@1"}
    (event,) = told(milder, moved("b", ["income"], ["unit or scale"]))
    explain = event.data["explain"]
    assert explain["cause_hint"] == "missing values", "equals go by name"


def test_it_is_of_no_model_and_of_the_segment_that_all_share() -> None:
    """And it comes back from its bytes."""
    both = moved("a", ["x"], country="DE"), moved("b", ["x"], country="DE")
    (event,) = told(*both)
    assert (event.model, event.version, event.column, event.segment) == (
        "",
        "",
        None,
        {"country": "DE"},
    )
    assert subject(event) == "//country=DE"
    assert parse(structured(event)) == event
    (other,) = told(both[0], moved("b", ["x"], country="FR"))
    assert other.segment == {}


def test_of_many_models_all_members_are_named_and_the_strongest_are_told() -> None:
    (event,) = told(*(moved(f"m{i:03}", ["x"], effect=float(i)) for i in range(MODELS_TOLD + 20)))
    explain: Any = event.data["explain"]
    assert len(members(event)) == explain["models_moved"] == MODELS_TOLD + 20
    assert [of["effect"] for of in explain["models"]] == [69.0 - i for i in range(MODELS_TOLD)]
    assert "m000, m001, m002 and 67 more" in str(event.data["summary"])
