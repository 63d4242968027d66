"""Raw values of a series that has no reference yet."""

from collections.abc import Mapping
from typing import Any

from detectors.summaries.column import INVALID

__all__ = ["Raw"]


class Raw:
    """Raw values of a series that has no reference yet: columns of equal length, None where a value is missing.

    Beyond `rows_max` rows events are counted (`dropped`) and their values left out.
    """

    __slots__ = ("columns", "dropped", "n")

    def __init__(
        self, n: int = 0, dropped: int = 0, columns: dict[str, list[object]] | None = None
    ) -> None:
        self.n = n
        self.dropped = dropped
        self.columns: dict[str, list[object]] = columns or {}

    def add(self, fields: Mapping[str, object], rows_max: int) -> None:
        """Take in one event."""
        if self.n >= rows_max:
            self.dropped += 1
            return
        for name, value in fields.items():
            column = self.columns.setdefault(name, [])
            column.extend([None] * (self.n - len(column)))
            scalar = value is None or isinstance(value, bool | str | float | int)
            column.append(_storable(value) if scalar else INVALID)
        self.n += 1

    def merge(self, other: "Raw") -> None:
        """Append the rows of another partition."""
        for name in self.columns.keys() | other.columns.keys():
            column = self.columns.setdefault(name, [])
            column.extend([None] * (self.n - len(column)))
            column.extend(other.columns.get(name, []))
        self.n += other.n
        self.dropped += other.dropped

    def payload(self) -> list[object]:
        """Give plain values for the codec."""
        return [self.n, self.dropped, dict(sorted(self.columns.items()))]

    @classmethod
    def from_payload(cls, payload: Any) -> "Raw":
        """Read what `payload` gave."""
        columns = {
            name: [INVALID if v == [] else v for v in values] for name, values in payload[2].items()
        }
        return cls(payload[0], payload[1], columns)


def _storable(value: Any) -> object:
    """Give integers beyond 64 bits as floats, as msgpack has no others."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        try:
            return float(value)
        except OverflowError:
            return INVALID
    return value
