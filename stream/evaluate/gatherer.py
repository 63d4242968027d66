"""Gathers models that moved in the same windows: reads what each has noted, tells it once, and keeps the outbox.

A model that is evaluated up to a pane has noted all that moved before it, and nobody can add to that: so as far as the
slowest model has come, what there is to gather is a fact of the log. How the gatherer comes there, in which portions,
and who evaluates the models in which order, decides nothing. A model that no partition's marks name yet has no event
before the watermark of these marks, so no further than that is gathered.

What is gathered moves on from one end at which something moved to the next; where nothing moves nothing is written.
"""

from collections.abc import Mapping, Sequence

from sinks.event import structured
from stream.evaluate.model_state import KINDS, by_kind
from stream.evaluate.movers import Movers, read_moved
from stream.evaluate.owned import DONE, Owned, finish
from stream.evaluate.panes.gather import watermark_of
from stream.evaluate.roll_up_models import Moved, roll_up_models
from stream.evaluate.stories.spell import FOREVER
from stream.evaluate.telling.report import Told
from stream.ingest.fold import NEVER
from stream.ingest.partition import Marks
from stream.ingest.raw import Source
from stream.state.fields import MOVED, MOVERS, STATE, outbox_field
from stream.state.store import BASE, EPOCH, Answer, Store, model_key, models_key
from stream.state.versions import dump, load, making_sense
from stream.words import Kind

__all__ = ["Gatherer", "gathered_upto"]

Bases = dict[Kind, int]
"""For each kind a pane."""


