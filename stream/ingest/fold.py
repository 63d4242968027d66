"""Folds one partition's log into panes: a pure function of the log, whatever the batch boundaries.

No clock is read here, and nothing is random: the same messages give the same state, byte for byte.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.thinned import Thinned
from stream.ingest.admission import SEGMENT, WHOLE, Admission, Arrivals
from stream.ingest.arrow.group import group_table
from stream.ingest.arrow.message import read_message, row_draws
from stream.ingest.arrow.messages import is_arrow, parts_of, put_right
from stream.ingest.count import count
from stream.ingest.crowd import Crowd
from stream.ingest.decode import Decoded, Decoder
from stream.ingest.group import Group, group_by_model
from stream.ingest.pane import Pane
from stream.ingest.raw import DeadLetter, RawBatch, Source
from stream.ingest.roster import DAY_MS
from stream.ingest.rosters import Rosters
from stream.ingest.sample import SampleRules, kept_ids
from stream.ingest.seating import Coming, Seating
from stream.ingest.seats import NOBODY, RAW
from stream.ingest.thinning import Chosen, Thinning
from stream.reference.book import Book
from stream.summaries.raw_values import Raw
from stream.summaries.schema import Schema
from stream.words import Kind

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
    batch_bytes_max: int = 32_000_000
    batch_rows_max: int = 100_000


@dataclass(slots=True)
class Counters:
    """What a partition has counted since its first offset; part of its state, so a recount after a crash is exact.

    Events are counted: each row of a batch message is one. A message that cannot be read at all is one, too.

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
    _seating: Seating = field(init=False)
    _crowd: Crowd = field(init=False, default_factory=Crowd)

    def __post_init__(self) -> None:
        """Begin with empty rosters, at the fixed rates."""
        rules = self.rules
        self.thinning = Thinning(self.source, rules.sample)
        self._seating = Seating(self.source.kind)
        self.rosters = Rosters(rules.models_max, rules.series_max, rules.partition_series_max)

    def fold(self, batch: RawBatch, decoder: Decoder, book: Book) -> list[DeadLetter]:
        """Take in a batch and give its dead letters. Messages below the next offset are known already and left out."""
        if batch.seen and batch.begin < self.next_offset:
            batch = batch.since(self.next_offset)
        if not batch.seen:
            return []
        self.next_offset = batch.end
        before = batch.seen
        batch, chosen = self.thinning.thin(batch)
        self.counters.seen += before - len(batch)
        self.counters.sampled_out += before - len(batch)
        return self._fold_messages(batch, chosen, decoder, book)

    def _fold_messages(
        self, batch: RawBatch, chosen: Chosen | None, decoder: Decoder, book: Book
    ) -> list[DeadLetter]:
        """Take in the messages that stay."""
        decoded = decoder.decode(batch, self.rules.max_future_ms)
        if any(is_arrow(letter.value) for letter in decoded.dead):  # as JSON they cannot be read
            return self._fold_parts(batch, chosen, decoder, book)
        self.counters.seen += len(batch)
        self.counters.malformed += len(decoded.dead)
        accepted = self._pass_time(decoded.ts)
        stays = None if chosen is None else chosen.at(decoded.offsets)
        even = decoded.kinds.which is not None and (stays is None or stays.rate is not None)
        if even and self.source.kind is Kind.FEATURES:
            rate = 1.0 if stays is None or stays.rate is None else stays.rate
            accepted = self._count_crowd(decoded, accepted, decoder, book, rate)
        groups = [g for g in group_by_model(decoded, accepted, decoder.schema_of) if len(g.at)]
        of_groups = self._fold_groups(groups, decoded, book, stays)
        if even:
            self._note_crowd(of_groups, decoded)
        put_right(decoded.dead)
        return decoded.dead

    def _count_crowd(
        self, decoded: Decoded, accepted: NDArray[np.int64], decoder: Decoder, book: Book, rate: float
    ) -> NDArray[np.int64]:  # fmt: skip
        """Count the events whose seats are noted, or can be told at once, and give those that are left.

        They are of several models. All were chosen at one rate, and count in their whole and in their segment.

        On the day on which its seat was given out a series was entered into the roster. Where the events of a batch are
        of several days, one may leave it for a newcomer within the batch, so then all go the long way.
        """
        self._crowd.know(decoder.schema_of, decoded.parties)
        if not len(accepted):
            return accepted
        pane_ms = self.rules.pane_ms
        panes = decoded.ts[accepted] // pane_ms
        day = int(panes.min()) * pane_ms // DAY_MS
        if day != int(panes.max()) * pane_ms // DAY_MS:
            return accepted
        left, touched = self._crowd.count(decoded, accepted, panes, rate)
        self.touched.update(touched)
        if len(left) and self._seat_crowd(decoded, left, day, book):
            panes = decoded.ts[left] // pane_ms
            left, touched = self._crowd.count(decoded, left, panes, rate)
            self.touched.update(touched)
        return left

    def _seat_crowd(self, decoded: Decoded, left: NDArray[np.int64], day: int, book: Book) -> bool:
        """Note the seats of those whom a pane has not met, as at its beginning; tell whether there are any.

        Who was entered into the roster on this day is admitted, whoever else comes, so all of them take their seats.
        """
        seated = False
        for number, block in _by_pane(decoded.ts[left] // self.rules.pane_ms):
            coming: list[Coming] = []
            told: list[tuple[Schema, NDArray[np.int64], NDArray[np.int64]]] = []
            for schema, who, first in self._crowd.strangers(decoded, left[block]):
                numbers, new = self._seating.admitted(
                    schema.model, decoded.parties, who, number, day
                )
                if not new.any():
                    continue
                pane = self._pane(schema.model, schema, number, book)
                offset = int(decoded.offsets[first[new].min()])
                pane.touch(offset, offset)  # of the last one, once it is counted
                parties = [decoded.parties[i] for i in who[new].tolist()]
                coming.append(Coming(pane, schema.model, parties))
                told.append((schema, who[new], numbers[new]))
            seats = self._seating.seat(coming, [numbers for *_, numbers in told], number, book)
            for (pane, *_), (schema, who, _), own in zip(coming, told, seats, strict=True):
                self._crowd.note(schema.struct, number, pane, who, own)
            seated |= len(coming) > 0
        return seated

    def _note_crowd(self, arrivals: Sequence[Arrivals], decoded: Decoded) -> None:
        """Note the seats of events that have just been counted, for those to come."""
        for of in arrivals:
            group = of.group
            if group.schema is None or not group.typed or group.parties is not decoded.parties:
                continue
            for number, block in _by_pane(of.panes):
                pane = self.open.get((group.model, number))
                if pane is None:
                    continue
                who, first = np.unique(group.who[block], return_index=True)
                seats = of.seats.of(number)[:, of.numbers[block[first]]]
                seats[1, [not group.parties[i][1] for i in who.tolist()]] = NOBODY
                self._crowd.note(group.schema.struct, number, pane, who, seats)

    def _fold_parts(
        self, batch: RawBatch, chosen: Chosen | None, decoder: Decoder, book: Book
    ) -> list[DeadLetter]:
        """Take in a batch with Arrow messages among it: part by part, which is the same as all at once."""
        dead: list[DeadLetter] = []
        for is_message, part in parts_of(batch):
            of_part = None if chosen is None else chosen.at(part.offsets)
            if is_message:
                dead += self._fold_arrow(part, of_part, decoder, book)
            else:
                dead += self._fold_messages(part, of_part, decoder, book)
        return dead

    def _fold_arrow(
        self, batch: RawBatch, chosen: Chosen | None, decoder: Decoder, book: Book
    ) -> list[DeadLetter]:
        """Take in one Arrow message, whose rows all stand at its offset; they are thinned one by one."""
        rules, offset = self.rules, int(batch.offsets[0])
        message = read_message(
            batch, rules.batch_bytes_max, rules.batch_rows_max, rules.max_future_ms,
            1.0 if chosen is None else chosen.highest_of_rows,
        )  # fmt: skip
        self.counters.seen += message.seen
        self.counters.sampled_out += message.sampled_out
        self.counters.malformed += message.malformed
        for table, rows in zip(message.tables, message.rows, strict=True):
            offsets = np.full(len(table.ts), offset)
            decoded = Decoded([], (), table.ts, offsets, [], offsets, [])
            accepted = self._pass_time(table.ts)
            stays = None
            if chosen is not None:
                stays = chosen.of_rows(row_draws(self.source, offset, rows))
            groups = list(group_table(table, accepted, decoder.known))
            self._fold_groups(groups, decoded, book, stays)
        return message.dead

    def _fold_groups(
        self, groups: Sequence[Group], decoded: Decoded, book: Book, stays: Chosen | None
    ) -> list[Arrivals]:
        """Count the events of groups, as far as there is room for their models and series; give them, if they stay."""
        if self._seating.full:
            self._forget_seats()
        pane_ms = self.rules.pane_ms
        arrivals = [
            self._seating.arrivals(group, decoded.ts[group.at] // pane_ms) for group in groups
        ]
        admission = Admission(self.rosters, arrivals, pane_ms)
        found: list[_Found] = []
        for of_group in arrivals:
            if admission.refuses(of_group.group.model):
                self.counters.models_refused += len(of_group.group.at)
            else:
                found += self._fold_group(of_group, decoded, book, admission, stays)
        raw: list[_RawRow] = []
        for (
            seated
        ) in found:  # once all have their seats, as layouts are laid out anew for each new one
            self._count(seated, book, raw)
        self._keep_raw(raw)
        if admission.full:
            self._crowd.forget()  # some may have left
            return []
        return arrivals

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

    def close(self, model: str, pane: int) -> Pane:
        """Take a pane out of the open ones."""
        self._seating.close(model, pane)
        self._crowd.forget(pane)
        return self.open.pop((model, pane))

    def _forget_seats(self) -> None:
        self._seating.forget()
        self._crowd.forget()
        for pane in self.open.values():
            pane.learning.clear()

    def _fold_group(
        self, arrivals: Arrivals, decoded: Decoded, book: Book, admission: Admission, stays: Chosen | None,
    ) -> "Iterator[_Found]":  # fmt: skip
        """Find the seats of the events of a group, and take in their rows for the join."""
        group = arrivals.group
        rate = self.rules.sample.of(group.model)
        joins = None if self.source.kind is Kind.FEATURES else group.rows(self.source.kind)
        for number, block in _by_pane(arrivals.panes):
            chosen = self._thinned(group, block, stays)
            if not len(chosen):
                continue
            pane = self._pane(group.model, group.schema, number, book)
            offsets = decoded.offsets[group.at[chosen]]
            pane.touch(int(offsets[0]), int(offsets[-1]))
            for part in (WHOLE, SEGMENT) if arrivals.seats.segments else (WHOLE,):
                own, rates = _chosen(stays, group, chosen, whole=part == WHOLE)
                if len(own):
                    refused = admission.refused(part, group.at[own])
                    if refused is not None:
                        self.counters.series_refused += int(refused.sum())
                    seats = self._seating.find(pane, number, part, arrivals, own, refused, book)
                    if rates is not None:
                        _stand_for(pane, seats, rates)
                    yield _Found(pane, group, own, seats)
            if joins is not None:
                has_value = ~np.isnan(joins.value.number[chosen]) | (joins.value.text[chosen] != 0)
                fresh = chosen[has_value]
                if rate < 1.0:
                    fresh = fresh[kept_ids(joins.id[fresh], rate)]
                if len(fresh):
                    self.counters.join_rows_dropped += pane.add_rows(
                        joins.take(fresh), self.rules.join_rows_max
                    )

    def _count(self, found: "_Found", book: Book, raw: "list[_RawRow]") -> None:
        """Count events in their seats; what is to be kept raw is added to `raw`."""
        pane, group, own, seats = found
        if seats.min() >= 0:
            pane.shelf.changed[seats] = True
            count(group, pane.shelf, book, own, seats)
            return
        learning = np.flatnonzero(seats <= RAW)
        pane.learned |= len(learning) > 0
        raw += [
            _RawRow(int(group.at[i]), pane.learning[RAW - seat], group, i)
            for i, seat in zip(own[learning].tolist(), seats[learning].tolist(), strict=True)
        ]
        binned = seats >= 0
        pane.shelf.changed[seats[binned]] = True
        count(group, pane.shelf, book, own[binned], seats[binned])

    def _thinned(
        self, group: Group, block: NDArray[np.int64], stays: Chosen | None
    ) -> NDArray[np.int64]:
        """Leave out events that count in no series, as the rate of their model is lower than that of others."""
        if stays is None or stays.rate is not None:
            return block
        which, _ = stays.counted(group.model, group.at[block], whole=True)
        segments = np.array([bool(party[1]) for party in group.parties])[group.who[block]]
        of_segment, _ = stays.counted(group.model, group.at[block], whole=False)
        which |= of_segment & segments
        out = len(block) - int(which.sum())
        self.counters.sampled_out += out
        self.counters.folded -= out
        return block[which]

    def _pane(self, model: str, schema: Schema | None, number: int, book: Book) -> Pane:
        key = (model, number)
        self.touched.add(key)
        pane = self.open.get(key)
        if pane is None:
            pane = self.open[key] = Pane()
            self.counters.panes += 1
        if not pane.seated:
            pane.shelf = self._seating.shelf(model, schema, number, book)
        return pane

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


class _Found(NamedTuple):
    """Events of a group in a pane, by their places in the group, and their seats there."""

    pane: Pane
    group: Group
    own: NDArray[np.int64]
    seats: NDArray[np.int64]


class _RawRow(NamedTuple):
    """An event whose values are to be kept: its position in the batch and in its group."""

    at: int
    entry: Raw
    group: Group
    i: int


def _chosen(
    stays: Chosen | None, group: Group, events: NDArray[np.int64], *, whole: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Give the events that count in their whole, or in their segment, and their rates; None: all do, at 1."""
    if stays is None:
        return events, None
    which, rates = stays.counted(group.model, group.at[events], whole=whole)
    return events[which], rates[which]


def _stand_for(pane: Pane, seats: NDArray[np.int64], rates: NDArray[np.float64]) -> None:
    """Note what the events in the seats of a pane stand for."""
    for seat in np.unique(seats).tolist():
        if seat >= 0:
            pane.shelf.held[seat].stand_for(Thinned.of(rates[seats == seat]))
        elif seat <= RAW:
            pane.learning[RAW - seat].stand_for(rates[seats == seat])


def _by_pane(panes: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    """Give for each pane the positions of its events."""
    first, last = int(panes.min()), int(panes.max())
    if first == last:
        return [(first, np.arange(len(panes)))]
    return [(number, np.flatnonzero(panes == number)) for number in np.unique(panes).tolist()]
