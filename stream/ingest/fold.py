"""Folds one partition's log into panes: a pure function of the log, whatever the batch boundaries.

No clock is read here, and nothing is random: the same messages give the same state, byte for byte.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.summary import Summary
from stream.ingest.admission import Admission, series_of
from stream.ingest.decode import Decoded, Decoder
from stream.ingest.group import Group, group_by_model
from stream.ingest.pane import Binned, Pane
from stream.ingest.raw import DeadLetter, RawBatch, Source
from stream.ingest.rosters import Rosters
from stream.ingest.sample import SampleRules, kept_ids
from stream.ingest.thinning import Chosen, Thinning
from stream.reference.book import Book
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series

__all__ = ["NEVER", "Counters", "Fold", "FoldRules"]

NEVER = -(2**62)
"""The watermark of a partition that has accepted nothing yet."""
GAPS_KEPT = 16
"""Gaps in the log that are remembered by their offsets; all are counted."""


@dataclass(frozen=True, slots=True)
class FoldRules:
    """The part of the configuration that the fold obeys; times in ms."""

    pane_ms: int
    lateness_ms: int
    max_future_ms: int
    sample: SampleRules
    raw_rows_max: int
    join_rows_max: int
    event_bytes_max: int
    models_max: int
    series_max: int
    partition_series_max: int
    columns_max: int


@dataclass(slots=True)
class Counters:
    """What a partition has counted since its first offset; part of its state, so a recount after a crash is exact.

    `models_refused`: events of models beyond `limits.models_max`. `series_refused`: events that a version or a segment
    beyond `limits.series_max` lacks. `columns_refused`: values of columns beyond `limits.columns_max`, or of too long a
    name, while learning. `raw_rows_dropped`: events whose raw values were left out of a sample.
    """

    seen: int = 0
    sampled_out: int = 0
    malformed: int = 0
    late: int = 0
    folded: int = 0
    panes: int = 0
    join_rows_dropped: int = 0
    gaps: int = 0
    lost: int = 0
    models_refused: int = 0
    series_refused: int = 0
    columns_refused: int = 0
    raw_rows_dropped: int = 0


@dataclass
class Fold:
    """The fold of one partition: where it stands in its log, its watermark, and its open panes.

    `open` maps (model, pane) to what is known of it; `touched` are those that changed since the last commit. `gaps` are
    the newest places where the log had lost events before they were read: from an offset, and on at another. `rosters`
    has the models and series that are counted.
    """

    source: Source
    rules: FoldRules
    next_offset: int = 0
    watermark: int = NEVER
    ticks: int = 0
    counters: Counters = field(default_factory=Counters)
    open: dict[tuple[str, int], Pane] = field(default_factory=dict)
    touched: set[tuple[str, int]] = field(default_factory=set)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    rosters: Rosters = field(init=False)
    thinning: Thinning = field(init=False)

    def __post_init__(self) -> None:
        """Begin with empty rosters, at the fixed rates."""
        rules = self.rules
        self.thinning = Thinning(self.source, rules.sample)
        self.rosters = Rosters(rules.models_max, rules.series_max, rules.partition_series_max)

    def fold(self, batch: RawBatch, decoder: Decoder, book: Book) -> list[DeadLetter]:
        """Take in a batch and give its dead letters. Messages below the next offset are known already and left out."""
        if len(batch) and int(batch.offsets[0]) < self.next_offset:
            batch = batch.take(batch.offsets >= self.next_offset)
        if not len(batch):
            return []
        self.next_offset = int(batch.offsets[-1]) + 1
        self.counters.seen += len(batch)
        before = len(batch)
        batch, chosen = self.thinning.thin(batch)
        self.counters.sampled_out += before - len(batch)
        decoded = decoder.decode(batch, self.rules.max_future_ms)
        self.counters.malformed += len(decoded.dead)
        accepted = self._pass_time(decoded.ts)
        groups = [g for g in group_by_model(decoded, accepted, decoder.schema_of) if len(g.at)]
        admission = Admission(self.rosters, groups, decoded.ts, self.rules.pane_ms)
        raw: list[_RawRow] = []
        stays = None if chosen is None else chosen.at(decoded.offsets)
        for group in groups:
            if admission.refuses(group.model):
                self.counters.models_refused += len(group.at)
            else:
                self._fold_group(group, decoded, book, admission, raw, stays)
        self._keep_raw(raw)
        return decoded.dead

    def skip(self, offset: int) -> None:
        """Go on at an offset, as the log no longer holds what stands at the next one; noted in the state.

        An offset that lies before the next one is that of a topic made anew; how much was lost of it nobody can tell.
        """
        self.counters.gaps += 1
        self.counters.lost += max(0, offset - self.next_offset)
        self.gaps = [*self.gaps, (self.next_offset, offset)][-GAPS_KEPT:]
        self.next_offset = offset

    def retune(self, rung: int) -> None:
        """Count the events from the next offset on at another rung of the ladder; noted in the state."""
        self.thinning.schedule.note(self.next_offset, rung)

    def tick(self, watermark: int) -> None:
        """Let a silent partition follow the others' time; recorded in the state."""
        if watermark > self.watermark:
            self.watermark = watermark
            self.ticks += 1

    def closed_before(self) -> int:
        """Tell the first pane that is still open on this partition."""
        return (self.watermark - self.rules.lateness_ms) // self.rules.pane_ms

    def _pass_time(self, ts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Move the watermark over the events and give the positions of those whose pane was open when they came."""
        if not len(ts):
            return np.zeros(0, dtype=np.int64)
        before = np.maximum.accumulate(np.concatenate([[self.watermark], ts]))
        self.watermark = int(before[-1])
        ends = (ts // self.rules.pane_ms + 1) * self.rules.pane_ms
        accepted = np.flatnonzero(ends + self.rules.lateness_ms > before[:-1])
        self.counters.late += len(ts) - len(accepted)
        self.counters.folded += len(accepted)
        return accepted

    def _fold_group(
        self,
        group: Group,
        decoded: Decoded,
        book: Book,
        admission: Admission,
        raw: "list[_RawRow]",
        stays: Chosen | None,
    ) -> None:
        panes = decoded.ts[group.at] // self.rules.pane_ms
        rows = group.rows(self.source.kind) if self.source.kind is not Kind.FEATURES else None
        rate = self.rules.sample.of(group.model)
        for number, who, block in _blocks(panes, group.who):
            chosen = self._thinned(group, who, block, stays)
            if not len(chosen):
                continue
            key = (group.model, number)
            pane = self.open.get(key)
            if pane is None:
                pane = self.open[key] = Pane()
                self.counters.panes += 1
            self.touched.add(key)
            offsets = decoded.offsets[group.at[chosen]]
            pane.touch(int(offsets[0]), int(offsets[-1]))
            for series in series_of(group.model, *group.parties[who]):
                counted = admission.counted(series, number, group.at, chosen)
                self.counters.series_refused += len(chosen) - len(counted)
                counted, rates = _chosen(stays, series, group, who, counted)
                if len(counted):
                    self._fold_series(pane, series, number, group, counted, book, raw, rates)
            if rows is not None:
                has_value = ~np.isnan(rows.value.number[chosen]) | (rows.value.text[chosen] != 0)
                fresh = chosen[has_value]
                if rate < 1.0:
                    fresh = fresh[kept_ids(rows.id[fresh], rate)]
                if len(fresh):
                    self.counters.join_rows_dropped += pane.add_rows(
                        rows.take(fresh), self.rules.join_rows_max
                    )

    def _thinned(
        self, group: Group, who: int, block: NDArray[np.int64], stays: Chosen | None
    ) -> NDArray[np.int64]:
        """Leave out events that count in no series, as the rate of their model is lower than that of others.

        The series that they name comes last and has no lower a rate than the whole.
        """
        if stays is None:
            return block
        own = series_of(group.model, *group.parties[who])[-1]
        chosen, _ = _chosen(stays, own, group, who, block)
        self.counters.sampled_out += len(block) - len(chosen)
        self.counters.folded -= len(block) - len(chosen)
        return chosen

    def _fold_series(
        self,
        pane: Pane,
        series: Series,
        number: int,
        group: Group,
        chosen: NDArray[np.int64],
        book: Book,
        raw: "list[_RawRow]",
        rates: NDArray[np.float64] | None,
    ) -> None:
        """Count some events of a series; where it has no reference yet, keep them raw."""
        entry = pane.entries.get(series)
        if entry is None:
            reference = book.find(series, self.source.kind, number)
            entry = (
                Raw()
                if reference is None
                else Binned(reference.digest, Summary.empty(reference.layout))
            )
            pane.entries[series] = entry
        if rates is not None:
            entry.stand_for(rates)
        if isinstance(entry, Binned):
            reference = book.by_digest(entry.digest)
            X, columns, codes, values = group.columns(reference)
            entry.summary.add(reference.layout, X, columns, chosen, codes, values)
            return
        raw += [_RawRow(int(group.at[i]), entry, group, i) for i in chosen.tolist()]

    def _keep_raw(self, rows: "list[_RawRow]") -> None:
        """Keep raw values in the order of the log, as the first columns to come are those that stay."""
        kind, rules = self.source.kind, self.rules
        entries = {id(row.entry): row.entry for row in rows}.values()
        before = sum(entry.dropped for entry in entries)
        for _, entry, group, i in sorted(rows, key=lambda row: row.at):
            fields = group.fields(kind, i, rules.event_bytes_max)
            told = group.told(kind, i)
            refused = entry.add(fields, rules.raw_rows_max, told, rules.columns_max)
            self.counters.columns_refused += refused
        self.counters.raw_rows_dropped += sum(entry.dropped for entry in entries) - before


class _RawRow(NamedTuple):
    """An event whose values are to be kept: its position in the batch and in its group."""

    at: int
    entry: Raw
    group: Group
    i: int


def _chosen(
    stays: Chosen | None, series: Series, group: Group, who: int, events: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Give those of a group's events that count in a series, and the rates they were chosen at; None: all, at 1."""
    if stays is None:
        return events, None
    own = series[1:] == group.parties[who]
    which, rates = stays.counted(series, group.at[events], own=own)
    return events[which], rates


def _blocks(
    panes: NDArray[np.int64], who: NDArray[np.int64]
) -> list[tuple[int, int, NDArray[np.int64]]]:
    """Split positions into blocks of one pane and one party, each in order."""
    if not len(panes):
        return []
    order = np.lexsort((who, panes))
    cuts = np.flatnonzero((np.diff(panes[order]) != 0) | (np.diff(who[order]) != 0)) + 1
    return [(int(panes[b[0]]), int(who[b[0]]), b) for b in np.split(order, cuts)]
