"""Columns of a reference in batches, so that many are judged in one call."""

from collections.abc import Iterator, Sequence

from detectors import Cells
from detectors.arrays import Counts
from detectors.summaries.column import Column

__all__ = ["part", "side_by_side"]

PADDING_MAX = 8192
"""Columns are judged in one call as long as what pads them costs less than another call: so many bins in all."""
CELLS_MAX = 1 << 20
"""Counts of a history, padding included, that are in memory at once; calibrating takes some 100 bytes for each."""


def side_by_side(columns: Sequence[Column], windows: int) -> Iterator[list[int]]:
    """Part the columns into batches, wide ones first, so that padding and memory have a bound."""
    batch: list[int] = []
    padding = 0
    for i in sorted(range(len(columns)), key=lambda i: -columns[i].bins):
        widest = columns[batch[0]].bins if batch else columns[i].bins
        padding += widest - columns[i].bins
        if batch and (padding > PADDING_MAX or (len(batch) + 1) * widest * windows > CELLS_MAX):
            yield sorted(batch)
            batch, padding = [], 0
        batch.append(i)
    if batch:
        yield sorted(batch)


def part(batch: Cells, which: Counts) -> Cells:
    """Give the columns asked for, without a copy where that is all of them."""
    return batch if len(which) == batch.shape[0] else batch.columns(which)
