"""CSV: a header, then rows; commas, double quotes, UTF-8.

The first 10,000 rows decide what a column is: whole numbers or numbers when all its cells that are
not empty parse as such, booleans when all are true or false, else texts. A later cell that does
not parse stays the text it is, for the pipeline to count as invalid. An empty cell is null, and so
is NaN in a column of numbers. A row of more or fewer cells than the header goes on as its bytes.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from stream.config import FilesConfig
from stream.errors import FileError
from stream.files.source import FileEvent, Misfit, Report, opened, reading
from stream.files.table import BLOCK_ROWS, Block, Columns, events_of

__all__ = ["SNIFFED_ROWS", "CsvRows"]

SNIFFED_ROWS = 10_000
"""Rows that decide the types of the columns."""

_DIGITS_MAX = 18  # more do not surely fit 64 bits
_BOOLEANS = {"true": True, "false": False}
Convert = Callable[[Sequence[str]], list[object]]


class CsvRows:
    """A CSV file.

    Raises:
        FileError: the file cannot be opened, is empty, or its header does not do.
    """

    def __init__(self, path: Path, mapping: FilesConfig) -> None:
        self._path = path
        self._constants = mapping.constants
        with reading(path), opened(path) as (stream, _), _lines(stream) as lines:
            self._names = next(_parsed(lines, path), [])
        if not self._names:
            raise FileError("is empty", str(path), "a header line is expected")
        self.columns = Columns.of(self._names, mapping, path)

    def events(self, report: Report) -> Iterator[FileEvent]:
        """Read the events in the order of the rows.

        Raises:
            FileError: the file cannot be read to its end.
        """
        path = self._path
        with reading(path), opened(path) as (stream, raw), _lines(stream) as lines:
            rows = islice(_parsed(lines, path), 1, None)
            first = list(islice(rows, SNIFFED_ROWS))
            width = len(self._names)
            fitting = [row for row in first if len(row) == width]
            sniffed = zip(*fitting, strict=True) if fitting else [()] * width
            converts = [
                _texts if place in self.columns.texts else _converter(cells)
                for place, cells in enumerate(sniffed)
            ]
            blocks = _blocks(chain(first, rows), converts, lambda: report(raw.tell()))
            yield from events_of(blocks, self.columns, self._constants, path)


def _lines(stream: io.BufferedReader) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, "utf-8-sig", newline="")


def _parsed(lines: Iterable[str], path: Path) -> Iterator[list[str]]:
    """Split a file into rows of cells, without the empty lines."""
    reader = csv.reader(lines, strict=True)
    try:
        yield from filter(None, reader)
    except csv.Error as error:
        what = f"line {reader.line_num} cannot be read as CSV: {error}"
        raise FileError(what, str(path), "check its quotes") from None


def _blocks(
    rows: Iterator[list[str]], converts: Sequence[Convert], report: Callable[[], None]
) -> Iterator[Block]:
    while block := list(islice(rows, BLOCK_ROWS)):
        report()
        fitting: list[list[str]] = []
        for row in block:
            if len(row) == len(converts):
                fitting.append(row)
                continue
            if fitting:
                yield _columns(fitting, converts)
                fitting = []
            wrong = f"the row has {len(row)} cells, the header has {len(converts)}"
            yield Misfit(",".join(row).encode(), wrong)
        if fitting:
            yield _columns(fitting, converts)


def _columns(rows: list[list[str]], converts: Sequence[Convert]) -> list[list[object]]:
    columns = zip(*rows, strict=True)
    return [convert(cells) for convert, cells in zip(converts, columns, strict=True)]


def _converter(sniffed: Iterable[str]) -> Convert:
    """Choose what reads a column, from its first cells."""
    cells = set(sniffed) - {""}
    numbers = list(map(_number, cells))
    if cells and all(isinstance(number, int) for number in numbers):
        return _integers
    if not any(isinstance(number, str) and not _is_infinite(number) for number in numbers):
        return _floats
    if all(cell.lower() in _BOOLEANS for cell in cells):
        return _booleans
    return _texts


def _number(cell: str) -> int | float | str | None:
    """Read a cell of a column of numbers: None when empty or NaN, itself when no number."""
    if not cell.isascii() or "_" in cell:
        return cell
    try:
        if len(cell) <= _DIGITS_MAX:
            return int(cell)
    except ValueError:
        pass
    try:
        number = float(cell)
    except ValueError:
        return cell or None
    if math.isnan(number):
        return None
    return number if math.isfinite(number) else cell


def _is_infinite(cell: str) -> bool:
    return cell.strip("+- ").lower() in {"inf", "infinity"}


def _integers(cells: Sequence[str]) -> list[object]:
    try:
        if len(max(cells, key=len)) <= _DIGITS_MAX and _is_plain(cells):
            return [int(cell) if cell else None for cell in cells]
    except ValueError:
        pass
    return [_number(cell) for cell in cells]


def _floats(cells: Sequence[str]) -> list[object]:
    try:
        numbers = [float(cell) if cell else None for cell in cells]
        if _is_plain(cells) and all(map(math.isfinite, filter(None, numbers))):
            return list(numbers)
    except ValueError:
        pass
    read = map(_number, cells)
    return [float(number) if isinstance(number, int) else number for number in read]


def _is_plain(cells: Sequence[str]) -> bool:
    """Tell whether no cell has what Python alone takes for a number: `1_0`, other digits."""
    joined = "".join(cells)
    return joined.isascii() and "_" not in joined


def _booleans(cells: Sequence[str]) -> list[object]:
    return [_BOOLEANS.get(cell.lower(), cell or None) for cell in cells]


def _texts(cells: Sequence[str]) -> list[object]:
    return [cell or None for cell in cells]
