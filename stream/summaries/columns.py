"""The columns of typed events, read portion by portion, so that no event need live until its batch is folded."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.summaries.coded import Coded, Word, compact
from stream.summaries.numbers import Forms, gather_numbers
from stream.summaries.schema import Schema, Table

__all__ = ["Columns", "Gathering", "Readers"]

Ints = NDArray[np.int64]
_FEATURES = attrgetter("features")


class Columns(NamedTuple):
    """What events hold, of several models: event i has its numbers in `flat` from first[i] on.

    Its other values are the `words` at the places that `codes` has from other[i] on.
    """

    flat: NDArray[np.float64]
    first: Ints
    words: Sequence[Word]
    codes: Ints
    other: Ints

    def table(self, schema: Schema, at: Ints) -> Table:
        """Give the columns of the events at some places, ascending ones; all are of models with these columns."""
        k = len(schema.numbers)
        if k * len(at) == len(self.flat) and len(at) == len(self.first):
            X = self.flat.reshape(len(at), k)
        else:
            X = self.flat[self.first[at][:, None] + np.arange(k)]
        others = {name: self._other(at, j) for j, name in enumerate(schema.others)}
        return Table(schema, X, others)

    def take(self, kept: NDArray[np.bool_]) -> "Columns":
        """Keep some of the events."""
        return self._replace(first=self.first[kept], other=self.other[kept])

    def _other(self, at: Ints, j: int) -> Coded:
        used, code = compact(self.codes[self.other[at] + j], len(self.words))
        return Coded([self.words[i] for i in used.tolist()], code)


class Readers:
    """How events of some schemas are read, made once for all their batches."""

    def __init__(self, schemas: Sequence[Schema]) -> None:
        self.forms = Forms([([*s.numbers, *s.others], len(s.numbers)) for s in schemas])
        self.others_n = np.array([len(schema.others) for schema in schemas], dtype=np.int64)
        self._names = [schema.other_attributes for schema in schemas]
        self._alike = set(self._names)

    def numbers_max(self) -> int:
        """Tell the most numbers that an event has."""
        return int(self.forms.numbers.max(initial=0))

    def values(self, holders: Sequence[Any], of: Ints, schemas: Collection[int]) -> Iterable[Any]:
        """Give the values that are no numbers, struct by struct; struct i is of schema of[i], one of `schemas`."""
        told = self._alike
        if len(told) > 1:
            told = {self._names[i] for i in schemas if i >= 0}
        if len(told) == 1:
            (names,) = told
            if not names:
                return ()
            values = map(attrgetter(*names), holders)
            return values if len(names) == 1 else chain.from_iterable(values)
        names_of = map(self._names.__getitem__, of.tolist())
        return (
            getattr(h, name) for h, names in zip(holders, names_of, strict=True) for name in names
        )


class Gathering:
    """Gathers the columns of n events that come in portions."""

    def __init__(self, readers: Readers, n: int) -> None:
        self._readers = readers
        self._flat = np.empty(n * readers.numbers_max(), dtype=np.float64)
        self._places = _Places()
        self._ends = (0, 0)
        self._first: list[Ints] = []
        self._other: list[Ints] = []
        self._codes: list[Ints] = []

    def add(self, events: Sequence[Any], schemas: Sequence[int], which: Ints | None) -> None:
        """Read events, event i by schema schemas[which[i]], all by the first one where `which` is None.

        An event of schema -1 is not typed, and nothing is read of it.

        Cost: about 0.15 us an event of ten numbers, 60 ns a category.
        """
        if which is None and schemas and schemas[0] >= 0:
            first, other = self._read(
                events, np.full(len(events), schemas[0], dtype=np.int64), schemas
            )
        else:
            known = np.array(schemas, dtype=np.int64)
            of = np.full(len(events), -1) if which is None else known[which]
            typed = np.flatnonzero(of >= 0)
            if len(typed) == len(events):
                first, other = self._read(events, of, schemas)
            else:
                first, other = np.zeros((2, len(events)), dtype=np.int64)
                held = [events[i] for i in typed.tolist()]
                first[typed], other[typed] = self._read(held, of[typed], schemas)
        self._first.append(first)
        self._other.append(other)

    def _read(self, events: Sequence[Any], of: Ints, schemas: Sequence[int]) -> tuple[Ints, Ints]:
        """Read event i by schema of[i], which is one of some; tell where its numbers, and its other values, begin."""
        if not events:
            return of, of
        readers, (begin, other_begin) = self._readers, self._ends
        widths, others = readers.forms.numbers[of], readers.others_n[of]
        ends, other_ends = np.cumsum(widths) + begin, np.cumsum(others) + other_begin
        self._ends = int(ends[-1]), int(other_ends[-1])
        first = ends - widths
        holders = list(map(_FEATURES, events))
        gather_numbers(holders, readers.forms, of, first, self._flat)
        values = readers.values(holders, of, schemas)
        n = self._ends[1] - other_begin
        self._codes.append(np.fromiter(map(self._places.__getitem__, values), np.int64, n))
        return first, other_ends - others

    def columns(self) -> Columns:
        """Give the columns of all that were added."""
        nothing = np.zeros(0, dtype=np.int64)
        first, other, codes = (
            np.concatenate([nothing, *parts]) for parts in (self._first, self._other, self._codes)
        )
        return Columns(self._flat[: self._ends[0]], first, list(self._places), codes, other)


class _Places(dict[Word, int]):
    """The places of words, in the order in which they came first."""

    def __missing__(self, word: Word) -> int:
        place = self[word] = len(self)
        return place
