"""What one partition knows of one model in one pane: summaries, raw values while learning, rows for the join."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from detectors.summaries.summary import Summary
from stream.ingest.shelf import Binned, Shelf
from stream.state.codec import CONTENT_MAX
from stream.state.small_ints import pack_ints, unpack_ints
from stream.state.versions import dump, load, making_sense
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Rows
from stream.summaries.unseen import dump_unseen, load_unseen
from stream.words import Series

__all__ = ["Binned", "Pane", "unpack_rows"]

SIZE_MAX = 1 << 24
"""Slots that no summary has."""


class Pane:
    """One model in one pane of one partition; `first` and `last` are the offsets of its events.

    `shelf` has the summaries that the fold counts in, `learning` the raw values that it adds to. Cost of `pack`: about 4 us a series and what compressing takes.
    """

    __slots__ = ("_order", "entries", "first", "last", "learning", "rows", "shelf")

    def __init__(self) -> None:
        self.entries: dict[Series, Binned | Raw] = {}
        self.shelf = Shelf()
        self.learning: list[Raw] = []
        self.rows: list[Rows] = []
        self.first: int = -1
        self.last: int = -1
        self._order: list[Series] = []

    def touch(self, first: int, last: int) -> None:
        """Note the offsets of events."""
        self.first = first if self.first < 0 else min(first, self.first)
        self.last = max(last, self.last)

    def add_rows(self, rows: Rows, rows_max: int) -> int:
        """Take in rows for the join; beyond `rows_max` those of the largest ids go. Give the number of rows lost."""
        self.rows.append(rows)
        over = sum(map(len, self.rows)) - rows_max
        if over > 0:
            self.rows = [Rows.concat(self.rows).smallest(rows_max)]
        return max(0, over)

    @property
    def raw_rows(self) -> int:
        """Rows whose raw values are kept."""
        return sum(entry.n for entry in self.entries.values() if isinstance(entry, Raw))

    def pack(self) -> bytes:
        """Give the summaries as bytes: equal contents, equal bytes."""
        if len(self._order) != len(self.entries):  # a series that came stays
            self._order = sorted(self.entries)
        raw: list[object] = []
        heads: list[object] = []
        binned: list[Binned] = []
        for series in self._order:
            entry = self.entries[series]
            if isinstance(entry, Raw):
                raw.append([series.version, series.segment, entry.payload()])
            else:
                heads.append((series.version, series.segment, entry.digest))
                binned.append(entry)
        return dump("pane", [self.first, self.last, raw, heads, *_stacked(binned)])

    def pack_rows(self) -> bytes | None:
        """Give the rows for the join as bytes; None when there are none."""
        if not self.rows:
            return None
        rows = self.all_rows()
        return dump("rows", [self.first, self.last, rows.payload()])

    def all_rows(self) -> Rows:
        """Give all rows in their canonical order."""
        return Rows.concat(self.rows).in_order()

    @classmethod
    @making_sense("pane")
    def unpack(cls, model: str, blob: bytes, rows: bytes | None) -> "Pane":
        """Read a pane back; CodecError when the bytes are none."""
        pane = cls()
        pane.first, pane.last, raw, heads, *stacked = load(blob, "pane")
        for version, segment, payload in raw:
            pane.entries[_series(model, version, segment)] = Raw.from_payload(payload)
        summaries = _apart(*stacked)
        for (version, segment, digest), summary in zip(heads, summaries, strict=True):
            pane.entries[_series(model, version, segment)] = Binned(digest, summary)
        if rows is not None:
            pane.rows = [unpack_rows(rows)[2]]
        return pane


def _series(model: str, version: str, segment: Any) -> Series:
    return Series(model, version, tuple((k, v) for k, v in segment))


def _stacked(binned: Sequence[Binned]) -> list[object]:
    """Put summaries behind each other: counts, extremes, how many of each, and what was unseen by whom."""
    summaries = [entry.summary for entry in binned]
    if not summaries:
        return [b"", [], [], [], []]
    counts = np.concatenate([summary.counts for summary in summaries])
    extremes = np.concatenate([summary.extremes for summary in summaries])
    sizes = np.array([len(summary.counts) for summary in summaries], dtype=np.int64)
    numbers = np.array([len(summary.extremes) for summary in summaries], dtype=np.int64)
    unseen = [[i, *dump_unseen(s)] for i, s in enumerate(summaries) if s.unseen]
    return [pack_ints(counts), extremes, sizes, numbers, unseen]


def _apart(counts: bytes, extremes: Any, sizes: Any, numbers: Any, unseen: Any) -> list[Summary]:
    """Take apart what `_stacked` gave; the summaries share two arrays."""
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
    return summaries


def _ends(sizes: Any) -> list[int]:
    """Tell where pieces end that lie behind each other; before the first, 0."""
    told = np.array(sizes, dtype=np.int64).reshape(-1)
    if len(told) and (told.min() < 0 or told.max() > SIZE_MAX):
        raise ValueError("pieces of no possible size")
    ends: list[int] = np.cumsum(np.concatenate([[0], told])).tolist()
    if ends[-1] > CONTENT_MAX // 8:
        raise ValueError("more than any value holds")
    return ends


@making_sense("rows")
def unpack_rows(blob: bytes) -> tuple[int, int, Rows]:
    """Read the rows of a pane: first and last offset, rows; CodecError when the bytes are none."""
    first, last, payload = load(blob, "rows")
    return first, last, Rows.from_payload(payload)