class Gatherer(Owned):
    """The owner of what several models tell together. `load` first; then `step` whenever models may have moved.

    `upto_ms` are the newest ends that are gathered, of each kind.
    `missed` counts the models of which something may not have been gathered, as it had moved at more ends than it
    keeps before the slowest came as far.
    """

    def __init__(self, store: Store, app: str, pane_ms: int, lateness_ms: int) -> None:
        super().__init__(store, models_key(app))
        self.upto_ms = dict.fromkeys(KINDS, NEVER)
        self.alerts = 0
        self.missed = 0
        self._app = app
        self._pane_ms = pane_ms
        self._lateness_ms = lateness_ms
        self._settled: Bases | None = None

    def load(self) -> None:
        """Take over what several models tell, and restore what was committed of it."""
        taken = self.take_over()
        self.upto_ms = gathered_upto(taken.base)
        if STATE in taken.fields:
            (self.alerts,) = load(taken.fields[STATE], "gatherer")

    def is_settled(self, marks: Mapping[Source, Marks | None]) -> bool:
        """Whether all models had come as far as these marks go at the last step, and so nothing is to be gathered.

        Nor is it of a model that is new since then: it has no event before.
        """
        return self.pending is None and self._closed(marks) == self._settled

    def step(self, marks: Mapping[Source, Marks | None], *, flush: bool = False) -> Answer:
        """Gather what all models have passed since the last step, and commit it.

        `flush` gathers also the windows that all models have closed before their end, as a replay does at its end. On
        StoreUnavailable call again: a commit under way is finished first.

        Cost: a round trip (15 us of processor time a model), one more to read what moved, and one to commit what was
        gathered.
        """
        answer = self._finish()
        if answer not in DONE:
            return answer
        closed = self._closed(marks)
        names = sorted({name for m in marks.values() if m for name in m.models})
        answer, bases, moved = self._ask(names)
        if answer is not Answer.OK:
            return answer
        reach = self._reach(closed, bases, flush=flush)
        news = [name for name in names if self._is_news(moved[name], reach)]
        if news:
            movers = self._read(news, bases)
            reach = self._reach(closed, bases, flush=flush)
            self._gather(movers, reach, marks)
        self._settled = closed if reach == closed else None
        return self._finish()

    # -- how far the models are --------------------------------------------------------------------------------------

    def _closed(self, marks: Mapping[Source, Marks | None]) -> Bases:
        """Tell for each kind that has a time the first open pane."""
        times = ((kind, watermark_of(kind, marks)) for kind in KINDS)
        return {
            kind: (time - self._lateness_ms) // self._pane_ms
            for kind, time in times
            if time != NEVER
        }

    def _ask(self, names: Sequence[str]) -> tuple[Answer, dict[str, Bases], dict[str, Bases]]:
        """Ask how far all models are and when they moved last; and whether the store still has what we committed."""
        wants: list[tuple[str, Sequence[bytes]]] = [(self.key, [EPOCH, BASE])]
        wants += [(model_key(self._app, name), [BASE, MOVED]) for name in names]
        (epoch, base), *told = self.store.read_many(wants)
        if epoch != b"%d" % self.epoch:
            return Answer.FENCED, {}, {}
        if (base or b"") != self.base:
            return Answer.CONFLICT, {}, {}
        bases = {name: _bases(base) for name, (base, _) in zip(names, told, strict=True)}
        moved = {name: read_moved(of) for name, (_, of) in zip(names, told, strict=True)}
        return Answer.OK, bases, moved

    def _reach(self, closed: Bases, bases: Mapping[str, Bases], *, flush: bool) -> Bases:
        """Tell for each kind that has a time the first pane that not all models have passed."""
        if flush:
            return dict.fromkeys(KINDS, FOREVER // self._pane_ms)
        return {
            kind: min([pane, *(base[kind] for base in bases.values())])
            for kind, pane in closed.items()
        }

    def _is_news(self, moved: Bases, reach: Bases) -> bool:
        """Whether a model moved at an end that is not gathered, and there are ends that can be."""
        return any(
            moved[kind] > self.upto_ms[kind] < pane * self._pane_ms for kind, pane in reach.items()
        )

    def _read(self, names: Sequence[str], bases: dict[str, Bases]) -> dict[str, Movers]:
        """Read what moved, and with it anew how far the models are: the store may have gone back meanwhile."""
        wants = [(model_key(self._app, name), [BASE, MOVERS]) for name in names]
        found = {}
        for name, (base, blob) in zip(names, self.store.read_many(wants), strict=True):
            bases[name] = _bases(base)
            found[name] = movers = Movers()
            if blob is not None:
                movers.restore(load(blob, "movers"))
        return found

    # -- what they tell together -------------------------------------------------------------------------------------

    def _gather(
        self, movers: Mapping[str, Movers], reach: Bases, marks: Mapping[Source, Marks | None]
    ) -> None:
        """Tell what is to be told up to where all models are, and prepare its commit."""
        fields: dict[bytes, bytes] = {}
        upto_ms = dict(self.upto_ms)
        for kind, pane in reach.items():
            told = Told(
                max(watermark_of(kind, marks), 0),
                sum(m.counters.late for s, m in marks.items() if m and s.kind is kind),
            )
            by_end: dict[int, list[Moved]] = {}
            for name, of in movers.items():
                for mover in of.of[kind]:
                    if self.upto_ms[kind] < mover.end_ms <= pane * self._pane_ms:
                        by_end.setdefault(mover.end_ms, []).append(Moved(name, mover))
            for end_ms, moved in sorted(by_end.items()):
                upto_ms[kind] = end_ms
                for event in roll_up_models(kind, moved, told):
                    fields[outbox_field(self.alerts + len(fields))] = structured(event)
        if upto_ms == self.upto_ms:
            return
        self.missed += sum(
            self.upto_ms[kind] < min(of.lost[kind], upto_ms[kind])
            for of in movers.values()
            for kind in reach
        )
        self.upto_ms = upto_ms
        self.alerts += len(fields)
        fields[STATE] = dump("gatherer", [self.alerts])
        self.prepare(b",".join(b"%d" % upto_ms[kind] for kind in KINDS), fields)

    def _finish(self) -> Answer:
        return finish([self]).get(self.key, Answer.OK)


@making_sense("gatherer")
def gathered_upto(base: bytes) -> dict[Kind, int]:
    """Read the gatherer's base: for each kind the newest window's end that is gathered."""
    return by_kind(base)


@making_sense("model")
def _bases(base: bytes | None) -> Bases:
    """Read a model's base; one that is named by marks and was never committed has passed nothing."""
    return by_kind(base)
