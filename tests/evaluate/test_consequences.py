"""Drift of a feature meets what drifts beside it: a function of the stories, not of who tells first."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.event import DriftEvent
from stream.evaluate.consequences import Consequences, Meeting
from stream.words import Kind, Series
from tests.sinks.events import drift_event

SERIES = Series("flights", "1")
KINDS = (Kind.FEATURES, Kind.PREDICTIONS, Kind.ERRORS)
COLUMNS = {Kind.FEATURES: ("a", "b"), Kind.PREDICTIONS: ("prediction",), Kind.ERRORS: ("error",)}
NEVER = -(2**62)

SPELLS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 1), st.integers(0, 19), st.integers(1, 9)), max_size=14
)  # fmt: skip
Story = dict[Kind, list[DriftEvent]]


def event(kind: Kind, column: str, at: int, phase: str, number: int, **more: Any) -> DriftEvent:
    told = {"severity": "error", "kind": "concept_drift"} if kind is Kind.ERRORS else {}
    return drift_event(number, column=column, time_ms=at, phase=phase, **(told | more))


def stories(spells: list[tuple[Kind, int, int, int]]) -> Story:
    """Make for each kind what its chain tells, in order of time; spells of a monitor that overlap are left out."""
    told: Story = {kind: [] for kind in KINDS}
    busy: dict[tuple[Kind, str], int] = {}
    for number, (kind, which, start, length) in enumerate(sorted(spells, key=lambda s: s[2])):
        column = COLUMNS[kind][which % len(COLUMNS[kind])]
        if start > busy.get((kind, column), -1):
            busy[kind, column] = start + length
            told[kind].append(event(kind, column, start, "started", 2 * number))
            told[kind].append(event(kind, column, start + length, "resolved", 2 * number + 1))
    return {kind: sorted(events, key=lambda e: e.time_ms) for kind, events in told.items()}


def walk(story: Story, seed: int, *, restart: bool = False) -> list[Meeting]:
    """Let the kinds advance by turns, as far as lots say; each to the end at last."""
    rng = random.Random(seed)  # noqa: S311 - a test wants the same numbers again
    consequences, passed = Consequences(), dict.fromkeys(KINDS, NEVER)
    found: list[Meeting] = []
    while min(passed.values()) < 40:
        kind = rng.choice(KINDS)
        until = rng.randint(max(passed[kind], 0), 40)
        of = [e for e in story[kind] if passed[kind] < e.time_ms <= until]
        consequences.note(SERIES, kind, of)
        passed[kind] = until
        found += consequences.advance(passed)
        if restart:
            payload, consequences = consequences.payload(), Consequences()
            consequences.restore("flights", payload)
    assert all(not spells for spells in consequences.spells.values())  # what is over is forgotten
    return sorted(found, key=lambda m: (m.cause.id, m.kind))


@given(spells=SPELLS, seed=st.integers(0, 1000))
@settings(max_examples=150)
def test_who_meets_whom_is_told_alike_at_any_paces_with_any_restarts(
    spells: list[tuple[Kind, int, int, int]], seed: int
) -> None:
    story = stories(spells)
    found = walk(story, seed)
    assert found == walk(story, seed + 1)
    assert [(m.cause.id, m.effect.id) for m in walk(story, seed, restart=True)] == [
        (m.cause.id, m.effect.id) for m in found
    ]


@given(spells=SPELLS)
@settings(max_examples=100)
def test_a_feature_meets_the_first_spell_of_a_kind_that_overlaps_its_own(
    spells: list[tuple[Kind, int, int, int]],
) -> None:
    """The twin looks at the whole stories at once."""
    story = stories(spells)
    spans = {
        kind: [(s, next(r for r in of if r.phase == "resolved" and r.column == s.column and r.time_ms > s.time_ms))
               for s in of if s.phase == "started"]
        for kind, of in story.items()
    }  # fmt: skip
    expected = []
    for kind in KINDS[1:]:
        for cause, end in spans[Kind.FEATURES]:
            over = [
                (max(cause.time_ms, start.time_ms), start.id)
                for start, last in spans[kind]
                if max(cause.time_ms, start.time_ms) < min(end.time_ms, last.time_ms)
            ]
            expected += [(cause.id, kind, min(over)[1])] if over else []
    assert [(m.cause.id, m.kind, m.effect.id) for m in walk(story, 1)] == sorted(expected)


def test_errors_that_shrink_or_whose_labels_break_confirm_nothing() -> None:
    for more in ({"severity": "info"}, {"detector": "missing"}):
        consequences = Consequences()
        consequences.note(SERIES, Kind.FEATURES, [event(Kind.FEATURES, "a", 1, "started", 0)])
        consequences.note(
            SERIES, Kind.ERRORS, [event(Kind.ERRORS, "error", 2, "started", 1, **more)]
        )
        assert consequences.advance(dict.fromkeys(KINDS, 9)) == []


def test_series_do_not_meet_one_another_and_a_new_reference_ends_the_spells_of_its_chain() -> None:
    consequences = Consequences()
    consequences.note(SERIES, Kind.FEATURES, [event(Kind.FEATURES, "a", 1, "started", 0)])
    other = Series("flights", "1", (("origin", "EWR"),))
    consequences.note(other, Kind.PREDICTIONS, [event(Kind.PREDICTIONS, "prediction", 2, "started", 1)])  # fmt: skip
    assert consequences.advance(dict.fromkeys(KINDS, 9)) == []
    consequences.end(SERIES, Kind.FEATURES, 10)
    consequences.note(SERIES, Kind.ERRORS, [event(Kind.ERRORS, "error", 11, "started", 2)])
    assert consequences.advance(dict.fromkeys(KINDS, 12)) == []
    assert consequences.spells[Kind.FEATURES] == []
