"""Room for the summaries of many series side by side, so that one pass counts rows of all of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.layout import Layout
from detectors.summaries.layouts import Layouts
from detectors.summaries.summary import NOTHING, Summary
from detectors.summaries.thinned import Thinned
from stream.summaries.waiting import Room, Waiting

__all__ = ["Binned", "Rooms", "Shelf"]

ROOM = 256
"""Slots that there is room for at first."""
EMPTY = (np.inf, -np.inf)
"""The extremes of no values."""


class Binned:
    """The summary of a series under the reference with this digest; `seat` is its place on a shelf, -1 if on none.

    `head` names series and reference where it is stored, if that was encoded before.
    """

    __slots__ = ("_held", "digest", "head", "seat")

    def __init__(
        self, digest: bytes, summary: "Summary | _Slots", seat: int = -1, head: bytes | None = None
    ) -> None:
        """Take a summary; a shelf gives the arrays instead where one lies in its seat."""
        self.digest = digest
        self.head = head
        self.seat = seat
        self._held = summary

    @property
    def summary(self) -> Summary:
        """Give it; on a shelf it is a view, made when it is first asked for: most never are."""
        if isinstance(self._held, _Slots):
            self._held.asked.add(self.seat)
            self._held = Summary(*self._held.of(self.seat))
        return self._held

    @property
    def noted(self) -> bool:
        """Whether anything may be known of it beside its counts and extremes."""
        held = self._held
        return isinstance(held, Summary) and (bool(held.unseen) or held.thinned is not NOTHING)

    def stand_for(self, thinned: Thinned) -> None:
        """Note what events stand for that are taken in."""
        self.summary.thinned = self.summary.thinned.plus(thinned)

    def lay(self, slots: "_Slots", seat: int) -> None:
        """Let the summary, if there is one by now, have its arrays in a seat, where they stand already."""
        self.seat = seat
        if isinstance(self._held, Summary):
            slots.asked.add(seat)
            self._held.counts, self._held.extremes = slots.of(seat)


class Rooms(NamedTuple):
    """What summaries need: the places of their layouts among those of the shelf, their counts, their extremes."""

    layout: NDArray[np.int64]
    counts: NDArray[np.int64]
    extremes: NDArray[np.int64]


class _Slots:
    """The arrays of a shelf, apart from who is held there, so that these can name it and nothing names itself.

    `asked` are the seats of those whose summary was asked for.
    """

    __slots__ = ("asked", "count_at", "counts", "extreme_at", "extremes")

    def __init__(self, counts: int, extremes: int) -> None:
        self.asked: set[int] = set()
        self.counts: NDArray[np.int64] = np.zeros(counts, dtype=np.int64)
        self.extremes: NDArray[np.float64] = np.zeros((extremes, 2), dtype=np.float64)
        self.count_at: NDArray[np.int64] = np.zeros(2, dtype=np.int64)
        self.extreme_at: NDArray[np.int64] = np.zeros(2, dtype=np.int64)

    def of(self, seat: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Give the counts and the extremes in a seat."""
        first, end = self.count_at[seat : seat + 2].tolist()
        top, bottom = self.extreme_at[seat : seat + 2].tolist()
        return self.counts[first:end], self.extremes[top:bottom]


