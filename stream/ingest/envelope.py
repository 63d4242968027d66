"""Reads one event the slow and tolerant way: what the typed decoder refuses, and models not seen before."""

import re
from datetime import datetime
from typing import NamedTuple

import msgspec
import orjson

from detectors.summaries.column import INVALID
from stream.words import Kind, Segment

__all__ = [
    "NAME_BYTES_MAX",
    "SEGMENT_NAMES_MAX",
    "TS_MAX",
    "TS_MIN",
    "Envelope",
    "Unreadable",
    "is_text",
    "read_envelope",
    "read_ts",
]

TS_MIN = 946_684_800_000
"""2000-01-01: an earlier time is a broken clock, or seconds taken for milliseconds."""
TS_MAX = 32_503_680_000_000
"""3000-01-01."""
NAME_BYTES_MAX = 256
SEGMENT_NAMES_MAX = 16
"""Names of a segment: these tell a series from others, so they are kept wherever it is."""

_OF_TIMES = re.compile(r"[0-9TtWwZz:.,+ -]{1,64}")
"""What times are written with."""
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
"""Takes an object apart without looking into its values."""


class Unreadable(ValueError):  # noqa: N818 - says what happened
    """An event whose envelope cannot be read; the text is the reason of its dead letter."""


class Envelope(NamedTuple):
    """An event read by hand. `fields` has the feature values, or `prediction`, `score`, `label` as they stand.

    Only what joins has an `id`, and labels have no segment, as the join knows whose they are.
    """

    model: str
    version: str
    id: str | None
    ts: int | None
    segment: Segment
    fields: dict[str, object]


def read_envelope(value: bytes | None, kind: Kind, bytes_max: int) -> Envelope:
    """Read one event of a kind.

    Raises:
        Unreadable: when it is no JSON object, or its envelope (model, version, ts, segment, and the id where it joins)
            is missing or of a wrong type. A value of a wrong type among the fields is no reason: it spoils its column.
    """
    if not value:
        raise Unreadable("the message is empty")
    if len(value) > bytes_max:
        raise Unreadable(
            f"the message has {len(value)} bytes, over limits.event_bytes_max ({bytes_max})"
        )
    event = _load(value)
    if not isinstance(event, dict):
        raise Unreadable("the message is no JSON object")
    return Envelope(
        _name(event, "model"), _name(event, "version"), None if kind is Kind.FEATURES else _name(event, "id"),
        read_ts(event.get("ts")), () if kind is Kind.LABELS else _segment(event.get("segment")), _fields(event, kind),
    )  # fmt: skip


def is_text(value: bytes) -> bool:
    """Whether bytes are UTF-8."""
    if value.isascii():
        return True
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _load(value: bytes) -> object:
    """Parse a message; where only some values cannot be held (1e999), these are INVALID and the others stand."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if not is_text(value):
            raise Unreadable("no UTF-8 text") from None
        event = _load_parts(value, levels=2)
        if event is INVALID:
            raise Unreadable(f"no JSON: {error.msg}") from None
        return event


def _load_parts(value: bytes, levels: int) -> object:
    """Parse an object field by field, and fields that are objects likewise, `levels` deep."""
    try:
        return {
            name: _load_part(bytes(part), levels - 1) for name, part in _PARTS.decode(value).items()
        }
    except (msgspec.DecodeError, RecursionError):
        return INVALID


def _load_part(part: bytes, levels: int) -> object:
    try:
        return orjson.loads(part)
    except orjson.JSONDecodeError:
        return _load_parts(part, levels) if levels else INVALID


def read_ts(ts: object) -> int | None:
    """Give a time in ms since 1970 from an integer or an RFC 3339 text; None when there is none."""
    if ts is None:
        return None
    if isinstance(ts, str):
        try:
            if not _OF_TIMES.fullmatch(ts):  # fromisoformat takes anything between date and time
                raise ValueError
            moment = datetime.fromisoformat(ts.upper())
        except ValueError:
            raise Unreadable("ts is no RFC 3339 time") from None
        if moment.tzinfo is None:
            raise Unreadable("ts has no time zone")
        ts = round(moment.timestamp() * 1000)
    if not isinstance(ts, int) or isinstance(ts, bool):
        raise Unreadable("ts is neither an integer (ms) nor an RFC 3339 text")
    if not TS_MIN <= ts < TS_MAX:
        raise Unreadable(
            "ts lies before the year 2000 or after 2999: milliseconds since 1970 are expected"
        )
    return ts


def _name(event: dict[str, object], key: str) -> str:
    name = event.get(key)
    if not isinstance(name, str) or not name:
        raise Unreadable(f"{key} is missing or no text")
    if len(name.encode()) > NAME_BYTES_MAX:
        raise Unreadable(f"{key} is longer than {NAME_BYTES_MAX} bytes")
    return name


def _segment(segment: object) -> Segment:
    if segment is None:
        return ()
    if not isinstance(segment, dict) or not all(isinstance(v, str) for v in segment.values()):
        raise Unreadable("segment is no map of text to text")
    if len(segment) > SEGMENT_NAMES_MAX:
        raise Unreadable(f"segment has {len(segment)} names, over {SEGMENT_NAMES_MAX}")
    if any(len(t.encode()) > NAME_BYTES_MAX for pair in segment.items() for t in pair):
        raise Unreadable(f"segment has a text longer than {NAME_BYTES_MAX} bytes")
    return tuple(sorted(segment.items()))


def _fields(event: dict[str, object], kind: Kind) -> dict[str, object]:
    if kind is not Kind.FEATURES:
        names = ("prediction", "score") if kind is Kind.PREDICTIONS else ("label", "prediction")
        if names[0] not in event:
            raise Unreadable(f"{names[0]} is missing")
        return {name: event[name] for name in names if name in event}
    fields = event.get("features")
    if not isinstance(fields, dict):
        raise Unreadable("features is missing or no object")
    return fields
