"""Columns of a reference in batches, and summaries of many chains as one, so that many are judged in one call."""

from collections.abc import Iterator, Sequence

import numpy as np

from detectors import Cells
from detectors.arrays import Counts
from detectors.summaries.column import Column
from detectors.summaries.summary import Summary

__all__ = ["begins_of", "behind", "part", "side_by_side"]

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


def behind(windows: Sequence[Summary]) -> Summary:
    """Put the counts and the extremes of summaries behind each other: a window of all their columns."""
    counts = np.concatenate([window.counts for window in windows])
    return Summary(counts, np.concatenate([window.extremes for window in windows]))


def begins_of(windows: Sequence[Summary]) -> list[tuple[int, int]]:
    """Tell where the counts and the extremes of each of these begin there."""
    counts, extremes, begins = 0, 0, []
    for window in windows:
        begins.append((counts, extremes))
        counts, extremes = counts + len(window.counts), extremes + len(window.extremes)
    return begins
