"""What follows the drift of a feature escalates it: a function of the stories, not of who tells first."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.event import DriftEvent, rfc3339
from stream.evaluate.judging.calm import Calm
from stream.evaluate.stories.consequences import Consequences, Reminder
from stream.evaluate.stories.spell import SOON, Meeting
from stream.evaluate.telling.report import Context
from stream.evaluate.telling.report_consequence import meeting_event
from stream.ingest.sample import SampleRules
from stream.words import Kind, Series
from tests.sinks.events import drift_event

SERIES = Series("flights", "1")
KINDS = (Kind.FEATURES, Kind.PREDICTIONS, Kind.ERRORS)
COLUMNS = {Kind.FEATURES: ("a", "b"), Kind.PREDICTIONS: ("prediction",), Kind.ERRORS: ("error",)}
NEVER, END = -(2**62), 70
WITHIN = 5
CALM = Calm(cooldown_ms=4, confirm_within_ms=WITHIN)
"""Windows are one millisecond long here, and end where their events say."""

SPELLS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 1), st.integers(1, 19), st.integers(1, 9)), max_size=14
)  # fmt: skip
Story = dict[Kind, list[DriftEvent]]


def event(
    kind: Kind, at: int, phase: str, number: int, column: str = "", onset: int | None = None, **more: Any
) -> DriftEvent:  # fmt: skip
    """Make the event of a window that ends at `at`; those of one number are one episode."""
    told = {"severity": "error", "kind": "concept_drift"} if kind is Kind.ERRORS else {}
    began = at - 1 if onset is None else onset
    data = {
        "episode_id": f"e{number}",
        "window": {"start": rfc3339(at - 1), "end": rfc3339(at)},
        "onset": {"estimate": rfc3339(began), "interval": [rfc3339(began), rfc3339(at)]},
        "recommendation": {"action": "investigate"},
    }
    identity = number * 1000 + at
    name = column or COLUMNS[kind][0]
    return drift_event(identity, column=name, time_ms=at, phase=phase, data=data, **(told | more))


def stories(spells: list[tuple[Kind, int, int, int]]) -> Story:
    """Make for each kind what its chain tells, in order of time; spells of a monitor that overlap are left out.

    Features that last are told again half way, and after their end.
    """
    told: Story = {kind: [] for kind in KINDS}
    busy: dict[tuple[Kind, str], int] = {}
    for number, (kind, which, start, length) in enumerate(sorted(spells, key=lambda s: s[2])):
        column, end = COLUMNS[kind][which % len(COLUMNS[kind])], start + length
        if start > busy.get((kind, column), -1):
            busy[kind, column] = end + 6
            told[kind].append(event(kind, start, "started", number, column))
            told[kind].append(event(kind, end, "resolved", number, column))
            if kind is Kind.FEATURES and length > 3:
                told[kind].append(event(kind, start + length // 2, "ongoing", number, column))
                told[kind].append(event(kind, end + 3, "ongoing", number, column))
                told[kind].append(event(kind, end + 6, "resolved", number, column))
    return {kind: sorted(events, key=lambda e: e.time_ms) for kind, events in told.items()}


def walk(story: Story, seed: int, *, restart: bool = False) -> list[Meeting | Reminder]:
    """Let the kinds advance by turns, as far as lots say; each to the end at last."""
    rng = random.Random(seed)  # noqa: S311 - a test wants the same numbers again
    consequences, passed = Consequences(CALM), dict.fromkeys(KINDS, 0)
    found: list[Meeting | Reminder] = []
    while min(passed.values()) < END:
        kind = rng.choice(KINDS)
        until = rng.randint(max(passed[kind], 0), END)
        of = [e for e in story[kind] if passed[kind] < e.time_ms <= until]
        consequences.note(SERIES, kind, of)
        passed[kind] = until
        found += consequences.advance(passed)
        if restart:
            payload, consequences = consequences.payload(), Consequences(CALM)
            consequences.restore("flights", payload)
    assert all(not spells for spells in consequences.spells.values())  # what is over is forgotten
    assert consequences.held == []
    return sorted(found, key=identity)


def identity(told: Meeting | Reminder) -> tuple[str, ...]:
    if isinstance(told, Meeting):
        return "meeting", told.cause.id, told.kind, told.effect.id, str(told.at_ms)
    return "reminder", told.event.id, "" if told.worst is None else told.worst.severity


@given(spells=SPELLS, seed=st.integers(0, 1000))
@settings(max_examples=150)
def test_what_follows_what_is_told_alike_at_any_paces_with_any_restarts(
    spells: list[tuple[Kind, int, int, int]], seed: int
) -> None:
    story = stories(spells)
    found = [identity(told) for told in walk(story, seed)]
    assert found == [identity(told) for told in walk(story, seed + 1)]
    assert found == [identity(told) for told in walk(story, seed, restart=True)]


@given(spells=SPELLS)
@settings(max_examples=150)
def test_a_feature_meets_the_first_of_a_kind_that_begins_with_it_or_soon_after_and_lasts(
    spells: list[tuple[Kind, int, int, int]],
) -> None:
    """The twin looks at the whole stories at once."""
    story = stories(spells)
    spans = {
        kind: [(s, next(e for e in of if e.phase == "resolved" and _same(e, s)).time_ms)
               for s in of if s.phase == "started"]
        for kind, of in story.items()
    }  # fmt: skip
    expected = []
    for cause, end in spans[Kind.FEATURES]:
        soon = cause.time_ms + SOON
        for kind, until, least in (
            (Kind.PREDICTIONS, soon, 0),
            (Kind.ERRORS, cause.time_ms + WITHIN, soon),
        ):
            met = [
                (max(effect.time_ms, least), effect.time_ms, effect.id)
                for effect, over in spans[kind]
                if cause.time_ms <= effect.time_ms <= until
                and max(effect.time_ms, least) < min(end, over)
            ]
            if met:
                at, _, effect_id = min(met)
                expected.append(("meeting", cause.id, kind, effect_id, str(at)))
    found = [identity(told) for told in walk(story, 1) if isinstance(told, Meeting)]
    assert found == sorted(expected)


@given(spells=SPELLS)
@settings(max_examples=100)
def test_a_reminder_is_as_severe_as_what_its_episode_met_before(
    spells: list[tuple[Kind, int, int, int]],
) -> None:
    found = walk(stories(spells), 2)
    meetings = [told for told in found if isinstance(told, Meeting)]
    for reminder in (told for told in found if isinstance(told, Reminder)):
        before = [
            m for m in meetings if _same(m.cause, reminder.event) and m.at_ms <= reminder.event.time_ms
        ]  # fmt: skip
        worst = max(before, key=lambda m: (m.at_ms, m.kind is Kind.ERRORS), default=None)
        assert reminder.worst == worst


def _same(one: DriftEvent, other: DriftEvent) -> bool:
    return one.data["episode_id"] == other.data["episode_id"]


def met(*told: tuple[Kind, DriftEvent]) -> list[Meeting | Reminder]:
    consequences = Consequences(CALM)
    for kind, of in told:
        consequences.note(SERIES, kind, [of])
    return consequences.advance(dict.fromkeys(KINDS, END))


CAUSE = (Kind.FEATURES, event(Kind.FEATURES, 10, "started", 0))


def test_what_had_begun_before_the_feature_is_no_consequence_of_it() -> None:
    """Neither by its incident nor, where that came to light slowly, by its onset."""
    for at, onset, follows in ((9, 8, False), (10, 9, True), (12, 9, True), (12, 7, False)):
        effect = event(Kind.PREDICTIONS, at, "started", 1, onset=onset)
        assert bool(met(CAUSE, (Kind.PREDICTIONS, effect))) == follows


def test_a_feature_that_is_found_two_days_after_what_followed_it_is_escalated_all_the_same() -> (
    None
):
    """All three shift in the hour 10; the feature's shift is small and comes to light last."""
    found = met(
        (Kind.PREDICTIONS, event(Kind.PREDICTIONS, 11, "started", 1, onset=10)),
        (Kind.ERRORS, event(Kind.ERRORS, 13, "started", 2, onset=10)),
        (Kind.FEATURES, event(Kind.FEATURES, 58, "started", 0, onset=10)),
    )
    meetings = [m for m in found if isinstance(m, Meeting)]
    assert [(m.severity, m.at_ms) for m in meetings] == [("error", 58), ("critical", 58 + SOON)]
    told = [meeting_event(m, Context(b"", SampleRules(), 1.0)) for m in meetings]
    assert [t.data["phase"] for t in told] == ["escalated"] * 2
    advice: list[Any] = [t.data["recommendation"] for t in told]
    assert [a["action"] for a in advice] == ["investigate", "retrain"]


