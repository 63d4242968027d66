"""An incident starts once, escalates upwards only, and ends when everybody has been quiet long enough."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import Verdict
from stream.evaluate.judging.calm import Calm
from stream.evaluate.stories.incidents import (
    LASTS,
    RANK,
    Change,
    Held,
    Incident,
    Severity,
    advance,
    strongest,
)

SEVERITIES: Sequence[Severity] = ("info", "warning", "error", "critical")
CLEAR_AFTER = 3
PLAIN = Calm(CLEAR_AFTER)


def verdict(
    name: str, alarm: bool, p: float | None = 0.01, effect: float = 1.0, note: str = ""
) -> Verdict:
    return Verdict(name, 2.0, 1.0, p, effect, alarm, 100, 1000, None, note)


WINDOW = st.tuples(
    st.sampled_from([60, 240]),
    st.dictionaries(st.sampled_from(["psi", "missing", "adwin"]), st.booleans(), min_size=1),
    st.sampled_from(SEVERITIES),
)
WINDOWS = st.lists(WINDOW, max_size=40)
Windows = list[tuple[int, dict[str, bool], Severity]]


def run(windows: Windows, *, restart: bool = False, calm: Calm = PLAIN) -> list[tuple[int, Change]]:
    incident: Incident | None = None
    changes = []
    for i, (size, alarms, severity) in enumerate(windows):
        if restart and incident is not None:
            incident = Incident.restore(incident.payload())
        verdicts = [verdict(name, alarm) for name, alarm in alarms.items()]
        incident, change = advance(incident, "m|x", size, i, verdicts, severity, "data_drift", calm)
        if change is not None:
            changes.append((i, change))
    return changes


@given(windows=WINDOWS)
@settings(max_examples=150)
def test_the_phases_of_an_incident_come_in_their_order(windows: Windows) -> None:
    """Started, then escalations of growing severity, then resolved; then, if at all, a new one."""
    open_now: Incident | None = None
    for i, change in run(windows):
        _, alarms, severity = windows[i]
        if change.phase == "started":
            assert open_now is None
            assert any(alarms.values())
            assert (change.incident.severity, change.incident.started_ms) == (severity, i)
        else:
            assert open_now is not None
            assert change.incident.episode_id == open_now.episode_id
            assert change.incident.started_ms == open_now.started_ms
        if change.phase == "escalated":
            assert open_now is not None
            assert RANK[change.incident.severity] > RANK[open_now.severity]
        open_now = None if change.phase == "resolved" else replace(change.incident)
        assert change.verdict.detector in alarms


@given(windows=WINDOWS)
@settings(max_examples=150)
def test_an_incident_is_resolved_exactly_when_all_who_spoke_were_quiet_long_enough(
    windows: Windows,
) -> None:
    """The twin keeps for every (size, detector) that alarmed the windows of that size since."""
    since: dict[tuple[int, str], int] = {}
    resolved = []
    for i, (size, alarms, _) in enumerate(windows):
        if since:
            for key in since:
                since[key] += key[0] == size
        since |= {(size, name): 0 for name, alarm in alarms.items() if alarm}
        before = bool(since)
        since = {key: quiet for key, quiet in since.items() if quiet < CLEAR_AFTER}
        if before and not since:
            resolved.append(i)
    assert [i for i, change in run(windows) if change.phase == "resolved"] == resolved


@given(windows=WINDOWS)
@settings(max_examples=50)
def test_an_incident_goes_on_after_a_restart_as_before(windows: Windows) -> None:
    """And its name depends on the monitor, the window and its end, on nothing else."""
    assert run(windows, restart=True) == run(windows)
    often = Calm(CLEAR_AFTER, 4, 5)
    assert run(windows, restart=True, calm=often) == run(windows, calm=often)
    names = [change.incident.episode_id for _, change in run(windows) if change.phase == "started"]
    assert len(set(names)) == len(names)


def test_an_incident_that_the_last_version_wrote_goes_on() -> None:
    """It knew of no levels."""
    incident, _ = advance(None, "m|x", 60, 0, [verdict("psi", True)], "warning", "drift", PLAIN)
    assert incident is not None
    payload = incident.payload()
    payload[5] = [[size, name, 2] for (size, name) in incident.active]
    assert Incident.restore(payload).active == {(60, "psi"): Held(2, 0.0)}


@given(windows=WINDOWS, every=st.integers(1, 3))
@settings(max_examples=150)
def test_an_incident_that_lasts_is_told_again_at_intervals_each_seven_times_the_last(
    windows: Windows, every: int
) -> None:
    """Not earlier, at the first alarm then that is more than information, and nothing else that is told changes."""
    told = run(windows, calm=Calm(CLEAR_AFTER, every))
    ends = [*(i for i, _ in told[1:]), len(windows)]
    reminders = 0
    for (i, change), end in zip(told, ends, strict=True) if told else ():
        reminders = {"started": 0, "ongoing": reminders + 1}.get(change.phase, reminders)
        due = range(i + every * 7**reminders, end)
        missed = [at for at in due if any(windows[at][1].values()) and windows[at][2] != "info"]
        assert change.phase == "resolved" or missed == []
    for (i, _), (j, change) in pairwise(told):
        assert change.phase != "ongoing" or j - i >= every * 7 ** (change.incident.reminders - 1)
    phases = [(i, c.phase, c.incident.episode_id) for i, c in told if c.phase != "ongoing"]
    assert phases == [(i, c.phase, c.incident.episode_id) for i, c in run(windows)]


@given(windows=WINDOWS, cooldown=st.integers(1, 9))
@settings(max_examples=100)
def test_an_alarm_soon_after_the_end_continues_the_episode_and_a_later_one_begins_another(
    windows: Windows, cooldown: int
) -> None:
    """Never told as a start, and never as less than it was; so each level is escalated to once an episode."""
    told = run(windows, calm=Calm(CLEAR_AFTER, None, cooldown))
    assert len(told) <= len(run(windows))
    levels: dict[str, int] = {}
    for (i, before), (j, after) in pairwise(told):
        same = before.incident.episode_id == after.incident.episode_id
        assert same == (before.phase != "resolved" or j - i <= cooldown)
        assert (after.phase == "started") == (not same)
        assert after.returned == (same and before.phase == "resolved")
    for _, change in told:
        name, level = change.incident.episode_id, RANK[change.incident.severity]
        assert level >= levels.get(name, 0)
        assert (level > levels.get(name, level)) == (change.phase == "escalated")
        levels[name] = level


def test_a_monitor_that_comes_and_goes_is_one_episode_and_soon_one_that_just_stays() -> None:
    """Ten times an hour of trouble and four of calm: twice the calm is asked for after the first return."""
    windows: Windows = [(60, {"psi": i % 5 == 0}, "warning") for i in range(50)]
    told = [change for _, change in run(windows, calm=Calm(CLEAR_AFTER, None, 2))]
    assert len({change.incident.episode_id for change in told}) == 1
    assert [change.phase for change in told] == ["started", "resolved", "ongoing"]


def test_the_quiet_that_an_incident_needs_doubles_with_its_returns_up_to_four_times() -> None:
    assert [Calm(3).quiet_needed(returns) for returns in range(5)] == [3, 6, 12, 12, 12]


HOUR, DAY = 1, 24
BOTH = replace(PLAIN, cooldown_ms=DAY, sizes_ms=(HOUR, DAY))


def days(
    loud: Sequence[bool], calm: Calm, severity: Severity = "warning"
) -> list[tuple[int, Change]]:
    """Judge hours, and each day that has `loud` ones in it: its own window alarms, too, and is of this severity."""
    incident: Incident | None = None
    told = []
    for end in range(1, len(loud) + 1):
        windows = [(HOUR, loud[end - 1], "warning"), (DAY, any(loud[end - DAY : end]), severity)]
        for size, alarm, worth in windows[: 1 + (end % DAY == 0)]:
            incident, change = advance(
                incident, "m|x", size, end, [verdict("location", alarm)], worth, "data_drift", calm
            )
            if change is not None:
                told.append((end, change))
    return told


@given(st.integers(0, 40), st.integers(1, 20), st.sampled_from([0, DAY]))
@settings(max_examples=100)
def test_an_episode_of_hours_is_told_once_and_no_day_that_has_it_brings_it_back(
    first: int, hours: int, cooldown: int
) -> None:
    loud = [first <= at < first + hours for at in range(5 * DAY)]
    told = days(loud, replace(BOTH, cooldown_ms=cooldown))
    assert [(end, change.phase) for end, change in told] == [
        (first + 1, "started"),
        (first + hours + CLEAR_AFTER, "resolved"),
    ]


def test_a_day_that_finds_worse_than_its_hours_told_brings_the_episode_back() -> None:
    loud = [18 <= at < 20 for at in range(2 * DAY)]
    phases = [(end, change.phase, change.returned) for end, change in days(loud, BOTH, "error")]
    assert phases == [(19, "started", False), (23, "resolved", False), (24, "escalated", True)]


def test_what_lasts_is_taken_over_by_the_first_day_that_lies_wholly_in_it() -> None:
    """From then on it is not over before the days are quiet, too."""
    loud = [18 <= at < 2 * DAY for at in range(7 * DAY)]
    told = days(loud, BOTH)
    assert [change.phase for _, change in told] == ["started", "resolved"]
    assert told[1][0] == (2 + CLEAR_AFTER) * DAY


def test_what_days_alone_find_is_told_by_them() -> None:
    incident, change = advance(
        None, "m|x", DAY, DAY, [verdict("location", True)], "warning", "data_drift", BOTH
    )
    assert change is not None
    assert change.phase == "started"
    for day in range(2, 2 + CLEAR_AFTER):
        quiet = [verdict("location", False)]
        incident, change = advance(
            incident, "m|x", DAY, day * DAY, quiet, "info", "data_drift", BOTH
        )
    assert change is not None
    assert change.phase == "resolved"
    again = [verdict("location", True)]
    _, change = advance(
        incident, "m|x", DAY, (2 + CLEAR_AFTER) * DAY, again, "warning", "data_drift", BOTH
    )
    assert change is not None
    assert (change.phase, change.returned) == ("ongoing", True)


def test_what_was_told_stays_as_it_was_told() -> None:
    """An alert of the start, written after the incident has grown worse, tells of the start."""
    windows: Windows = [(60, {"psi": True}, "warning"), (60, {"psi": True}, "critical")]
    started, escalated = (change.incident.severity for _, change in run(windows))
    assert (started, escalated) == ("warning", "critical")


def test_the_strongest_verdict_is_a_hard_rule_then_the_smallest_p_then_the_largest_effect() -> None:
    hard = verdict("frozen", True, None, 0.1, "hard rule: constant")
    small, smaller = verdict("psi", True, 1e-3), verdict("psi", True, 1e-9)
    strong, plain = verdict("a", True, None, 5.0), verdict("b", True, None, 1.0)
    assert strongest([small, hard, smaller]) is hard
    assert strongest([small, smaller, plain]) is smaller
    assert strongest([plain, strong]) is strong
    assert strongest([verdict("b", True), verdict("a", True)]).detector == "a"


def test_a_detector_that_cannot_tell_keeps_an_incident_open() -> None:
    """Too few events are neither alarm nor quiet; while it learns it has its hard rule, which is quiet here."""
    once = Calm(1)
    incident, _ = advance(None, "m|x", 60, 0, [verdict("psi", True)], "warning", "data_drift", once)
    for note, phase in (
        ("too few events: 7 of 30", None),
        ("learning: 3 of 28 windows", "resolved"),
    ):
        mute = [verdict("psi", False, note=note)]
        incident, change = advance(incident, "m|x", 60, 1, mute, "info", "data_drift", once)
        assert (change and change.phase) == phase


AWAY = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.3, 0.5, 0.9, 1.0, 2.0, 5.0])


@given(windows=st.lists(st.tuples(st.booleans(), AWAY), max_size=40))
@settings(max_examples=300)
def test_an_incident_lasts_as_long_as_the_level_is_not_most_of_the_way_back(
    windows: list[tuple[bool, float]],
) -> None:
    """The twin looks back from each window: to the latest alarm by a level, and whether the newest were far nearer."""
    incident: Incident | None = None
    ends, since = [], 0
    for i, (alarm, away) in enumerate(windows):
        one = replace(verdict("location", alarm), away=away)
        before = incident is not None
        incident, change = advance(incident, "m|x", 60, i, [one], "warning", "data_drift", PLAIN)
        if change is not None and change.phase == "resolved":
            ends.append(i)
        if not before:
            since = i
        loud = [at for at in range(since, i + 1) if windows[at][0]]
        last = next((windows[at][1] for at in reversed(loud) if windows[at][1]), 0.0)
        newest = windows[max(since, i - CLEAR_AFTER + 1) : i + 1]
        back = [
            not told and not (far * last > 0 and abs(far) >= LASTS * abs(last))
            for told, far in newest
        ]
        assert (ends[-1:] == [i]) == (before and len(back) == CLEAR_AFTER and all(back))


def test_a_cause_tells_the_story_rather_than_its_consequence() -> None:
    """Missing values shift a distribution, and no p-value of the shift makes it the story."""
    shifted, missing = verdict("chi_square", True, p=1e-300), verdict("missing", True, p=1e-9)
    assert strongest([shifted, missing]) is missing
    assert strongest([shifted, replace(missing, effect=0.1)]) is shifted
