"""Events as batch messages: what `driftbus produce --arrow` writes, and any producer may."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import orjson

from stream.errors import UsageError
from stream.files import FileEvent
from stream.ingest.arrow.messages import CONTENT_TYPE
from stream.ingest.envelope import Unreadable, read_ts
from stream.words import Kind

__all__ = ["BYTES_MAX", "Record", "batch_of", "in_batches", "one_by_one"]

BYTES_MAX = 900_000
"""A larger message is cut in two, as topics take 1 MB unless they are told otherwise."""
HEADERS = (("content-type", CONTENT_TYPE.encode()),)


class Record(NamedTuple):
    """What goes onto a topic at once: `events` of them; `first` is the first one as JSON, which tells the key."""

    kind: Kind
    value: bytes
    first: bytes
    events: int
    headers: tuple[tuple[str, bytes], ...] = ()


def batch_of(kind: Kind, events: Sequence[bytes]) -> bytes:
    """Write events of a kind, as JSON, as one Arrow stream of a row each, in their order.

    Raises:
        Unreadable: not all are events, or a column has values of several types.
        UsageError: pyarrow is not installed.
    """
    arrow = _pyarrow()
    try:
        rows = [orjson.loads(event) for event in events]
        columns = _columns(kind, rows)
        arrays = {
            name: _array(arrow, values, coded=name != "id") for name, values in columns.items()
        }
    except (
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        OverflowError,
        arrow.ArrowException,
    ) as error:
        raise Unreadable(f"no columns can be made of these: {error}") from None
    batch = arrow.record_batch(arrays)
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def one_by_one(events: Iterable[FileEvent]) -> Iterator[Record]:
    """Give each event as the JSON message that it is."""
    return (Record(event.kind, event.value, event.value, 1) for event in events)


def in_batches(events: Iterable[FileEvent], rows: int) -> Iterator[Record]:
    """Gather events by kind into messages of `rows`, the last ones shorter; each kind keeps its order.

    What has no place in a column goes as JSON: events that cannot be read, values of several types in one column.
    """
    waiting: dict[Kind, list[bytes]] = {}
    for event in events:
        held = waiting.setdefault(event.kind, [])
        held.append(event.value)
        if len(held) >= rows:
            yield from _records(event.kind, waiting.pop(event.kind))
    for kind, held in waiting.items():
        yield from _records(kind, held)


def _records(kind: Kind, events: list[bytes]) -> Iterator[Record]:
    try:
        value = batch_of(kind, events)
    except Unreadable:
        yield from (Record(kind, event, event, 1) for event in events)
        return
    if len(value) <= BYTES_MAX or len(events) == 1:
        yield Record(kind, value, events[0], len(events), HEADERS)
        return
    half = len(events) // 2
    yield from _records(kind, events[:half])
    yield from _records(kind, events[half:])


def _columns(kind: Kind, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Give the columns of a message; what an event lacks is null."""
    if kind is Kind.FEATURES:
        names, values = ["model", "version"], _inside(rows, "features")
        if not values or not all(isinstance(row["features"], dict) for row in rows):
            raise Unreadable("features is missing or no object")
    else:
        names, values = ["model", "version", "id"], _values(kind, rows)
    texts = {name: [row.get(name) for row in rows] for name in names}
    if kind is not Kind.LABELS:
        texts |= _inside(rows, "segment")
    if not all(isinstance(text, str | None) for held in texts.values() for text in held):
        raise Unreadable("a name is no text")
    return {**texts, "ts": [read_ts(row.get("ts")) for row in rows], **values}


def _values(kind: Kind, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    about, more = ("prediction", "score") if kind is Kind.PREDICTIONS else ("label", "prediction")
    made = {about: [row[about] for row in rows]}  # what it is about may be null, but not absent
    if any(more in row for row in rows):
        made[more] = [row.get(more) for row in rows]
    return made


def _inside(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, list[Any]]:
    """Give the columns of an object that rows have."""
    held = [row.get(name) or {} for row in rows]
    inner = dict.fromkeys(key for of in held for key in of)
    return {f"{name}.{key}": [of.get(key) for of in held] for key in inner}


def _array(arrow: Any, values: list[Any], *, coded: bool) -> Any:
    found = {type(value) for value in values if value is not None}
    if not (found <= {int, float} or found in ({str}, {bool})):
        raise TypeError("values of several types")
    array = arrow.array(values)
    return array.dictionary_encode() if coded and arrow.types.is_string(array.type) else array


def _pyarrow() -> Any:
    try:
        arrow = import_module("pyarrow")
        import_module("pyarrow.ipc")
    except ImportError:
        raise UsageError(
            "batch messages need the package pyarrow", "--arrow", "pip install 'driftbus[arrow]'"
        ) from None
    return arrow