def test_the_onset_of_a_cause_may_lie_as_early_as_its_interval_says() -> None:
    """The lags that are tried lie apart, so an estimate may come a day after the truth."""
    late = event(Kind.FEATURES, 58, "started", 0, onset=33)
    late.data["onset"] = {"estimate": rfc3339(33), "interval": [rfc3339(10), rfc3339(50)]}
    for onset, follows in ((8, False), (10, True)):
        effect = event(Kind.PREDICTIONS, 11, "started", 1, onset=onset)
        assert bool(met((Kind.FEATURES, late), (Kind.PREDICTIONS, effect))) == follows


def test_what_follows_after_the_end_is_no_consequence_though_the_incident_comes_back() -> None:
    """A consequence is one of the beginning; else a monitor that comes and goes would be blamed for everything."""
    told = [
        event(Kind.FEATURES, at, phase, 0)
        for at, phase in ((13, "resolved"), (14, "ongoing"), (17, "resolved"))
    ]
    effect = (Kind.ERRORS, event(Kind.ERRORS, 14, "started", 1))
    found = met(CAUSE, *((Kind.FEATURES, of) for of in told), effect)
    assert [of for of in found if isinstance(of, Meeting)] == []
    assert len(met(CAUSE, effect)) == 1


def test_errors_confirm_after_the_time_in_which_predictions_may_follow() -> None:
    """So the story never goes back from critical to error."""
    worse = event(Kind.ERRORS, 10, "started", 1)
    moved = event(Kind.PREDICTIONS, 10 + SOON, "started", 2)
    told = met(CAUSE, (Kind.ERRORS, worse), (Kind.PREDICTIONS, moved))
    meetings = [m for m in told if isinstance(m, Meeting)]
    assert [(m.severity, m.at_ms) for m in meetings] == [("error", 13), ("critical", 13)]


