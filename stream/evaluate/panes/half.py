"""One half of a join: the predictions, or the labels, that are held, found by their ids."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.summaries.rows import Party, renumbered

__all__ = ["Half", "Held"]


class Held(NamedTuple):
    """Accepted rows: `who` is an index into `parties`; `joined` if the other half was there before it."""

    id: NDArray[np.uint64]
    number: NDArray[np.float64]
    text: NDArray[np.uint64]
    who: NDArray[np.int64]
    joined: NDArray[np.bool_]
    parties: tuple[Party, ...]

    @classmethod
    def none(cls) -> "Held":
        """Give no rows."""
        whole, numbers = np.zeros(0, dtype=np.uint64), np.zeros(0)
        return cls(whole, numbers, whole, np.zeros(0, np.int64), np.zeros(0, np.bool_), ())

    def take(self, chosen: NDArray[Any]) -> "Held":
        """Keep some rows (a mask, or positions), and all parties."""
        return Held(
            self.id[chosen], self.number[chosen], self.text[chosen], self.who[chosen],
            self.joined[chosen], self.parties,
        )  # fmt: skip

    @classmethod
    def concat(cls, parts: Sequence["Held"]) -> "Held":
        """Put rows behind each other; the parties that have rows are numbered anew, in sorted order."""
        parties, who = renumbered([(part.parties, part.who) for part in parts])
        return cls(
            np.concatenate([p.id for p in parts]), np.concatenate([p.number for p in parts]),
            np.concatenate([p.text for p in parts]), who,
            np.concatenate([p.joined for p in parts]), tuple(parties),
        )  # fmt: skip


class Half:
    """Rows by pane, each numbered in the order in which they came; no two have the same id.

    Cost: one look-up an id.
    """

    def __init__(self) -> None:
        self._number_of: dict[int, int] = {}
        self._panes: dict[int, tuple[int, Held]] = {}
        self._next = 0

    def add(self, pane: int, rows: Held) -> None:
        """Hold the rows of a pane, none of whose ids is held yet."""
        first, self._next = self._next, self._next + len(rows.id)
        self._panes[pane] = (first, rows)
        self._number_of.update(zip(rows.id.tolist(), range(first, self._next), strict=True))

    def find(self, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Tell the numbers of the rows of some ids, -1 where none is held."""
        return np.fromiter(map(self._number_of.get, ids.tolist(), repeat(-1)), np.int64, len(ids))

    def at(self, numbers: NDArray[np.int64]) -> Held:
        """Give the rows of some numbers, in their order."""
        if not len(numbers):
            return Held.none()
        blocks = list(self._panes.values())
        of = np.searchsorted([first for first, _ in blocks], numbers, side="right") - 1
        order = np.argsort(of, kind="stable")
        parts = []
        for i in np.unique(of).tolist():
            first, rows = blocks[i]
            parts.append(rows.take(numbers[of == i] - first))
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return Held.concat(parts).take(back)

    def drop(self, pane: int) -> Held:
        """Let go of a pane, and give its rows."""
        _, rows = self._panes.pop(pane, (0, Held.none()))
        for identity in rows.id.tolist():
            del self._number_of[identity]
        return rows
