"""What one partition knows of one model in one pane: summaries, raw values while learning, rows for the join."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

import numpy as np

from detectors.summaries.layout import Layout
from stream.ingest.portions import Portion, Portions, is_small
from stream.ingest.shelf import Binned, Rooms, Shelf
from stream.ingest.stack import Part, Stack, payloads, unstack
from stream.reference.reference import Reference
from stream.state.versions import dump, load, making_sense
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Rows
from stream.words import Series

__all__ = ["Binned", "Pane", "open_all", "pack_changed", "unpack_rows"]


class Pane:
    """One model in one pane of one partition; `first` and `last` are the offsets of its events.

    `shelf` has the summaries that the fold counts in, perhaps those of other models, too; `seated` tells that some of
    this pane are on it. `learning` has the raw values that it adds to, and `learned` tells that it did since they were
    written. Cost of packing: about 1 us a series that is binned, of ten columns, and what raw values take.
    """

    __slots__ = (
        "_portions", "_shelf", "_stack", "entries", "first", "last", "learned", "learning", "rows", "seated",
    )  # fmt: skip

    def __init__(self) -> None:
        self.entries: dict[Series, Binned | Raw] = {}
        self._shelf: Shelf | None = None
        self.seated = False
        self.learning: list[Raw] = []
        self.learned = False
        self.rows: list[Rows] = []
        self.first: int = -1
        self.last: int = -1
        self._stack = Stack(self.entries)
        self._portions = Portions()

    @property
    def shelf(self) -> Shelf:
        """Give the shelf; made when it is first asked for, as who only reads what is stored needs none."""
        if self._shelf is None:
            self._shelf = Shelf()
        return self._shelf

    @shelf.setter
    def shelf(self, shelf: Shelf) -> None:
        self._shelf = shelf

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

    def open_known(
        self, series: Sequence[Series], digests: Sequence[bytes], heads: Sequence[bytes], rooms: Rooms
    ) -> int:  # fmt: skip
        """Enter series like `open_all`, in this pane, of which it is known what room they need; give the first seat."""
        return self._enter(series, self.shelf.add_known(digests, heads, rooms))

    def _enter(self, series: Sequence[Series], made: Sequence[Binned]) -> int:
        self.seated = True
        self.entries.update(zip(series, made, strict=True))
        return made[0].seat

    @property
    def raw_rows(self) -> int:
        """Rows whose raw values are kept."""
        return sum(entry.n for entry in self.entries.values() if isinstance(entry, Raw))

    def pack(self) -> bytes:
        """Give the summaries as bytes: equal contents, equal bytes."""
        return _packed([self], [None])[0]

    def next_portion(self) -> Portion:
        """Tell what is to be written of it, as it changed since the last call."""
        if is_small(len(self.entries)):  # it does not matter what changed
            return self._portions.next(frozenset(), len(self.entries))
        stack, flags = self._stack, self.shelf.changed
        seats = stack.seats()
        seated = np.flatnonzero(seats >= 0)
        changed = set(seated[flags[seats[seated]]].tolist())
        if self.learned:
            changed.update(stack.raw())
        flags[seats[seated]] = False
        self.learned = False
        return self._portions.next(changed, len(self.entries))

    def part(self, numbers: AbstractSet[int] | None = None) -> Part:
        """Give some of the entries, by their numbers, or all, as they are packed."""
        return self._stack.part(numbers)

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


def open_all(opening: Sequence[tuple[Pane, Sequence[tuple[Series, Reference]]]]) -> list[int]:
    """Enter series that have a reference and are no entries of their pane yet, each in a seat of its own.

    The panes are on one shelf, on which the seats of those of a pane follow each other. Gives the first seat in each.
    """
    newcomers = [(of.digest, of.layout) for _, new in opening for _, of in new]
    made = iter(opening[0][0].shelf.add(newcomers))
    return [
        pane._enter([series for series, _ in new], list(islice(made, len(new))))
        for pane, new in opening
    ]


def pack_changed(panes: Sequence[Pane]) -> list[dict[int, bytes]]:
    """Give for each pane what is to be written at which place, as it changed since the last call; see `Portions`.

    Small ones that are on one shelf, as those of many models are, are packed in one pass. Cost: some 10 us each.
    """
    together: dict[int, list[int]] = {}
    for i, pane in enumerate(panes):
        small = is_small(len(pane.entries))
        together.setdefault(id(pane.shelf if small else pane), []).append(i)
    places: list[dict[int, bytes]] = [{} for _ in panes]
    for group in together.values():
        portions = [panes[i].next_portion() for i in group]
        packed = _packed([panes[i] for i in group], [portion.series for portion in portions])
        for i, portion, blob in zip(group, portions, packed, strict=True):
            places[i] = {portion.place: blob} | dict.fromkeys(portion.void, b"")
    return places


def _packed(panes: Sequence[Pane], numbers: Sequence[AbstractSet[int] | None]) -> list[bytes]:
    """Give some summaries of each of several panes on one shelf, or all (None), as bytes."""
    parts = [pane.part(of) for pane, of in zip(panes, numbers, strict=True)]
    return [
        # What is binned is packed densely already.
        dump("pane", [pane.first, pane.last, *told], compress=bool(part.raw))
        for pane, part, told in zip(panes, parts, payloads(parts, panes[0].shelf), strict=True)
    ]


def _series(model: str, version: str, segment: Any) -> Series:
    return Series(model, version, tuple((k, v) for k, v in segment))


@making_sense("rows")
def unpack_rows(blob: bytes) -> tuple[int, int, Rows]:
    """Read the rows of a pane: first and last offset, rows; CodecError when the bytes are none."""
    first, last, payload = load(blob, "rows")
    return first, last, Rows.from_payload(payload)
