"""In an excluded time only hard rules speak, nothing is learned, and what comes after is as if it had not been."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from detectors.summaries.summary import Summary
from stream.config.calendar import Calendar, span_of
from stream.evaluate.chains.case import Judged
from stream.evaluate.chains.chain import Chain
from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.extra import ExtraRule
from stream.evaluate.stories.incidents import Held
from stream.reference.history import History
from stream.reference.reference import Reference
from stream.state.codec import pack, unpack
from tests.evaluate.hours import (
    DAY,
    EVENTS,
    MONDAY,
    RULES,
    SERIES,
    WEEK,
    alarms,
    chain,
    feed,
    hour,
    hours,
    phases,
    reference,
)
from tests.events import HOUR

HOLIDAYS = Calendar((span_of("holidays", "2026-01-07", "2026-01-08"),))
"""The third and the fourth day of the chain."""
FIRST, END = 2 * DAY, 4 * DAY
EXCLUDING = replace(RULES, calendar=HOLIDAYS)


@cache
def own() -> Reference:
    return reference(hours(np.zeros(WEEK), 1))


@cache
def with_holidays_at(level: float, rules_exclude: bool = True) -> tuple[Judged, ...]:
    levels = np.zeros(6 * DAY)
    levels[FIRST:END] = level
    return tuple(feed(chain(own(), EXCLUDING if rules_exclude else RULES), hours(levels, 2)))


def verdicts(judged: Judged) -> list[object]:
    return [(f.column, f.verdict) for f in judged.findings]


def test_drift_in_an_excluded_time_is_scored_and_not_judged() -> None:
    """The same hours alarm where nothing is excluded."""
    assert set(range(FIRST + 1, END)) <= set(alarms(with_holidays_at(1.5, rules_exclude=False)))
    inside = with_holidays_at(1.5)[FIRST:END]
    assert alarms(inside) == []
    told = [f.verdict for j in inside for f in j.findings]
    assert {v.note for v in told} == {"excluded: holidays"}
    assert {v.p_value for v in told} == {None}
    psi = [v.statistic for v in told if v.detector == "psi"]
    assert len(psi) == END - FIRST
    assert min(psi) > 1


def test_what_comes_before_and_after_is_judged_as_if_nothing_had_been() -> None:
    """Whatever the excluded hours held, all verdicts outside are the same, and so is how monitors stand."""
    usual, other = with_holidays_at(0.0), with_holidays_at(1.5)
    outside = [*range(FIRST), *range(END, len(usual))]
    assert [verdicts(other[i]) for i in outside] == [verdicts(usual[i]) for i in outside]
    assert alarms(other) == []


def test_only_the_named_days_are_excluded() -> None:
    noted = [
        i
        for i, judged in enumerate(with_holidays_at(0.0))
        if any(f.verdict.note.startswith("excluded") for f in judged.findings)
    ]
    assert noted == list(range(FIRST, END))


def test_hard_rules_speak_in_an_excluded_time() -> None:
    """Nothing but missing values is broken on holidays, too."""
    windows = hours(np.zeros(FIRST + 3), 3)
    windows[FIRST + 1] = hour(0.0, 9, missing=EVENTS)
    judged = feed(chain(own(), EXCLUDING), windows)
    assert alarms(judged) == [FIRST + 1]
    assert phases(judged) == [(FIRST + 1, "started")]
    spoke = {f.verdict.detector for f in judged[FIRST + 1].findings if f.verdict.alarm}
    assert spoke == {"missing"}


def test_an_incident_neither_ends_nor_goes_on_in_an_excluded_time() -> None:
    """One that began before is not told as over by the quiet of the holidays: it is over when it is seen to be."""
    levels = np.zeros(FIRST + 4 * DAY)
    levels[FIRST - 3 : FIRST] = 1.5
    windows = hours(levels, 4)
    of = chain(own(), EXCLUDING)
    feed(of, windows[:FIRST])
    before = dict(of.incidents["x"].active)
    inside = feed(of, windows[FIRST:END], MONDAY + FIRST * HOUR)
    assert phases(inside) == []
    assert of.incidents["x"].active == before
    after = phases(feed(of, windows[END:], MONDAY + END * HOUR))
    assert [phase for _, phase in after][-1:] in ([], ["resolved"])


def test_an_incident_of_a_hard_rule_in_an_excluded_time_counts_no_quiet_of_others() -> None:
    """What was loud before and is not asked now keeps the count that it had."""
    levels = np.zeros(FIRST + 2)
    levels[FIRST - 3 :] = 1.5
    windows = hours(levels, 5)
    windows[FIRST + 1] = hour(0.0, 9, missing=EVENTS)
    of = chain(own(), EXCLUDING)
    feed(of, windows[:FIRST])
    before = dict(of.incidents["x"].active)
    feed(of, windows[FIRST:], MONDAY + FIRST * HOUR)
    assert of.incidents["x"].active == before | {(HOUR, "missing"): Held()}


def with_history(windows: list[Summary]) -> Reference:
    starts = MONDAY - HOUR * np.arange(len(windows), 0, -1, dtype=np.int64)
    return replace(own(), histories=(History(starts, tuple(windows)),))


def test_the_references_own_windows_in_an_excluded_time_teach_the_alarm_layer_nothing() -> None:
    """Two references that differ in these alone give the same layer; without the calendar another."""
    span = span_of("launch", "2026-01-01", "2026-01-01")
    rules = replace(RULES, calendar=Calendar((span,)))
    levels = np.zeros(2 * WEEK)
    other = levels.copy()
    launch = slice(2 * WEEK - 4 * DAY, 2 * WEEK - 3 * DAY)
    other[launch] = 1.5
    told = []
    for of in (levels, other):
        known = with_history(hours(of, 6))
        layers = (Alarms(known, 0, by).layer for by in (rules, RULES))
        told += [pack("layer", 1, layer.payload()) for layer in layers]
    quiet, whole_quiet, loud, whole_loud = told
    assert loud == quiet
    assert len({quiet, whole_quiet, whole_loud}) == 3


def test_few_events_are_not_held_over_into_or_out_of_an_excluded_time() -> None:
    windows = hours(np.zeros(END + 2), 7)
    few = Summary.of(own().layout, {"x": [0.1] * 12})
    windows[FIRST - 1] = windows[END - 1] = few
    judged = feed(chain(own(), EXCLUDING), windows)
    for at in (FIRST, END):
        assert judged[at].closed.start_ms == MONDAY + at * HOUR
        assert events(judged[at]) == EVENTS
    assert events(judged[END - 1]) == 12


def events(judged: Judged) -> int:
    return 0 if judged.closed.summary is None else judged.closed.summary.n


@pytest.mark.parametrize("cut", [FIRST - 1, FIRST + 5, END + 5])
def test_going_on_from_a_payload_changes_nothing(cut: int) -> None:
    levels = np.zeros(END + 10)
    levels[FIRST:END] = 1.5
    windows = hours(levels, 2)
    whole = feed(chain(own(), EXCLUDING), windows)
    of = chain(own(), EXCLUDING)
    feed(of, windows[:cut])
    payload = unpack(pack("chain", 1, of.payload()), "chain", 1)[1]
    again = Chain.restore(SERIES, of.kind, own(), EXCLUDING, of._plan_at, payload)
    told = feed(again, windows[cut:], MONDAY + cut * HOUR)
    assert [verdicts(j) for j in told] == [verdicts(j) for j in whole[cut:]]


def test_an_exclusion_that_is_made_afterwards_counts_for_the_past_after_a_restart() -> None:
    """Nobody names a launch before it was: what was kept of it is left out from then on."""
    levels = np.zeros(END + 3)
    levels[FIRST:END] = 1.5
    windows = hours(levels, 2)
    of = chain(own(), RULES)
    feed(of, windows[:END])
    again = Chain.restore(SERIES, of.kind, own(), EXCLUDING, of._plan_at, of.payload())
    late = feed(again, windows[END:], MONDAY + END * HOUR)
    never = feed(chain(own(), EXCLUDING), windows)[END:]
    layered = {"location", "spread", "shape", "missing"}
    told = [[f.verdict for f in j.findings if f.verdict.detector in layered] for j in late]
    assert told == [[f.verdict for f in j.findings if f.verdict.detector in layered] for j in never]


def test_detectors_asked_for_do_not_see_an_excluded_time() -> None:
    """Their sums go on after it where they stood before it."""
    rules = replace(EXCLUDING, extra=(ExtraRule("cusum", {"threshold": 1e9, "mean": 0.0}),))
    told = []
    for level in (0.0, 1.5):
        levels = np.zeros(END + 1)
        levels[FIRST:END] = level
        of = chain(own(), rules)
        feed(of, hours(levels, 2))
        told.append([extra.payload() for extra in of.extras["x"]])
    assert told[0] == told[1]


def test_rates_of_broken_values_are_not_learned_from_an_excluded_time() -> None:
    """A reference of a few windows grows by those after it alone."""
    of = chain(reference(hours(np.zeros(4), 8)), EXCLUDING)
    windows = hours(np.zeros(END + 3), 8)
    feed(of, windows[FIRST:], MONDAY + FIRST * HOUR)
    grown = [window.counts.tolist() for window in of.grown[0].summaries]
    assert grown == [window.counts.tolist() for window in windows[END:]]
