"""Models that are moved together tell and store what each would alone."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import pytest

from stream.evaluate.chains import together
from stream.evaluate.evaluator import Evaluator, step_all
from stream.ingest.partition import read_marks
from stream.state.memory import MemoryStore
from stream.state.store import Answer, Commit
from tests.evaluate.streams import CONFIG, DRIFT, Event, Pipeline, stream
from tests.events import APP

NAMES = ("a", "b", "c")
WINDOWS = DRIFT + 4
SEEN = 50
"""Windows before the first step: all is learned by then, and nothing drifts."""


@cache
def events() -> list[Event]:
    """Give the events of models that drift one after the other, in order of time."""
    of_each = [
        [
            (kind, value.replace(b'"model":"m"', b'"model":"%b"' % name.encode()))
            for kind, value in stream(WINDOWS, DRIFT + i, seed=i)
        ]
        for i, name in enumerate(NAMES)
    ]
    return [event for at_once in zip(*of_each, strict=True) for event in at_once]


class Several(Pipeline):
    """The evaluation of several models over one store; `move` steps them."""

    def __init__(self, move: Callable[..., Sequence[Answer]]) -> None:
        super().__init__(CONFIG)
        self.evaluators = [self.load(name) for name in NAMES]
        self.move = move

    def evaluate(self, *, flush: bool = False) -> Sequence[Answer]:
        """Evaluate what has closed, and deliver the alerts."""
        marks = read_marks(self.store, APP, self.sources)
        answers = self.move(self.evaluators, marks, flush=flush)
        for evaluator in self.evaluators:
            self.alerts += evaluator.outbox.values()
            evaluator.acknowledge(list(evaluator.outbox))
        return answers

    def play(self, portions: int) -> Iterator[Sequence[Answer]]:
        """Take in a week and more, then the rest in portions, each evaluated."""
        every = events()
        first = len(every) * SEEN // WINDOWS
        self.fold(every[:first])
        yield self.evaluate()
        size = -(-(len(every) - first) // portions)
        for start in range(first, len(every), size):
            self.fold(every[start : start + size])
            yield self.evaluate()
        yield self.evaluate(flush=True)

    def kept(self) -> dict[str, dict[bytes, bytes]]:
        """Tell all that is stored, but for the order in which references came in."""
        return {
            key: {f: value for f, value in fields.items() if not f.startswith(b"r:")}
            for key, fields in self.store._hashes.items()
        }


def alone(evaluators: Sequence[Evaluator], *args: Any, **kwargs: Any) -> list[Answer]:
    """Step one model after the other."""
    return [evaluator.step(*args, **kwargs) for evaluator in evaluators]


@pytest.fixture(scope="module")
def each() -> Several:
    """Models that are moved alone."""
    run = Several(alone)
    assert {answer for answers in run.play(20) for answer in answers} == {Answer.OK}
    return run


class Watched(Several):
    """Moved together; `beside`: models of each call that judges, `calls`: what the second step asks of the store."""

    def __init__(self) -> None:
        super().__init__(step_all)
        self.beside: list[int] = []
        self.calls: list[object] = []
        findings = together._findings

        def counting(seats: Sequence[Any]) -> Any:
            self.beside.append(len({seat.chain.series.model for seat in seats}))
            return findings(seats)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(together, "_findings", counting)
            steps = self.play(20)
            next(steps)
            with pytest.MonkeyPatch.context() as noting:
                self._note(noting, "read_many")
                self._note(noting, "commit_all")
                next(steps)
            for _ in steps:
                pass

    def _note(self, patch: pytest.MonkeyPatch, name: str) -> None:
        whole = getattr(MemoryStore, name)

        def noting(store: MemoryStore, asked: Sequence[Any]) -> Any:
            keys = [commit.key for commit in asked] if isinstance(asked[0], Commit) else name
            self.calls.append(keys)
            return whole(store, asked)

        patch.setattr(MemoryStore, name, noting)


@pytest.fixture(scope="module")
def run() -> Watched:
    """Models that are moved together."""
    return Watched()


def test_models_that_are_moved_together_leave_the_state_and_the_alerts_of_each_alone(
    each: Several, run: Watched
) -> None:
    assert run.beside.count(len(NAMES)) > 10, "windows of all models are judged in one call"
    assert len(run.alerts) > len(NAMES)
    assert run.told() == each.told()
    assert run.kept() == each.kept()


def test_a_model_that_somebody_else_has_taken_over_is_fenced_and_the_others_go_on(
    each: Several,
) -> None:
    run = Several(step_all)
    steps = run.play(20)
    assert list(next(steps)) == [Answer.OK] * 3
    run.store.take_over(run.evaluators[1].key)
    assert list(next(steps)) == [Answer.OK, Answer.FENCED, Answer.OK]
    run.evaluators[1] = run.load(NAMES[1])
    for answers in steps:
        assert set(answers) == {Answer.OK}
    assert sorted(run.alerts) == sorted(each.alerts)


def test_all_that_have_closed_are_read_and_committed_at_once(run: Watched) -> None:
    """However many models."""
    marks, *reads, commits = run.calls
    assert (marks, commits) == ("read_many", [evaluator.key for evaluator in run.evaluators])
    assert reads == ["read_many"] * 2 * 4, "indexes, and panes, of three kinds and for the join"
