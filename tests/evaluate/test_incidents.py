"""An incident starts once, escalates upwards only, and ends when everybody has been quiet long enough."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import Verdict
from stream.evaluate.incidents import RANK, Change, Incident, Severity, advance, strongest

SEVERITIES: Sequence[Severity] = ("info", "warning", "error", "critical")
CLEAR_AFTER = 3


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


def run(windows: Windows, *, restart: bool = False) -> list[tuple[int, Change]]:
    incident: Incident | None = None
    changes = []
    for i, (size, alarms, severity) in enumerate(windows):
        if restart and incident is not None:
            incident = Incident.restore(incident.payload())
        verdicts = [verdict(name, alarm) for name, alarm in alarms.items()]
        incident, change = advance(
            incident, "m|x", size, i, verdicts, severity, "data_drift", CLEAR_AFTER
        )
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
    names = [change.incident.episode_id for _, change in run(windows) if change.phase == "started"]
    assert len(set(names)) == len(names)


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
    """Learning, or too few events, is neither alarm nor quiet."""
    incident, _ = advance(None, "m|x", 60, 0, [verdict("psi", True)], "warning", "data_drift", 1)
    for note in ("learning: 3 of 10 windows", "too few events: 7 of 30"):
        mute = [verdict("psi", False, note=note)]
        incident, change = advance(incident, "m|x", 60, 1, mute, "info", "data_drift", 1)
        assert incident is not None
        assert change is None


def test_a_cause_tells_the_story_rather_than_its_consequence() -> None:
    """Missing values shift a distribution, and no p-value of the shift makes it the story."""
    shifted, missing = verdict("chi_square", True, p=1e-300), verdict("missing", True, p=1e-9)
    assert strongest([shifted, missing]) is missing
    assert strongest([shifted, replace(missing, effect=0.1)]) is shifted
