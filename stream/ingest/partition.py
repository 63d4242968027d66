"""A source partition's fold and its place in the store: loaded on take-over, committed with the offset it stands at."""

from collections.abc import Mapping
from dataclasses import fields as fields_of
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from stream.ingest.decode import Decoder
from stream.ingest.fold import NEVER, Counters, Fold, FoldRules
from stream.ingest.ladder import rate_of
from stream.ingest.pane import Pane, pack_changed
from stream.ingest.portions import PLACES
from stream.ingest.raw import DeadLetter, RawBatch, Source
from stream.ingest.schedule import Schedule
from stream.reference.book import Book
from stream.state.fields import (
    LOG,
    MODELS,
    STATE,
    index_field,
    pane_field,
    roster_field,
    rows_field,
)
from stream.state.store import BASE, EPOCH, Answer, Commit, Store, partition_key
from stream.state.versions import dump, load, making_sense
from stream.words import Kind

__all__ = ["Marks", "Partition", "models_of", "pane_fields", "read_marks", "read_watermark"]


COUNTS = attrgetter(*(counter.name for counter in fields_of(Counters)))


class Marks(NamedTuple):
    """What others may know of a partition: how far its time is, whether it follows others, its models, its counts.

    `ladder` is the rate of the ladder that holds now, by which the fixed rates are multiplied.
    """

    watermark: int
    idle: bool
    counters: Counters
    models: tuple[str, ...]
    ladder: float = 1.0


