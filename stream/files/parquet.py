"""Parquet: typed columns, read some rows at a time; needs the extra `parquet` (pyarrow).

Times are ms for `ts` (without a zone they are taken as UTC), elsewhere texts; decimals are numbers;
NaN is null. Nested columns have no place in an event and must be ignored by name.
"""

import importlib
import math
import shutil
import tempfile
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.config import FilesConfig
from stream.errors import FileError
from stream.files.source import FileEvent, Report, opened, reading
from stream.files.table import BLOCK_ROWS, Block, Columns, events_of

__all__ = ["ParquetRows"]


class ParquetRows:
    """A Parquet file; a gzipped one is unpacked into a temporary file first.

    Raises:
        FileError: pyarrow is missing, the file cannot be opened, or its columns do not do.
    """

    def __init__(self, path: Path, mapping: FilesConfig) -> None:
        self._path = path
        self._constants = mapping.constants
        self._arrow, self._parquet = _pyarrow(path)
        with self._table() as table:
            schema = table.schema_arrow
            self.columns = Columns.of(schema.names, mapping, path)
            self._ignored = {at for at, name in enumerate(schema.names) if name in mapping.ignore}
            for place, field in enumerate(schema):
                if place not in self._ignored and not self._fits(field.type):
                    what = f"the column `{field.name}` holds {field.type}, which no event has"
                    raise FileError(what, str(path), "add it to `files.ignore`")

    def _fits(self, kind: typing.Any) -> bool:
        """Tell whether JSON has a value for a column of a type."""
        types = self._arrow.types
        if types.is_dictionary(kind):
            return self._fits(kind.value_type)
        return any(
            fits(kind)
            for fits in (
                types.is_boolean,
                types.is_integer,
                types.is_floating,
                types.is_decimal,
                types.is_string,
                types.is_large_string,
                types.is_timestamp,
                types.is_date,
                types.is_null,
            )
        )

    def events(self, report: Report) -> Iterator[FileEvent]:
        """Read the events in the order of the rows.

        Raises:
            FileError: the file cannot be read to its end.
        """
        with self._table() as table:
            blocks = self._blocks(table, report)
            yield from events_of(blocks, self.columns, self._constants, self._path)

    @contextmanager
    def _table(self) -> Iterator[typing.Any]:
        with (
            reading(self._path),
            opened(self._path) as (stream, raw),
            tempfile.TemporaryFile() as unpacked,
        ):
            if stream is not raw:
                shutil.copyfileobj(stream, unpacked)
            try:
                yield self._parquet.ParquetFile(raw if stream is raw else unpacked)
            except self._arrow.ArrowException as error:
                what = f"cannot be read as Parquet: {error}"
                raise FileError(what, str(self._path), "write or fetch it again") from None

    def _blocks(self, table: typing.Any, report: Report) -> Iterator[Block]:
        size, done = self._path.stat().st_size, 0
        for batch in table.iter_batches(batch_size=BLOCK_ROWS):
            done += batch.num_rows
            report(size * done // table.metadata.num_rows)
            yield [self._cells(place, column) for place, column in enumerate(batch.columns)]

    def _cells(self, place: int, column: typing.Any) -> list[object]:
        """Turn a column into values that JSON has."""
        if place in self._ignored:
            return [None] * len(column)
        arrow, kind = self._arrow, column.type
        if arrow.types.is_timestamp(kind) or arrow.types.is_date(kind):
            if place in (self.columns.ts, self.columns.label_ts):
                ms = arrow.timestamp("ms", getattr(kind, "tz", None))
                column = column.cast(ms, safe=False).cast(arrow.int64())
            else:
                column = column.cast(arrow.string())
        elif arrow.types.is_decimal(kind):
            column = column.cast(arrow.float64())
        values: list[object] = column.to_pylist()
        return list(map(_json_number, values)) if arrow.types.is_floating(kind) else values


def _json_number(number: object) -> object:
    """Tell a float as JSON has it: NaN is null, an infinity the text it is."""
    if not isinstance(number, float) or math.isfinite(number):
        return number
    return None if math.isnan(number) else str(number)


def _pyarrow(path: Path) -> tuple[typing.Any, typing.Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise FileError(
            "Parquet files need the package pyarrow", str(path), "pip install 'driftbus[parquet]'"
        ) from None
