"""Rows as a batch message and as the JSON events that say the same."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from stream.words import Kind
from tests.events import T0

__all__ = ["TYPES", "VALUES", "Form", "Row", "as_json", "forms", "message", "rows", "stream_of"]

Row = dict[str, Any]
"""`model`, `version`, `id`, `ts` (ms), `segment` (a map or None), and `values` (a map)."""

TEXTS = st.sampled_from(["web", "app", "new", "", "é", "x" * 300]) | st.text(max_size=3)
FLOATS = st.floats(-1e308, 1e308) | st.sampled_from(
    [0.0, -0.0, 1e308, 2.5, 7.0, math.nan, math.inf, -math.inf]
)
TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "double": (pa.float64(), FLOATS),
    "float": (pa.float32(), st.floats(width=32)),
    "int8": (pa.int8(), st.integers(-128, 127)),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "decimal": (pa.decimal128(12, 3), st.decimals(-999999, 999999, places=3)),
    "bool": (pa.bool_(), st.booleans()),
    "text": (pa.string(), TEXTS),
    "large text": (pa.large_string(), TEXTS),
    "category": (pa.dictionary(pa.int8(), pa.string()), TEXTS),
    "coded number": (pa.dictionary(pa.int32(), pa.float64()), FLOATS),
    "nothing": (pa.null(), st.none()),
}
VALUES = {
    Kind.FEATURES: ["amount", "channel", "member", "few", 'a"b', "n\0l", "other"],
    Kind.PREDICTIONS: ["prediction", "score"],
    Kind.LABELS: ["label", "prediction"],
}
NAMES = st.sampled_from(["m", "m", "m", "n", "", None, "x" * 300])
VERSIONS = st.sampled_from(["1", "1", "1", "2", "", None, "é" * 129])
IDS = st.sampled_from(["a", "b", "c", "d", "é", "", None, "x" * 300])
TIMES = st.integers(T0 - 60_000, T0 + 120_000) | st.sampled_from([None, 7, T0 + 10**9, 2**62])
SEGMENTS = st.sampled_from(
    [None, None, {}, {"c": "DE"}, {"c": "FR", "a": "1"}, {"a": ""}, {"c": "x" * 300}]
)


@dataclass(frozen=True)
class Form:
    """How rows are written: where names stand, what types things have."""

    types: Mapping[str, str] = field(default_factory=dict)
    struct: bool = False
    text: str = "text"
    time: str = "ms"
    segment: str = "columns"
    metadata: bool = False
    batches: int = 1
    compression: str | None = None


TIME_TYPES = {
    "ms": pa.int64(),
    "naive": pa.timestamp("ms"),
    "micro": pa.timestamp("us", "Europe/Berlin"),
}


@st.composite
def forms(draw: st.DrawFn, kind: Kind) -> Form:
    """Draw a way to write rows of a kind."""
    names = draw(st.lists(st.sampled_from(VALUES[kind]), unique=True, max_size=5))
    names = sorted({*names, VALUES[kind][0]})
    return Form(
        {name: draw(st.sampled_from(sorted(TYPES))) for name in names},
        draw(st.booleans()),
        draw(st.sampled_from(["text", "large text", "category"])),
        draw(st.sampled_from(sorted(TIME_TYPES))),
        draw(st.sampled_from(["columns", "struct", "map"])),
        draw(st.booleans()),
        draw(st.integers(1, 3)),
        draw(st.sampled_from([None, "lz4", "zstd"])),
    )


@st.composite
def rows(draw: st.DrawFn, kind: Kind, form: Form) -> list[Row]:
    """Draw rows that a form can hold, many of which are wrong somewhere."""
    values = {name: st.none() | TYPES[t][1] for name, t in form.types.items()}
    one = st.fixed_dictionaries(
        {
            "model": st.just("m") if form.metadata else NAMES,
            "version": VERSIONS,
            "id": IDS,
            "ts": TIMES if form.time != "micro" else TIMES.filter(lambda t: t != 2**62),
            "segment": SEGMENTS,
            "values": st.fixed_dictionaries(values),
        }
    )
    return draw(st.lists(one, min_size=0, max_size=8))


def message(kind: Kind, rows: Sequence[Row], form: Form) -> bytes:
    """Write rows as one batch message."""
    columns: dict[str, Any] = {}
    for name in ("model", "version", "id"):
        if not (name == "model" and form.metadata):
            columns[name] = _array([row[name] for row in rows], form.text)
    time = TIME_TYPES[form.time]
    scale = 1000 if form.time == "micro" else 1
    at = [None if row["ts"] is None else row["ts"] * scale for row in rows]
    columns["ts"] = pa.array(at, pa.int64()).cast(time)
    columns |= _segments([row["segment"] for row in rows], form)
    values = {
        name: _array([row["values"][name] for row in rows], t) for name, t in form.types.items()
    }
    if kind is not Kind.FEATURES:
        columns |= values
    elif form.struct:
        columns["features"] = pa.StructArray.from_arrays(list(values.values()), list(values))
    else:
        columns |= {f"features.{name}": array for name, array in values.items()}
    batch = pa.record_batch(columns)
    if form.metadata:
        batch = batch.replace_schema_metadata({"driftbus.model": "m"})
    return stream_of(batch, form.batches, form.compression)


def stream_of(batch: Any, batches: int = 1, compression: str | None = None) -> bytes:
    """Write a record batch as a stream, in so many pieces."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    size = max(1, -(-batch.num_rows // batches))
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        for first in range(0, batch.num_rows, size):
            writer.write_batch(batch.slice(first, size))
    return bytes(sink.getvalue())


def as_json(kind: Kind, rows: Sequence[Row]) -> list[bytes]:
    """Write the same rows as JSON events."""
    return [_event(kind, row) for row in rows]


def _event(kind: Kind, row: Row) -> bytes:
    event = {name: row[name] for name in ("model", "version", "id", "ts", "segment")}
    values = {name: _plain(value) for name, value in row["values"].items()}
    event |= {"features": values} if kind is Kind.FEATURES else values
    return json.dumps(event).replace("Infinity", "1e999").encode()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return None if isinstance(value, float) and math.isnan(value) else value


def _array(values: list[Any], of: str) -> Any:
    kind = TYPES[of][0]
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode().cast(kind)
    return pa.array(values, kind)


def _segments(segments: list[dict[str, str] | None], form: Form) -> dict[str, Any]:
    if form.segment == "map":
        told = [None if s is None else list(s.items()) for s in segments]
        return {"segment": pa.array(told, pa.map_(pa.string(), pa.string()))}
    columns = {
        name: _array([(s or {}).get(name) for s in segments], form.text) for name in ("a", "c")
    }
    if form.segment == "struct":
        mask = pa.array([s is None for s in segments], pa.bool_())
        made = pa.StructArray.from_arrays(list(columns.values()), list(columns), mask=mask)
        return {"segment": made}
    return {f"segment.{name}": array for name, array in columns.items()}
