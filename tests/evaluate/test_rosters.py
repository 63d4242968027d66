"""A model evaluates so many series and no more: who was first stays, and who left is forgotten."""

from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from sinks.event import milliseconds
from stream.config import Limits
from stream.evaluate.model_state import RESULTS_KEPT, pending_fields
from stream.ingest.roster import DAY_MS, FORGOTTEN_AFTER_DAYS
from stream.state.fields import chain_field, learn_field, result_field
from stream.words import Kind, Series
from tests.evaluate import streams
from tests.evaluate.streams import DRIFT, END, WINDOW, Event, Pipeline, stream
from tests.events import T0, feature

MINUTE = 60_000
FOUR = replace(streams.CONFIG, limits=Limits(series_max=4, raw_rows_max=100_000))
WIDE = replace(streams.CONFIG, limits=Limits(series_max=4_000, raw_rows_max=100_000))
ONE = replace(streams.CONFIG, limits=Limits(series_max=1, raw_rows_max=100_000))
GONE = T0 + END * WINDOW + (FORGOTTEN_AFTER_DAYS + 2) * DAY_MS
"""When a newcomer finds that version 1 has been silent for long enough."""
EVENTS = END * 40
"""Those of version 1."""


def flood(first: int, n: int, at: int) -> list[Event]:
    """Make one event of each of n versions."""
    return [
        (Kind.FEATURES, feature(at, version=f"x{i}", amount=1.0)) for i in range(first, first + n)
    ]


def known(pipeline: Pipeline) -> list[str]:
    return sorted({series.version for series, _ in pipeline.evaluator.model.chains})


def test_new_series_of_all_partitions_find_no_more_room_than_the_limit() -> None:
    """Each partition knows four, the model knows four of all; the others' events are counted."""
    pipeline = Pipeline(FOUR, partitions=4)
    pipeline.fold(flood(0, 400, T0))
    pipeline.fold([(Kind.FEATURES, feature(T0 + 100 * MINUTE, version="x0"))] * 4)
    pipeline.step()
    model = pipeline.evaluator.model
    assert len(model.chains) == 4
    assert model.refused()["series"] == 4 * 4 - 4


def test_who_was_silent_for_a_week_is_forgotten_with_all_that_was_kept() -> None:
    """A chain with its results and a learner with its rows leave for two newcomers; restarts bring nothing back."""
    pipeline = Pipeline(replace(FOUR, limits=Limits(series_max=2, raw_rows_max=100_000)))
    features = [event for event in stream(END, END) if event[0] is Kind.FEATURES]
    pipeline.fold([*flood(0, 1, T0), *features])
    pipeline.step()
    assert known(pipeline) == ["1", "x0"]
    before = pipeline.store.peek(pipeline.evaluator.key)
    one, learner = Series("m", "1"), Series("m", "x0")
    assert chain_field(one, Kind.FEATURES) in before
    later = T0 + (END * 4 // 24 + 2 * FORGOTTEN_AFTER_DAYS) * DAY_MS
    pipeline.fold([*flood(1, 2, later), *flood(1, 1, later + 600 * MINUTE)])
    pipeline.step()
    assert known(pipeline) == ["x1", "x2"]
    after = pipeline.store.peek(pipeline.evaluator.key)
    gone = [
        chain_field(one, Kind.FEATURES),
        learn_field(learner, Kind.FEATURES, T0 // (20 * MINUTE)),
    ]
    gone += [result_field(one, Kind.FEATURES, 0, slot) for slot in range(RESULTS_KEPT)]
    assert not after.keys() & set(gone)
    pipeline.restart()
    assert known(pipeline) == ["x1", "x2"]


def given_up(*cuts: int) -> list[dict[str, Any]]:
    """Tell the alerts where version 1 drifts, time passes by one that finds no room, and 1 leaves for x1.

    There is a step and a restart after each portion of the events, `cuts` tell where these begin.
    """
    pipeline = Pipeline(ONE)
    own = [event for event in stream(END, DRIFT) if event[0] is Kind.FEATURES]
    refused = flood(2, 1, GONE - 3 * DAY_MS)
    assert len(own) == EVENTS
    events = [*own, *refused, *flood(1, 1, GONE), *flood(1, 1, GONE + 600 * MINUTE)]
    for first, end in pairwise([0, *cuts, len(events)]):
        pipeline.fold(events[first:end])
        pipeline.step()
        assert not pending_fields("m", pipeline.store.peek(pipeline.evaluator.key))
        pipeline.restart()
    assert known(pipeline) == ["x1"]
    return pipeline.told()


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    return given_up()


def test_who_leaves_for_a_newcomer_has_its_incidents_resolved_and_told_why(
    told: list[dict[str, Any]],
) -> None:
    """Every episode that was open ends once, in the last window before the newcomer came, and asks for nothing."""
    last = {alert["data"]["episode_id"]: alert for alert in told if "members" not in alert["data"]}
    left = [alert for alert in last.values() if "no longer watched" in alert["data"]["summary"]]
    assert {alert["data"]["column"] for alert in left} >= {"amount", "channel", "age"}
    assert {alert["data"]["phase"] for alert in last.values()} == {"resolved"}
    for alert in left:
        data = alert["data"]
        assert (data["severity"], data["recommendation"]["action"]) == ("info", "none")
        assert data["score"]["note"] == (
            "no longer watched: silent for a week, its place went to a newcomer"
        )
        assert GONE - 2 * WINDOW < milliseconds(data["window"]["end"]) <= GONE
    ids = [alert["id"] for alert in told]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("cuts", [(EVENTS,), (EVENTS // 3, EVENTS - 1, EVENTS + 1)])
def test_what_is_told_of_who_leaves_hangs_on_no_portion_and_no_restart(
    told: list[dict[str, Any]], cuts: tuple[int, ...]
) -> None:
    """The same alerts, whether the newcomer comes in one step with the drift, after it, or after a silence."""
    assert given_up(*cuts) == told


def test_a_chain_whose_deletion_was_lost_does_not_come_back() -> None:
    """The process ended between the commit and the deletion: the list of the known decides."""
    pipeline = Pipeline(WIDE)
    pipeline.fold([*flood(0, 3, T0), *flood(0, 3, T0 + 600 * MINUTE)])
    pipeline.step()
    model = pipeline.evaluator.model
    fields = pipeline.state()
    del model.rosters[Kind.FEATURES].days[Series("m", "x1")]
    model.rosters[Kind.FEATURES].changed = True
    fields |= model.fields()
    again = Pipeline(WIDE).evaluator.model
    again.restore(model.base(), fields)
    assert sorted(series.version for series, _ in again.chains) == ["x0", "x2"]
    assert again.settled()


def test_a_state_without_lists_keeps_its_chains() -> None:
    """It was written before there were any."""
    pipeline = Pipeline(WIDE)
    pipeline.fold([*flood(0, 3, T0), *flood(0, 3, T0 + 600 * MINUTE)])
    pipeline.step()
    fields = {f: v for f, v in pipeline.state().items() if not f.startswith(b"n:")}
    again = Pipeline(WIDE).evaluator.model
    again.restore(pipeline.evaluator.model.base(), fields)
    assert len(again.chains) == 3
    assert len(again.rosters[Kind.FEATURES].days) == 3
