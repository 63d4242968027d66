"""From the bytes of a batch to events with a time: typed where the model is known, by hand where it is not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.ingest.envelope import (
    TS_MAX,
    TS_MIN,
    Envelope,
    Unreadable,
    is_text,
    read_envelope,
    read_ts,
)
from stream.ingest.kinds import Kinds, kinds_of
from stream.ingest.parties import NONE, OUT_OF_BOUNDS, UNREADABLE, Parties, are_names
from stream.ingest.raw import DeadLetter, RawBatch
from stream.summaries.columns import Columns, Gathering, Words
from stream.summaries.rows import Party
from stream.summaries.schema import Schema, make_decoder
from stream.summaries.written import NO_TIME, Forms
from stream.words import Kind

__all__ = ["Decoded", "Decoder"]

Ints = NDArray[np.int64]
PORTION = 500
"""Events that are read at once: few enough to stay in the nearer caches, many enough that calls cost little."""
USUAL, FEWEST = 10, 100
"""Numbers of an event; of those with more fewer events are read at once, but no fewer than these."""


@dataclass(slots=True)
class Decoded:
    """A batch after decoding: event i happened at `ts[i]` and stood at `offsets[i]`.

    It is of parties[who[i]], its version and segment; most parties may be those of other batches. `values` are the
    bytes, for a second look. What could not be read is in `dead`, and nowhere else. `kinds` are the types of the
    events, Envelope where they were read by hand. Typed features are in `columns` only, and None in `events`.
    """

    events: list[Any]
    values: Sequence[bytes | None]
    ts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    parties: list[Party]
    who: NDArray[np.int64]
    dead: list[DeadLetter]
    kinds: Kinds = field(default_factory=Kinds)
    columns: Columns | None = None

    def take(self, kept: NDArray[np.bool_]) -> "Decoded":
        """Keep some of the events."""
        chosen = np.flatnonzero(kept).tolist()
        types, which = self.kinds
        return Decoded(
            [self.events[i] for i in chosen],
            [self.values[i] for i in chosen],
            self.ts[kept],
            self.offsets[kept],
            self.parties,
            self.who[kept],
            self.dead,
            Kinds(types, None if which is None else which[kept]),
            None if self.columns is None else self.columns.take(kept),
        )


class Decoder:
    """Decodes batches of one kind. `schemas` are the known models; new ones call for a new Decoder.

    `schema_of` and `known` have those that can be read typed, by the types of their events and by their models.

    Cost: about 1 us for a typed event of 11 features, 3 us and more for one read by hand.
    """

    def __init__(self, kind: Kind, schemas: Sequence[Schema], bytes_max: int) -> None:
        self.kind = kind
        self._bytes_max = bytes_max
        self._typed = make_decoder(schemas)
        self._parties = Parties()
        self._words = Words()
        self.schema_of: dict[type[Any], Schema] = {s.struct: s for s in schemas if not s.mixed}
        self.known = {schema.model: schema for schema in self.schema_of.values()}
        self._types = [*self.schema_of, Envelope]
        self._forms = Forms([schema.form for schema in self.schema_of.values()])

    def decode(self, batch: RawBatch, max_future_ms: int) -> Decoded:
        """Decode a batch; times beyond the Kafka timestamp + max_future_ms are dead-lettered (files have no bound).

        Portion by portion, so that bytes and events are looked at again while they are in the cache, and the memory
        of the events of one portion serves the next.
        """
        self._parties.make_room()
        columns = None if self._typed is None else Gathering(self._forms, self._words, len(batch))
        events: list[Any] = []
        whose = np.empty((3, len(batch)), dtype=np.int64)
        reasons: dict[int, str] = {}
        numbers = max(USUAL, self._forms.numbers_max)
        size = min(PORTION, max(FEWEST, PORTION * USUAL // numbers))
        for first in range(0, len(batch), size):
            part = slice(first, first + size)
            read, bad = self._read(batch.portion(part), first, columns, *whose[:, part])
            events += read
            reasons |= {first + i: reason for i, reason in bad.items()}
        of, who, ts = whose
        if batch.stamps is not None:
            stamped = batch.stamps >= 0  # Kafka tells -1 for a message without a timestamp
            for i in np.flatnonzero(stamped & (ts > batch.stamps + max_future_ms)).tolist():
                ahead = (int(ts[i]) - int(batch.stamps[i])) // 1000
                reasons.setdefault(
                    i, f"ts lies {ahead} s after the Kafka timestamp, over max_future"
                )
        decoded = Decoded(
            events, batch.values, ts, batch.offsets, self._parties.list, who,
            [_dead_letter(batch, i, reasons[i]) for i in sorted(reasons)], kinds_of(self._types, of),
            None if columns is None else columns.columns(),
        )  # fmt: skip
        if not reasons:
            return decoded
        kept = np.ones(len(events), dtype=bool)
        kept[list(reasons)] = False
        return decoded.take(kept)

    def _read(
        self, batch: RawBatch, first: int, columns: Gathering | None, of: Ints, who: Ints, ts: Ints
    ) -> tuple[list[Any], dict[int, str]]:
        """Give the events of a portion that begins at `first`, and why some cannot be read.

        What their types are, whose they are and their times go into `of`, `who` and `ts`.
        """
        values = batch.values
        reasons: dict[int, str] = {}
        good, plain = (values, True) if columns is None else self._of_good_length(values)
        events, by_hand = self._events(values, good, reasons)
        if columns is not None:
            refused = self._read_typed(events, by_hand, first, columns, of, who, ts)
            for i in refused:  # by the one who looks into segments, as the decoder does not
                events[i] = self._by_hand(values[i], i, reasons)
            by_hand += refused
        for i in by_hand:
            event = events[i]
            of[i], ts[i] = len(self.schema_of), NO_TIME
            who[i] = NONE if event is None else self._parties.place((event.version, event.segment))
        if columns is not None:
            self._check_bounds(events, values, who, by_hand, reasons, plain=plain)
        for i in np.flatnonzero((ts < TS_MIN) | (ts >= TS_MAX)).tolist():
            if ts[i] == NO_TIME:
                ts[i] = self._time(events[i], i, batch, reasons)
            if not TS_MIN <= ts[i] < TS_MAX:
                reasons.setdefault(
                    i,
                    "ts lies before the year 2000 or after 2999: milliseconds since 1970 are expected",
                )
        if columns is not None and self.kind is Kind.FEATURES:
            read, events = events, [None] * len(events)
            for i in by_hand:
                events[i] = read[i]
        return events, reasons

    def _events(
        self, values: Sequence[bytes | None], good: Sequence[bytes | None], reasons: dict[int, str]
    ) -> tuple[list[Any], list[int]]:
        """Give the events, and which of them were read by hand, as no typed decoder takes them."""
        events: list[Any] = []
        if self._typed is None:
            for value in values:
                events.append(self._by_hand(value, len(events), reasons))
            return events, list(range(len(events)))
        by_hand: list[int] = []
        left = iter(good)
        while len(events) < len(values):
            try:
                # what extend took before an error stays, so the loop goes on behind the refused message
                events.extend(map(self._typed.decode, left))  # type: ignore[arg-type]
            except (msgspec.DecodeError, UnicodeDecodeError, TypeError, RecursionError):
                i = len(events)
                by_hand.append(i)
                events.append(self._by_hand(values[i], i, reasons))
        return events, by_hand

    def _read_typed(
        self, events: list[Any], by_hand: list[int], first: int, columns: Gathering, of: Ints, who: Ints, ts: Ints
    ) -> list[int]:  # fmt: skip
        """Read the events that were not read by hand; give those whose segment cannot be read."""
        at: slice | Ints = slice(first, first + len(events))
        here: slice | Ints = slice(None)
        if by_hand:
            here = np.delete(np.arange(len(events)), by_hand)
            at, events = here + first, [events[i] for i in here.tolist()]
        written = columns.add(events, at)
        places = self._parties.code(written.parties)
        of[here], who[here], ts[here] = written.of, places, written.ts
        if places.min(initial=0) > UNREADABLE:
            return []
        unreadable: list[int] = np.arange(len(of))[here][places == UNREADABLE].tolist()
        return unreadable

    def _of_good_length(
        self, values: Sequence[bytes | None]
    ) -> tuple[Sequence[bytes | None], bool]:
        """Take the bytes of too long messages away, so that they are refused before they are parsed.

        Tells, too, whether all the others are text: fields that a struct does not have are skipped unread.
        """
        joined = _joined(values)
        longest = len(joined)
        if longest > self._bytes_max:  # one of them may be
            longest = max(map(len, filter(None, values)))
        if longest > self._bytes_max:
            values = [b"" if v is not None and len(v) > self._bytes_max else v for v in values]
            joined = _joined(values)
        return values, is_text(joined)

    def _check_bounds(
        self, events: list[Any], values: Sequence[bytes | None], who: Ints, by_hand: Collection[int],
        reasons: dict[int, str], *, plain: bool,
    ) -> None:  # fmt: skip
        """Hold typed events to the bounds that the struct cannot say; read by hand, an offender tells its reason.

        Whatever stays typed must be readable by hand, too, or an event's fate would hang on what is known of its model.
        """
        joined = self.kind is not Kind.FEATURES
        ids = [event.id for event in events if event is not None] if joined else []
        if plain and are_names(ids) and who.min(initial=0) > OUT_OF_BOUNDS:
            return
        read = set(by_hand)
        for i, (event, value) in enumerate(zip(events, values, strict=True)):
            if i not in read:
                assert value  # noqa: S101 - it was read
                named = are_names([event.id] if joined else [])
                if not (named and who[i] != OUT_OF_BOUNDS and is_text(value)):
                    self._by_hand(value, i, reasons)

    def _by_hand(self, value: bytes | None, i: int, reasons: dict[int, str]) -> Envelope | None:
        try:
            return read_envelope(value, self.kind, self._bytes_max)
        except Unreadable as error:
            reasons[i] = str(error)
            return None

    def _time(self, event: Any, i: int, batch: RawBatch, reasons: dict[int, str]) -> int:
        if event is None:
            return TS_MIN
        try:
            ts = read_ts(event.ts)
        except Unreadable as error:
            reasons.setdefault(i, str(error))
            return TS_MIN
        if ts is None:
            if batch.stamps is None:
                reasons.setdefault(
                    i, "ts is missing, and a file has no Kafka timestamp to serve instead"
                )
                return TS_MIN
            return int(batch.stamps[i])
        return ts


def _joined(values: Sequence[bytes | None]) -> bytes:
    """Put messages behind each other so that no letter can begin in one and end in the next."""
    try:
        return b"\n".join(values)  # type: ignore[arg-type]
    except TypeError:  # one of them has no bytes
        return b"\n".join(filter(None, values))


def _dead_letter(batch: RawBatch, i: int, reason: str) -> DeadLetter:
    offset, value = int(batch.offsets[i]), batch.values[i]
    return DeadLetter(batch.source, offset, reason, value, batch.key(i), batch.headers_of(i))
