"""Groups the rows of a batch message by model, with the columns of each; to the fold what `Group` is of JSON."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.coding import code_numbers, code_values
from detectors.summaries.column import ColumnType
from stream.ingest.arrow.columns import Column
from stream.ingest.arrow.table import Table
from stream.ingest.group import Group
from stream.reference.reference import Reference
from stream.summaries.coded import Coded, compact
from stream.summaries.folding import Folding
from stream.summaries.rows import Party, Rows, Said
from stream.summaries.schema import JOINED, Schema
from stream.summaries.schema import Table as Values
from stream.words import Kind

__all__ = ["TableGroup", "group_table"]


class TableGroup(Group):
    """Some rows of one model. `at` int64 [n]: their places among those of the message that can be read.

    A series by itself finds its columns by `columns`, many together by `table`.
    """

    def __init__(
        self,
        model: str,
        schema: Schema | None,
        table: Table,
        at: NDArray[np.int64],
        parties: list[Party],
        who: NDArray[np.int64],
    ) -> None:
        self.model = model
        self.schema = schema
        self.typed = False
        self.at = at
        self.parties = parties
        self.who = who
        self._table_of = table
        self._row = table.row[at]
        self._whole = len(at) == table.n
        self._matrix: tuple[NDArray[np.float64], dict[str, int]] | None = None
        self._known: dict[bytes, Folding] = {}
        self._table: Values | None = None

    def columns(self, reference: Reference) -> Folding:
        """Give what Summary.add wants under a reference. Cost: about 1 ns a number, 10 ns a text."""
        known = self._known.get(reference.digest)
        if known is None:
            known = self._known[reference.digest] = self._fold_under(reference)
        return known

    def _fold_under(self, reference: Reference) -> Folding:
        X, place = self._numbers()
        layout = reference.layout
        columns = np.array([place.get(c.name, -1) for _, c in layout.numbers], dtype=np.int64)
        folding = Folding(X, columns, [], [])
        for _, column, lookup in layout.atoms:
            if column.name not in place:
                folding.codes.append(np.full(len(X), column.bins, dtype=np.int64))
                folding.values.append(())
            elif column.type == "number":
                x = X[:, place[column.name]]
                folding.codes.append(code_numbers(x, column))
                folding.values.append(x)
            else:
                held = self._taken(self._table_of.values[column.name].of_type(column.type))
                folding.codes.append(code_values(held.words, lookup, column.bins)[held.code])
                folding.values.append(held)
        return folding

    def _numbers(self) -> tuple[NDArray[np.float64], dict[str, int]]:
        """Give all values as numbers, a column after the other in memory, and where each column is."""
        if self._matrix is None:
            values = {name: c for name, c in self._table_of.values.items() if c.family is not None}
            by_column = np.empty((len(values), len(self.at)), dtype=np.float64)
            for line, column in zip(by_column, values.values(), strict=True):
                line[:] = column.numbers if self._whole else column.numbers[self._row]
            self._matrix = by_column.T, {name: j for j, name in enumerate(values)}
        return self._matrix

    def _taken(self, coded: Coded) -> Coded:
        return coded if self._whole else coded.take(self._row)

    def table(self) -> Values | None:
        """Give the columns of all rows, row by row in memory. Cost: about 2 ns a number more than `columns`."""
        if self._table is None and self.schema is not None:
            X, place = self._numbers()
            told = np.full((len(self.at), len(self.schema.numbers)), np.nan)
            for j, name in enumerate(self.schema.numbers):
                if name in place:
                    told[:, j] = X[:, place[name]]
            others = {name: self._other(name, t) for name, t in self.schema.others.items() if t}
            self._table = Values(self.schema, told, others)
        return self._table

    def _other(self, name: str, column_type: ColumnType) -> Coded:
        column = self._table_of.values.get(name)
        if column is None:
            return Coded([None], np.zeros(len(self.at), dtype=np.int64))
        return self._taken(column.of_type(column_type))

    def told(self, kind: Kind, i: int) -> tuple[object, ...]:
        """Tell what, beside its fields, tells row i from others: its time, and its id where it joins."""
        ts = int(self._table_of.ts[self.at[i]])
        ids = self._table_of.ids
        return (ts,) if kind is Kind.FEATURES or ids is None else (ts, ids.text(int(self._row[i])))

    def fields(self, kind: Kind, i: int, bytes_max: int) -> dict[str, object]:  # noqa: ARG002 - of JSON only
        """Give the values of row i one by one, for a series that is still learning."""
        row = int(self._row[i])
        values = self._table_of.values
        wanted = ("label",) if kind is Kind.LABELS else values
        return {name: values[name].plain[row] for name in wanted}

    def rows(self, kind: Kind) -> Rows:
        """Give the rows for the join; those without a value have none in `value`."""
        table = self._table_of
        value, *more = (self._said(table.values.get(name)) for name in JOINED[kind])
        carried = more[0] if more else self._said(None)
        assert table.ids is not None  # noqa: S101 - what joins has ids
        return Rows(
            self.parties, self.who, table.ids.hash[self._row], table.ts[self.at], value, carried
        )

    def _said(self, column: Column | None) -> Said:
        """Give values as the join compares them (see `said`)."""
        n = len(self.at)
        if column is None or column.family not in ("number", "string"):
            return Said(np.full(n, np.nan), np.zeros(n, dtype=np.uint64))
        if column.family == "string":
            return Said(np.full(n, np.nan), column.hashed[self._row])
        number = column.numbers[self._row].astype(np.float64)
        number[~(np.abs(number) < 1.7e308)] = np.nan
        return Said(number, np.zeros(n, dtype=np.uint64))


def group_table(
    table: Table, chosen: NDArray[np.int64], known: Mapping[str, Schema]
) -> Iterator[TableGroup]:
    """Split the chosen rows by model; one model, as most messages have, costs next to nothing.

    `known` has for models what is known of their columns; see `Group`.
    """
    model = table.model.code[table.row[chosen]]
    for code in np.flatnonzero(np.bincount(model)).tolist():
        at = chosen[model == code]
        parties, who = _parties(table, table.row[at])
        name = str(table.model.words[code])
        yield TableGroup(name, known.get(name), table, at, parties, who)


def _parties(table: Table, rows: NDArray[np.int64]) -> tuple[list[Party], NDArray[np.int64]]:
    versions, parts = table.version.words, table.segment.parts
    both = table.version.code[rows] * len(parts) + table.segment.code[rows]
    used, who = compact(both, len(versions) * len(parts))
    pairs = (divmod(code, len(parts)) for code in used.tolist())
    return [(str(versions[version]), parts[part]) for version, part in pairs], who
