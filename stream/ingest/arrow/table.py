"""A record batch as events: whose each row is, when it happened, and which rows cannot be read."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.column import INVALID
from stream.ingest.arrow.columns import Column, Hashed, code_texts, family_of
from stream.ingest.arrow.reading import arrow
from stream.ingest.arrow.segments import Segments, segments_of
from stream.ingest.arrow.times import times_of
from stream.ingest.envelope import NAME_BYTES_MAX, TS_MAX, TS_MIN, Unreadable
from stream.summaries.coded import Coded, Word
from stream.words import Kind

__all__ = ["FEATURES", "Stamp", "Table", "read_table"]

FEATURES = "features"
METADATA = "driftbus."
"""Before `model` and `version` in the metadata of a schema, where they are the same for all rows."""
VALUES = {Kind.PREDICTIONS: ("prediction", "score"), Kind.LABELS: ("label", "prediction")}
"""The columns that hold values; the first one must be there."""


class Stamp(NamedTuple):
    """The Kafka timestamp of a message, and how far a row may be ahead of it, in ms; `at` is None in files."""

    at: int | None
    max_future_ms: int


class Table:
    """The rows of a record batch that can be read, column by column.

    `row` int64 [m]: their places in the record batch, in order; `ts` int64 [m]. All else is by place in the batch:
    `model`, `version`, `segment`, `ids` (only of what joins), `values`. `faults` tells of the other rows.
    """

    def __init__(self, batch: Any, kind: Kind, stamp: Stamp) -> None:
        columns = _columns(batch)
        n = batch.num_rows
        self.n = n
        self.model = _names(columns, batch.schema, "model", n)
        self.version = _names(columns, batch.schema, "version", n)
        self.segment = Segments.none(n) if kind is Kind.LABELS else segments_of(columns, n)
        self.ids = None if kind is Kind.FEATURES else _ids(columns)
        self.values, absent = _values(columns, kind, n)
        ts = times_of(columns.get("ts"), n, stamp.at)
        faults = _Faults(n)
        faults.of_names("model", self.model)
        faults.of_names("version", self.version)
        if self.ids is not None:
            faults.add(self.ids.length == 0, "id is missing or no text")
            faults.add(
                self.ids.length > NAME_BYTES_MAX, f"id is longer than {NAME_BYTES_MAX} bytes"
            )
        for code, why in self.segment.wrong.items():
            faults.add(self.segment.code == code, why)
        faults.add(absent, "features is missing or no object")
        _check_times(ts, stamp, faults)
        self.faults = faults
        self.row = np.flatnonzero(~faults.any)
        self.ts = ts.ms[self.row]


class _Faults:
    """Which rows cannot be read, and why; of several reasons the first counts."""

    def __init__(self, n: int) -> None:
        self.any = np.zeros(n, dtype=bool)
        self._found: list[tuple[NDArray[np.bool_], str | Callable[[int], str]]] = []

    def add(self, rows: NDArray[np.bool_], why: str | Callable[[int], str]) -> None:
        if rows.any():
            self.any |= rows
            self._found.append((rows, why))

    def of_names(self, key: str, names: Coded) -> None:
        for code, word in enumerate(names.words):
            if word is None or word == "":
                self.add(names.code == code, f"{key} is missing or no text")
            elif word is INVALID:
                self.add(names.code == code, f"{key} is longer than {NAME_BYTES_MAX} bytes")

    def first(self, n: int) -> Iterator[tuple[int, str]]:
        """Tell the first n rows that cannot be read, and why."""
        for row in np.flatnonzero(self.any)[:n].tolist():
            why = next(why for rows, why in self._found if rows[row])
            yield row, why if isinstance(why, str) else why(row)


def read_table(batch: Any, kind: Kind, stamp: Stamp) -> Table:
    """Read a record batch (see `read_batches`) as events of a kind.

    Raises:
        Unreadable: its columns are not those of such events.
    """
    tools = arrow()
    try:
        return Table(batch, kind, stamp)
    except (
        tools.pa.ArrowException,
        ValueError,
        TypeError,
        OverflowError,
        MemoryError,
        KeyError,
    ) as error:
        if isinstance(error, Unreadable):
            raise
        told = " ".join(str(error).split())[:200]
        raise Unreadable(f"an Arrow stream whose columns cannot be read: {told}") from None


def _columns(batch: Any) -> dict[str, tuple[Any, Any]]:
    """Give field and values of each column by name."""
    _check_twice("", batch.schema.names)
    return {field.name: (field, batch.column(i)) for i, field in enumerate(batch.schema)}


def _check_twice(where: str, names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise Unreadable(f"the column {(where + twice)[:NAME_BYTES_MAX]!r} is there twice")


def _names(columns: dict[str, tuple[Any, Any]], schema: Any, key: str, n: int) -> Coded:
    told = (schema.metadata or {}).get((METADATA + key).encode())
    if key in columns:
        field, array = columns[key]
        family = family_of(key, field)
        if family is None:
            return Coded([None], np.zeros(n, dtype=np.int64))
        if family == "string":
            return code_texts(array)
        raise Unreadable(f"the column {key} is no text")
    if told is None:
        raise Unreadable(
            f"{key} is missing: neither a column nor {METADATA}{key} in the schema's metadata"
        )
    name: Word = told.decode() if len(told) <= NAME_BYTES_MAX else INVALID
    return Coded([name], np.zeros(n, dtype=np.int64))


def _ids(columns: dict[str, tuple[Any, Any]]) -> Hashed:
    if "id" not in columns:
        raise Unreadable("id is missing")
    field, array = columns["id"]
    family = family_of("id", field)
    if family is None:
        return Hashed(array.cast(arrow().pa.large_string()))
    if family != "string":
        raise Unreadable("the column id is no text")
    return Hashed(array)


def _values(
    columns: dict[str, tuple[Any, Any]], kind: Kind, n: int
) -> tuple[dict[str, Column], NDArray[np.bool_]]:
    """Give the columns of values, and the rows that have no features at all."""
    absent = np.zeros(n, dtype=bool)
    if kind is not Kind.FEATURES:
        names = VALUES[kind]
        if names[0] not in columns:
            raise Unreadable(f"{names[0]} is missing")
        held = {name: columns[name] for name in names if name in columns}
    else:
        before = FEATURES + "."
        held = {
            name.removeprefix(before): of for name, of in columns.items() if name.startswith(before)
        }
        if FEATURES in columns:
            inside, absent = _inside(*columns[FEATURES])
            _check_twice(before, [*held, *inside])
            held |= inside
        elif not held:
            raise Unreadable(
                "features is missing: neither a struct nor columns named features.NAME"
            )
    return {name: Column(name, array, field) for name, (field, array) in held.items()}, absent


def _inside(field: Any, array: Any) -> tuple[dict[str, tuple[Any, Any]], NDArray[np.bool_]]:
    """Take a struct of features apart."""
    if not arrow().pa.types.is_struct(field.type):
        raise Unreadable("features is no struct")
    inner = [field.type.field(i) for i in range(field.type.num_fields)]
    _check_twice(FEATURES + ".", [of.name for of in inner])
    absent = array.is_null().to_numpy(zero_copy_only=False)
    return {
        of.name: (of, values) for of, values in zip(inner, array.flatten(), strict=True)
    }, absent


def _check_times(ts: Any, stamp: Stamp, faults: _Faults) -> None:
    missing = "ts is missing, and a file has no Kafka timestamp to serve instead"
    faults.add(ts.missing, missing)
    faults.add(
        (ts.ms < TS_MIN) | (ts.ms >= TS_MAX),
        "ts lies before the year 2000 or after 2999: milliseconds since 1970 are expected",
    )
    at = stamp.at
    if at is not None and at >= 0:  # Kafka tells -1 for a message without a timestamp

        def ahead(row: int) -> str:
            return f"ts lies {(int(ts.ms[row]) - at) // 1000} s after the Kafka timestamp, over max_future"

        faults.add(ts.ms > at + stamp.max_future_ms, ahead)