class Partition:
    """One source partition as its owner holds it. `log` is the identity of its topic, "" while that is not known.

    `load` first; then `fold` and `commit` in turn. After FENCED or CONFLICT the owner drops this object and loads anew.
    With a `recorded` schedule the log is read at the rates of that, and nobody retunes.
    Memory: the open panes, eight bytes for each pane that is kept in the store, and the names of models and series.
    """

    def __init__(
        self,
        store: Store,
        app: str,
        source: Source,
        rules: FoldRules,
        recorded: Schedule | None = None,
    ) -> None:
        self.source = source
        self._recorded = recorded
        self.key = partition_key(app, source.topic, source.partition)
        self.fold_state = Fold(source, rules)
        self.idle = False
        self.log = ""
        self._store = store
        self._epoch = 0
        self._base = b""
        self._index: dict[str, set[int]] = {}
        self._index_changed: set[str] = set()
        self._raw_closed: dict[tuple[str, int], int] = {}
        self._pending: Commit | None = None
        self._commits = 0
        self._committed_state = b""
        self._committed_log = ""

    # -- taking over -------------------------------------------------------------------------------------------------

    @making_sense("partition")
    def load(self) -> int:
        """Take the partition over and give the offset to read from; CodecError when what is stored cannot be read."""
        taken = self._store.take_over(self.key)
        self._epoch, self._base = taken.epoch, taken.base
        fold = self.fold_state
        if STATE in taken.fields:
            fold.watermark, fold.ticks, self.idle, counters, gaps, thinning = load(
                taken.fields[STATE], "partition"
            )
            fold.counters = Counters(*counters)
            fold.gaps = [(first, end) for first, end in gaps]
            fold.next_offset = int(taken.base)
            fold.thinning.restore(thinning)
            self._committed_state = taken.fields[STATE]
            if LOG in taken.fields:
                self.log = self._committed_log = str(load(taken.fields[LOG], "log"))
            for model in models_of(taken.fields):
                self._load_model(model, taken.fields)
        if self._recorded is not None:
            fold.thinning.schedule = self._recorded
        else:
            self.retune(self.rung)  # the ladder may be shorter by now, or gone
        return fold.next_offset

    def _load_model(self, model: str, fields: Mapping[bytes, bytes]) -> None:
        fold = self.fold_state
        listed = fields.get(roster_field(model))
        fold.rosters.restore(model, load(listed, "roster") if listed else None)
        self._index[model] = set(np.asarray(load(fields[index_field(model)], "index")).tolist())
        for number in self._index[model]:
            places = [fields.get(field) for field in pane_fields(model, number)]
            if places[0] is None:
                continue  # removed already; the index is written with the next commit
            if number >= fold.closed_before():
                rows = fields.get(rows_field(model, number))
                fold.open[model, number] = Pane.join(model, places, rows)
            else:
                self._note_raw(model, number, Pane.join(model, places, None))

    # -- folding and committing --------------------------------------------------------------------------------------

    def fold(self, batch: RawBatch, decoder: Decoder, book: Book) -> list[DeadLetter]:
        """Take in a batch; its dead letters must be delivered before the next commit."""
        self.idle = False
        return self.fold_state.fold(batch, decoder, book)

    def skip(self, offset: int) -> None:
        """Go on at an offset, as the log has lost what lies before it; the gap is committed with it."""
        self.fold_state.skip(offset)

    @property
    def rung(self) -> int:
        """The rung of the ladder at which the next event will be counted."""
        return self.fold_state.thinning.schedule.rung(self.fold_state.next_offset)

    def retune(self, rung: int) -> None:
        """Count what comes next at another rung, as far as the ladder goes; committed with the offset or before it."""
        ladder = self.fold_state.rules.sample.ladder
        if self._recorded is None and self.source.kind is Kind.FEATURES:
            self.fold_state.retune(min(rung, ladder.lowest if ladder else 0))

    def tick(self, watermark: int) -> None:
        """Follow the others' time while silent."""
        self.fold_state.tick(watermark)
        self.idle = True

    @property
    def closes_pane(self) -> bool:
        """Whether the watermark has closed a pane that the store does not know as closed."""
        before = self.fold_state.closed_before()
        return any(number < before for _, number in self.fold_state.open)

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return (
            self._pending is not None
            or self._base != self._new_base()
            or self._committed_log != self.log
            or self._state() != self._committed_state
        )

    @property
    def must_wait(self) -> bool:
        """Whether closed panes hold so many raw values that the evaluator must first learn from them."""
        return sum(self._raw_closed.values()) >= self.fold_state.rules.raw_rows_max

    def commit(self) -> Answer:
        """Write what changed, with the next offset, in one atomic step; on StoreUnavailable call it again.

        What is folded between the two calls is left to the next commit.
        """
        answer = self._store.commit(self.prepare())
        self.settle(answer)
        return answer

    def prepare(self) -> Commit:
        """Give the commit of what changed, and that same one until it is settled, whatever is folded meanwhile."""
        if self._pending is None:
            self._pending = self._make_commit()
        return self._pending

    def settle(self, answer: Answer) -> bool:
        """Know what the store has answered to the commit that was prepared; whether it is done."""
        done = answer in (Answer.OK, Answer.ALREADY)
        if done and self._pending is not None:
            self._base = self._pending.new_base
            self._committed_state = self._pending.fields[STATE]
            self._pending = None
            self._settle()
        return done

    def is_lost(self) -> bool:
        """Whether the store has forgotten a commit of ours; not whether somebody else has taken the partition over."""
        epoch, base = self._store.read(self.key, [EPOCH, BASE])
        if self._pending is not None or int(epoch or 0) > self._epoch:
            return False  # the commit under way, or the next one, is told
        return int(epoch or 0) < self._epoch or (base or b"") != self._base

    def _make_commit(self) -> Commit:
        fold = self.fold_state
        fields: dict[bytes, bytes] = {STATE: self._state()}
        if self.log != self._committed_log:
            fields[LOG] = dump("log", self.log)
            self._committed_log = self.log
        touched = sorted(fold.touched)
        panes = [fold.open[key] for key in touched]
        for (model, number), pane, places in zip(touched, panes, pack_changed(panes), strict=True):
            for place, blob in places.items():
                fields[pane_field(model, number, place)] = blob
            rows = pane.pack_rows()
            if rows is not None:
                fields[rows_field(model, number)] = rows
            if model not in self._index:
                self._index[model] = set()
                fields[MODELS] = dump("models", sorted(self._index))
            if number not in self._index[model]:
                self._index[model].add(number)
                self._index_changed.add(model)
        for model in sorted(self._index_changed):
            fields[index_field(model)] = dump(
                "index", np.array(sorted(self._index[model]), dtype=np.int64)
            )
        for model, roster in sorted(fold.rosters.of.items()):
            if roster.changed:
                fields[roster_field(model)] = dump("roster", roster.payload())
                roster.changed = False
        self._index_changed.clear()
        fold.touched.clear()
        self._commits += 1
        commit_id = b"%d.%d" % (self._epoch, self._commits)
        return Commit(self.key, self._epoch, self._base, self._new_base(), commit_id, fields)

    def _settle(self) -> None:
        fold = self.fold_state
        for key in [
            key for key in fold.open if key[1] < fold.closed_before() and key not in fold.touched
        ]:
            self._note_raw(*key, fold.close(*key))

    def _note_raw(self, model: str, number: int, pane: Pane) -> None:
        if pane.raw_rows:
            self._raw_closed[model, number] = pane.raw_rows

    def _new_base(self) -> bytes:
        return b"%d" % self.fold_state.next_offset

    def _state(self) -> bytes:
        fold = self.fold_state
        told = [fold.watermark, fold.ticks, self.idle, COUNTS(fold.counters), fold.gaps]
        return dump("partition", [*told, fold.thinning.payload(fold.next_offset)])

    # -- cleaning up -------------------------------------------------------------------------------------------------

    def models(self) -> list[str]:
        """List the models seen on this partition."""
        return sorted(self._index)

    def clean(self, evaluated: Mapping[str, int], retention_panes: int) -> Answer:
        """Delete panes that are evaluated and older than the retention; `evaluated`: a model's first pane that is not.

        Idempotent, and apart from commits: the index loses them with the next one. While a commit is under way nothing
        is deleted. CONFLICT: the store is not where we left it, and what lies there is not ours to delete, though the
        epoch be the same: a store that has lost everything begins at 1 again.
        """
        if self._pending is not None:
            return Answer.OK
        fields: list[bytes] = []
        leaving: dict[str, set[int]] = {}
        for model, base in sorted(evaluated.items()):
            for key in [k for k in self._raw_closed if k[0] == model and k[1] < base]:
                del self._raw_closed[key]
            gone = {
                number for number in self._index.get(model, ()) if number < base - retention_panes
            }
            gone -= {number for of, number in self.fold_state.open if of == model}
            for number in sorted(gone):
                fields += [*pane_fields(model, number), rows_field(model, number)]
            if gone:
                leaving[model] = gone
        if not fields:
            return Answer.OK
        answer = self._store.remove(self.key, self._epoch, fields, self._base)
        for model, gone in leaving.items():  # now that they are gone: a call that fails is repeated
            self._index[model] -= gone
            self._index_changed.add(model)
        return answer


