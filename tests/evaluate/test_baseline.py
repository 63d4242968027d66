"""What windows are compared with: all in control, the latest of them, or the same hour a week before."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.alarms.memory import REACH
from detectors.arrays import Counts, Flags, Floats
from stream.evaluate.judging.baseline import Baseline, Compare
from stream.evaluate.judging.track import KEPT
from stream.evaluate.telling.report import Context, Told, drift_events
from stream.ingest.sample import SampleRules
from tests.evaluate.hours import (
    DAY,
    EVENTS,
    MONDAY,
    RULES,
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

DAY_MS = 24 * HOUR
ROLLING = replace(RULES, compare="rolling", history_ms=7 * DAY_MS)
LAST_WEEK = replace(RULES, compare="last_week", history_ms=14 * DAY_MS)


def days(compare: Compare, history: int = 14) -> Baseline:
    """Compare windows of days, so that a week is seven of them."""
    return Baseline(compare, history * DAY_MS, DAY_MS, 5)


def drawn(seed: int, T: int) -> tuple[Floats, Floats, Flags, Counts]:
    """Draw two signals of three columns, some windows without worth, some not in control, some not there."""
    rng = np.random.default_rng(seed)
    worth = rng.uniform(1, 9, (2, 3, T)) * (rng.random((1, 3, T)) > 0.2)
    at = np.sort(rng.choice(T + T // 4, T, replace=False))
    return rng.normal(size=(2, 3, T)), worth, rng.random((3, T)) > 0.3, at * DAY_MS + MONDAY


SEEDS = st.integers(0, 10**6)
LENGTHS = st.integers(1, 60)


@given(SEEDS, LENGTHS)
def test_fixed_learns_from_all_windows_in_control(seed: int, T: int) -> None:
    x, worth, calm, starts = drawn(seed, T)
    told = days("fixed").history(x, worth, calm, starts)
    np.testing.assert_array_equal(told.x, x)
    np.testing.assert_array_equal(told.worth, worth * calm)


@given(SEEDS, LENGTHS)
def test_rolling_learns_from_the_latest_windows_in_control(seed: int, T: int) -> None:
    """As many as the history has days; the twin goes back window by window."""
    x, worth, calm, starts = drawn(seed, T)
    rolling = days("rolling")
    told = rolling.history(x, worth, calm, starts)
    np.testing.assert_array_equal(told.x, x)
    for c in range(3):
        some = [t for t in range(T) if worth[0, c, t] > 0]
        expected = [t for t in some if calm[c, t]][-14:]
        if len(some) >= 14 and not calm[c, some[-14:]].any():
            expected = some[-14:]
        assert np.flatnonzero(told.worth[0, c]).tolist() == expected
        np.testing.assert_array_equal(told.worth[:, c, expected], worth[:, c, expected])


@given(SEEDS, LENGTHS)
@settings(max_examples=60)
def test_last_week_subtracts_the_latest_week_in_control_and_adds_the_variances(
    seed: int, T: int
) -> None:
    """At most so many weeks back as the history has; where none is in control, the week before."""
    x, worth, calm, starts = drawn(seed, T)
    told = days("last_week", history=21).history(x, worth, np.full_like(calm, True), starts)
    mixed = days("last_week", history=21)._since_last_week(x, worth, calm, (starts - starts[0]) // DAY_MS)  # fmt: skip
    place = {int(start): t for t, start in enumerate(starts)}
    for flags, of in ((np.full_like(calm, True), told), (calm, mixed)):
        for c in range(3):
            for t in range(T):
                before = [place.get(int(starts[t]) - k * 7 * DAY_MS) for k in (1, 2, 3)]
                good = [b for b in before if b is not None and flags[c, b] and worth[0, c, b] > 0]
                base = good[0] if good else before[0]
                if base is None or not (worth[0, c, t] and worth[0, c, base]):
                    assert of.worth[0, c, t] == 0
                elif of is mixed or of.worth[0, c, t]:  # the history keeps the latest alone
                    assert of.x[0, c, t] == x[0, c, t] - x[0, c, base]
                    variance = 1 / worth[0, c, t] + 1 / worth[0, c, base]
                    assert of.worth[0, c, t] == pytest.approx(1 / variance)
                    assert of.base[0, c, t] == x[0, c, base]


@pytest.mark.parametrize(
    ("days_back", "every", "expected"), [(28, DAY_MS, 28), (28, HOUR, KEPT), (7, DAY_MS, 28)]
)
def test_the_latest_windows_are_as_many_as_are_needed_and_as_are_kept(
    days_back: int, every: int, expected: int
) -> None:
    assert Baseline("rolling", days_back * DAY_MS, every, 28).latest == expected


@pytest.mark.parametrize(
    ("compare", "reach"), [("fixed", REACH), ("rolling", REACH), ("last_week", REACH + 14)]
)
def test_only_comparing_with_weeks_before_looks_further_back(compare: Compare, reach: int) -> None:
    assert days(compare).reach == reach


# -- streams -------------------------------------------------------------------------------------------------------


def test_a_level_that_stays_becomes_usual_if_the_reference_rolls_and_never_if_it_is_fixed() -> None:
    """After the history's length, at the next Monday: until then the incident lasts."""
    levels = np.full(2 * WEEK + 2 * DAY, 0.8)
    levels[:30] = 0.0
    windows = hours(levels, 2)
    flat = reference(hours(np.zeros(2 * WEEK), 1))
    rolling, fixed = (feed(chain(flat, by), windows) for by in (ROLLING, RULES))
    assert set(range(31, 2 * WEEK)) <= set(alarms(rolling))
    assert [h for h in alarms(rolling) if h >= 2 * WEEK] == []
    assert phases(rolling)[0] == (30, "started")
    assert phases(rolling)[-1] == (2 * WEEK + RULES.calm.clear_after - 1, "resolved")
    assert set(range(31, len(levels))) <= set(alarms(fixed))
    assert phases(fixed)[-1][1] != "resolved"


