"""Moves one model: reads the panes that have closed, lets the model judge them, commits, and keeps the outbox."""

from collections.abc import Mapping, Sequence
from functools import partial

from stream.evaluate.model import Model, ModelRules
from stream.evaluate.model_state import needed_from
from stream.evaluate.panes.gather import gather_panes, gather_rows, is_absent, watermark_of
from stream.evaluate.telling.report import Told
from stream.ingest.fold import NEVER
from stream.ingest.partition import Marks
from stream.ingest.raw import Source
from stream.reference.fleet import Fleet
from stream.reference.plans import Plans
from stream.state.store import Answer, Commit, Store, model_key
from stream.words import INPUTS, Kind

__all__ = ["Evaluator"]


class Evaluator:
    """The owner of one model. `load` first; then `step` whenever marks have moved.

    After FENCED or CONFLICT the owner drops this object and loads anew. `outbox` holds what is committed and not yet
    acknowledged: field -> CloudEvent bytes, in order.
    """

    def __init__(
        self, store: Store, app: str, name: str, rules: ModelRules, fleet: Fleet, plans: Plans, lateness_ms: int,
        sources: Sequence[Source],
    ) -> None:  # fmt: skip
        self.key = model_key(app, name)
        self.model = Model(
            name, rules, fleet.book, fleet.publish, plans.at, partial(store.read, self.key)
        )
        self.outbox: dict[bytes, bytes] = {}
        self._store = store
        self._app = app
        self._fleet = fleet
        self._lateness_ms = lateness_ms
        self._pane_ms = rules.learning.pane_ms
        self._sources = {kind: [s for s in sources if s.kind is kind] for kind in INPUTS}
        self._epoch = 0
        self._base = b""
        self._commits = 0
        self._revision = fleet.book.revision
        self._pending: Commit | None = None

    def load(self) -> None:
        """Take the model over and restore what was committed of it."""
        taken = self._store.take_over(self.key)
        self._epoch, self._base = taken.epoch, taken.base
        self._fleet.refresh()
        self.model.restore(taken.base, taken.fields)
        self.outbox = {f: v for f, v in sorted(taken.fields.items()) if f.startswith(b"o:")}

    def step(
        self,
        marks: Mapping[Source, Marks | None],
        *,
        upto_ms: int | None = None,
        flush: bool = False,
    ) -> Answer:
        """Evaluate what has closed since the last step, but no pane that begins at `upto_ms` or later, and commit it.

        `flush` closes the windows that are still open, as a replay does at its end. On StoreUnavailable call again: a
        commit under way is finished first.
        """
        if self._pending is not None:
            answer = self._finish()
            if answer not in (Answer.OK, Answer.ALREADY):
                return answer
        model = self.model
        for kind in Kind:
            self._advance(kind, marks, upto_ms)
        model.meet({kind for kind in Kind if is_absent(kind, marks)})
        if flush:
            model.flush(self._told(Kind.FEATURES, marks))
        if not model.changed and model.base() == self._base:
            return Answer.OK
        self._commits += 1
        commit_id = b"%d.%d" % (self._epoch, self._commits)
        self._pending = Commit(
            self.key, self._epoch, self._base, model.base(), commit_id, model.fields()
        )
        return self._finish()

    def _finish(self) -> Answer:
        pending = self._pending
        assert pending is not None  # noqa: S101 - both callers have just seen it
        answer = self._store.commit(pending)
        if answer in (Answer.OK, Answer.ALREADY):
            self._pending = None
            self._base = pending.new_base
            self._keep_references()
            self.outbox |= {f: v for f, v in sorted(pending.fields.items()) if f.startswith(b"o:")}
            gone = self.model.settled()
            if gone:
                self._store.remove(self.key, self._epoch, gone, self._base)
        return answer

    def _keep_references(self) -> None:
        """See that the references which the state now names are in the store: it may have gone back since they were."""
        if self._revision != self._fleet.book.revision:
            self._fleet.refresh()
            self._revision = self._fleet.book.revision

    def _advance(
        self, kind: Kind, marks: Mapping[Source, Marks | None], upto_ms: int | None
    ) -> None:
        watermark = watermark_of(kind, marks)
        if watermark == NEVER:
            if kind is Kind.ERRORS and is_absent(Kind.LABELS, marks):
                self.model.wait_for_labels()
            return
        first = self.model.bases[kind]
        until = (watermark - self._lateness_ms) // self._pane_ms
        if upto_ms is not None:
            until = min(until, upto_ms // self._pane_ms)
        if until <= first:
            return
        told = self._told(kind, marks)
        closed_ms = until * self._pane_ms + self._lateness_ms
        if kind is Kind.ERRORS:
            halves = (k for k in (Kind.PREDICTIONS, Kind.LABELS) if not is_absent(k, marks))
            both = [source for half in halves for source in self._sources[half]]
            rows = gather_rows(
                self._store, self._app, self.model.name, both, first, until, closed_ms
            )
            self.model.advance_errors(rows, until, told)
            return
        panes = gather_panes(
            self._store, self._app, self.model.name, self._sources[kind], first, until, closed_ms
        )
        self._fleet.refresh()  # a pane may be binned by a reference that another worker has just learned
        self.model.advance(kind, panes, until, told)

    def _told(self, kind: Kind, marks: Mapping[Source, Marks | None]) -> Told:
        watermark = watermark_of(kind, marks)
        return Told(
            max(watermark, 0),
            sum(m.counters.late for s, m in marks.items() if m and s.kind is kind),
        )

    def evaluated(self, kind: Kind) -> int:
        """Tell the first pane of a topic's kind that may still be needed."""
        return needed_from(self.model.base())[kind]

    def acknowledge(self, fields: Sequence[bytes]) -> Answer:
        """Take delivered alerts out of the outbox."""
        for field in fields:
            self.outbox.pop(field, None)
        return self._store.remove(self.key, self._epoch, fields) if fields else Answer.OK