def test_what_a_hard_rule_has_told_as_an_error_is_not_told_again_when_predictions_follow() -> None:
    effect = (Kind.PREDICTIONS, event(Kind.PREDICTIONS, 11, "started", 1))
    hard = event(Kind.FEATURES, 10, "started", 0, severity="error")
    assert met((Kind.FEATURES, hard), effect) == []
    for at, times in ((11, 0), (12, 1)):
        raised = event(Kind.FEATURES, at, "escalated", 0, severity="error")
        assert len(met(CAUSE, (Kind.FEATURES, raised), effect)) == times


def test_errors_that_shrink_or_whose_labels_break_confirm_nothing() -> None:
    unlike: tuple[dict[str, Any], ...] = ({"severity": "info"}, {"detector": "missing"})
    for more in unlike:
        assert met(CAUSE, (Kind.ERRORS, event(Kind.ERRORS, 11, "started", 1, **more))) == []
    assert len(met(CAUSE, (Kind.ERRORS, event(Kind.ERRORS, 11, "started", 1)))) == 1


def test_series_do_not_meet_one_another_and_a_new_reference_ends_the_spells_of_its_chain() -> None:
    consequences = Consequences(CALM)
    consequences.note(SERIES, Kind.FEATURES, [CAUSE[1]])
    other = Series("flights", "1", (("origin", "EWR"),))
    consequences.note(other, Kind.PREDICTIONS, [event(Kind.PREDICTIONS, 10, "started", 1)])
    assert consequences.advance(dict.fromkeys(KINDS, 11)) == []
    consequences.end(SERIES, Kind.FEATURES, 11)
    consequences.note(SERIES, Kind.PREDICTIONS, [event(Kind.PREDICTIONS, 11, "started", 2)])
    assert consequences.advance(dict.fromkeys(KINDS, 16)) == []
    assert consequences.spells[Kind.FEATURES] == []


def test_only_reminders_of_features_wait() -> None:
    """An alarm is told at once, and so is its end."""
    consequences = Consequences(CALM)
    for kind in KINDS:
        for phase in ("started", "escalated", "ongoing", "resolved"):
            of = event(kind, 10, phase, 3)
            waits = kind is Kind.FEATURES and phase == "ongoing"
            assert consequences.note(SERIES, kind, [of]) == ([] if waits else [of])
