"""The summaries of a pane behind each other, as they are stored."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from detectors.summaries.summary import Summary
from stream.ingest.shelf import Binned
from stream.state.codec import CONTENT_MAX
from stream.state.small_ints import pack_ints, unpack_ints
from stream.summaries.raw_values import Raw
from stream.summaries.unseen import dump_unseen, load_thinned, load_unseen
from stream.words import Series

__all__ = ["Stack", "unstack"]

SLOTS_MAX = CONTENT_MAX // 8
"""Slots of all summaries together: no stored value had more, when a slot took eight bytes."""


class Stack:
    """The entries of a pane in the order in which they are stored, to be used as long as none is new.

    `raw` are those that keep raw values. Cost: making one sorts the series; a payload takes about 1 us a series.
    """

    def __init__(self, entries: Mapping[Series, Binned | Raw]) -> None:
        self.entries = len(entries)
        ordered = sorted(entries.items(), key=lambda item: item[0])
        self.raw = [(series, entry) for series, entry in ordered if isinstance(entry, Raw)]
        binned = [(series, entry) for series, entry in ordered if isinstance(entry, Binned)]
        self._heads = [(series.version, series.segment, entry.digest) for series, entry in binned]
        self._summaries = [entry.summary for _, entry in binned]
        self._counts = [np.zeros(0, dtype=np.int64), *(s.counts for s in self._summaries)]
        self._extremes = [np.zeros((0, 2)), *(s.extremes for s in self._summaries)]
        self._sizes = np.array([len(s.counts) for s in self._summaries], dtype=np.int64)
        self._numbers = np.array([len(s.extremes) for s in self._summaries], dtype=np.int64)

    def payload(self) -> list[object]:
        """Give what is binned as plain values: whose it is, counts, extremes, sizes, what is unseen or left out."""
        unseen = [[i, *told] for i, s in enumerate(self._summaries) if (told := dump_unseen(s))]
        counts, extremes = np.concatenate(self._counts), np.concatenate(self._extremes)
        return [self._heads, pack_ints(counts), extremes, self._sizes, self._numbers, unseen]


def unstack(
    heads: Any, counts: bytes, extremes: Any, sizes: Any, numbers: Any, unseen: Any
) -> Iterator[tuple[str, Any, bytes, Summary]]:
    """Give version, segment, digest and summary of each series; the summaries share two arrays."""
    ends, tops = _ends(sizes), _ends(numbers)
    own = unpack_ints(counts, ends[-1])
    edges = np.array(extremes, dtype=np.float64).reshape(-1, 2)
    if tops[-1] != len(edges):
        raise ValueError("summaries that do not fill their arrays")
    summaries = [
        Summary(own[start:end], edges[top:bottom])
        for start, end, top, bottom in zip(ends[:-1], ends[1:], tops[:-1], tops[1:], strict=True)
    ]
    for i, *states in unseen:
        summaries[i].unseen = load_unseen(states)
        summaries[i].thinned = load_thinned(states)
    for (version, segment, digest), summary in zip(heads, summaries, strict=True):
        yield version, segment, digest, summary


def _ends(sizes: Any) -> list[int]:
    """Tell where pieces end that lie behind each other; before the first, 0."""
    told = np.array(sizes, dtype=np.int64).reshape(-1)
    if len(told) and (told.min() < 0 or told.max() > SLOTS_MAX):
        raise ValueError("pieces of no possible size")
    ends: list[int] = np.cumsum(np.concatenate([[0], told])).tolist()
    if ends[-1] > SLOTS_MAX:
        raise ValueError("more than any value holds")
    return ends
