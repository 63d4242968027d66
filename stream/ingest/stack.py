"""The summaries of a pane behind each other, as they are stored."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import accumulate, islice, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.summaries.summary import Summary
from stream.ingest.shelf import Binned, Shelf
from stream.state.codec import CONTENT_MAX, encoded
from stream.state.small_ints import pack_groups, unpack_ints
from stream.summaries.raw_values import Raw
from stream.summaries.unseen import dump_unseen, load_thinned, load_unseen
from stream.words import Series

__all__ = ["Part", "Stack", "ends_of", "head_of", "payloads", "unstack"]

SLOTS_MAX = CONTENT_MAX // 8
"""Slots of all summaries together: no stored value had more, when a slot took eight bytes."""
_SERIES = itemgetter(0)
_encode = msgspec.msgpack.Encoder().encode


Ints = NDArray[np.int64]


class _Pieces(NamedTuple):
    """Where summaries lie: piece i is sizes[i] of the counts from starts[i] on, and as many rows of the extremes."""

    counts: Ints
    starts: Ints
    sizes: Ints
    extremes: NDArray[np.float64]
    tops: Ints
    numbers: Ints


class Part(NamedTuple):
    """Some entries of a pane, in the order in which they are stored; those binned with their heads and seats."""

    raw: list[tuple[Series, Raw]]
    heads: list[bytes]
    held: list[Binned]
    seats: Ints


class Stack:
    """The entries of a pane as they are stored, each by a number. Entries may come, none leaves.

    Those binned have the numbers 0, 1, 2 ... in the order in which they came, those that keep raw values ~0, ~1, ~2 ...
    They are stored in the order of their names' bytes, so that it does not matter who came first.

    Only those that came are sorted in anew.
    """

    def __init__(self, entries: Mapping[Series, Binned | Raw]) -> None:
        self._entries = entries
        self._held = 0
        self._raw: list[tuple[Series, Raw]] = []
        self._binned: list[Binned] = []
        self._heads: list[bytes] = []
        self._order: Ints = np.zeros(0, dtype=np.int64)
        self._seats: Ints = np.zeros(0, dtype=np.int64)

    def raw(self) -> list[int]:
        """Give the numbers of those that keep raw values."""
        self._grow()
        return [~i for i in range(len(self._raw))]

    def seats(self) -> Ints:
        """Tell the seats of those that are binned, by their numbers; -1 where one has none."""
        self._grow()
        if self._seats.min(initial=0) < 0:
            for i in np.flatnonzero(self._seats < 0).tolist():
                self._seats[i] = self._binned[i].seat
        return self._seats

    def part(self, chosen: AbstractSet[int] | None = None) -> Part:
        """Give some entries, by their numbers, or all."""
        seats, raw, order = self.seats(), self._raw, self._order
        if chosen is not None:
            raw = [self._raw[~i] for i in chosen if i < 0]
            mask = np.zeros(len(order), dtype=np.bool_)
            mask[[i for i in chosen if i >= 0]] = True
            order = order[mask[order]]
        numbers = order.tolist()
        return Part(
            sorted(raw, key=_SERIES), [self._heads[i] for i in numbers], [self._binned[i] for i in numbers],
            seats[order],
        )  # fmt: skip

    def _grow(self) -> None:
        """Take in the entries that came."""
        if self._held == len(self._entries):
            return
        before = len(self._binned)
        for series, entry in islice(self._entries.items(), self._held, None):
            if isinstance(entry, Raw):
                self._raw.append((series, entry))
            else:
                self._binned.append(entry)
                self._heads.append(entry.head or head_of(series, entry.digest))
        came = range(before, len(self._binned))
        order = sorted([*self._order.tolist(), *came], key=self._heads.__getitem__)
        self._order = np.array(order, dtype=np.int64)
        seats = [self._binned[i].seat for i in came]
        self._seats = np.concatenate([self._seats, np.array(seats, dtype=np.int64)])
        self._held = len(self._entries)


def head_of(series: Series, digest: bytes) -> bytes:
    """Name a series and its reference as they are stored before a summary. Cost: about 1 us."""
    return _encode((series.version, series.segment, digest))


def payloads(parts: Sequence[Part], shelf: Shelf) -> Iterator[list[object]]:
    """Give parts of panes as plain values: raw entries, and behind them what `unstack` reads.

    `shelf` is the one on which the entries of all of them have their seats. There is one part at least.

    Cost: about 1 us an entry of ten columns, 5 us a part.
    """
    shelf.settle()
    held = [binned for part in parts for binned in part.held]
    seats = np.concatenate([part.seats for part in parts])
    pieces = _pieces(seats, held, shelf)
    ends = np.cumsum([len(part.held) for part in parts])
    bounds = [0, *ends.tolist()]
    counts = pack_groups(pieces.counts, pieces.starts, pieces.sizes, ends)
    # `take` needs half the time of an index.
    extremes = pieces.extremes.take(_laid_out(pieces.tops, pieces.numbers), axis=0)
    tops = np.concatenate([[0], np.cumsum(pieces.numbers)])[bounds].tolist()
    noted = _noted(seats, held, shelf)
    cuts = np.searchsorted(noted, bounds).tolist()
    lengths: dict[tuple[bytes, bytes], tuple[msgspec.Raw, msgspec.Raw]] = {}  # mostly the same
    for part, packed, (first, end), (top, bottom), cut in zip(
        parts, counts, pairwise(bounds), pairwise(tops), pairwise(cuts), strict=True
    ):
        unseen = [
            [i - first, *told]
            for i in noted[slice(*cut)].tolist()
            if (told := dump_unseen(held[i].summary))
        ]
        sizes, numbers = pieces.sizes[first:end], pieces.numbers[first:end]
        key = sizes.tobytes(), numbers.tobytes()
        if key not in lengths:
            lengths[key] = encoded(sizes), encoded(numbers)
        yield [
            [[s.version, s.segment, entry.payload()] for s, entry in part.raw],
            list(map(msgspec.Raw, part.heads)),
            packed,
            extremes[top:bottom],
            *lengths[key],
            unseen,
        ]


def _pieces(seats: Ints, held: Sequence[Binned], shelf: Shelf) -> _Pieces:
    """Tell where the summaries of entries lie: on the shelf; while some have no seat, behind each other."""
    if (seats >= 0).all():
        start, top = shelf.count_at[seats], shelf.extreme_at[seats]
        sizes, numbers = shelf.count_at[seats + 1] - start, shelf.extreme_at[seats + 1] - top
        return _Pieces(shelf.counts, start, sizes, shelf.extremes, top, numbers)
    counts = [binned.summary.counts for binned in held]
    extremes = [binned.summary.extremes for binned in held]
    sizes, numbers = (np.array(list(map(len, of)), dtype=np.int64) for of in (counts, extremes))
    return _Pieces(
        np.concatenate(counts), np.cumsum(sizes) - sizes, sizes,
        np.concatenate(extremes), np.cumsum(numbers) - numbers, numbers,
    )  # fmt: skip


def _noted(seats: Ints, held: Sequence[Binned], shelf: Shelf) -> Ints:
    """Tell of which entries more may be known than counts and extremes, by their places."""
    asked = np.zeros(shelf.seats + 1, dtype=np.bool_)
    asked[list(shelf.asked)] = asked[-1] = True  # the last one is that of who has no seat
    return np.array([i for i in np.flatnonzero(asked[seats]).tolist() if held[i].noted], np.int64)


def _laid_out(starts: Ints, sizes: Ints) -> Ints:
    """Give the places of pieces behind each other: sizes[i] from starts[i] on."""
    ends = np.cumsum(sizes)
    return np.repeat(starts - ends + sizes, sizes) + np.arange(ends[-1] if len(ends) else 0)


def unstack(
    heads: Any, counts: bytes, extremes: Any, sizes: Any, numbers: Any, unseen: Any
) -> Iterator[tuple[str, Any, bytes, Summary]]:
    """Give version, segment, digest and summary of each series; the summaries share two arrays."""
    ends, tops = ends_of(sizes), ends_of(numbers)
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


def ends_of(sizes: Any) -> list[int]:
    """Tell where pieces end that lie behind each other; before the first, 0."""
    told = np.array(sizes, dtype=np.int64).reshape(-1).tolist()
    ends = list(accumulate(told, initial=0))
    if min(told, default=0) < 0:
        raise ValueError("pieces of no possible size")
    if ends[-1] > SLOTS_MAX:
        raise ValueError("more than any value holds")
    return ends
