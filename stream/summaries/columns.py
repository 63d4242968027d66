"""The columns of typed events, read portion by portion, so that no event need live until its batch is folded."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.summaries.coded import Coded, Word, compact
from stream.summaries.schema import Schema, Table
from stream.summaries.texts import Spans, Texts
from stream.summaries.written import Forms, Written

__all__ = ["Columns", "Gathering", "Words"]

Ints = NDArray[np.int64]
WORDS_MAX = 4_000
"""Words that are remembered: looking for those that occur costs 2 ns each."""
WORDS_BYTES_MAX = 1_000_000
_decode = msgspec.msgpack.Decoder().decode


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


class Words:
    """Places for words, by how they are written, which stay the same while `list` is the same object."""

    def __init__(self) -> None:
        self.list: list[Word] = []
        self._texts = Texts()

    def make_room(self) -> None:
        """Forget all words if there are too many; between batches, as places are those of a whole batch."""
        if len(self.list) > WORDS_MAX or self._texts.size > WORDS_BYTES_MAX:
            self.list, self._texts = [], Texts()

    def code(self, words: Spans) -> Ints:
        """Give the place of each word."""
        places = self._texts.number(words)
        for i in range(len(self.list), len(self._texts)):
            self.list.append(_decode(self._texts[i]))
        return places


class Gathering:
    """Gathers the columns of n events that come in portions."""

    def __init__(self, forms: Forms, words: Words, n: int) -> None:
        words.make_room()
        self._forms = forms
        self._words = words
        self._flat = np.empty(n * forms.numbers_max, dtype=np.float64)
        self._codes = np.empty(n * forms.others_max, dtype=np.int64)
        self._first, self._other = np.zeros((2, n), dtype=np.int64)
        self._ends = (0, 0)
        self._buffer = bytearray()

    def add(self, events: Sequence[Any], at: slice | Ints) -> Written:
        """Read typed events, which are those at some places, and tell what else is written of them.

        What is told must be let go of before the next call, as it looks into memory that then is written to.
        """
        begin, other_begin = self._ends
        written = self._forms.read(events, self._buffer, self._flat, begin)
        end = other_begin + len(written.words.starts)
        self._codes[other_begin:end] = self._words.code(written.words)
        self._first[at] = written.first
        self._other[at] = written.word + other_begin
        self._ends = written.flat_end, end
        return written

    def columns(self) -> Columns:
        """Give the columns of all that were added."""
        numbers, others = self._ends
        return Columns(
            self._flat[:numbers], self._first, self._words.list, self._codes[:others], self._other
        )