@making_sense("partition")
def read_marks(store: Store, app: str, sources: list[Source]) -> dict[Source, Marks | None]:
    """Read the marks of partitions, whoever owns them; None for one that nobody has committed yet."""
    keys = [partition_key(app, s.topic, s.partition) for s in sources]
    answers = store.read_many([(key, [STATE, MODELS]) for key in keys])
    marks: dict[Source, Marks | None] = {}
    for source, (state, models) in zip(sources, answers, strict=True):
        if state is None:
            marks[source] = None
            continue
        p = load(state, "partition")
        names = tuple(load(models, "models")) if models else ()
        steps = p[5][0]
        ladder = rate_of(steps[-1][1]) if steps else 1.0
        marks[source] = Marks(p[0], p[2], Counters(*p[3]), names, ladder)
    return marks


def read_watermark(state: bytes | None) -> int:
    """Tell the watermark in a partition's stored state; NEVER when there is none."""
    return NEVER if state is None else int(load(state, "partition")[0])


def pane_fields(model: str, number: int) -> list[bytes]:
    """Name the places of a pane, the whole first; see `Portions`."""
    return [pane_field(model, number, place) for place in range(PLACES + 1)]


def models_of(fields: Mapping[bytes, bytes]) -> list[str]:
    """List the models that a partition's fields name."""
    return list(load(fields[MODELS], "models")) if MODELS in fields else []
