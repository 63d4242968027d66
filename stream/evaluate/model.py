"""How one model moves: merged panes in, drift events and changed fields out; see `Known` for what it moves.

Pure: what it is given decides what it does, in whatever portions it is given. `Evaluator` reads and writes for it.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from sinks.event import DriftEvent
from stream.evaluate.chains.case import Judged
from stream.evaluate.chains.chain import Chain
from stream.evaluate.chains.kept import kept_result
from stream.evaluate.chains.learner import Learner
from stream.evaluate.chains.together import judge_ahead, portions
from stream.evaluate.judging.standing import dump_standings
from stream.evaluate.known import Known, ModelRules
from stream.evaluate.model_fields import fields_of, restore, settled
from stream.evaluate.model_state import KINDS, RESULTS_KEPT
from stream.evaluate.panes.evidence import Evidence
from stream.evaluate.panes.gather import Merged, MergedRows
from stream.evaluate.panes.merging import events_of, merge_parts
from stream.evaluate.panes.runs import Run, Summed
from stream.evaluate.stories.consequences import Reminder
from stream.evaluate.stories.spell import FOREVER
from stream.evaluate.telling.carried import tell_segments
from stream.evaluate.telling.report import Told, drift_events
from stream.evaluate.telling.report_consequence import meeting_event, reminder_event
from stream.evaluate.telling.roll_up import roll_ups
from stream.ingest.pane import Binned
from stream.ingest.roster import DAY_MS
from stream.state.fields import (
    BEGAN,
    CONSEQUENCES,
    LEARNING,
    MOVERS,
    join_field,
    learn_field,
    result_field,
    standing_field,
)
from stream.state.versions import dump
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series

__all__ = ["Model", "ModelRules", "advance_all"]

NEW_WINDOWS = 10
"""Windows for which a version counts as new."""


def advance_all(
    moves: Sequence[tuple["Model", Iterable[Merged | Run]]], kind: Kind, until: int, told: Told
) -> list[list[DriftEvent]]:
    """Evaluate the panes of a kind of several models up to (not including) `until`; give the alerts of each.

    They must be all there are before it. Windows that end by then are judged together, whosesoever they are.
    """
    for model, _ in moves:
        model.learned_rows[kind] = 0
    events = [model.take(kind, panes, told) for model, panes in moves]
    watching: list[tuple[int, Chain]] = []
    for i, (model, _) in enumerate(moves):
        model.bases[kind] = max(until, model.bases[kind])
        watching += [(i, chain) for chain in model.watching(kind)]
    owners = iter(watching)
    for chains in portions([chain for _, chain in watching]):
        judge_ahead(chains, lambda chain: until * chain.reference.pane_ms)
        for i, chain in islice(owners, len(chains)):
            events[i] += moves[i][0].close(chain, until * chain.reference.pane_ms, told)
    return [of + model.gather(kind) for of, (model, _) in zip(events, moves, strict=True)]


class Model(Known):
    """Moves what is known of one model: advance it kind by kind, `meet` then; store its `fields`, then `settled`."""

    # -- moving ------------------------------------------------------------------------------------------------------

    def advance(
        self, kind: Kind, panes: Sequence[Merged], until: int, told: Told
    ) -> list[DriftEvent]:
        """Evaluate the panes of a kind up to (not including) `until`, which must hold all there are before it."""
        (events,) = advance_all([(self, panes)], kind, until, told)
        return events

    def take(self, kind: Kind, panes: Iterable[Merged | Run], told: Told) -> list[DriftEvent]:
        """Take in panes of a kind, in order; `advance_all` then lets the time pass behind them."""
        events: list[DriftEvent] = []
        for pane in panes:
            if isinstance(pane, Run):
                events += self._take_run(kind, pane, told)
                continue
            for series in self._ahead(kind, pane.number, pane.parts):
                events += self._take(
                    series, kind, pane.number, pane.parts[series], pane.evidence, told
                )
        return events

    def _take_run(self, kind: Kind, run: Run, told: Told) -> list[DriftEvent]:
        """Take in a run, adding up those who only go on; where others come, pane by pane, with the same outcome."""
        summed = run.summed()
        if summed is None or not all(self._goes_on(kind, of, run) for of in summed[0]):
            return self.take(kind, run.merged(), told)
        binned, raw = summed
        roster, pane_ms = self.rosters[kind], self.rules.learning.pane_ms
        if any(series not in roster.days for pane in raw for series in pane.parts):
            return self.take(kind, run.merged(), told)
        events: list[DriftEvent] = []
        for pane in raw:
            begin = {of.series: of for of in binned if of.first == pane.number}
            for series in self._ahead(kind, pane.number, [*begin, *pane.parts]):
                if series not in begin:
                    parts = pane.parts[series]
                    events += self._take(series, kind, pane.number, parts, pane.evidence, told)
                    continue
                chain, of = self.chains[series, kind], begin[series]
                assert isinstance(chain, Chain)  # noqa: S101 - it goes on
                roster.enter(series, of.first * pane_ms // DAY_MS)
                events += self._tell(chain, chain.close(of.first * pane_ms), told)
                chain.take(of.first * pane_ms, of.summary, of.evidence, of.last * pane_ms)
                self.touch(chain)
        return events

    def _goes_on(self, kind: Kind, of: Summed, run: Run) -> bool:
        """Whether a series is known, and judged by one reference in all panes of a run, within windows that go on."""
        chain = self.chains.get((of.series, kind))
        if not isinstance(chain, Chain) or of.series not in self.rosters[kind].days:
            return False
        reference = self.book.find(of.series, kind, of.first)
        return (
            reference is self.book.find(of.series, kind, of.last)
            and reference is not None
            and reference.digest == of.digest == chain.reference.digest
            and reference.pane_ms == self.rules.learning.pane_ms
            and all(window.every_ms in run.every_ms for window in reference.windows)
        )

    def joined(self, panes: Sequence[MergedRows]) -> Iterator[Merged]:
        """Join the rows of panes, in order, and give the errors of each."""
        for pane in panes:
            errors, accepted, dropped = self.join.step(pane.number, pane.predictions, pane.labels)
            if accepted is not None:
                self.changed[join_field(pane.number)] = accepted
            for number in dropped:
                self.forget(join_field(number))
            yield Merged(
                pane.number, {of: [binned] for of, binned in errors.items()}, pane.evidence
            )

    def wait_for_labels(self) -> None:
        """Let predictions wait for the first label of all no longer than the join would, so that panes can go."""
        join = self.rules.join
        oldest = self.bases[Kind.PREDICTIONS] - join.wait_ms // join.pane_ms
        self.bases[Kind.ERRORS] = max(oldest, self.bases[Kind.ERRORS])

    def flush(self, told: Told) -> list[DriftEvent]:
        """Close all windows that hold data, as a replay does at its end."""
        events: list[DriftEvent] = []
        for kind in KINDS:
            for chain in self.watching(kind):
                events += self._tell(chain, chain.flush(), told)
            events += self.gather(kind)
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
            self.series_refused += sum(map(events_of, parts))
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
                self.forget_parts(chain)
            chain = self.chains[series, kind] = self.chain_of(series, kind, reference)
        events += self._tell(chain, chain.close(start), told)
        chain.take(start, merge_parts(reference, parts), evidence)
        self.touch(chain)
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
        self.part_with(leaving, kind, at_ms)
        return events

    def _learn(self, learner: Learner, number: int, parts: Sequence[Binned | Raw]) -> None:
        raw = Raw()
        for part in parts:
            if isinstance(part, Binned):
                raise RuntimeError(
                    f"{learner.series}: a pane is binned by a reference that the book does not have"
                )
            raw.merge(part)
        self.learned_rows[learner.kind] += raw.n
        self.changed[learn_field(learner.series, learner.kind, number)] = learner.take(number, raw)
        self.changed[LEARNING] = b""
        if learner.ready:
            reference = self._publish(learner.freeze("learned"))
            self.book.add(reference)
            for pane in learner.panes:
                self.forget(learn_field(learner.series, learner.kind, pane))
            chain = self.chain_of(learner.series, learner.kind, reference)
            self.chains[learner.series, learner.kind] = chain
            self.touch(chain)

    def close(self, chain: Chain, until_ms: int, told: Told) -> list[DriftEvent]:
        """Close the windows of a chain that end by a time, data or not."""
        return self._tell(chain, chain.close(until_ms), told)

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
            self.touch(chain)
        if chain.restood:
            chain.restood = False
            standing = dump_standings(chain.reference.digest, chain.standings)
            self.changed[standing_field(chain.series, chain.kind)] = standing
        return self._post(events)

    def gather(self, kind: Kind) -> list[DriftEvent]:
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

    # -- state -------------------------------------------------------------------------------------------------------

    def fields(self) -> dict[bytes, bytes]:
        """Give the fields that changed since `settled`, packed."""
        return fields_of(self)

    def settled(self) -> list[bytes]:
        """Forget what changed, as it is committed; give the fields that may be deleted now."""
        return settled(self)

    def restore(self, base: bytes, fields: Mapping[bytes, bytes]) -> None:
        """Take the state that was committed; CodecError when it cannot be read, or names an unknown reference."""
        restore(self, base, fields)
