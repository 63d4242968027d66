"""Raw values of a series that has no reference yet."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.column import INVALID, is_long
from detectors.summaries.reservoir import Reservoir
from detectors.summaries.thinned import Thinned

__all__ = ["BYTES_MAX", "Raw"]

UNBOUNDED = 2**62
BYTES_MAX = 64_000_000
"""Bytes of rows kept of a series in a pane, however few rows these are: what is stored must fit a stored value."""


class Raw:
    """Raw values of a series that has no reference yet, one row an event: all of them, or a uniform sample.

    Beyond `rows_max` rows the events are counted (`dropped`), and those stay whose content has the smallest hash: time,
    id and values. A file and a topic have no offsets in common, but they have the content; so a replay, any partitions
    and any batches keep the same rows, and none is preferred for having come first. Events that are equal in all of
    that share their fate.

    Memory: `rows_max` rows of together at most `bytes_max` bytes, and the names of `columns_max` columns. Of a column
    that came when there were so many, nothing is kept; first come, first served, and what `merge` brings is kept.

    `thinned` tells what sampling left out beside these events.
    """

    __slots__ = ("_names", "_sample", "thinned")

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._sample = Reservoir(UNBOUNDED, UNBOUNDED, bytes_max)
        self._names: set[str] = set()
        self.thinned = Thinned()

    @property
    def n(self) -> int:
        """The number of rows kept."""
        return len(self._sample)

    @property
    def dropped(self) -> int:
        """The number of events whose values were left out."""
        return self._sample.dropped

    @property
    def columns(self) -> dict[str, list[Any]]:
        """Columns of equal length, in an order of rows that depends on nothing but the events; None where missing."""
        rows = self.rows()
        return {name: [row.get(name) for row in rows] for name in sorted(self._names)}

    def rows(self) -> list[Mapping[str, Any]]:
        """Give the rows, in the order of `columns`."""
        return list(self._sample.rows())

    def add(
        self,
        fields: Mapping[str, object],
        rows_max: int,
        told: Sequence[object] = (),
        columns_max: int = UNBOUNDED,
    ) -> int:
        """Take in one event; `told` is what else tells it from others: its time, its id.

        Returns:
            How many of its fields have no column.
        """
        self._sample.rows_max = rows_max
        row = {name: _storable(value) for name, value in fields.items()}
        key = _key(row, told)
        refused = set() if row.keys() <= self._names else self._enter(row, columns_max)
        if refused or None in row.values():
            row = {name: v for name, v in row.items() if v is not None and name not in refused}
        self._sample.add(key, row)
        return len(refused)

    def add_numbers(self, name: str, values: Sequence[float]) -> None:
        """Take in many events that have one number each and nothing else to tell them by, however many rows these are.

        It is what `add` does with each, for less.
        """
        self._sample.rows_max = UNBOUNDED
        self._names.add(name)
        keys = (repr(([(name, value)],)).encode() for value in values)
        self._sample.update_numbers(name, keys, values)

    def _enter(self, row: Mapping[str, object], columns_max: int) -> set[str]:
        """Enter new names, in alphabetic order; give those for which there is no room."""
        fresh = sorted(row.keys() - self._names)
        long = {name for name in fresh if is_long(name)}
        fresh = [name for name in fresh if name not in long]
        room = max(0, columns_max - len(self._names))
        self._names.update(fresh[:room])
        return long.union(fresh[room:])

    def merge(self, other: "Raw") -> None:
        """Take in the rows of another partition; of two bounds the lower one holds."""
        self._sample.merge(other._sample)
        self._names |= other._names
        self.thinned = self.thinned.plus(other.thinned)

    def stand_for(self, rates: NDArray[np.float64]) -> None:
        """Note at which rates events were chosen that are taken in."""
        self.thinned = self.thinned.plus(Thinned.of(rates))

    def payload(self) -> list[object]:
        """Give plain values for the codec."""
        sample = self._sample
        told = [self.n, self.dropped, self.columns, b"".join(sample.lots()), sample.rows_max]
        bar = sample.bar()
        if any(self.thinned):
            return [*told, bar, list(self.thinned)]
        return told if bar is None else [*told, bar]

    @classmethod
    def from_payload(cls, payload: Any, bytes_max: int = BYTES_MAX) -> "Raw":
        """Read what `payload` gave."""
        n, dropped, columns, lots, rows_max, *more = payload
        bar = [bar for bar in more[:1] if bar is not None]
        if not 0 <= n <= len(lots):
            raise ValueError(f"{n} rows of {len(lots)} bytes of lots")
        names = list(columns)
        across = zip(*columns.values(), strict=True) if names else [()] * n
        rows = [
            {
                name: INVALID if v == [] else v
                for name, v in zip(names, values, strict=True)
                if v is not None
            }
            for values in across
        ]
        size = len(lots) // max(1, n)
        made = cls()
        made._names.update(names)
        made.thinned = Thinned(*more[1]) if len(more) > 1 else Thinned()
        made._sample = Reservoir.restored(
            rows, (lots[i * size : (i + 1) * size] for i in range(n)), n + dropped, rows_max, UNBOUNDED,
            *bar,
        )  # fmt: skip
        made._sample.bytes_max_kept = bytes_max
        return made


def _key(row: Mapping[str, object], told: Sequence[object]) -> bytes:
    """Write the content of an event: what is null is not there, and 1 is 1.0, as formats do not agree on these."""
    held = sorted(
        (name, float(value) if type(value) is int else value)
        for name, value in row.items()
        if value is not None
    )
    return repr((*told, held)).encode()


def _storable(value: Any) -> object:
    """Give a scalar as the codec takes it: integers beyond 64 bits as floats; INVALID what is no value of a column."""
    if isinstance(value, str):
        return INVALID if is_long(value) else value
    if value is None or isinstance(value, bool | float):
        return value
    if not isinstance(value, int):
        return INVALID
    if -(2**63) <= value < 2**63:
        return value
    try:
        return float(value)
    except OverflowError:
        return INVALID
