"""The time of each row in ms since 1970, from whole numbers or timestamps of any unit."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.ingest.arrow.reading import arrow
from stream.ingest.envelope import TS_MAX, Unreadable

__all__ = ["Times", "times_of"]

BEYOND = 2 * TS_MAX
"""What is farther from 1970 is as wrong as this is."""


class Times(NamedTuple):
    """Times in ms, int64 [n]; `missing` bool [n]: rows that have none, and no timestamp of Kafka's that serves."""

    ms: NDArray[np.int64]
    missing: NDArray[np.bool_]


def times_of(column: tuple[Any, Any] | None, n: int, stamp: int | None) -> Times:
    """Read the column `ts`; where it is null, and where there is none, the stamp serves.

    A timestamp without a zone is in UTC. Parts of a millisecond are rounded, as those of a text in JSON are.

    Raises:
        Unreadable: the column is of another type.
    """
    ms = np.zeros(n, dtype=np.int64)
    null = np.ones(n, dtype=bool)
    if column is not None and not arrow().pa.types.is_null(column[0].type):
        field, array = column
        null = array.is_null().to_numpy(zero_copy_only=False)
        ms = _ms(field.type, array.fill_null(0) if array.null_count else array)
    if stamp is not None:
        return Times(np.where(null, stamp, ms), np.zeros(n, dtype=bool))
    return Times(ms, null)


def _ms(kind: Any, array: Any) -> NDArray[np.int64]:
    pa = arrow().pa
    if pa.types.is_integer(kind):
        numbers: NDArray[np.int64] = array.to_numpy(zero_copy_only=False)  # or of another width
        return np.clip(numbers, *_reach(numbers.dtype)).astype(np.int64)
    if not pa.types.is_timestamp(kind):
        raise Unreadable(f"ts holds {str(kind)[:99]}, neither integers (ms) nor timestamps")
    ticks: NDArray[np.int64] = array.cast(pa.int64()).to_numpy(zero_copy_only=False)
    if kind.unit == "s":
        return np.clip(ticks, -BEYOND, BEYOND) * 1000
    if kind.unit == "ms":
        return ticks
    micro = ticks if kind.unit == "us" else ticks // 1000
    return np.rint(micro / 1e6 * 1000).astype(np.int64)  # the steps of `read_ts`, rounded as there


def _reach(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Tell the numbers of a type that are in reach of int64."""
    info = np.iinfo(dtype)
    return max(int(info.min), -BEYOND), min(int(info.max), BEYOND)
