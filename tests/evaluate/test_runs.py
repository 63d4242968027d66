"""Panes of a large model are taken in together, some at once, and what comes of it is what each by itself brings."""

from collections.abc import Callable, Sequence
from dataclasses import replace as replaced
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stream.config import Limits, ReferenceConfig
from stream.evaluate import known
from stream.evaluate.evaluator import step_all
from stream.evaluate.panes import runs
from stream.evaluate.panes.gather import Stored
from stream.ingest.partition import read_marks
from stream.ingest.roster import DAY_MS, FORGOTTEN_AFTER_DAYS
from stream.reference.fleet import Fleet
from stream.words import Kind
from tests.evaluate.streams import CONFIG, DRIFT, LEARNED, WINDOW, Event, Pipeline, stream
from tests.events import APP, HOUR, T0, feature

WINDOWS = DRIFT + 4
EVERY = [4 * HOUR, 8 * HOUR]


@cache
def events() -> list[Event]:
    """Give events of a whole and two segments, of which one comes late."""
    rare = (b'"e1300"', b'"e1301"', b'"e2100"')
    made = stream(WINDOWS, DRIFT, segments=True)
    return [
        (kind, value.replace(b'"FR"', b'"IT"') if any(one in value for one in rare) else value)
        for kind, value in made
    ]


class Patient(Pipeline):
    """An evaluation that may leave panes for later; `bases` notes how far features were after each step."""

    def step(self, *, flush: bool = False) -> None:
        """Evaluate what has closed, or some of it."""
        marks = read_marks(self.store, APP, self.sources)
        step_all([self.evaluator], marks, flush=flush, patient=() if flush else frozenset(Kind))
        self.alerts += self.evaluator.outbox.values()
        self.evaluator.acknowledge(list(self.evaluator.outbox))
        self.bases.append(self.evaluator.model.bases[Kind.FEATURES])

    bases: list[int]


def played(run: Pipeline, size: int, restart_at: Sequence[int] = ()) -> Pipeline:
    """Take in a week at once, then the rest in portions, each evaluated."""
    every, first = events(), len(events()) * (LEARNED + 4) // WINDOWS
    cuts = [0, *range(first, len(every), size), len(every)]
    for i, (start, end) in enumerate(pairwise(cuts)):
        run.fold(every[start:end])
        run.step()
        if i in restart_at:
            run.restart()
    run.step(flush=True)
    return run


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every model count as large."""
    monkeypatch.setattr(known, "LARGE", 1)


@pytest.mark.parametrize(("size", "restart_at"), [(30, (3, 20)), (1_000, ())])
def test_panes_taken_in_together_leave_the_state_and_the_alerts_of_each_by_itself(
    monkeypatch: pytest.MonkeyPatch, size: int, restart_at: Sequence[int]
) -> None:
    expected = played(Pipeline(CONFIG, partitions=2), size)  # small, so pane by pane
    together: list[int] = []
    whole = runs.Run.summed

    def counting(run: runs.Run) -> Any:
        summed = whole(run)
        together.append(0 if summed is None else len(run.panes))
        return summed

    monkeypatch.setattr(known, "LARGE", 1)

    monkeypatch.setattr(runs.Run, "summed", counting)
    run = Patient(CONFIG, partitions=2)
    run.bases = []
    played(run, size, restart_at)
    assert max(together) == 4, "no run goes over the end of a window"
    assert len(run.told()) > 3
    assert run.told() == expected.told()
    assert run.state() == expected.state()


def test_a_large_model_moves_when_a_window_ends_and_not_with_every_pane(large: None) -> None:
    """Though a rare segment learns; but nor does it wait while many values are learned from."""
    run = Patient(CONFIG)
    run.bases = []
    played(run, 20)  # of three topics: less than a pane
    learned = next(i for i, base in enumerate(run.bases) if base > 0) + 1
    moved = sorted(set(run.bases[learned:-1]))
    assert {base for base in range(moved[0], moved[-1] + 1) if base % 4 == 0} <= set(moved)
    assert len(moved) < (moved[-1] - moved[0]) / 2


@pytest.mark.parametrize(("rows", "waits"), [(2_000, False), (100, True)])
def test_a_large_model_that_learned_from_many_rows_moves_with_the_next_pane(
    large: None, rows: int, waits: bool
) -> None:
    """Partitions hold only so many raw rows that nobody has learned from; a few may wait."""
    run = Patient(replace(CONFIG, reference=ReferenceConfig(learn_events=100_000, bins=10)))
    run.bases = []
    for hour in range(12):
        at = T0 + hour * HOUR
        run.fold([(Kind.FEATURES, feature(at + i, amount=1.0)) for i in range(rows)])
        run.step()
    moved = [base for base in run.bases if base > 0]
    assert (moved != list(range(moved[0], moved[0] + len(moved)))) == waits


SETTLED = LEARNED + 4
"""Windows after which version 1 is judged by what was learned of it."""
NEXT = (T0 + SETTLED * WINDOW) // DAY_MS * DAY_MS + DAY_MS
"""A day begins then, and windows of both sizes; all that is learned from lies before."""


def settled(*, series_max: int = 10) -> Pipeline:
    """Let version 1 learn its features, and be judged by what it learned."""
    config = replace(CONFIG, limits=Limits(series_max=series_max, raw_rows_max=100_000))
    run = Pipeline(config, partitions=2)
    run.fold([event for event in stream(SETTLED, SETTLED) if event[0] is Kind.FEATURES])
    run.step()
    return run


def hours(first: int, n: int = 4) -> list[Event]:
    """Make some events of version 1 in each of some hours, and two that close them, one for each partition."""
    at = [first + i * HOUR // 10 for i in range(n * 10)] + [first + 10 * HOUR] * 2
    return [(Kind.FEATURES, feature(ms, amount=i % 7 / 2, calm=0.1)) for i, ms in enumerate(at)]


def promote(run: Pipeline, fleet: Fleet, at_ms: int) -> None:
    """Let another reference judge version 1 from a time on."""
    (first,) = run.fleet.book.all()
    fleet.publish(replaced(first, number=2, from_pane=at_ms // HOUR))


def compared(play: Callable[[], Pipeline], monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Play a story pane by pane, then with panes taken in together: the same state, alerts and counts."""
    expected = play()
    monkeypatch.setattr(known, "LARGE", 1)
    run = play()
    assert run.told() == expected.told()
    assert run.state() == expected.state()
    assert run.evaluator.model.refused() == expected.evaluator.model.refused()
    return run


