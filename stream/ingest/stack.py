"""The summaries of a pane behind each other, as they are stored."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.summaries.summary import NOTHING, Summary
from stream.ingest.shelf import Binned
from stream.state.codec import CONTENT_MAX
from stream.state.small_ints import pack_ints, unpack_ints
from stream.summaries.raw_values import Raw
from stream.summaries.unseen import dump_unseen, load_thinned, load_unseen
from stream.words import Series

__all__ = ["Stack", "unstack"]

SLOTS_MAX = CONTENT_MAX // 8
"""Slots of all summaries together: no stored value had more, when a slot took eight bytes."""
_SEAT, _COUNTS, _EXTREMES = attrgetter("seat"), attrgetter("counts"), attrgetter("extremes")
_SERIES = itemgetter(0)
_encode = msgspec.msgpack.Encoder().encode


class Stack:
    """The entries of a pane as they are stored, each by a number. Entries may come, none leaves.

    Those binned have the numbers 0, 1, 2 ... in the order in which they came, those that keep raw values ~0, ~1, ~2 ...
    They are stored in the order of their names' bytes, so that it does not matter who came first. Where a
    summary's arrays lie is asked anew each time: they move when it takes a seat, and when its shelf grows.

    Cost: a payload takes about 3 us an entry of ten columns; only those that came are sorted in anew.
    """

    def __init__(self, entries: Mapping[Series, Binned | Raw]) -> None:
        self._entries = entries
        self._held = 0
        self._raw: list[tuple[Series, Raw]] = []
        self._binned: list[Binned] = []
        self._heads: list[bytes] = []
        self._order: list[int] = []

    def raw(self) -> list[int]:
        """Give the numbers of those that keep raw values."""
        self._grow()
        return [~i for i in range(len(self._raw))]

    def seats(self) -> NDArray[np.int64]:
        """Tell the seats of those that are binned, by their numbers; -1 where one has none."""
        self._grow()
        return np.fromiter(map(_SEAT, self._binned), np.int64, len(self._binned))

    def payload(self, chosen: AbstractSet[int] | None = None) -> list[object]:
        """Give some entries, or all, as plain values: raw ones, and behind them what `unstack` reads."""
        self._grow()
        if chosen is None:
            raw, order = self._raw, self._order
        else:
            raw = [self._raw[~i] for i in chosen if i < 0]
            order = sorted((i for i in chosen if i >= 0), key=self._heads.__getitem__)
        held = [self._binned[i].summary for i in order]
        counts, extremes = list(map(_COUNTS, held)), list(map(_EXTREMES, held))
        unseen = [
            [i, *told]
            for i, s in enumerate(held)
            if (s.unseen or s.thinned is not NOTHING) and (told := dump_unseen(s))
        ]
        return [
            [[s.version, s.segment, entry.payload()] for s, entry in sorted(raw, key=_SERIES)],
            [msgspec.Raw(self._heads[i]) for i in order],
            pack_ints(np.concatenate(counts or [np.zeros(0, dtype=np.int64)])),
            np.concatenate(extremes or [np.zeros((0, 2))]),
            np.fromiter(map(len, counts), np.int64, len(held)),
            np.fromiter(map(len, extremes), np.int64, len(held)),
            unseen,
        ]

    def _grow(self) -> None:
        """Take in the entries that came."""
        if self._held == len(self._entries):
            return
        for series, entry in islice(self._entries.items(), self._held, None):
            if isinstance(entry, Raw):
                self._raw.append((series, entry))
            else:
                self._order.append(len(self._binned))
                self._binned.append(entry)
                self._heads.append(_encode((series.version, series.segment, entry.digest)))
        self._order.sort(key=self._heads.__getitem__)
        self._held = len(self._entries)


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
