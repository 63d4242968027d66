"""A bounded uniform sample of rows that does not depend on their order: those of the smallest keys' hashes."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Any

import numpy as np

from detectors.binary_form import pack, unpack
from detectors.summaries.column import INVALID

__all__ = ["Reservoir"]

KIND, VERSIONS = "reservoir", range(1, 2)
DIGEST_BYTES = 16
SLACK = 4
"""Rows wait up to a quarter of the reservoir before it is cut again, so that a cut is paid by many."""

Row = Mapping[str, Any]


class Reservoir:
    """Keeps `rows_max` of the rows it is given, each as likely as any other.

    Promise: every row has a key, the hash of which is its lot; the rows of the smallest lots stay
    (bottom-k). So which rows stay is a matter of the keys alone: merging, chunking and order change
    nothing, to the byte, where Vitter's reservoir tosses a coin a row and gives another sample in
    every run. Whoever samples two streams by the same key keeps the same rows of both.

    Keys: bytes that tell a row from every other, as topic, partition and offset do. Rows of equal
    keys must be equal; they are kept or dropped together as far as there is room.

    Rows: mappings of names to None, booleans, numbers (integers of 64 bits), texts that have a
    UTF-8 form, and INVALID, each at most `row_bytes_max` long: 16 bytes a name, and what names and
    texts have in UTF-8.

    Beyond `bytes_max_kept` bytes of rows fewer stay, those before the first one that has no room: a matter of the
    keys and their rows alone, too.

    Cost: about 1.5 us a row. Memory: 1.25 `rows_max` rows, or 1.25 `bytes_max_kept` bytes.

    Papers: Vitter 1985, "Random sampling with a reservoir"; Cohen, Kaplan 2007, "Summarizing data
    using bottom-k sketches".

    Args:
        rows_max: rows kept, at least 1; it may be lowered later.
        row_bytes_max: the longest row that is taken in.
        bytes_max_kept: the most bytes of all rows kept, measured as a row is; None: no matter how many.

    Raises:
        ValueError: `rows_max` or `row_bytes_max` is smaller than 1.

    >>> sample = Reservoir(rows_max=2)
    >>> sample.update_many([b"0/17", b"0/18", b"0/19"], [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}])
    >>> len(sample), sample.seen, sample.columns()
    (2, 3, {'x': [2.0, 3.0]})
    """

    __slots__ = ("_bar", "_bytes", "_kept", "bytes_max_kept", "row_bytes_max", "rows_max", "seen")

    def __init__(
        self, rows_max: int = 10_000, row_bytes_max: int = 4096, bytes_max_kept: int | None = None
    ) -> None:
        if rows_max < 1 or row_bytes_max < 1:
            raise ValueError(f"rows and their bytes must be positive: {rows_max}, {row_bytes_max}")
        self.rows_max = rows_max
        self.row_bytes_max = row_bytes_max
        self.bytes_max_kept = bytes_max_kept
        self.seen = 0
        self._bar: bytes | None = None
        self._bytes = 0
        self._kept: list[tuple[bytes, Row]] = []

    def __len__(self) -> int:
        if self.bytes_max_kept is not None and self._bytes > self.bytes_max_kept:
            self._cut()
        return min(len(self._kept), self.rows_max)

    @property
    def dropped(self) -> int:
        """How many rows were taken in and not kept."""
        return self.seen - len(self)

    @property
    def bytes_max(self) -> int:
        """The most bytes that `to_bytes` can give."""
        return 256 + self.rows_max * (self.row_bytes_max + DIGEST_BYTES + 16)

    def add(self, key: bytes, row: Row) -> None:
        """Take in a row; ValueError, and nothing is taken in, when it is too long or no row."""
        length = _length(row)
        if length > self.row_bytes_max:
            raise ValueError(f"a row of {length} bytes is longer than {self.row_bytes_max}")
        self.seen += 1
        lot = blake2b(key, digest_size=DIGEST_BYTES).digest()
        if self._bar is None or lot < self._bar:
            self._kept.append((lot, dict(row)))
            self._bytes += length
            if self._is_over(1 + 1 / SLACK):
                self._cut()

    def update_many(self, keys: Iterable[bytes], rows: Iterable[Row]) -> None:
        """Take in rows, each with its key."""
        for key, row in zip(keys, rows, strict=True):
            self.add(key, row)

    def update_numbers(self, name: str, keys: Iterable[bytes], values: Sequence[float]) -> None:
        """Take in rows of one number each, each with its key."""
        length = _length({name: 0.0})
        if length > self.row_bytes_max:
            raise ValueError(f"a row of {length} bytes is longer than {self.row_bytes_max}")
        lots = [blake2b(key, digest_size=DIGEST_BYTES).digest() for key in keys]
        self.seen += len(lots)
        new = [
            (lot, {name: value})
            for lot, value in zip(lots, values, strict=True)
            if self._bar is None or lot < self._bar
        ]
        self._kept.extend(new)
        self._bytes += length * len(new)
        if self._is_over(1 + 1 / SLACK):
            self._cut()

    def merge(self, other: "Reservoir") -> None:
        """Take in another sample, in place; of two bounds the lower one holds."""
        self.rows_max = min(self.rows_max, other.rows_max)
        self.row_bytes_max = min(self.row_bytes_max, other.row_bytes_max)
        bounds = [b for b in (self.bytes_max_kept, other.bytes_max_kept) if b is not None]
        self.bytes_max_kept = min(bounds, default=None)
        self.seen += other.seen
        bars = [bar for bar in (self._bar, other._bar) if bar is not None]
        self._bar = min(bars, default=None)
        self._kept += other._kept
        self._bytes += other._bytes
        if self._bar is not None:
            self._kept = [one for one in self._kept if one[0] <= self._bar]
            self._bytes = sum(_length(row) for _, row in self._kept)
        self._cut()

    def rows(self) -> Iterator[Row]:
        """Give the rows kept, in the order of their lots: the same whatever order they came in."""
        self._cut()
        return (row for _, row in self._kept)

    def columns(self) -> dict[str, list[Any]]:
        """Give the rows kept as columns of equal length, by name; None where a row has no value."""
        rows = list(self.rows())
        names = sorted({name for row in rows for name in row})
        return {name: [row.get(name) for row in rows] for name in names}

    def lots(self) -> list[bytes]:
        """Give the lots of the rows kept, in the order of `rows`."""
        self._cut()
        return [lot for lot, _ in self._kept]

    def bar(self) -> bytes | None:
        """Give the lot from which on no row is taken in, where bytes have set it; else None, as `lots` tell it."""
        return self._bar if len(self) < self.rows_max else None

    @classmethod
    def restored(
        cls, rows: Iterable[Row], lots: Iterable[bytes], seen: int, rows_max: int,
        row_bytes_max: int = 4096, bar: bytes | None = None,
    ) -> "Reservoir":  # fmt: skip
        """Make a reservoir of what `rows`, `lots`, `seen` and `bar` told of one; ValueError if they do not fit.

        Its bytes are bounded again when `bytes_max_kept` is set.
        """
        made = cls(rows_max, row_bytes_max)
        made._kept = list(zip(lots, rows, strict=True))
        made._bytes = sum(_length(row) for _, row in made._kept)
        made.seen = seen
        if len(made._kept) > min(seen, rows_max):
            raise ValueError(f"{len(made._kept)} rows kept of {seen} are more than {rows_max}")
        made._bar = bar
        if made._kept and seen > len(made._kept) and bar is None:
            made._bar = max(lot for lot, _ in made._kept)
        return made

    def to_bytes(self) -> bytes:
        """Give the state as bytes."""
        fields = {
            "rows_max": self.rows_max,
            "row_bytes_max": self.row_bytes_max,
            "seen": self.seen,
            "lots": b"".join(self.lots()),
            "rows": [dict(row) for row in self.rows()],
        }
        return pack(KIND, VERSIONS[-1], fields)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Reservoir":
        """Read what `to_bytes` gave."""
        f = unpack(data, KIND, VERSIONS)
        try:
            lots = [f["lots"][i : i + DIGEST_BYTES] for i in range(0, len(f["lots"]), DIGEST_BYTES)]
            rows = [
                {name: INVALID if isinstance(v, list) and not v else v for name, v in row.items()}
                for row in f["rows"]
            ]
            return cls.restored(rows, lots, f["seen"], f["rows_max"], f["row_bytes_max"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no state of a reservoir: {error!r}") from error

    def _is_over(self, times: float) -> bool:
        """Tell whether rows or bytes are more than so many times what may stay."""
        budget = self.bytes_max_kept
        return len(self._kept) > self.rows_max * times or (
            budget is not None and self._bytes > budget * times
        )

    def _cut(self) -> None:
        """Put the rows in the order of their lots and let go what is too many or has no room."""
        self._kept.sort(key=_lot)
        if len(self._kept) > self.rows_max:
            del self._kept[self.rows_max :]
            self._bar = self._kept[-1][0]
            self._bytes = sum(_length(row) for _, row in self._kept)
        if self.bytes_max_kept is not None and self._bytes > self.bytes_max_kept:
            sums = list(accumulate(_length(row) for _, row in self._kept))
            fitting = bisect_right(sums, self.bytes_max_kept)
            self._bar, self._bytes = self._kept[fitting][0], sums[fitting - 1] if fitting else 0
            del self._kept[fitting:]


def _lot(kept: tuple[bytes, Row]) -> bytes:
    return kept[0]


def _length(row: Row) -> int:
    length = 16 * len(row)
    for name, value in row.items():
        length += _utf8(name)
        if type(value) is not float:  # as most are
            length += _beside(name, value)
    return length


def _beside(name: str, value: Any) -> int:
    """Tell the bytes of a value beyond the 16 of its name; ValueError when it cannot be held."""
    if value is None or isinstance(value, float | np.floating | np.bool_):
        return 0
    if isinstance(value, str):
        return _utf8(value)
    if isinstance(value, int | np.integer):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{name} has more than 64 bits: {value}")
    elif not isinstance(value, tuple) or value != INVALID:
        raise ValueError(f"{name} is a {type(value).__name__}, which a row cannot hold")
    return 0


def _utf8(text: str) -> int:
    """Tell the bytes of a text; ValueError when it has no UTF-8, or is no text."""
    if not isinstance(text, str):
        raise ValueError(f"a row has a name that is no text: {text!r}")
    return len(text) if text.isascii() else len(text.encode())
