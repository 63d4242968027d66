"""What one partition knows of one model in one pane: summaries, raw values while learning, rows for the join."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from detectors.summaries.layout import Layout
from stream.ingest.portions import Portions
from stream.ingest.shelf import Binned, Shelf
from stream.ingest.stack import Stack, unstack
from stream.reference.reference import Reference
from stream.state.versions import dump, load, making_sense
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Rows
from stream.words import Series

__all__ = ["Binned", "Pane", "unpack_rows"]


class Pane:
    """One model in one pane of one partition; `first` and `last` are the offsets of its events.

    `shelf` has the summaries that the fold counts in, perhaps those of other models, too; `seated` tells that some of
    this pane are on it. `learning` has the raw values that it adds to, and `learned` tells that it did since they were
    written. Cost of packing: about 1 us a series that is binned, of ten columns, and what raw values take.
    """

    __slots__ = (
        "_portions", "_stack", "entries", "first", "last", "learned", "learning", "rows", "seated", "shelf",
    )  # fmt: skip

    def __init__(self) -> None:
        self.entries: dict[Series, Binned | Raw] = {}
        self.shelf = Shelf()
        self.seated = False
        self.learning: list[Raw] = []
        self.learned = False
        self.rows: list[Rows] = []
        self.first: int = -1
        self.last: int = -1
        self._stack = Stack(self.entries)
        self._portions = Portions()

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

    def seat(self, entry: Binned, layout: Layout) -> int:
        """Give one of the entries its seat on the shelf, if it has none yet."""
        self.seated = True
        return self.shelf.take(entry, layout)

    def open(self, newcomers: Sequence[tuple[Series, Reference]]) -> int:
        """Enter series that have a reference and are no entries yet, each in a seat of its own; give the first seat."""
        self.seated = True
        made = self.shelf.add([(of.digest, of.layout) for _, of in newcomers])
        self.entries.update(zip((series for series, _ in newcomers), made, strict=True))
        return made[0].seat

    @property
    def raw_rows(self) -> int:
        """Rows whose raw values are kept."""
        return sum(entry.n for entry in self.entries.values() if isinstance(entry, Raw))

    def pack(self, numbers: AbstractSet[int] | None = None) -> bytes:
        """Give the summaries, or those of some numbers, as bytes: equal contents, equal bytes."""
        told = [self.first, self.last, *self._stack.payload(self.shelf, numbers)]
        # What is binned is packed densely already.
        return dump("pane", told, compress=bool(told[2]))

    def pack_changed(self) -> dict[int, bytes]:
        """Give what is to be written at which place, as the pane changed since the last call; see `Portions`."""
        stack, flags = self._stack, self.shelf.changed
        seats = stack.seats()
        seated = np.flatnonzero(seats >= 0)
        changed = set(seated[flags[seats[seated]]].tolist())
        if self.learned:
            changed.update(stack.raw())
        flags[seats[seated]] = False
        self.learned = False
        place, some, void = self._portions.next(changed, len(self.entries))
        return {place: self.pack(some)} | dict.fromkeys(void, b"")

    def pack_rows(self) -> bytes | None:
        """Give the rows for the join as bytes; None when there are none."""
        if not self.rows:
            return None
        rows = self.all_rows()
        return dump("rows", [self.first, self.last, rows.payload()], compress=False)

    def all_rows(self) -> Rows:
        """Give all rows in their canonical order."""
        return Rows.concat(self.rows).in_order()

    @classmethod
    @making_sense("pane")
    def unpack(cls, model: str, blob: bytes, rows: bytes | None) -> "Pane":
        """Read a pane back that stands in one place; CodecError when the bytes are none."""
        return cls.join(model, [blob], rows)

    @classmethod
    @making_sense("pane")
    def join(cls, model: str, places: Sequence[bytes | None], rows: bytes | None) -> "Pane":
        """Read a pane back from its places, the whole first; b"" and None tell nothing; CodecError as above."""
        pane = cls()
        for blob in filter(None, places):
            pane.first, pane.last, raw, *stack = load(blob, "pane")
            for version, segment, payload in raw:
                pane.entries[_series(model, version, segment)] = Raw.from_payload(payload)
            for version, segment, digest, summary in unstack(*stack):
                pane.entries[_series(model, version, segment)] = Binned(digest, summary)
        pane._portions = Portions(stored=sum(map(bool, places)) - 1)
        if rows is not None:
            pane.rows = [unpack_rows(rows)[2]]
        return pane


def _series(model: str, version: str, segment: Any) -> Series:
    return Series(model, version, tuple((k, v) for k, v in segment))


@making_sense("rows")
def unpack_rows(blob: bytes) -> tuple[int, int, Rows]:
    """Read the rows of a pane: first and last offset, rows; CodecError when the bytes are none."""
    first, last, payload = load(blob, "rows")
    return first, last, Rows.from_payload(payload)
