"""One column of a record batch as what an event may hold: numbers, texts, booleans."""

from functools import cached_property
from math import isfinite, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.column import INVALID, TEXT_BYTES_MAX, ColumnType, conform
from detectors.summaries.hashing import hash_segments
from stream.ingest.arrow.reading import arrow
from stream.ingest.envelope import Unreadable
from stream.summaries.coded import Coded, Word

__all__ = ["Column", "Hashed", "code_texts", "family_of"]

SCALE_MAX = 76
"""Places of a decimal, before or behind the point."""


class Column:
    """A column of an event's values. `family` is what its values are; None: of a column that is all null.

    Raises:
        Unreadable: no event has values of its type.
    """

    def __init__(self, name: str, array: Any, field: Any) -> None:
        self.family = family_of(name, field)
        tools = arrow()
        if self.family == "number" and tools.pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        self._array = array
        self._coded = code_texts(array) if self.family == "string" else None
        self.numbers = self._numbers()

    def _numbers(self) -> NDArray[Any]:
        """Tell the values as a column of numbers has them: NaN is missing, an infinity invalid."""
        if self.family == "number":
            return _floats(self._array)
        if self._coded is None:
            here = self._array.is_valid().to_numpy(zero_copy_only=False)
            return np.where(here, np.inf, np.nan)
        is_none = np.array([word is None for word in self._coded.words])
        return np.where(is_none, np.nan, np.inf)[self._coded.code]

    @cached_property
    def coded(self) -> Coded:
        """The values by their place among few; of numbers, only whether there is one."""
        if self._coded is not None:
            return self._coded
        missing = np.isnan(self.numbers)
        if self.family != "boolean":
            return Coded([INVALID, None], missing.astype(np.int64))
        true = self._array.fill_null(False).to_numpy(zero_copy_only=False)
        return Coded([False, True, None], np.where(missing, 2, true).astype(np.int64))

    def of_type(self, column_type: ColumnType) -> Coded:
        """Tell the values as a discrete column of a type has them."""
        words: list[Word] = [
            None if w is None else conform(column_type, w) for w in self.coded.words
        ]
        return Coded(words, self.coded.code)

    @cached_property
    def hashed(self) -> NDArray[np.uint64]:
        """The hashes of texts as the join compares them; 0 where there is none."""
        here = self._array.is_valid().to_numpy(zero_copy_only=False)
        return np.where(here, np.maximum(Hashed(self._array).hash, np.uint64(1)), np.uint64(0))

    @cached_property
    def plain(self) -> list[Word]:
        """The values one by one, as JSON would have brought them."""
        if self.family != "number":
            return self.coded.listed()
        return [None if v is None else _plain(v) for v in self._array.to_pylist()]


class Hashed:
    """Texts by their lengths in bytes and their hashes (see `hash_texts`), without a Python object a row.

    `length` int64 [n] is 0, too, where there is none; `hash` uint64 [n] is then of no meaning.
    """

    def __init__(self, array: Any) -> None:
        pa = arrow().pa
        code: NDArray[np.int64] | None = None
        if pa.types.is_dictionary(array.type):
            code = _places(array.indices)
            nothing = pa.nulls(1, pa.large_string())  # where the place -1 of a null leads
            array = pa.concat_arrays([array.dictionary.cast(pa.large_string()), nothing])
        self._array = array.cast(pa.large_string())
        self._code = code
        ends, text = _offsets(self._array)
        length = np.diff(ends)
        here = self._array.is_valid().to_numpy(zero_copy_only=False)
        length[~here] = 0
        hashes = hash_segments(text[ends[0] :], ends[1:] - ends[0])
        self.length = length if code is None else length[code]
        self.hash = hashes if code is None else hashes[code]

    def text(self, i: int) -> str:
        """Give text i, which must be there."""
        return str(self._array[i if self._code is None else int(self._code[i])].as_py())


def family_of(name: str, field: Any) -> ColumnType | None:
    """Tell what the values of a field are; None when all are null.

    Raises:
        Unreadable: no event has such values.
    """
    types = arrow().pa.types
    kind = field.type
    told = kind.value_type if types.is_dictionary(kind) else kind
    if not (field.metadata and b"ARROW:extension:name" in field.metadata):
        if types.is_null(told):
            return None
        if types.is_integer(told) or types.is_floating(told):
            return "number"
        if types.is_decimal(told) and abs(told.scale) <= SCALE_MAX:
            return "number"
        if types.is_string(told) or types.is_large_string(told):
            return "string"
        if types.is_boolean(told) and told is kind:
            return "boolean"
    raise Unreadable(
        f"the column {name[:TEXT_BYTES_MAX]!r} holds {str(kind)[:99]}, which no event has"
    )


def code_texts(array: Any) -> Coded:
    """Give texts by their place among the different ones, None last; texts longer than 256 bytes are INVALID."""
    tools = arrow()
    if not tools.pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    code, known = _places(array.indices), array.dictionary
    used = np.zeros(len(known) + 1, dtype=bool)
    used[code] = True
    at = np.flatnonzero(used[:-1])
    texts = known if len(at) == len(known) else known.take(tools.pa.array(at))
    long = (
        tools.pc.binary_length(texts).fill_null(0).to_numpy(zero_copy_only=False) > TEXT_BYTES_MAX
    )
    if long.any():
        short = iter(texts.filter(tools.pa.array(~long)).to_pylist())
        words: list[Word] = [INVALID if is_long else next(short) for is_long in long.tolist()]
    else:
        words = texts.to_pylist()
    place = np.full(len(known) + 1, len(at), dtype=np.int64)
    place[at] = np.arange(len(at))
    return Coded([*words, None], place[code])


def _places(indices: Any) -> NDArray[np.int64]:
    """Give the places of a dictionary's values; -1 for null."""
    tools = arrow()
    places: NDArray[np.int64] = (
        indices.cast(tools.pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    )
    return places


def _offsets(array: Any) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Give where the texts of a large_string array begin and end, and their bytes."""
    _, offsets, text = array.buffers()
    if not len(array) or offsets is None:
        return np.zeros(len(array) + 1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    first = array.offset
    ends = np.frombuffer(offsets, dtype=np.int64)[first : first + len(array) + 1]
    held = np.zeros(0, dtype=np.uint8) if text is None else np.frombuffer(text, dtype=np.uint8)
    return ends, held


def _floats(array: Any) -> NDArray[Any]:
    if not arrow().pa.types.is_decimal(array.type):
        numbers: NDArray[Any] = array.to_numpy(zero_copy_only=False)
        return numbers
    return np.array(
        [np.nan if v is None else float(v) for v in array.to_pylist()], dtype=np.float64
    )


def _plain(value: Any) -> Word:
    """Give a number as JSON has it: NaN is null, and an infinity nothing that JSON has."""
    if isinstance(value, int):
        return value
    number = float(value)
    return number if isfinite(number) else None if isnan(number) else INVALID
