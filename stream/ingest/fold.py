"""Folds one partition's log into panes: a pure function of the log, whatever the batch boundaries.

No clock is read here, and nothing is random: the same messages give the same state, byte for byte.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.summary import Summary
from stream.ingest.decode import Decoded, Decoder
from stream.ingest.group import Group, group_by_model
from stream.ingest.pane import Binned, Pane
from stream.ingest.raw import DeadLetter, RawBatch, Source
from stream.ingest.sample import kept
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
    sample: float
    raw_rows_max: int
    join_rows_max: int
    event_bytes_max: int


@dataclass(slots=True)
class Counters:
    """What a partition has counted since its first offset; part of its state, so a recount after a crash is exact."""

    seen: int = 0
    sampled_out: int = 0
    malformed: int = 0
    late: int = 0
    folded: int = 0
    panes: int = 0
    join_rows_dropped: int = 0
    gaps: int = 0
    lost: int = 0


@dataclass
class Fold:
    """The fold of one partition: where it stands in its log, its watermark, and its open panes.

    `open` maps (model, pane) to what is known of it; `touched` are those that changed since the last commit. `gaps` are
    the newest places where the log had lost events before they were read: from an offset, and on at another.
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

    def fold(self, batch: RawBatch, decoder: Decoder, book: Book) -> list[DeadLetter]:
        """Take in a batch and give its dead letters. Messages below the next offset are known already and left out."""
        if len(batch) and int(batch.offsets[0]) < self.next_offset:
            batch = batch.take(batch.offsets >= self.next_offset)
        if not len(batch):
            return []
        self.next_offset = int(batch.offsets[-1]) + 1
        self.counters.seen += len(batch)
        if self.rules.sample < 1.0 and self.source.kind is Kind.FEATURES:
            chosen = kept(self.source, batch.offsets, self.rules.sample)
            self.counters.sampled_out += len(batch) - int(chosen.sum())
            batch = batch.take(chosen)
        decoded = decoder.decode(batch, self.rules.max_future_ms)
        self.counters.malformed += len(decoded.dead)
        accepted = self._pass_time(decoded.ts)
        for group in group_by_model(decoded, accepted, decoder.schema_of):
            self._fold_group(group, decoded, book)
        return decoded.dead

    def skip(self, offset: int) -> None:
        """Go on at an offset, as the log no longer holds what stands at the next one; noted in the state.

        An offset that lies before the next one is that of a topic made anew; how much was lost of it nobody can tell.
        """
        self.counters.gaps += 1
        self.counters.lost += max(0, offset - self.next_offset)
        self.gaps = [*self.gaps, (self.next_offset, offset)][-GAPS_KEPT:]
        self.next_offset = offset

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

    def _fold_group(self, group: Group, decoded: Decoded, book: Book) -> None:
        panes = decoded.ts[group.at] // self.rules.pane_ms
        rows = group.rows(self.source.kind) if self.source.kind is not Kind.FEATURES else None
        for number, who, chosen in _blocks(panes, group.who):
            key = (group.model, number)
            pane = self.open.get(key)
            if pane is None:
                pane = self.open[key] = Pane()
                self.counters.panes += 1
            self.touched.add(key)
            offsets = decoded.offsets[group.at[chosen]]
            pane.touch(int(offsets[0]), int(offsets[-1]))
            version, segment = group.parties[who]
            for part in dict.fromkeys(((), segment)):
                series = Series(group.model, version, part)
                self._fold_series(pane, series, number, group, chosen, book)
            if rows is not None:
                has_value = ~np.isnan(rows.value.number[chosen]) | (rows.value.text[chosen] != 0)
                fresh = chosen[has_value]
                if len(fresh):
                    self.counters.join_rows_dropped += pane.add_rows(
                        rows.take(fresh), self.rules.join_rows_max
                    )

    def _fold_series(
        self,
        pane: Pane,
        series: Series,
        number: int,
        group: Group,
        chosen: NDArray[np.int64],
        book: Book,
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
        if isinstance(entry, Binned):
            reference = book.by_digest(entry.digest)
            X, columns, codes, values = group.columns(reference)
            entry.summary.add(reference.layout, X, columns, chosen, codes, values)
            return
        kind, rules = self.source.kind, self.rules
        for i in chosen.tolist():
            fields = group.fields(kind, i, rules.event_bytes_max)
            entry.add(fields, rules.raw_rows_max, group.told(kind, i))


def _blocks(
    panes: NDArray[np.int64], who: NDArray[np.int64]
) -> list[tuple[int, int, NDArray[np.int64]]]:
    """Split positions into blocks of one pane and one party, each in order."""
    if not len(panes):
        return []
    order = np.lexsort((who, panes))
    cuts = np.flatnonzero((np.diff(panes[order]) != 0) | (np.diff(who[order]) != 0)) + 1
    return [(int(panes[b[0]]), int(who[b[0]]), b) for b in np.split(order, cuts)]
