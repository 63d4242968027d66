"""Raw values of a series that has no reference yet."""

from collections.abc import Mapping, Sequence
from typing import Any

from detectors.summaries.column import INVALID
from detectors.summaries.reservoir import Reservoir

__all__ = ["Raw"]

UNBOUNDED = 2**62


class Raw:
    """Raw values of a series that has no reference yet, one row an event: all of them, or a uniform sample.

    Beyond `rows_max` rows the events are counted (`dropped`), and those stay whose content has the smallest hash: time,
    id and values. A file and a topic have no offsets in common, but they have the content; so a replay, any partitions
    and any batches keep the same rows, and none is preferred for having come first. Events that are equal in all of
    that share their fate.
    """

    __slots__ = ("_sample",)

    def __init__(self) -> None:
        self._sample = Reservoir(UNBOUNDED, UNBOUNDED)

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
        return self._sample.columns()

    def rows(self) -> list[Mapping[str, Any]]:
        """Give the rows, in the order of `columns`."""
        return list(self._sample.rows())

    def add(self, fields: Mapping[str, object], rows_max: int, told: Sequence[object] = ()) -> None:
        """Take in one event; `told` is what else tells it from others: its time, its id."""
        self._sample.rows_max = rows_max
        row = {name: _storable(value) for name, value in fields.items()}
        self._sample.add(_key(row, told), row)

    def merge(self, other: "Raw") -> None:
        """Take in the rows of another partition; of two bounds the lower one holds."""
        self._sample.merge(other._sample)

    def payload(self) -> list[object]:
        """Give plain values for the codec."""
        sample = self._sample
        return [self.n, self.dropped, self.columns, b"".join(sample.lots()), sample.rows_max]

    @classmethod
    def from_payload(cls, payload: Any) -> "Raw":
        """Read what `payload` gave."""
        n, dropped, columns, lots, rows_max = payload
        if not 0 <= n <= len(lots):
            raise ValueError(f"{n} rows of {len(lots)} bytes of lots")
        names = list(columns)
        across = zip(*columns.values(), strict=True) if names else [()] * n
        rows = [
            {name: INVALID if v == [] else v for name, v in zip(names, values, strict=True)}
            for values in across
        ]
        size = len(lots) // max(1, n)
        made = cls()
        made._sample = Reservoir.restored(
            rows, (lots[i * size : (i + 1) * size] for i in range(n)), n + dropped, rows_max, UNBOUNDED
        )  # fmt: skip
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
    """Give a scalar as the codec takes it: integers beyond 64 bits as floats; INVALID what is no scalar."""
    if value is None or isinstance(value, bool | str | float):
        return value
    if not isinstance(value, int):
        return INVALID
    if -(2**63) <= value < 2**63:
        return value
    try:
        return float(value)
    except OverflowError:
        return INVALID
