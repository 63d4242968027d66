"""Everything that is known of one model, and how it moves: merged panes in, drift events and changed fields out.

Pure: what it is given decides what it does, in whatever portions it is given. `Evaluator` reads and writes for it.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from detectors.summaries.summary import Summary
from sinks.event import DriftEvent, structured
from stream.evaluate.carried import tell_segments
from stream.evaluate.chain import Chain, Judged, PlanAt
from stream.evaluate.consequences import Consequences, Reminder
from stream.evaluate.gather import Evidence, Merged, MergedRows
from stream.evaluate.join import Join, JoinCounters, JoinRules
from stream.evaluate.kept import kept_result
from stream.evaluate.learner import Learner
from stream.evaluate.model_state import KINDS, lists_of, part_fields, series_named
from stream.evaluate.movers import Movers
from stream.evaluate.parts import Part, whole
from stream.evaluate.report import Context, Told, drift_events
from stream.evaluate.report_consequence import meeting_event, reminder_event
from stream.evaluate.roll_up import roll_ups
from stream.evaluate.rules import Rules
from stream.evaluate.spell import FOREVER
from stream.evaluate.standing import dump_standings, load_standings
from stream.evaluate.together import judge_ahead, portions
from stream.ingest.fold import NEVER
from stream.ingest.pane import Binned
from stream.ingest.roster import DAY_MS, Roster
from stream.reference.binning import bin_raw
from stream.reference.book import Book
from stream.reference.learn import LearnRules
from stream.reference.reference import Reference
from stream.state.fields import (
    BEGAN,
    CONSEQUENCES,
    LEARNING,
    MOVED,
    MOVERS,
    PARTS,
    STATE,
    chain_field,
    join_field,
    known_field,
    learn_field,
    outbox_field,
    part_field,
    result_field,
    result_slot,
    standing_field,
)
from stream.state.versions import dump, load, making_sense
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series

__all__ = ["RESULTS_KEPT", "Model", "ModelRules"]

RESULTS_KEPT = 24
"""Results of windows kept for looking back, of each size of each chain."""
NEW_WINDOWS = 10
"""Windows for which a version counts as new."""


@dataclass(frozen=True, slots=True)
class ModelRules:
    """What the configuration says of evaluating."""

    judging: Rules
    learning: LearnRules
    join: JoinRules
    context: Context
    series_max: int


class Model:
    """The state of one model.

    `bases` tell for each kind the first pane that is not evaluated. `publish` is called with a reference that was just
    learned and gives the one in force (another worker may have been first; then it is the same). `plan_at` gives the
    fleet plan in force at an event time. `rosters` bound the series of each kind: who was first stays, and one that was
    silent for a week leaves for a newcomer, its incidents resolved, with all that is kept of it. `series_refused`
    counts the events of those who found no room, since the object was made.
    """

    def __init__(
        self,
        name: str,
        rules: ModelRules,
        book: Book,
        publish: Callable[[Reference], Reference],
        plan_at: PlanAt,
    ) -> None:
        self.name = name
        self.rules = rules
        self.book = book
        self.bases = dict.fromkeys(KINDS, NEVER)
        self.chains: dict[tuple[Series, Kind], Chain | Learner] = {}
        self.join = Join(name, rules.join)
        self.consequences = Consequences(rules.judging.calm)
        self.movers = Movers()
        self.began: dict[Series, int] = {}
        self.rosters = {kind: Roster(rules.series_max) for kind in KINDS}
        self.series_refused = 0
        self.next_alert = 0
        self.alerts = 0
        self.windows = 0
        self.changed: dict[bytes, bytes] = {}
        self._touched: set[tuple[Series, Kind]] = set()
        self._lists_inline = False
        self.obsolete: set[bytes] = set()
        self.latest: dict[tuple[Series, Kind], Judged] = {}
        """Of each chain the window of the smallest size that was judged last."""
        self._news: list[DriftEvent] = []
        self._posted: dict[bytes, DriftEvent] = {}
        self._publish = publish
        self._plan_at = plan_at

    # -- moving ------------------------------------------------------------------------------------------------------

    def advance(
        self, kind: Kind, panes: Sequence[Merged], until: int, told: Told
    ) -> list[DriftEvent]:
        """Evaluate the panes of a kind up to (not including) `until`, which must hold all there are before it."""
        events: list[DriftEvent] = []
        for pane in panes:
            for series in self._ahead(kind, pane.number, pane.parts):
                events += self._take(
                    series, kind, pane.number, pane.parts[series], pane.evidence, told
                )
        events += self._pass(kind, until, told)
        return events + self._gather(kind)

    def advance_errors(
        self, panes: Sequence[MergedRows], until: int, told: Told
    ) -> list[DriftEvent]:
        """Join the rows up to (not including) pane `until`, and evaluate the errors they give."""
        events: list[DriftEvent] = []
        for pane in panes:
            errors, accepted, dropped = self.join.step(pane.number, pane.predictions, pane.labels)
            if accepted is not None:
                self.changed[join_field(pane.number)] = accepted
            for number in dropped:
                self._forget(join_field(number))
            for series in self._ahead(Kind.ERRORS, pane.number, errors):
                events += self._take(
                    series, Kind.ERRORS, pane.number, [errors[series]], pane.evidence, told
                )
        events += self._pass(Kind.ERRORS, until, told)
        return events + self._gather(Kind.ERRORS)

    def wait_for_labels(self) -> None:
        """Let predictions wait for the first label of all no longer than the join would, so that panes can go."""
        join = self.rules.join
        oldest = self.bases[Kind.PREDICTIONS] - join.wait_ms // join.pane_ms
        self.bases[Kind.ERRORS] = max(oldest, self.bases[Kind.ERRORS])

    def flush(self, told: Told) -> list[DriftEvent]:
        """Close all windows that hold data, as a replay does at its end."""
        events: list[DriftEvent] = []
        for kind in KINDS:
            for chain in self._watching(kind):
                events += self._tell(chain, chain.flush(), told)
            events += self._gather(kind)
        return events + self._meet(dict.fromkeys(KINDS, FOREVER - 1))

    def meet(self, absent: Container[Kind] = ()) -> list[DriftEvent]:
        """Tell what the drift of features has led to, as far as all kinds have come.

        Kinds that are known to be `absent` hold up nothing. One that was only not read yet does.
        """
        ms = self.rules.learning.pane_ms
        return self._meet({k: FOREVER if k in absent else b * ms for k, b in self.bases.items()})

    def _meet(self, passed: Mapping[Kind, int]) -> list[DriftEvent]:
        told = [
            reminder_event(of)
            if isinstance(of, Reminder)
            else meeting_event(of, self.rules.context)
            for of in self.consequences.advance(passed)
        ]
        if self.consequences.changed:
            self.changed[CONSEQUENCES] = b""
        return self._post(told)

    def _ahead(self, kind: Kind, number: int, of: Iterable[Series]) -> Iterator[Series]:
        """Give series in order, those of which windows end before a pane judged together."""
        series = sorted(of)
        chains = [self.chains.get((one, kind)) for one in series]
        until = number * self.rules.learning.pane_ms
        at = 0
        for portion in portions([chain for chain in chains if isinstance(chain, Chain)]):
            judge_ahead(portion, lambda _: until)
            last = portion[-1]
            while at < len(series) and (at == 0 or chains[at - 1] is not last):
                yield series[at]
                at += 1
        yield from series[at:]

    def _take(
        self,
        series: Series,
        kind: Kind,
        number: int,
        parts: Sequence[Binned | Raw],
        evidence: Evidence,
        told: Told,
    ) -> list[DriftEvent]:
        at_ms = number * self.rules.learning.pane_ms
        events = self._make_room(series, kind, at_ms, told)
        if not self.rosters[kind].enter(series, at_ms // DAY_MS):
            self.series_refused += sum(map(_events_of, parts))
            return events
        if kind is Kind.ERRORS:
            self._begin(series, at_ms)
        reference = self.book.find(series, kind, number)
        chain = self.chains.get((series, kind))
        if reference is None:
            learner = (
                chain if isinstance(chain, Learner) else Learner(series, kind, self.rules.learning)
            )
            self.chains[series, kind] = learner
            self._learn(learner, number, parts)
            return events
        start = number * reference.pane_ms
        if not isinstance(chain, Chain) or chain.reference.digest != reference.digest:
            if isinstance(chain, Chain):
                events += self._tell(chain, chain.close(start), told)
                self.consequences.end(series, kind, start)
                self._forget_parts(chain)
            chain = self.chains[series, kind] = self._chain(series, kind, reference)
        events += self._tell(chain, chain.close(start), told)
        chain.take(start, _merge(reference, parts), evidence)
        self._touch(chain)
        return events

    def _begin(self, series: Series, at_ms: int) -> None:
        if series not in self.began:
            self.began[series] = at_ms
            self.changed[BEGAN] = b""

    def _make_room(self, series: Series, kind: Kind, at_ms: int, told: Told) -> list[DriftEvent]:
        """Let go who leaves for a series, if anybody does: its windows are closed, then its incidents resolved."""
        leaving = self.rosters[kind].leaving_for(series, at_ms // DAY_MS)
        if leaving is None:
            return []
        events: list[DriftEvent] = []
        gone = self.chains.get((leaving, kind))
        if isinstance(gone, Chain):
            events += self._tell(gone, gone.close(at_ms), told)
            context = self.rules.context
            last = [
                e for judged in gone.leave(at_ms) for e in drift_events(gone, judged, context, told)
            ]
            events += self._post(self.consequences.note(leaving, kind, last))
        self._part_with(leaving, kind, at_ms)
        return events

    def _part_with(self, series: Series, kind: Kind, at_ms: int) -> None:
        """Forget a series with all that is kept of it."""
        gone = self.chains.pop((series, kind), None)
        self.consequences.end(series, kind, at_ms)
        if kind is Kind.ERRORS:
            self.began.pop(series, None)
            self.changed[BEGAN] = b""
        self.latest.pop((series, kind), None)
        if isinstance(gone, Learner):
            self.changed[LEARNING] = b""
            for pane in gone.panes:
                self._forget(learn_field(series, kind, pane))
            return
        if gone is not None:
            self._forget_parts(gone)
        self._forget(chain_field(series, kind))
        self._forget(standing_field(series, kind))
        for which in range(len(self.rules.learning.windows)):
            for slot in range(RESULTS_KEPT):
                self._forget(result_field(series, kind, which, slot))

    def _learn(self, learner: Learner, number: int, parts: Sequence[Binned | Raw]) -> None:
        raw = Raw()
        for part in parts:
            if isinstance(part, Binned):
                raise RuntimeError(
                    f"{learner.series}: a pane is binned by a reference that the book does not have"
                )
            raw.merge(part)
        self.changed[learn_field(learner.series, learner.kind, number)] = learner.take(number, raw)
        self.changed[LEARNING] = b""
        if learner.ready:
            reference = self._publish(learner.freeze("learned"))
            self.book.add(reference)
            for pane in learner.panes:
                self._forget(learn_field(learner.series, learner.kind, pane))
            chain = self._chain(learner.series, learner.kind, reference)
            self.chains[learner.series, learner.kind] = chain
            self._touch(chain)

    def _chain(self, series: Series, kind: Kind, reference: Reference) -> Chain:
        return Chain(series, kind, reference, self.rules.judging, self._plan_at)

    def _pass(self, kind: Kind, until: int, told: Told) -> list[DriftEvent]:
        """Let time pass for all chains of a kind: what ends before `until` is closed, data or not."""
        events: list[DriftEvent] = []
        self.bases[kind] = max(until, self.bases[kind])
        for chains in portions(self._watching(kind)):
            judge_ahead(chains, lambda chain: until * chain.reference.pane_ms)
            for chain in chains:
                events += self._tell(chain, chain.close(until * chain.reference.pane_ms), told)
        return events

    def refused(self) -> dict[str, int]:
        """Tell what was left out for want of room: events of new series, and predictions before their label came."""
        return {"series": self.series_refused, "waiting": self.join.counters.evicted}

    def learners(self) -> list[Learner]:
        """Give the chains that have no reference yet, in order."""
        return [chain for _, chain in sorted(self.chains.items()) if isinstance(chain, Learner)]

    def _watching(self, kind: Kind | None = None) -> list[Chain]:
        chains = sorted(self.chains.items())
        return [c for (_, of), c in chains if isinstance(c, Chain) and kind in (None, of)]

    def _tell(self, chain: Chain, judged: Sequence[Judged], told: Told) -> list[DriftEvent]:
        events: list[DriftEvent] = []
        for window in judged:
            self.windows += 1
            which = chain.reference.windows.index(window.window)
            if which == 0:
                self.latest[chain.series, chain.kind] = window
            slot = window.closed.end_ms // window.window.every_ms % RESULTS_KEPT
            self.changed[result_field(chain.series, chain.kind, which, slot)] = dump(
                "result", kept_result(window)
            )
            window.findings.kept = None  # it is stored; who asks again is told what is said
            of_window = drift_events(
                chain, window, self.rules.context, told, new_version=self._is_new(chain, window)
            )
            self._news += of_window
            events += self.consequences.note(chain.series, chain.kind, of_window)
        if judged:
            self._touch(chain)
        if chain.restood:
            chain.restood = False
            standing = dump_standings(chain.reference.digest, chain.standings)
            self.changed[standing_field(chain.series, chain.kind)] = standing
        return self._post(events)

    def _gather(self, kind: Kind) -> list[DriftEvent]:
        """Tell what the chains of a kind began together, once all have judged what ends by the same time."""
        news, self._news = self._news, []
        tell_segments(news)
        told = []
        for rolled in roll_ups(kind, news):
            self.movers.note(kind, rolled)
            self.changed[MOVERS] = b""
            if rolled.is_told:
                told.append(rolled.event)
        return self._post(told)

    def _is_new(self, chain: Chain, judged: Judged) -> bool:
        """Whether a version is at its beginning and another one was there before it.

        Where it had to learn its reference first, its beginning lasts until that is known.
        """
        began = self.began.get(chain.series)
        if began is None or chain.kind is not Kind.ERRORS:
            return False
        s, reference = chain.series, chain.reference
        since = max(began, reference.end_ms) if reference.origin == "learned" else began
        young = judged.closed.end_ms - since <= NEW_WINDOWS * judged.window.size_ms
        others = (of for of in self.began if of.segment == s.segment and of.version != s.version)
        return young and any(self.began[other] < began for other in others)

    def _post(self, events: list[DriftEvent]) -> list[DriftEvent]:
        """Put alerts into the outbox; they are packed when the fields are asked for, as `_gather` may complete them."""
        for event in events:
            field = outbox_field(self.next_alert)
            self.changed[field], self._posted[field] = b"", event
            self.next_alert += 1
        self.alerts += len(events)
        return events

    def _touch(self, chain: Chain) -> None:
        """Note that a chain has changed; it is packed once, when the fields are asked for."""
        self.changed[chain_field(chain.series, chain.kind)] = b""
        self._touched.add((chain.series, chain.kind))

    def _forget(self, field: bytes) -> None:
        self.changed.pop(field, None)
        self.obsolete.add(field)

    def _forget_parts(self, chain: Chain) -> None:
        for field in part_fields(chain.series, chain.kind, chain.head()):
            self._forget(field)
        for part in chain.gone():
            self._forget(part_field(chain.series, chain.kind, *part))

    # -- state -------------------------------------------------------------------------------------------------------

    def base(self) -> bytes:
        """Give the bases as the store compares them."""
        return b",".join(b"%d" % self.bases[kind] for kind in KINDS)

    def fields(self) -> dict[bytes, bytes]:
        """Give the fields that changed since `settled`, packed."""
        for key in self._touched:
            chain = self.chains.get(key)
            if isinstance(chain, Chain):
                self._write(chain)
        self.changed |= {field: structured(event) for field, event in self._posted.items()}
        if self._lists_inline or LEARNING in self.changed:
            learning = [[s.version, s.segment, k.value, list(c.panes)] for (s, k), c in sorted(self.chains.items())
                        if isinstance(c, Learner)]  # fmt: skip
            self.changed[LEARNING] = dump("learning", learning)
        if self._lists_inline or BEGAN in self.changed:
            began = [[s.version, s.segment, ms] for s, ms in sorted(self.began.items())]
            self.changed[BEGAN] = dump("began", began)
        if CONSEQUENCES in self.changed:
            spells = self.consequences.payload()
            self.changed[CONSEQUENCES] = dump("consequences", spells)
        if MOVERS in self.changed:
            self.changed[MOVERS] = dump("movers", self.movers.payload())
            self.changed[MOVED] = self.movers.moved()
        for kind, roster in self.rosters.items():
            if roster.changed:
                self.changed[known_field(kind)] = dump("roster", roster.payload())
        joined = [astuple(self.join.counters), self.join.first_pane()]
        state = [self.name, self.next_alert, self.alerts, self.windows, joined, None, None]
        self.changed[STATE] = dump("model", state)
        self.obsolete -= self.changed.keys()  # who left and came back meanwhile
        return dict(self.changed)

    def _write(self, chain: Chain) -> None:
        """Pack the head of a chain, and those of its parts that changed."""
        series, kind = chain.series, chain.kind
        body = [series.version, series.segment, kind.value, chain.head()]
        self.changed[chain_field(series, kind)] = dump("chain", body)
        for part, payload in chain.changed().items():
            self.changed[part_field(series, kind, *part)] = dump(part.of, payload)
        for part in chain.gone():
            self._forget(part_field(series, kind, *part))

    def settled(self) -> list[bytes]:
        """Forget what changed, as it is committed; give the fields that may be deleted now."""
        self.changed.clear()
        self._posted.clear()
        self._lists_inline = False
        for key in self._touched:
            chain = self.chains.get(key)
            if isinstance(chain, Chain):
                chain.settle()
        self._touched.clear()
        self.consequences.changed = False
        for roster in self.rosters.values():
            roster.changed = False
        gone, self.obsolete = sorted(self.obsolete), set()
        return gone

    @making_sense("model")
    def restore(self, base: bytes, fields: Mapping[bytes, bytes]) -> None:
        """Take the state that was committed; CodecError when it cannot be read, or names an unknown reference."""
        if not base:
            return
        self.bases = {kind: int(b) for kind, b in zip(KINDS, base.split(b","), strict=True)}
        _, self.next_alert, self.alerts, self.windows, joined, *inline = load(
            fields[STATE], "model"
        )
        self._lists_inline = None not in inline
        learning, began = lists_of(fields)
        self.began = {series_named(self.name, v, segment): ms for v, segment, ms in began}
        if CONSEQUENCES in fields:
            self.consequences.restore(self.name, load(fields[CONSEQUENCES], "consequences"))
        if MOVERS in fields:
            self.movers.restore(load(fields[MOVERS], "movers"))
        self.join.counters = JoinCounters(*joined[0])
        # Deletions come after commits and may be lost: what is named no more goes with the next one.
        letters = (b"l", b"w", *PARTS)
        self.obsolete = {f for f in fields if b":" in f and f.split(b":")[0] in letters}
        # A former release kept more results.
        self.obsolete |= {f for f in fields if result_slot(f) >= RESULTS_KEPT}
        for version, segment, kind, panes in learning:
            series = series_named(self.name, version, segment)
            learner = Learner(series, Kind(kind), self.rules.learning)
            for number in panes:
                field = learn_field(series, kind, number)
                learner.restore(number, fields[field])
                self.obsolete.discard(field)
            self.chains[series, Kind(kind)] = learner
        for field in sorted(f for f in fields if f.startswith(b"c:")):
            self._restore_chain(fields[field], fields)
        for kind in KINDS:
            self._restore_roster(kind, fields.get(known_field(kind)))
        rows = {int(f[2:]): blob for f, blob in fields.items() if f.startswith(b"w:")}
        for number in sorted(rows):
            if number >= joined[1]:  # an older one was let go, and only its deletion was lost
                self.join.restore(number, rows[number])
                self.obsolete.discard(join_field(number))

    def _restore_chain(self, blob: bytes, fields: Mapping[bytes, bytes]) -> None:
        version, segment, kind, head = load(blob, "chain")
        series, kind = series_named(self.name, version, segment), Kind(kind)
        reference = self.book.by_digest(head[0])

        def find(part: Part) -> Any:
            return load(fields[part_field(series, kind, *part)], part.of)

        payload = whole(head, find)
        chain = Chain.restore(series, kind, reference, self.rules.judging, self._plan_at, payload)
        named = part_fields(series, kind, head)
        self.obsolete -= named
        if named != part_fields(series, kind, chain.head()):
            chain.unsettle()  # an older release had them in the head
        standing = fields.get(standing_field(series, kind))
        if standing is not None:
            chain.standings = load_standings(standing, reference.digest)
        self.chains[series, kind] = chain

    def _restore_roster(self, kind: Kind, blob: bytes | None) -> None:
        """Take the list of who is evaluated; of who is not on it only the deletion was lost."""
        roster, at_ms = self.rosters[kind], self.bases[kind] * self.rules.learning.pane_ms
        chained = [series for series, of in self.chains if of is kind]
        if blob is None:  # written before there were such lists
            roster.days = dict.fromkeys(chained, at_ms // DAY_MS)
            return
        roster.restore(self.name, load(blob, "roster"))
        for series in chained:
            if series not in roster.days:
                self._part_with(series, kind, at_ms)


def _events_of(part: Binned | Raw) -> int:
    return part.n + part.dropped if isinstance(part, Raw) else part.summary.n


def _merge(reference: Reference, parts: Sequence[Binned | Raw]) -> Summary:
    """Merge the parts of a pane; raw ones, folded before the reference was known, are binned now.

    Raw parts are merged first: which rows a bounded sample keeps is settled over all partitions.
    """
    summary, raw = Summary.empty(reference.layout), Raw()
    for part in parts:
        if isinstance(part, Raw):
            raw.merge(part)
        elif part.digest == reference.digest:
            summary.merge(part.summary)
        else:
            raise RuntimeError(
                f"{reference.series}: a pane is binned by another reference than {reference.name}"
            )
    summary.merge(bin_raw(reference, raw))
    return summary
