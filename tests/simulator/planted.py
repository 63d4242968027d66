"""Bugs to be planted in the product, one at a time: each breaks one thing that correctness rests on.

A bug is a context in which the real code is wrong, and the invariant (see `oracle`) by which it must be caught.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any
from unittest.mock import patch

import numpy as np
from msgspec.structs import replace as restruct
from numpy.typing import NDArray

from sinks.event import DriftEvent
from stream.evaluate import evaluator as of_evaluator
from stream.evaluate.evaluator import Evaluator
from stream.evaluate.gatherer import Gatherer
from stream.evaluate.model import Model
from stream.evaluate.panes import gather as of_gather
from stream.evaluate.panes.gather import Span
from stream.evaluate.panes.join import Join
from stream.ingest.fold import NEVER, Fold
from stream.ingest.partition import Partition
from stream.ingest.raw import DeadLetter, Source
from stream.reference.fleet import Fleet
from stream.run.work.models import Models
from stream.run.work.outlet import Outlet
from stream.run.work.rim import Item
from stream.run.work.runtime import Runtime
from stream.run.work.silence import Silence
from stream.state import memory
from stream.state.memory import MemoryStore
from stream.state.store import Answer, Commit, judge
from stream.words import Kind

__all__ = ["BUGS", "Bug"]


@dataclass(frozen=True)
class Bug:
    """A bug: how to plant it, what must find it, and the seed from which on it is looked for."""

    name: str
    invariant: str
    plant: Callable[[], AbstractContextManager[Any]]
    since: int = 0


def _offset_apart() -> AbstractContextManager[Any]:
    load = Partition.load

    def lagging(self: Partition) -> int:
        offset = load(self)
        self.fold_state.next_offset = max(0, offset - 2)
        return self.fold_state.next_offset

    return patch.object(Partition, "load", lagging)


def _nothing_compared() -> AbstractContextManager[Any]:
    return patch.object(memory, "judge", lambda stored, commit: Answer.OK)


def _base_not_compared() -> AbstractContextManager[Any]:
    def only_epoch(stored: Sequence[bytes | None], commit: Commit) -> Answer:
        answer = judge(stored, commit)
        return Answer.OK if answer is Answer.CONFLICT else answer

    return patch.object(memory, "judge", only_epoch)


def _conflict_taken_for_done() -> AbstractContextManager[Any]:
    def too_kind(stored: Sequence[bytes | None], commit: Commit) -> Answer:
        answer = judge(stored, commit)
        return Answer.ALREADY if answer is Answer.CONFLICT else answer

    return patch.object(memory, "judge", too_kind)


def _cleared_before_delivery() -> AbstractContextManager[Any]:
    offer = Outlet.offer

    def hasty(self: Outlet, model: str, outbox: Mapping[bytes, bytes]) -> None:
        offer(self, model, outbox)
        self.taken("alerts", list(self._owing))

    return patch.object(Outlet, "offer", hasty)


def _outbox_not_committed() -> AbstractContextManager[Any]:
    conclude = Evaluator.conclude

    def apart(self: Evaluator, *args: Any) -> None:
        conclude(self, *args)
        whole = self.pending
        if whole is not None:
            alerts = {f: v for f, v in whole.fields.items() if f.startswith(b"o:")}
            rest = {f: v for f, v in whole.fields.items() if f not in alerts}
            self.pending = whole._replace(fields=rest)
            self.outbox |= alerts

    return patch.object(Evaluator, "conclude", apart)


def _ids_of_the_moment() -> AbstractContextManager[Any]:
    numbers, post = count(), Model._post

    def numbered(self: Model, events: list[DriftEvent]) -> list[DriftEvent]:
        return post(self, [restruct(e, id=f"{next(numbers):08x}{e.id[8:]}") for e in events])

    return patch.object(Model, "_post", numbered)


def _lateness_by_batch() -> AbstractContextManager[Any]:
    passes = Fold._pass_time

    def at_once(self: Fold, ts: NDArray[np.int64]) -> NDArray[np.int64]:
        self.watermark = max(self.watermark, int(ts.max(initial=NEVER)))
        return passes(self, ts)

    return patch.object(Fold, "_pass_time", at_once)


def _late_accepted() -> AbstractContextManager[Any]:
    def everything(self: Fold, ts: NDArray[np.int64]) -> NDArray[np.int64]:
        self.watermark = max(self.watermark, int(ts.max(initial=NEVER)))
        self.counters.folded += len(ts)
        return np.arange(len(ts))

    return patch.object(Fold, "_pass_time", everything)


def _stale_terms_folded() -> AbstractContextManager[Any]:
    fold = Runtime.fold

    async def careless(self: Runtime, item: Item) -> None:
        await fold(self, item._replace(term=self.term.get(item.batch.source, item.term)))

    return patch.object(Runtime, "fold", careless)


def _evaluator_kept() -> AbstractContextManager[Any]:
    move = Models._move

    async def keep(self: Models, names: Sequence[str], *args: Any) -> None:
        before = {name: held for name in names if (held := self.evaluators.get(name)) is not None}
        await move(self, names, *args)
        for name, held in before.items():
            self.evaluators.setdefault(name, held)

    return patch.object(Models, "_move", keep)


def _letters_not_waited_for() -> AbstractContextManager[Any]:
    deliver = Runtime._deliver

    async def hope(self: Runtime, dead: list[DeadLetter]) -> None:
        asyncio.get_running_loop().create_task(deliver(self, dead))

    return patch.object(Runtime, "_deliver", hope)


def _join_not_restored() -> AbstractContextManager[Any]:
    return patch.object(Join, "restore", lambda self, number, blob: None)


def _silence_not_listened_to() -> AbstractContextManager[Any]:
    def deaf(self: Silence, source: Source, next_offset: int, now: float) -> bool:
        end = self._ends.get(source)
        caught_up = end is not None and end.offset == next_offset
        return caught_up and now - self._heard[source] >= self._timeout_s

    return patch.object(Silence, "lasts", deaf)


def _unread_taken_for_empty() -> AbstractContextManager[Any]:
    def hasty(kind: Kind, marks: Mapping[Source, Any]) -> bool:
        topic = Kind.LABELS if kind is Kind.ERRORS else kind
        own = [m for s, m in marks.items() if s.kind is topic]
        return not any(m is not None and m.counters.seen for m in own)

    both = ExitStack()
    both.enter_context(patch.object(of_gather, "is_absent", hasty))
    both.enter_context(patch.object(of_evaluator, "is_absent", hasty))
    return both


def _marks_trusted() -> AbstractContextManager[Any]:
    gather = of_gather.gather_panes

    def trusting(
        store: Any, app: str, wanted: Mapping[str, Span], sources: Sequence[Source]
    ) -> Any:
        forgotten = {model: span._replace(closed_ms=NEVER) for model, span in wanted.items()}
        return gather(store, app, forgotten, sources)

    return patch.object(of_evaluator, "gather_panes", trusting)


def _deleted_from_an_earlier_state() -> AbstractContextManager[Any]:
    remove = MemoryStore.remove

    def anywhere(
        self: MemoryStore, key: str, epoch: int, fields: Sequence[bytes], base: bytes | None = None
    ) -> Answer:
        return remove(self, key, epoch, fields)

    return patch.object(MemoryStore, "remove", anywhere)


def _references_not_entered_again() -> AbstractContextManager[Any]:
    return patch.object(Fleet, "_enter_again", lambda self: None)


def _outbox_known_by_place() -> AbstractContextManager[Any]:
    return patch.object(Outlet, "revise", lambda self, model, outbox: None)


def _panes_deleted_too_soon() -> AbstractContextManager[Any]:
    clean = Partition.clean
    return patch.object(
        Partition, "clean", lambda self, evaluated, _: clean(self, {m: b + 3 for m, b in evaluated.items()}, 0)
    )  # fmt: skip


def _half_a_pane_closed() -> AbstractContextManager[Any]:
    make = Partition._make_commit

    def without_touched(self: Partition) -> Commit:
        forgotten = set(sorted(self.fold_state.touched)[1:2])
        self.fold_state.touched -= forgotten
        return make(self)

    return patch.object(Partition, "_make_commit", without_touched)


def _slowest_not_waited_for() -> AbstractContextManager[Any]:
    reach = Gatherer._reach

    def hasty(self: Gatherer, closed: Any, bases: Mapping[str, Any], *, flush: bool) -> Any:
        return reach(self, closed, {}, flush=flush)

    return patch.object(Gatherer, "_reach", hasty)


def _gathered_twice() -> AbstractContextManager[Any]:
    """What was gathered is not noted in the state: who takes over begins with the first."""
    load = Gatherer.load

    def forgetful(self: Gatherer) -> None:
        load(self)
        self.upto_ms = dict.fromkeys(self.upto_ms, NEVER)

    return patch.object(Gatherer, "load", forgetful)


BUGS = (
    Bug("the offset is kept apart from the state", "state", _offset_apart),
    Bug("commits compare neither epoch nor base", "state", _nothing_compared, 11),
    Bug("commits do not compare the base", "state", _base_not_compared, 215),
    Bug("a conflict is taken for done", "state", _conflict_taken_for_done, 157),
    Bug("the outbox is cleared before the delivery", "alerts", _cleared_before_delivery, 34),
    Bug("the outbox is not in the commit", "alerts", _outbox_not_committed, 15),
    Bug("ids are of the moment", "alerts", _ids_of_the_moment),
    Bug("lateness hangs on the batch", "state", _lateness_by_batch),
    Bug("late events are accepted", "state", _late_accepted, 1),
    Bug("batches of a stale term are folded", "state", _stale_terms_folded, 64),
    Bug("an evaluator is kept after an error of the store", "rest", _evaluator_kept, 11),
    Bug("dead letters are not waited for", "letters", _letters_not_waited_for, 109),
    Bug("the join forgets what waits when it is loaded", "state", _join_not_restored),
    Bug("a silence that nobody listened to counts", "state", _silence_not_listened_to, 100),
    Bug("a topic that is not read yet is taken for empty", "state", _unread_taken_for_empty),
    Bug("marks are trusted when the store has gone back", "state", _marks_trusted, 2111),
    Bug("an earlier state's fields are deleted", "life", _deleted_from_an_earlier_state, 255),
    Bug("lost references are not entered again", "fleet", _references_not_entered_again, 12),
    Bug(
        "a delivery counts for whatever stands in its place", "alerts", _outbox_known_by_place, 1259
    ),
    Bug("panes are deleted before they are evaluated", "state", _panes_deleted_too_soon),
    Bug("a pane that changed is left out of the commit", "state", _half_a_pane_closed),
    Bug(
        "models are gathered before the slowest has come as far", "alerts", _slowest_not_waited_for
    ),
    Bug("what is gathered is forgotten when it is taken over", "state", _gathered_twice, 246),
)
