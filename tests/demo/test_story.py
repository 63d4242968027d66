"""What the summary says of given alerts."""

import random

from stream.run.demo.story import episodes, incidents_of, rows_of
from tests.demo.alerts import DAY, alert


def test_an_episode_is_one_incident_from_its_onset_to_the_window_that_resolved_it() -> None:
    """Its severity is the worst it reached, its peak the alert with the strongest score."""
    (incident,) = incidents_of([
        alert(40, "error", kind="concept_drift", severity="error", value=1.2, onset=37),
        alert(44, "error", "escalated", "critical", "concept_drift", mean=(12.0, 22.0), value=3.0),
        alert(60, "error", "resolved", "info", "concept_drift"),
    ])  # fmt: skip
    assert (incident.name, incident.severity) == ("error", "critical")
    assert incident.means == (12.0, 22.0)
    (row,) = rows_of([incident])
    assert (row.when, row.how_much) == ("Feb 7 - Mar 2", "mean 22 on Feb 14, was 12")


def test_an_incident_without_a_resolving_alert_is_still_open() -> None:
    """So says the summary, whatever else has ended."""
    rows = rows_of(
        incidents_of(
            [
                alert(5, "temp", episode="a"),
                alert(9, "precip", episode="b"),
                alert(20, "precip", "resolved", "info", episode="b"),
            ]
        )
    )
    assert {row.name: row.when for row in rows} == {
        "temp": "Jan 6 - still open",
        "precip": "Jan 10 - Jan 21",
    }


def test_a_roll_up_is_no_incident_beside_its_members() -> None:
    gathered = alert(5, None, episode="r")
    gathered.data["members"] = ["x", "y", "z"]
    assert [i.name for i in incidents_of([alert(5, "temp", episode="a"), gathered])] == ["temp"]


def test_spells_that_overlap_are_told_as_one_and_many_are_counted() -> None:
    """The three longest are named, in order of time."""
    days = [(1, 3), (2, 8), (20, 22), (30, 39), (50, 51), (60, 65)]
    events = []
    for number, (start, end) in enumerate(days):
        events += [
            alert(start, "distance", episode=str(number)),
            alert(end, "distance", "resolved", "info", episode=str(number)),
        ]
    (row,) = rows_of(incidents_of(events))
    assert row.when == "Jan 2 - Jan 9, Jan 31 - Feb 9, Mar 2 - Mar 7, 2 more"


def test_the_worst_comes_first_then_what_lasted_longest() -> None:
    """A critical day outweighs a month of warnings."""
    rows = rows_of(
        incidents_of(
            [
                alert(1, "temp", episode="a"),
                alert(30, "temp", "resolved", episode="a"),
                alert(3, "error", severity="critical", kind="concept_drift", episode="b"),
                alert(4, "error", "resolved", "info", "concept_drift", episode="b"),
                alert(5, "hour", episode="c"),
                alert(7, "hour", "resolved", "info", episode="c"),
            ]
        )
    )
    assert [row.name for row in rows] == ["error", "temp", "hour"]


def test_the_order_in_which_alerts_were_read_does_not_matter() -> None:
    """Partitions interleave as they like."""
    events = [alert(d, c, episode=f"{c}{d}") for d in range(9) for c in ("temp", "hour", "error")]
    shuffled = random.Random(7).sample(events, len(events))  # noqa: S311 - no secret
    assert rows_of(incidents_of(shuffled)) == rows_of(incidents_of(events))


def test_categories_quality_and_volume_say_how_much_in_their_own_terms() -> None:
    """A category by its share, a whole series by its sentence, named after its topic."""
    rows = rows_of(
        incidents_of(
            [
                alert(1, "carrier", mean=None, episode="a"),
                alert(1, None, kind="volume", topic="labels", episode="b"),
                alert(1, "visib", kind="data_quality", value=0.02, episode="c"),
                alert(5, "visib", kind="data_quality", value=0.07, episode="d"),
            ]
        )
    )
    assert {row.name: row.how_much for row in rows} == {
        "carrier": "EV 11%, was 15%",
        "labels": "labels on day 1",
        "visib": "visib on day 5",
    }


def test_a_column_that_is_first_warm_and_then_missing_has_two_stories_of_one_episode() -> None:
    """Each with its own time, its own kind and its own worst; and what comes back is open for a second time."""
    events = [
        alert(5, "temp", mean=(10.0, 30.0)),
        alert(20, "temp", "resolved", "info"),
        alert(25, "temp", "ongoing", mean=(10.0, 25.0)),
        alert(40, "temp", "escalated", "error", "data_quality", value=0.9),
        alert(50, "temp", "resolved", "info", "data_quality"),
    ]
    told = [(i.kind, i.severity, i.end_ms) for i in incidents_of(events)]
    assert told == [
        ("data_drift", "warning", events[1].time_ms),
        ("data_drift", "warning", events[3].time_ms - DAY),
        ("data_quality", "error", events[4].time_ms),
    ]
    warm, missing = sorted(rows_of(incidents_of(events)), key=lambda row: row.kind)
    assert (warm.when, warm.how_much) == (
        "Jan 6 - Jan 21, Jan 26 - Feb 9",
        "mean 30 on Jan 6, was 10",
    )
    assert (missing.when, missing.how_much) == ("Feb 10 - Feb 20", "temp on day 40")
    assert episodes(events) == 1
