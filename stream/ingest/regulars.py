"""Series whose seats need no asking: those that are judged by the same reference, whatever pane comes next."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.layouts import Layouts
from stream.ingest.shelf import Rooms
from stream.ingest.stack import head_of
from stream.reference.reference import Reference
from stream.words import Series

__all__ = ["Regulars"]

Ints = NDArray[np.int64]
NOBODY_YET = 2**62


class Regulars:
    """What a pane that begins needs to know of the segments of parties, by the numbers of these.

    Nothing here is state: it is forgotten when the book has changed, and found again. Memory: some 90 bytes a party,
    and its head, which all summaries of it share.
    """

    def __init__(self) -> None:
        self._begin(None, -1)

    def _begin(self, layouts: Layouts | None, revision: int) -> None:
        """Know nobody, of a book that stands at a revision."""
        self._of = layouts, revision
        self._from: Ints = np.zeros(0, dtype=np.int64)
        self._rooms: Ints = np.zeros((3, 0), dtype=np.int64)
        self._series: list[Series | None] = []
        self._digests: list[bytes] = []
        self._heads: list[bytes] = []

    def among(self, numbers: Ints, pane: int, layouts: Layouts, revision: int) -> NDArray[np.bool_]:
        """Tell which parties are known for a pane, by this revision of the book."""
        if self._of[0] is not layouts or self._of[1] != revision:
            self._begin(layouts, revision)
        known = numbers < len(self._from)
        known[known] = self._from[numbers[known]] <= pane
        return known

    def note(self, numbers: Sequence[int], references: Sequence[Reference]) -> None:
        """Know the references of the segments of some parties, which are the last ones of their series by now."""
        layouts, _ = self._of
        assert layouts is not None  # noqa: S101 - somebody has asked for these parties
        size = max(numbers) + 1
        if size > len(self._from):
            more = 2 * size - len(self._from)
            self._from = np.concatenate([self._from, np.full(more, NOBODY_YET)])
            self._rooms = np.concatenate([self._rooms, np.zeros((3, more), np.int64)], axis=1)
            self._series += [None] * more
            self._digests += [b""] * more
            self._heads += [b""] * more
        for i, reference in zip(numbers, references, strict=True):
            layout = reference.layout
            self._from[i] = reference.from_pane
            self._rooms[:, i] = layouts.place(layout), layout.size, len(layout.numbers)
            self._series[i], self._digests[i] = reference.series, reference.digest
            self._heads[i] = head_of(reference.series, reference.digest)

    def seats_of(self, numbers: Ints) -> tuple[list[Series], list[bytes], list[bytes], Rooms]:
        """Give the series, their references' digests, their heads, and the room that each needs, of who is known."""
        at = numbers.tolist()
        series = [one for i in at if (one := self._series[i]) is not None]
        digests, heads = [self._digests[i] for i in at], [self._heads[i] for i in at]
        return series, digests, heads, Rooms(*self._rooms[:, numbers])
