"""A reference with a step in it says so, and one that is badly so judges nobody by it."""

from dataclasses import replace

import numpy as np

from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.standing import Standing
from stream.reference.reference import Reference
from tests.evaluate.hours import DAY, MONDAY, RULES, WEEK, alarms, chain, feed, hours, reference
from tests.events import HOUR

STEP_AT = WEEK + 3 * DAY
"""An hour of the reference; where that has three weeks, on 2025-12-25."""


def stepped(size: float, weeks: int = 3) -> Reference:
    levels = np.zeros(weeks * WEEK)
    levels[STEP_AT:] = size
    return reference(hours(levels, 1))


def standing(of: Alarms, column: str | None = "x") -> Standing:
    return next(s for s in of.standing(1e-3) if s.column == column)


def test_a_steady_reference_has_nothing_to_say() -> None:
    of = Alarms(stepped(0.0), 0, RULES)
    assert (standing(of).state, standing(of).reason) == ("watching", "")
    assert list(of.unsteady()) == []


def test_a_step_is_told_with_its_size_and_day_and_the_column_is_watched() -> None:
    told = standing(Alarms(stepped(0.6), 0, RULES))
    assert told.state == "watching"
    assert told.reason.startswith("its reference is not homogeneous: a step of 0.")
    assert told.reason.endswith(" sd on 2025-12-25")
    assert told.detectable["location"] > 0


def test_a_step_of_more_than_a_standard_deviation_is_refused_with_what_to_do() -> None:
    """The volume beside it is watched as before."""
    of = Alarms(stepped(-3.0), 0, RULES)
    told = standing(of)
    assert told.state == "unwatched"
    assert " sd on 2025-12-25; build it from a quieter time" in told.reason
    assert told.detectable == {}
    assert standing(of, None).state == "watching"


def test_verdicts_of_a_refused_column_say_why_and_alarm_by_hard_rules_alone() -> None:
    judged = feed(chain(stepped(-3.0)), hours([-3.0, 2.0, 2.0], 2))
    layered = {"location", "spread", "shape", "missing"}
    told = [f.verdict for j in judged for f in j.findings if f.verdict.detector in layered]
    assert told
    assert all(v.note.startswith("unwatched: its reference is not homo") for v in told)
    assert {(v.p_value, bool(v.alarm)) for v in told} == {(None, False)}
    assert alarms(judged) == []


def test_a_refused_column_stays_refused_after_a_restart() -> None:
    of = Alarms(stepped(-3.0), 0, RULES)
    again = Alarms(stepped(-3.0), 0, RULES, of.payload())
    assert list(again.standing(1e-3)) == list(of.standing(1e-3))


def test_a_reference_that_rolls_heals_when_the_step_has_left_it() -> None:
    """Of a history of one week nothing older than that counts, so the same reference is watched."""
    rolling = replace(RULES, compare="rolling", history_ms=7 * DAY * HOUR)
    assert standing(Alarms(stepped(-3.0), 0, rolling)).state == "watching"
    of = chain(stepped(-3.0, weeks=2), rolling)
    windows = hours(np.full(WEEK + 1, -3.0), 2)
    feed(of, windows[:1])
    assert [s.state for s in of.standings[0]] == ["unwatched", "watching"]
    feed(of, windows[1:], MONDAY + HOUR)
    assert [s.state for s in of.standings[0]] == ["watching", "watching"]