def test_a_reference_that_changes_inside_a_run_judges_what_it_does_pane_by_pane(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All who fold know of it: two hours of a window are binned by the one, two by the other."""

    def play() -> Pipeline:
        run = settled()
        promote(run, run.fleet, NEXT + 2 * HOUR)
        run.fold(hours(NEXT))
        run.step()
        return run

    assert len(compared(play, monkeypatch).fleet.book.all()) == 2


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("hour", range(4))
def test_panes_that_were_binned_by_a_reference_that_had_ended_are_refused_wherever_in_a_run(
    monkeypatch: pytest.MonkeyPatch, hour: int, is_large: bool
) -> None:
    """Who folded them had not heard of the next one; nothing is judged by the wrong one without a word."""
    run = settled()
    if is_large:
        monkeypatch.setattr(known, "LARGE", 1)
    run.fold(hours(NEXT))
    promote(run, Fleet(run.store, APP), NEXT + hour * HOUR)
    with pytest.raises(RuntimeError, match="binned by another reference"):
        run.step()


def test_who_leaves_for_a_newcomer_inside_a_run_and_comes_back_in_it_finds_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is binned, as the partition on which it comes back still knows it; its place was taken on the other."""
    gone = NEXT + (FORGOTTEN_AFTER_DAYS + 1) * DAY_MS

    def play() -> Pipeline:
        run = settled(series_max=1)
        newcomer = (Kind.FEATURES, feature(gone, version="2", amount=1.0))
        back = (Kind.FEATURES, feature(gone + HOUR, amount=1.0, calm=0.1))
        later = (Kind.FEATURES, feature(gone + 10 * HOUR, version="2", amount=1.0))
        run.fold([newcomer, back, later, later])
        run.step()
        return run

    model = compared(play, monkeypatch).evaluator.model
    assert [series.version for series, _ in model.chains] == ["2"]
    assert model.refused()["series"] == 1


@given(base=st.integers(0, 500), panes=st.integers(1, 20))
def test_no_model_waits_for_longer_than_some_panes_nor_over_the_end_of_a_window(
    base: int, panes: int
) -> None:
    until = base + panes
    waits = runs.may_wait(base, until, HOUR, EVERY)
    if panes >= runs.WAIT_PANES or until // 4 > base // 4:
        assert not waits
    else:
        assert waits == all((number + 1) % runs.WAIT_PANES for number in range(base + 1, until + 1))


@pytest.mark.parametrize("every_h", [{4, 36}, {5}, {36}])
@given(numbers=st.sets(st.integers(0, 200), max_size=60))
def test_runs_are_the_panes_in_order_parted_where_windows_and_days_end(
    every_h: set[int], numbers: set[int]
) -> None:
    panes = [Stored("m", number, []) for number in sorted(numbers)]
    made = list(runs.runs(panes, HOUR, {n * HOUR for n in every_h}))
    assert [pane for run in made for pane in run.panes] == panes
    for run in made:
        first, last = run.panes[0].number, run.panes[-1].number
        assert all(first // n == last // n for n in every_h | {24})


@pytest.mark.parametrize(("panes", "parts"), [(32, [32]), (33, [32, 1]), (70, [32, 32, 6])])
def test_a_run_has_no_more_panes_than_can_be_added_up(panes: int, parts: list[int]) -> None:
    """Short ones: many close before a window ends."""
    of = [Stored("m", number, []) for number in range(panes)]
    made = runs.runs(of, HOUR // 60, {4 * HOUR})
    assert [len(run.panes) for run in made] == parts