def odd_week(seed: int) -> Floats:
    """Make levels by hour of the week that no few waves describe."""
    return np.random.default_rng(seed).normal(0, 1, WEEK)


WEEKLY = odd_week(3)
SEASONAL = reference(hours(np.tile(WEEKLY, 4), 4))


def test_a_season_that_no_waves_describe_hides_nothing_from_last_week() -> None:
    """In control it is quiet; a step of a third of that season's spread is found within a day, and not by waves."""
    levels = np.tile(WEEKLY, 2)
    assert alarms(feed(chain(SEASONAL, LAST_WEEK), hours(levels, 5))) == []
    levels[3 * DAY :] += 0.35
    windows = hours(levels[: 5 * DAY], 5)
    found = alarms(feed(chain(SEASONAL, LAST_WEEK), windows))
    assert 3 * DAY <= found[0] < 4 * DAY
    assert alarms(feed(chain(SEASONAL, RULES), windows)) == []


def test_a_trouble_has_no_echo_a_week_later() -> None:
    """The hours that were not in control are no week to compare with: the one before them is."""
    levels = np.tile(WEEKLY, 3)
    levels[DAY : DAY + 12] += 2.0
    rules = replace(LAST_WEEK, off=frozenset({"out_of_range"}))  # which knows no weeks
    found = alarms(feed(chain(SEASONAL, rules), hours(levels, 6)))
    assert set(range(DAY, DAY + 12)) <= set(found)
    assert [h for h in found if h >= WEEK] == []


def test_missing_values_are_told_as_shares_whatever_they_are_compared_with() -> None:
    """Differences of arcsines are no shares, so what they are measured from is added again."""
    missing = np.random.default_rng(8).binomial(EVENTS, 0.1, 3 * WEEK).tolist()
    of = reference([hour(0.0, i, missing=k) for i, k in enumerate(missing)])
    judged = feed(chain(of, LAST_WEEK), [hour(0.0, 10**6, missing=k) for k in (34, 7, 120)])
    more, less, many = (
        next(f.verdict for f in j.findings if f.verdict.detector == "missing" and f.column == "x")
        for j in judged
    )
    assert (more.statistic, less.statistic, many.statistic) == (0.17, 0.035, 0.6)
    assert not more.alarm
    assert 0.17 < more.threshold < 0.65
    assert not less.alarm
    assert less.threshold < 0.035
    assert many.alarm
    assert 0.1 < many.threshold < 0.4


@pytest.mark.parametrize("rules", [RULES, ROLLING, LAST_WEEK], ids=lambda rules: rules.compare)
def test_the_alert_says_what_it_is_compared_with(rules: object) -> None:
    by = replace(RULES, compare=getattr(rules, "compare", "fixed"))
    of = chain(SEASONAL, by)
    windows = hours(WEEKLY[:2] + 9.0, 7)
    judged = feed(of, windows)
    context = Context(b"\x01" * 16, SampleRules(), 1.0)
    events = [e for j in judged for e in drift_events(of, j, context, Told(0, 0))]
    assert events
    baselines = [event.data["baseline"] for event in events]
    assert {b["kind"] for b in baselines if isinstance(b, dict)} == {by.compare}
