"""A shift that lasts is one incident, from its first alarm until the level is back, however long that takes."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from detectors.arrays import Floats
from detectors.summaries.summary import Summary
from stream.evaluate.judging import track
from stream.reference.reference import Reference
from tests.evaluate.hours import (
    DAY,
    EVENTS,
    LAYOUT,
    MONDAY,
    RULES,
    WEEK,
    alarms,
    chain,
    feed,
    hours,
    phases,
    reference,
)
from tests.events import HOUR

QUIET = RULES.calm.clear_after
LASTING = 10 * DAY
"""Hours: longer than any step that is looked for lies back."""


def wander(n: int, seed: int) -> Floats:
    """A level that comes and goes: a first-order autoregression of correlation 0.9 and standard deviation 0.3."""
    rng = np.random.default_rng(seed)
    level = np.zeros(n)
    for i in range(1, n):
        level[i] = 0.9 * level[i - 1] + rng.normal(0, 0.3 * np.sqrt(1 - 0.9**2))
    return level


@cache
def own() -> Reference:
    return reference(hours(wander(4 * WEEK, 0), 1))


@pytest.mark.parametrize("seed", range(3))
def test_a_shift_that_lasts_is_over_when_the_level_is_back_and_not_when_it_is_no_news(
    seed: int,
) -> None:
    """In a stream that wanders most hours of it are not surprising, and yet the incident goes on."""
    of = chain(own())
    shifted = feed(of, hours(1.1 + wander(LASTING, 20 + seed), 2 + seed))
    ((_, phase),) = phases(shifted)
    assert phase == "started"
    told = alarms(shifted)
    assert max(later - one for one, later in pairwise(told)) > QUIET
    back = feed(of, hours(wander(2 * DAY, 30 + seed), 12 + seed), MONDAY + LASTING * HOUR)
    ((ended, phase),) = phases(back)  # and the way back is no step down
    assert phase == "resolved"
    assert LASTING + QUIET - 1 <= ended < LASTING + DAY


def test_a_spike_is_over_as_soon_as_it_has_passed() -> None:
    levels = np.zeros(DAY)
    levels[5] = 1.5
    assert phases(feed(chain(own()), hours(levels, 6))) == [(5, "started"), (5 + QUIET, "resolved")]


def test_values_that_stay_broken_are_one_incident_though_a_night_is_too_small_to_alarm() -> None:
    """One value in ten, of 200 by day and of 40 by night: it is over when the values are whole again."""

    def broken(i: int, one_in: int = 10) -> Summary:
        events = EVENTS if i % DAY < 12 else 40
        values: list[object] = list(np.random.default_rng(i).normal(0, 1, events))
        values[: events // one_in] = ["n/a"] * (events // one_in)
        return Summary.of(LAYOUT, {"x": values})

    judged = feed(
        chain(own()), [broken(i) if i < DAY else broken(i, 10**6) for i in range(2 * DAY)]
    )
    told = alarms(judged)
    assert max(later - one for one, later in pairwise([*told, DAY])) > QUIET
    assert phases(judged) == [(0, "started"), (DAY + QUIET - 1, "resolved")]


def test_an_incident_that_outlasts_the_history_is_judged_by_what_was_learned_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When nothing in control is left of what a column was learned from, it is not learned anew from its drift."""
    kept, lasting = 2 * WEEK, 3 * WEEK
    monkeypatch.setattr(track, "KEPT", kept)
    of = chain(reference(hours(np.zeros(2), 7)))
    feed(of, hours(np.zeros(kept), 8))
    shifted = feed(of, hours(np.ones(lasting), 9), MONDAY + kept * HOUR)
    assert [phase for _, phase in phases(shifted)] == ["started"]
    notes = [f.verdict.note for f in shifted[-1].findings if f.column == "x"]
    assert not any(note.startswith("learning") for note in notes)
    back = feed(of, hours(np.zeros(DAY), 10), MONDAY + (kept + lasting) * HOUR)
    assert [phase for _, phase in phases(back)] == ["resolved"]
    again = feed(of, hours(np.ones(2), 11), MONDAY + (kept + lasting + DAY) * HOUR)
    assert [phase for _, phase in phases(again)] == ["started"]
