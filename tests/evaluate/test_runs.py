"""Panes of a large model are taken in together, some at once, and what comes of it is what each by itself brings."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.evaluate import known
from stream.evaluate.evaluator import step_all
from stream.evaluate.panes import runs
from stream.evaluate.panes.gather import Stored
from stream.ingest.partition import read_marks
from stream.words import Kind
from tests.evaluate.streams import CONFIG, DRIFT, LEARNED, Event, Pipeline, stream
from tests.events import APP, HOUR

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
