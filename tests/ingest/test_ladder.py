"""The ladder's decisions, and the schedule in which they are written down."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.ingest.ladder import MAKES_UP, RUNGS, LadderRules, Load, next_rung, rate_of
from stream.ingest.schedule import STEPS_KEPT, Schedule

RULES = LadderRules()
rungs = st.integers(0, RUNGS)
loads = st.builds(
    Load, st.floats(0, 1e6) | st.just(float("inf")), st.floats(0, 2), st.floats(-100, 1)
)


@given(rung=rungs, load=loads, since=st.floats(0, 100), lowest=st.integers(1, RUNGS))
def test_a_step_is_of_one_rung_within_the_ladder(
    rung: int, load: Load, since: float, lowest: int
) -> None:
    told = next_rung(LadderRules(lowest), min(rung, lowest), load, since)
    assert 0 <= told <= lowest
    assert abs(told - min(rung, lowest)) <= 1


@given(rung=rungs, load=loads)
def test_a_short_while_after_a_step_there_is_no_other(rung: int, load: Load) -> None:
    assert next_rung(RULES, rung, load, 1.0) == rung


@given(rung=st.integers(1, RUNGS), load=loads)
def test_it_goes_up_only_where_twice_the_work_would_not_bring_it_down(
    rung: int, load: Load
) -> None:
    if next_rung(RULES, rung, load, 1e9) < rung:
        then = Load(1e9, 0.999 * 2 * load.busy, -1.0)
        assert next_rung(RULES, rung - 1, then, 1e9) == rung - 1


@given(load=loads, busy=st.floats(0, 0.79))
def test_a_backlog_that_waits_for_others_is_not_thinned(load: Load, busy: float) -> None:
    """A broker or a store that is slow leaves the worker idle."""
    assert next_rung(RULES, 0, replace(load, busy=busy), 1e9, 0.0) == 0


@given(load=loads, made_up=st.floats(MAKES_UP, 1))
def test_a_backlog_that_is_made_up_for_is_not_thinned(load: Load, made_up: float) -> None:
    assert next_rung(RULES, 0, replace(load, made_up=made_up), 1e9, 0.0) == 0


@given(rung=st.integers(0, RUNGS - 1), lag=st.floats(10.001, 1e6), busy=st.floats(0.8, 9),
       made_up=st.floats(-100, 0.199))  # fmt: skip
def test_a_long_backlog_of_a_busy_worker_that_hardly_shrinks_is_always_thinned(
    rung: int, lag: float, busy: float, made_up: float
) -> None:
    assert next_rung(RULES, rung, Load(lag, busy, made_up), RULES.down_s) == rung + 1


@given(rung=st.integers(1, RUNGS), busy=st.floats(0, 9), made_up=st.floats(-100, 1))
def test_without_a_backlog_a_step_up_is_tried_once_patience_is_over(
    rung: int, busy: float, made_up: float
) -> None:
    assert next_rung(RULES, rung, Load(0.0, busy, made_up), 99.0, 99.0) == rung - 1


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
