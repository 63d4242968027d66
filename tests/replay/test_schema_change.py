"""A producer that changes what a column is, in the middle of a stream, is told of once and harms no other column."""

from collections import Counter

from sinks.event import DriftEvent
from tests.replay.faults import Row, rows, sound, told


def as_text(row: Row) -> Row:
    """Write one column as text from the fault on, and begin a column that nobody has seen before."""
    return row | {"a": str(row["a"]), "new": 1.0}


def test_a_column_that_becomes_text_is_one_incident_and_all_others_say_what_they_would() -> None:
    """The new column is left out until a reference knows it."""
    alerts, calm = told(rows(as_text)), told(rows(sound))
    own = [alert for alert in alerts if alert.column == "a"]
    phases = Counter((alert.detector, alert.phase) for alert in own)
    assert phases["invalid", "started"] == 1
    assert all(number == 1 for (_, phase), number in phases.items() if phase == "started")
    assert {alert.column for alert in own} == {"a"}
    assert _others(alerts) == _others(calm)


def _others(alerts: list[DriftEvent]) -> list[tuple[str, object]]:
    return [(a.id, a.data) for a in alerts if a.column not in ("a", None)]
