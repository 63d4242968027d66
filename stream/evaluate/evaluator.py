"""Moves models: reads the panes that have closed, lets the models judge them, commits, and keeps the outboxes.

Of many models each has little to move, and what is dear is to ask the store and to judge. So all that move together
(`step_all`) are read at once, judged side by side and committed at once, each by its own compare-and-set.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import partial

from stream.evaluate.model import Model, ModelRules, advance_all
from stream.evaluate.model_state import needed_from
from stream.evaluate.owned import DONE, Owned, finish
from stream.evaluate.panes.gather import (
    Merged,
    Span,
    Stored,
    gather_panes,
    gather_rows,
    is_absent,
    watermark_of,
)
from stream.evaluate.panes.runs import Run, runs
from stream.evaluate.telling.report import Told
from stream.ingest.fold import NEVER
from stream.ingest.partition import Marks
from stream.ingest.raw import Source
from stream.reference.fleet import Fleet
from stream.reference.plans import Plans
from stream.state.store import Answer, Commit, Store, model_key
from stream.words import INPUTS, Kind

__all__ = ["Evaluator", "step_all"]


class Evaluator(Owned):
    """The owner of one model. `load` first; then `step` it, or `step_all`, whenever marks have moved."""

    def __init__(
        self, store: Store, app: str, name: str, rules: ModelRules, fleet: Fleet, plans: Plans, lateness_ms: int,
        sources: Sequence[Source],
    ) -> None:  # fmt: skip
        super().__init__(store, model_key(app, name))
        self.model = Model(
            name, rules, fleet.book, fleet.publish, plans.at, partial(store.read, self.key)
        )
        self.app = app
        self.fleet = fleet
        self.lateness_ms = lateness_ms
        self.pane_ms = rules.learning.pane_ms
        self.sources = {kind: [s for s in sources if s.kind is kind] for kind in INPUTS}
        self._revision = fleet.book.revision

    def load(self) -> None:
        """Take the model over and restore what was committed of it."""
        taken = self.take_over()
        self.fleet.refresh()
        self.model.restore(taken.base, taken.fields)

    def step(
        self,
        marks: Mapping[Source, Marks | None],
        *,
        upto_ms: int | None = None,
        flush: bool = False,
    ) -> Answer:
        """Move this model alone; see `step_all`."""
        (answer,) = step_all([self], marks, upto_ms=upto_ms, flush=flush)
        return answer

    def conclude(self, absent: Container[Kind], flush: Told | None) -> None:
        """End a step: what several kinds tell together, and the commit of what changed, if anything did."""
        model = self.model
        model.meet(absent)
        if flush is not None:
            model.flush(flush)
        if model.changed or model.base() != self.base:
            self.prepare(model.base(), model.fields())

    def settle(self, done: Commit) -> None:
        """Know that the commit under way is done, and delete what it leaves over."""
        super().settle(done)
        self._keep_references()
        gone = self.model.settled()
        if gone:
            self.store.remove(self.key, self.epoch, gone, self.base)

    def _keep_references(self) -> None:
        """See that the references which the state now names are in the store: it may have gone back since they were."""
        if self._revision != self.fleet.book.revision:
            self.fleet.refresh()
            self._revision = self.fleet.book.revision

    def evaluated(self, kind: Kind) -> int:
        """Tell the first pane of a topic's kind that may still be needed."""
        return needed_from(self.model.base())[kind]


def step_all(
    evaluators: Sequence[Evaluator],
    marks: Mapping[Source, Marks | None],
    *,
    upto_ms: int | None = None,
    flush: bool = False,
    patient: Container[Kind] = (),
) -> list[Answer]:
    """Evaluate what has closed since the last step of each model, and commit it.

    No pane is evaluated that begins at `upto_ms` or later. The models are those of one worker, loaded with the same
    sources. What each tells and stores is what it would alone, and its answer is nothing to the others. `flush` closes
    the windows that are still open, as a replay does at its end. Of `patient` kinds, large models leave what closes
    between two windows' ends for later, some panes at most (see `runs`). On StoreUnavailable call again: commits under
    way are finished first.

    Cost: three round trips a kind that has moved, and two at most for all commits, however many models. Beside these,
    of each model: one for each part of its state that judging asks for, one if something is to be removed, and the
    commit of one that is too large to go with the others.
    """
    answers = finish(evaluators)
    going = [e for e in evaluators if answers.get(e.key, Answer.OK) in DONE]
    for kind in Kind:
        _advance(going, kind, marks, upto_ms, patient=kind in patient)
    absent = {kind for kind in Kind if is_absent(kind, marks)}
    for evaluator in going:
        evaluator.conclude(absent, _told(Kind.FEATURES, marks) if flush else None)
    answers |= finish(going)
    return [answers.get(e.key, Answer.OK) for e in evaluators]


def _advance(
    evaluators: Sequence[Evaluator], kind: Kind, marks: Mapping[Source, Marks | None], upto_ms: int | None,
    *, patient: bool,
) -> None:  # fmt: skip
    """Let models take in what has closed of a kind."""
    watermark = watermark_of(kind, marks)
    if watermark == NEVER:
        if kind is Kind.ERRORS and is_absent(Kind.LABELS, marks):
            for evaluator in evaluators:
                evaluator.model.wait_for_labels()
        return
    if not evaluators:
        return
    first = evaluators[0]
    until = (watermark - first.lateness_ms) // first.pane_ms
    if upto_ms is not None:
        until = min(until, upto_ms // first.pane_ms)
    due = [e.model for e in evaluators if e.model.bases[kind] < until]
    if patient and kind is not Kind.ERRORS:
        due = [model for model in due if not model.may_wait(kind, until)]
    if not due:
        return
    closed_ms = until * first.pane_ms + first.lateness_ms
    wanted = {model.name: Span(model.bases[kind], until, closed_ms) for model in due}
    moves: list[tuple[Model, Iterable[Merged | Run]]]
    if kind is Kind.ERRORS:
        halves = (k for k in (Kind.PREDICTIONS, Kind.LABELS) if not is_absent(k, marks))
        both = [source for half in halves for source in first.sources[half]]
        rows = gather_rows(first.store, first.app, wanted, both)
        moves = [(model, model.joined(rows[model.name])) for model in due]
    else:
        panes = gather_panes(first.store, first.app, wanted, first.sources[kind])
        first.fleet.refresh()  # a pane may be binned by a reference that another worker has just learned
        moves = [(model, _in_order(model, panes[model.name])) for model in due]
    advance_all(moves, kind, until, _told(kind, marks))


def _in_order(model: Model, panes: Sequence[Stored]) -> Iterable[Merged | Run]:
    """Give panes as a model takes them in, each read when its turn comes."""
    if model.is_large:
        return runs(panes, model.rules.learning.pane_ms, frozenset(model.every_ms))
    return (pane.merged() for pane in panes)


def _told(kind: Kind, marks: Mapping[Source, Marks | None]) -> Told:
    late = sum(m.counters.late for s, m in marks.items() if m and s.kind is kind)
    return Told(max(watermark_of(kind, marks), 0), late)
