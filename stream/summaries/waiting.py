"""Rows whose numbers wait to be counted until there are more of each summary.

A summary that is in no cache costs more to fetch than a row costs to count: 2 KB of counts, and as much of edges, for
two or three rows of a batch. So where summaries are many, rows of some batches are counted together.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.folding import fold_scattered
from detectors.summaries.layouts import Layouts, NumberColumns
from detectors.summaries.summary import Summary
from stream.summaries.schema import Table

__all__ = ["Room", "Waiting", "by_seat"]

Ints = NDArray[np.int64]
NEAR_BYTES = 1 << 20
"""Counts of so many bytes stay in the caches, so nothing waits for them."""
SHARE = 2
"""What waits is let go of when it is half as large as the counts that it waits for."""


class Holder(Protocol):
    """Who has a summary."""

    @property
    def summary(self) -> Summary:
        """Give it."""
        ...


class Room(NamedTuple):
    """Where summaries lie: their layouts, the arrays that their own arrays are views into, and what waits for them."""

    layouts: Layouts
    layout_of: Ints
    count_at: Ints
    extreme_at: Ints
    counts: Ints
    extremes: NDArray[np.float64]
    held: Sequence[Holder]
    waiting: "Waiting"


class _How(NamedTuple):
    """How rows with columns of these names are counted: where each column of `numbers` stands in them.

    As it was when the last ones came: layouts are only added to, perhaps by another thread meanwhile.
    """

    names: Sequence[str]
    sources: Ints
    numbers: NumberColumns


class Waiting:
    """Rows of which each belongs in the seat of a summary, and whose numbers are not counted yet.

    Counts and sums are integers and extremes only widen, so it does not matter when they are counted, if nobody looks.

    Memory: half of that of the counts, and what one batch has.
    """

    def __init__(self) -> None:
        self._how: _How | None = None
        self._rows: list[tuple[NDArray[np.float64], Ints, Ints]] = []
        self._bytes = 0

    def add(self, table: Table, room: Room, rows: Ints, seats: Ints) -> None:
        """Let rows[i] of a table wait for the summary in seat seats[i]; seats ascend. Too much is counted."""
        if self._how is not None and self._how.names != table.schema.numbers:
            self.count(room)
        place = table.schema.position
        sources = np.array([place.get(name, -1) for name in room.layouts.names], dtype=np.int64)
        self._how = _How(table.schema.numbers, sources, room.layouts.numbers())
        self._bytes += table.X.nbytes + rows.nbytes + seats.nbytes
        held = 8 * int(room.count_at[len(room.held)])
        waits = held >= NEAR_BYTES and SHARE * self._bytes <= held
        self._rows.append((_by_itself(table.X) if waits else table.X, rows, seats))
        if not waits:
            self.count(room)

    def count(self, room: Room) -> None:
        """Count all that wait. Cost: about 15 ns a number where many are of a summary, 30 where few are."""
        if self._how is None:
            return
        _, sources, numbers = self._how
        X, rows, seats = self._rows[0] if len(self._rows) == 1 else self._together()
        self._how, self._rows, self._bytes = None, [], 0
        fold_scattered(X, rows, seats, room.layout_of, room.count_at, room.extreme_at, sources, *numbers,
                       room.counts, room.extremes)  # fmt: skip

    def _together(self) -> tuple[NDArray[np.float64], Ints, Ints]:
        tables, rows, seats = zip(*self._rows, strict=True)
        ends = np.cumsum([0, *map(len, tables)])
        own = np.concatenate([of + end for of, end in zip(rows, ends[:-1], strict=True)])
        at = np.concatenate(seats)
        order = by_seat(at)
        return np.concatenate(tables), own[order], at[order]


def _by_itself(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give an array that keeps no more memory than its own: a batch is read into room for the widest model."""
    return X if X.base is None or X.base.nbytes == X.nbytes else X.copy()


def by_seat(seats: Ints) -> Ints:
    """Give the order in which seats ascend, as their summaries lie; those of one seat stay in theirs."""
    # Small integers are sorted in a tenth of the time.
    small = seats.astype(np.uint16) if seats.max(initial=0) < 1 << 16 else seats
    return np.argsort(small, kind="stable")
