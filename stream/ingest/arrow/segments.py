"""The segment of each row: from a struct, a map, or columns named segment.NAME."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.column import INVALID
from stream.ingest.arrow.columns import code_texts, family_of
from stream.ingest.arrow.reading import arrow
from stream.ingest.envelope import NAME_BYTES_MAX, SEGMENT_NAMES_MAX, Unreadable
from stream.summaries.coded import Coded, compact
from stream.words import Segment

__all__ = ["Segments", "segments_of"]

_LONG = f"segment has a text longer than {NAME_BYTES_MAX} bytes"
Columns = dict[str, tuple[Any, Any]]


class Segments:
    """The different segments of some rows: `parts[code[i]]` is that of row i; `wrong` tells why one is none."""

    def __init__(self, code: NDArray[np.int64]) -> None:
        self.code = code
        self.parts: list[Segment] = []
        self.wrong: dict[int, str] = {}

    @classmethod
    def none(cls, n: int) -> "Segments":
        """Make those of n rows that have none."""
        made = cls(np.zeros(n, dtype=np.int64))
        made.add({})
        return made

    def add(self, pairs: dict[str, object]) -> None:
        """Enter the next segment."""
        why = ""
        if len(pairs) > SEGMENT_NAMES_MAX:
            why = f"segment has {len(pairs)} names, over {SEGMENT_NAMES_MAX}"
        elif any(value is INVALID or _is_long(name) for name, value in pairs.items()):
            why = _LONG
        if why:
            self.wrong[len(self.parts)] = why
        self.parts.append(() if why else tuple(sorted((k, str(v)) for k, v in pairs.items())))


def segments_of(columns: Columns, n: int) -> Segments:
    """Read the segments of n rows. A name whose value is null is not there.

    Raises:
        Unreadable: they are of another type.
    """
    before = "segment."
    apart = {
        name.removeprefix(before): of for name, of in columns.items() if name.startswith(before)
    }
    if "segment" not in columns:
        return _of_columns(apart, n)
    if apart:
        raise Unreadable("there is a column segment, and columns named segment.NAME")
    field, array = columns["segment"]
    types = arrow().pa.types
    if types.is_null(field.type):
        return Segments.none(n)
    if types.is_map(field.type):
        return _of_maps(field.type, array, n)
    if not types.is_struct(field.type):
        raise Unreadable("segment is no struct or map of text to text")
    inner = [field.type.field(i) for i in range(field.type.num_fields)]
    if len({of.name for of in inner}) < len(inner):
        raise Unreadable("segment has a name twice")
    return _of_columns({of.name: (of, a) for of, a in zip(inner, array.flatten(), strict=True)}, n)


def _of_columns(columns: Columns, n: int) -> Segments:
    coded = {name: _texts(f"segment.{name}", *of) for name, of in columns.items()}
    coded = {
        name: texts for name, texts in coded.items() if any(w is not None for w in texts.words)
    }
    code, size = np.zeros(n, dtype=np.int64), 1
    for texts in coded.values():
        used, code = compact(code * len(texts.words) + texts.code, size * len(texts.words))
        size = len(used)
    found = Segments(code)
    first = np.zeros(size, dtype=np.int64)
    first[code[::-1]] = np.arange(n)[::-1]
    for row in first.tolist() if n else ():
        told = {name: texts[row] for name, texts in coded.items()}
        found.add({name: value for name, value in told.items() if value is not None})
    return found


def _of_maps(kind: Any, array: Any, n: int) -> Segments:
    for what, field in (("names", kind.key_field), ("values", kind.item_field)):
        if family_of(f"segment ({what})", field) not in ("string", None):
            raise Unreadable("segment is no struct or map of text to text")
    names = np.diff(array.offsets.to_numpy(zero_copy_only=False))
    null = array.is_null().to_numpy(zero_copy_only=False)
    held = np.where(null, 0, names)
    read = np.flatnonzero((held > 0) & (held <= SEGMENT_NAMES_MAX))
    found = Segments.none(n)
    number: dict[object, int] = {(): 0}
    for row, pairs in zip(
        read.tolist(), array.take(arrow().pa.array(read)).to_pylist(), strict=True
    ):
        given = {k: INVALID if _is_long(v) else v for k, v in pairs if v is not None}
        key = tuple(sorted(given.items(), key=repr))
        if key not in number:
            number[key] = len(found.parts)
            found.add(given)
        found.code[row] = number[key]
    for many in np.unique(held[held > SEGMENT_NAMES_MAX]).tolist():
        found.code[held == many] = len(found.parts)
        found.wrong[len(found.parts)] = f"segment has {many} names, over {SEGMENT_NAMES_MAX}"
        found.parts.append(())
    return found


def _texts(name: str, field: Any, array: Any) -> Coded:
    family = family_of(name, field)
    if family is None:
        return Coded([None], np.zeros(len(array), dtype=np.int64))
    if family != "string":
        raise Unreadable("segment is no struct or map of text to text")
    return code_texts(array)


def _is_long(text: str) -> bool:
    return len(text.encode()) > NAME_BYTES_MAX