class Shelf:
    """The counts and extremes of summaries in two arrays, of which each summary's own arrays are views.

    It is one model's in a pane, or that of all models whose columns have the same names and types. Summary s has its
    counts from count_at[s] and its extremes from extreme_at[s] on, and the layout layout_of[s] of `layouts`; changed[s]
    tells that something was counted in it, until somebody takes that back. Where there is no room left, the arrays are
    made anew, twice as large.

    Rows may wait to be counted: `settle` before anybody looks at the counts.

    Memory: up to twice that of the summaries, of which what was never touched is not taken from the system.

    Args:
        layouts: those of whoever comes.
        like: a shelf that had to hold as much as this one is going to.
    """

    def __init__(self, layouts: Layouts | None = None, like: "Shelf | None" = None) -> None:
        self.layouts = Layouts() if layouts is None else layouts
        self.held: list[Binned] = []
        self.layout_of: NDArray[np.int64] = np.zeros(1, dtype=np.int64)
        self.changed: NDArray[np.bool_] = np.zeros(1, dtype=np.bool_)
        self._waiting = Waiting()
        # Some more: what is not needed costs nothing, and what is lacking a copy of all.
        ends = (0, 0) if like is None else (like.count_at[like.seats], like.extreme_at[like.seats])
        room = [5 * end // 4 for end in ends]
        self._slots = _Slots(max(ROOM, int(room[0])), max(ROOM // 8, int(room[1])))

    @property
    def seats(self) -> int:
        """The number of seats that were given out."""
        return len(self.held)

    @property
    def asked(self) -> set[int]:
        """The seats of summaries that were asked for: of all others nothing is known but counts and extremes."""
        return self._slots.asked

    @property
    def room(self) -> Room:
        """Tell where everything lies, as long as nobody comes."""
        of = self._slots
        return Room(
            self.layouts, self.layout_of, of.count_at, of.extreme_at, of.counts, of.extremes, self.held, self._waiting
        )  # fmt: skip

    def settle(self) -> None:
        """Count the rows that wait."""
        self._waiting.count(self.room)

    @property
    def counts(self) -> NDArray[np.int64]:
        """The counts of all summaries, behind each other."""
        return self._slots.counts

    @property
    def extremes(self) -> NDArray[np.float64]:
        """The extremes of all summaries, behind each other."""
        return self._slots.extremes

    @property
    def count_at(self) -> NDArray[np.int64]:
        """Where the counts of each seat begin; behind the last one, where they end."""
        return self._slots.count_at

    @property
    def extreme_at(self) -> NDArray[np.int64]:
        """Where the extremes of each seat begin; behind the last one, where they end."""
        return self._slots.extreme_at

    def add(self, newcomers: Sequence[tuple[bytes, Layout]]) -> list[Binned]:
        """Make empty summaries, each of a reference's digest and layout, in the next seats. Cost: about 1 us each."""
        rooms = self._rooms([layout for _, layout in newcomers])
        return self.add_known([digest for digest, _ in newcomers], [None] * len(newcomers), rooms)

    def add_known(
        self, digests: Sequence[bytes], heads: Sequence[bytes | None], rooms: Rooms
    ) -> list[Binned]:
        """Make empty summaries of which it is known what room they need. Cost: about 0.3 us each."""
        first = len(self.held)
        self._seat(rooms)
        slots = self._slots
        self.extremes[slots.extreme_at[first] : slots.extreme_at[first + len(digests)]] = EMPTY
        told = enumerate(zip(digests, heads, strict=True), first)
        made = [Binned(digest, slots, seat, head) for seat, (digest, head) in told]
        self.held += made
        return made

    def take(self, binned: Binned, layout: Layout) -> int:
        """Move a summary onto the shelf, if it is not there yet, and tell its seat."""
        if binned.seat >= 0:
            return binned.seat
        seat, summary = len(self.held), binned.summary
        self._seat(self._rooms([layout]))
        counts, extremes = self._slots.of(seat)
        counts[:], extremes[:] = summary.counts, summary.extremes
        binned.lay(self._slots, seat)
        self.held.append(binned)
        return seat

    def _rooms(self, layouts: Sequence[Layout]) -> Rooms:
        """Tell what room summaries of some layouts need."""
        told = [(self.layouts.place(of), of.size, len(of.numbers)) for of in layouts]
        return Rooms(*np.array(told, dtype=np.int64).reshape(-1, 3).T)

    def _seat(self, rooms: Rooms) -> None:
        """Make the next seats."""
        slots, seat, end = self._slots, len(self.held), len(self.held) + len(rooms.layout)
        if end > len(self.layout_of):
            seats = max(end, 2 * len(self.layout_of))
            self.layout_of = _grown(self.layout_of, seats)
            self.changed = _grown(self.changed, seats)
            slots.count_at = _grown(slots.count_at, seats + 1)
            slots.extreme_at = _grown(slots.extreme_at, seats + 1)
        self.layout_of[seat:end] = rooms.layout
        for ends, sizes in ((slots.count_at, rooms.counts), (slots.extreme_at, rooms.extremes)):
            ends[seat + 1 : end + 1] = ends[seat] + np.cumsum(sizes)
        if slots.count_at[end] > len(slots.counts) or slots.extreme_at[end] > len(slots.extremes):
            self._make_room(int(slots.count_at[end]), int(slots.extreme_at[end]))

    def _make_room(self, end: int, bottom: int) -> None:
        """Make the arrays anew, with room up to there and beyond, and let who is held have their own of them."""
        slots = self._slots
        slots.counts = _grown(slots.counts, 2 * max(end, len(slots.counts) // 2))
        slots.extremes = _grown(slots.extremes, 2 * max(bottom, len(slots.extremes) // 2))
        for seat, held in enumerate(self.held):
            held.lay(slots, seat)


def _grown(array: NDArray[Any], n: int) -> NDArray[Any]:
    made = np.zeros((max(n, len(array)), *array.shape[1:]), dtype=array.dtype)
    made[: len(array)] = array
    return made
