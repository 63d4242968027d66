"""The ladder's decisions, and the schedule in which they are written down."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.ingest.ladder import RUNGS, LadderRules, next_rung, rate_of
from stream.ingest.schedule import STEPS_KEPT, Schedule

RULES = LadderRules()
rungs = st.integers(0, RUNGS)
lags = st.floats(0, 1e6) | st.just(float("inf"))
loads = st.floats(0, 2)
FIXED = 0.25
"""Of the cost of an event, what is spent whether it is kept or not."""


@given(rung=rungs, lag=lags, busy=loads, since=st.floats(0, 100), lowest=st.integers(1, RUNGS))
def test_a_step_is_of_one_rung_within_the_ladder(
    rung: int, lag: float, busy: float, since: float, lowest: int
) -> None:
    told = next_rung(LadderRules(lowest), min(rung, lowest), lag, busy, since)
    assert 0 <= told <= lowest
    assert abs(told - min(rung, lowest)) <= 1


@given(rung=rungs, lag=lags, busy=loads)
def test_a_short_while_after_a_step_there_is_no_other(rung: int, lag: float, busy: float) -> None:
    assert next_rung(RULES, rung, lag, busy, 1.0) == rung


@given(rung=st.integers(1, RUNGS), lag=lags, busy=loads)
def test_it_goes_up_only_where_twice_the_work_would_not_bring_it_down(
    rung: int, lag: float, busy: float
) -> None:
    if next_rung(RULES, rung, lag, busy, 1e9) < rung:
        assert next_rung(RULES, rung - 1, 1e9, 0.999 * 2 * busy, 1e9) == rung - 1


@given(lag=lags)
def test_a_backlog_that_waits_for_others_is_not_thinned(lag: float) -> None:
    """A broker or a store that is slow leaves the worker idle."""
    assert next_rung(RULES, 0, lag, 0.3, 1e9) == 0


@pytest.mark.parametrize("load", [0.3, 0.7, 1.1, 1.5, 2.0, 3.0])
def test_under_a_load_that_stays_the_rate_settles(load: float) -> None:
    """A worker of made-up time: whatever the load, the last half of an hour sees no more than one step."""
    rung, backlog, stepped, steps = 0, 0.0, 0, []
    for second in range(3_600):
        cost = FIXED + (1 - FIXED) * rate_of(rung)
        read = min(backlog + load, 1.0 / cost)
        backlog += load - read
        told = next_rung(RULES, rung, backlog / max(read, 1e-9), read * cost, second - stepped)
        if told != rung:
            rung, stepped = told, second
            steps.append(second)
    assert backlog < load * RULES.lag_s * 2
    assert len([second for second in steps if second > 1_800]) <= 1
    assert (rung > 0) == (load > 1)


# -- the schedule ----------------------------------------------------------------------------------------------------

changes = st.lists(st.tuples(st.integers(0, 60), rungs), max_size=12).map(sorted)


@given(noted=changes, cuts=st.sets(st.integers(1, 79)))
def test_every_offset_has_the_rate_noted_last_before_it(
    noted: list[tuple[int, int]], cuts: set[int]
) -> None:
    """However the offsets are asked for."""
    schedule, wanted = Schedule(), np.ones(80)
    for offset, rung in noted:
        schedule.note(offset, rung)
        wanted[offset:] = rate_of(rung)
    parts = np.split(np.arange(80), sorted(cuts))
    told = [np.broadcast_to(schedule.rates(part), part.shape) for part in parts]
    assert np.concatenate(told).tolist() == wanted.tolist()
    assert Schedule(schedule.until(80)).steps == schedule.steps


@given(noted=changes)
def test_the_same_rates_are_written_down_in_one_way(noted: list[tuple[int, int]]) -> None:
    """So states that are equal have equal bytes: no step that changes nothing, nor two at one offset."""
    schedule = Schedule()
    for offset, rung in noted:
        schedule.note(offset, rung)
    offsets = [offset for offset, _ in schedule.steps]
    told = [0, *(rung for _, rung in schedule.steps)]
    assert offsets == sorted(set(offsets))
    assert all(a != b for a, b in pairwise(told))


def test_a_schedule_is_bounded_and_keeps_its_newest_steps() -> None:
    schedule = Schedule()
    for offset in range(2 * STEPS_KEPT):
        schedule.note(offset, offset % 3)
    assert len(schedule.steps) == STEPS_KEPT
    assert schedule.rung(2 * STEPS_KEPT - 1) == (2 * STEPS_KEPT - 1) % 3
    assert schedule.rung(0) == schedule.steps[0][1], "the oldest that is known"


@pytest.mark.parametrize("steps", [[(3, 1), (3, 2)], [(5, 1), (3, 2)], [(0, 7)], [(0, -1)]])
def test_what_is_no_schedule_is_refused(steps: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="schedule"):
        Schedule(steps)
