"""From the bytes of a batch to events with a time: typed where the model is known, by hand where it is not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter, index
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
from stream.ingest.kinds import Kinds, Numbering
from stream.ingest.parties import (
    OUT_OF_BOUNDS,
    UNREADABLE,
    Parties,
    are_names,
    fits,
    segment_of,
)
from stream.ingest.raw import DeadLetter, RawBatch
from stream.summaries.columns import Columns, Gathering, Readers
from stream.summaries.rows import Party
from stream.summaries.schema import Schema, make_decoder
from stream.words import Kind

__all__ = ["Decoded", "Decoder"]

_TS = attrgetter("ts")
PORTION = 1_000
"""Events that are read at once: few enough to stay in the nearer caches, many enough that calls cost little."""
USUAL = 10
"""Numbers of an event; of those with more fewer events are read at once, a tenth at least."""


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
        self.schema_of: dict[type[Any], Schema] = {s.struct: s for s in schemas if not s.mixed}
        self.known = {schema.model: schema for schema in self.schema_of.values()}
        self._number = {of: i for i, of in enumerate(self.schema_of)}
        self._readers = Readers(list(self.schema_of.values()))

    def decode(self, batch: RawBatch, max_future_ms: int) -> Decoded:
        """Decode a batch; times beyond the Kafka timestamp + max_future_ms are dead-lettered (files have no bound).

        Portion by portion, so that bytes and events are looked at again while they are in the cache, and the memory
        of the events of one portion serves the next.
        """
        self._parties.make_room()
        columns = (
            Gathering(self._readers, len(batch))
            if self._typed and self.kind is Kind.FEATURES
            else None
        )
        numbering = Numbering()
        events: list[Any] = []
        whos: list[NDArray[np.int64]] = []
        times: list[NDArray[np.int64]] = []
        reasons: dict[int, str] = {}
        size = max(1, PORTION // 10, PORTION * USUAL // max(USUAL, self._readers.numbers_max()))
        for first in range(0, max(1, len(batch)), size):  # of nothing, too, one portion
            portion = batch.portion(slice(first, first + size))
            read, who, ts, bad = self._read(portion)
            kinds = numbering.add(read)
            if columns is not None:
                columns.add(read, [self._number.get(of, -1) for of in kinds.types], kinds.which)
                read = _by_hand_of(read, kinds)
            events += read
            whos.append(who)
            times.append(ts)
            reasons |= {first + i: reason for i, reason in bad.items()}
        ts = np.concatenate(times)
        if batch.stamps is not None:
            stamped = batch.stamps >= 0  # Kafka tells -1 for a message without a timestamp
            for i in np.flatnonzero(stamped & (ts > batch.stamps + max_future_ms)).tolist():
                ahead = (int(ts[i]) - int(batch.stamps[i])) // 1000
                reasons.setdefault(
                    i, f"ts lies {ahead} s after the Kafka timestamp, over max_future"
                )
        decoded = Decoded(
            events, batch.values, ts, batch.offsets, self._parties.list, np.concatenate(whos),
            [_dead_letter(batch, i, reasons[i]) for i in sorted(reasons)], numbering.kinds(),
            None if columns is None else columns.columns(),
        )  # fmt: skip
        if not reasons:
            return decoded
        kept = np.ones(len(events), dtype=bool)
        kept[list(reasons)] = False
        return decoded.take(kept)

    def _read(
        self, batch: RawBatch
    ) -> tuple[list[Any], NDArray[np.int64], NDArray[np.int64], dict[int, str]]:
        """Give the events of a portion, whose each is, their times, and why some cannot be read."""
        values = batch.values
        good, plain = (values, True) if self._typed is None else self._of_good_length(values)
        events, reasons = self._events(values, good)
        _, who = self._parties.code(events)
        refused = np.flatnonzero(who == UNREADABLE).tolist()
        if refused:  # by the one who looks into segments, as the decoder does not
            for i in refused:
                events[i] = self._by_hand(values[i], i, reasons)
            _, who = self._parties.code(events)
        if self._typed is not None:
            self._check_bounds(events, values, who, reasons, plain=plain)
        return events, who, self._times(events, batch, reasons), reasons

    def _events(
        self, values: Sequence[bytes | None], good: Sequence[bytes | None]
    ) -> tuple[list[Any], dict[int, str]]:
        events: list[Any] = []
        reasons: dict[int, str] = {}
        if self._typed is None:
            for value in values:
                events.append(self._by_hand(value, len(events), reasons))
            return events, reasons
        left = iter(good)
        while len(events) < len(values):
            try:
                # what extend took before an error stays, so the loop goes on behind the refused message
                events.extend(map(self._typed.decode, left))  # type: ignore[arg-type]
            except (msgspec.DecodeError, UnicodeDecodeError, TypeError, RecursionError):
                events.append(self._by_hand(values[len(events)], len(events), reasons))
        return events, reasons

    def _of_good_length(
        self, values: Sequence[bytes | None]
    ) -> tuple[Sequence[bytes | None], bool]:
        """Take the bytes of too long messages away, so that they are refused before they are parsed.

        Tells, too, whether all the others are text: fields that a struct does not have are skipped unread.
        """
        joined = b"\n".join(filter(None, values))
        longest = len(joined)
        if longest > self._bytes_max:  # one of them may be
            longest = max(map(len, filter(None, values)))
        if longest > self._bytes_max:
            values = [b"" if v is not None and len(v) > self._bytes_max else v for v in values]
            joined = b"\n".join(filter(None, values))
        return values, is_text(joined)

    def _check_bounds(
        self, events: list[Any], values: Sequence[bytes | None], who: NDArray[np.int64], reasons: dict[int, str],
        *, plain: bool,
    ) -> None:  # fmt: skip
        """Hold typed events to the bounds that the struct cannot say; read by hand, an offender tells its reason.

        Whatever stays typed must be readable by hand, too, or an event's fate would hang on what is known of its model.
        """
        joined = self.kind is not Kind.FEATURES
        ids = [event.id for event in events if event is not None] if joined else []
        if plain and are_names(ids) and OUT_OF_BOUNDS not in who:
            return
        for i, (event, value) in enumerate(zip(events, values, strict=True)):
            if value and event is not None and not isinstance(event, Envelope):
                party = (event.version, segment_of(event))
                if not (fits(party) and are_names([event.id] if joined else []) and is_text(value)):
                    self._by_hand(value, i, reasons)

    def _by_hand(self, value: bytes | None, i: int, reasons: dict[int, str]) -> Envelope | None:
        try:
            return read_envelope(value, self.kind, self._bytes_max)
        except Unreadable as error:
            reasons[i] = str(error)
            return None

    def _times(
        self, events: list[Any], batch: RawBatch, reasons: dict[int, str]
    ) -> NDArray[np.int64]:
        try:
            ts = np.fromiter(map(index, map(_TS, events)), np.int64, len(events))
        except (TypeError, AttributeError, OverflowError):  # a text, a null, a dead one, 2^63
            ts = np.fromiter(
                (self._time(e, i, batch, reasons) for i, e in enumerate(events)),
                np.int64,
                len(events),
            )
        for i in np.flatnonzero((ts < TS_MIN) | (ts >= TS_MAX)).tolist():
            reasons.setdefault(
                i,
                "ts lies before the year 2000 or after 2999: milliseconds since 1970 are expected",
            )
        return ts

    def _time(self, event: Any, i: int, batch: RawBatch, reasons: dict[int, str]) -> int:
        if event is None:
            return TS_MIN
        if isinstance(event.ts, int) and not -(2**63) <= event.ts < 2**63:
            self._by_hand(batch.values[i], i, reasons)  # whose words do not hang on what is known
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


def _by_hand_of(events: list[Any], kinds: Kinds) -> list[Any]:
    """Let go of the events that were not read by hand."""
    if Envelope not in kinds.types:
        return [None] * len(events)
    return [event if isinstance(event, Envelope) else None for event in events]


def _dead_letter(batch: RawBatch, i: int, reason: str) -> DeadLetter:
    letter = DeadLetter(batch.source, int(batch.offsets[i]), reason, batch.values[i])
    if batch.originals:
        letter.key, letter.headers = batch.originals[i].key(), batch.originals[i].headers() or ()
    return letter
