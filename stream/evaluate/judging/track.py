"""The signals of the windows since a reference: what the alarm layer looks back on, and how its history grows.

The latest windows lie in arrays of single precision and short integers. They are stored in blocks of `BLOCK`: a block
that is full is written no more, unless an incident is found to have begun in it. Blocks that no judgement looks back on
are wanted once a week, for a fit: they are laid by and, once stored, left where they are stored.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from detectors.alarms.signals import Readings
from detectors.arrays import Counts, Flags, Floats
from stream.errors import StoreUnavailable
from stream.evaluate.judging.shelf import Laid, Shelf, volume_of

__all__ = ["BLOCK", "KEPT", "Find", "Past", "Track", "blocks_of", "recent_of"]

Find = Callable[[int, Sequence[int]], Iterable[Any]]
"""Reads what `Track.block` gave of blocks of a size of windows at some places, from where it was stored."""

KEPT = 672
"""Windows kept since the reference, of each size: four weeks of hours."""
BLOCK = 16
"""Windows that are stored together."""
BLOCKS = KEPT // BLOCK + 1
"""Places for blocks: those of the windows kept, and one that is being filled."""
ROOM = BLOCKS * BLOCK


class Past(NamedTuple):
    """Windows in order of time.

    `calm` [C, T] were in control; `told`, [T] or [C, T], is 0 for those that an excluded time overlaps, else 1.
    """

    readings: Readings
    calm: Flags
    told: Floats


class Track:
    """The latest windows of one size since a reference, at most `KEPT`; `taken` counts all there were.

    `own` are the reference's own windows, None once some were let go; then who wants the `history` brings them along.
    `excluded` tells of a window's begin whether nothing is to be learned from it; it is asked anew when a state is
    restored, so an exclusion that comes later counts for the past, too. `changed` are the blocks, by their places, that
    are to be stored.

    Memory: see `Shelf`, of the own windows that are held and of those taken since; once some were let go, of so many
    since as a judgement looks back on, and of older ones that are not stored. `find` is told `which` size of windows
    is meant; without it older ones are held, too.
    """

    def __init__(
        self, own: Shelf, every_ms: int, excluded: Callable[[int], bool], which: int = 0, find: Find | None = None
    ) -> None:  # fmt: skip
        self.every_ms = every_ms
        self.taken = 0
        self.changed: set[int] = set()
        self.own: Shelf | None = own
        self._excluded = excluded
        self._near = own
        self._which = which
        self._find = find
        self._reach = KEPT
        self._since = Shelf(*own.x.shape[1:])
        self._first = 0
        """The number of the first window in `_since`, where a block begins."""
        self._laid_by: dict[int, list[Any]] = {}
        """Blocks before these, by their places, which are not known to be stored."""

    def __len__(self) -> int:
        return min(self.taken, KEPT)

    @property
    def newest_ms(self) -> int:
        """When the window taken last began."""
        return int(self._since.starts[self.taken - 1 - self._first])

    @property
    def weight(self) -> float:
        """How many events one stood for in the window taken last."""
        return self._since.weight(self.taken - 1 - self._first)

    def append(self, start_ms: int, columns: Readings, volume: Readings) -> None:
        """Take in a window, later than all before: what was read of its columns and volume. It counts as calm."""
        calm = np.full(columns.x.shape[1] + 1, True)
        self._put(self.taken, start_ms, columns, volume, calm)
        self.taken += 1
        self._lay_by()

    def disturb(self, ago: Counts) -> None:
        """Say who is out of control: [C + 1] since how many windows before the newest, -1 if not; the volume last.

        That is no more than a judgement looks back on.
        """
        newest, furthest = self.newest_ms, int(ago.max(initial=-1))
        calm = self._since.calm.copy()  # views go on seeing what was
        for at in reversed(self._latest(self.taken).tolist()):
            back = (newest - int(self._since.starts[at])) // self.every_ms
            if back > furthest:
                break
            of_window = calm[at] & (ago < back)
            if (of_window != calm[at]).any():
                calm[at] = of_window
                self.changed.add(_place((self._first + at) // BLOCK))
        self._since.calm = calm

    def view(self) -> "Track":
        """Give the windows taken so far to look at, whatever is taken after them."""
        seen = copy(self)
        seen._since = copy(self._since)
        return seen

    @property
    def signals(self) -> int:
        """How many signals a column has."""
        return int(self._since.x.shape[1])

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return int(self._since.x.shape[2])

    def lay(self, first_ms: int, windows: int, out: Laid, column: int, chain: int) -> None:
        """Lay the last so many windows, of which the first begins at a time, where they belong; see `Laid`."""
        own = np.arange(np.searchsorted(self._near.starts, first_ms), len(self._near.starts))
        latest = self._latest(min(len(self), windows))
        for shelf, places in ((self._near, own), (self._since, latest)):
            shelf.lay(places, first_ms, self.every_ms, out, column, chain)

    def let_go(self, reach: int) -> None:
        """Forget the reference's own windows but those of which the last `reach` windows, or those to come, may be.

        From now on windows since then are laid by when no judgement looks back on them.
        """
        newest = self.newest_ms if self.taken else int(self._near.starts.max(initial=0))
        near = self._near.since(newest - reach * self.every_ms)
        if len(near.starts) < len(self._near.starts):
            self._near, self.own = near, None
        self._reach = reach
        self._lay_by()

    def _lay_by(self) -> None:
        """Lay by the blocks that are not looked back on."""
        by = (self.taken - self._first - min(self._reach, KEPT)) // BLOCK
        if by <= 0:
            return
        blocks = range(self._first // BLOCK, self._first // BLOCK + by)
        laid_by = self._laid_by | {_place(block): self._block(block) for block in blocks}
        self._laid_by = {at: b for at, b in laid_by.items() if b[0] == self._number(at)}
        self._first += by * BLOCK
        self._since = self._since.after(by * BLOCK)

    def settle(self) -> None:
        """Know that all blocks are stored."""
        self.changed.clear()
        if self._find is not None:
            self._laid_by.clear()

    def history(self, own: Shelf) -> tuple[Past, Past, Counts]:
        """Give all windows, the reference's own and those since: columns, volume, when they began."""
        since = self._since
        old = self._before()
        kept = min(self.taken - self._first, len(self))
        every = (
            (own, np.arange(len(own.starts))),
            (old, np.arange(len(old.starts))),
            (since, self._latest(kept)),
        )
        places = [(shelf, at) for shelf, at in every if len(at)] or every[:1]
        told = np.concatenate([shelf.told[at] for shelf, at in places]).astype(np.float64)
        parts = zip(*(shelf.read(at) for shelf, at in places), strict=True)
        columns, volume = (
            Past(
                Readings.join([r for r, _ in of]), np.concatenate([c for _, c in of], axis=1), told
            )
            for of in parts
        )
        return columns, volume, np.concatenate([shelf.starts[at] for shelf, at in places])

    def _before(self) -> Shelf:
        """Give the windows that were laid by, as far as they are kept."""
        first = max(0, self.taken - KEPT)
        blocks = range(first // BLOCK, self._first // BLOCK)
        if not blocks:
            return Shelf(*self._since.x.shape[1:])
        parts = [part for _, *part in self._old_blocks([_place(block) for block in blocks])]
        starts = np.concatenate([part[0] for part in parts])
        told = np.array([not self._excluded(start) for start in starts.tolist()], np.bool_)
        return Shelf.joined(parts, told).after(first - blocks[0] * BLOCK)

    def _old_blocks(self, places: Sequence[int]) -> Iterator[Any]:
        """Give the blocks at some places that were laid by, in order."""
        away = [place for place in places if place not in self._laid_by]
        read: dict[int, Any] = {}
        if away and self._find is not None:
            read = dict(zip(away, self._find(self._which, away), strict=True))
        for place in places:
            block = self._laid_by.get(place) or read[place]
            if block[0] != self._number(place):
                raise StoreUnavailable("the history of a chain has moved in the store")
            yield block

    # -- state -------------------------------------------------------------------------------------------------------

    def blocks(self) -> range:
        """Name the places of blocks that hold windows."""
        return range(blocks_of(self.taken))

    def block(self, place: int) -> list[Any]:
        """Give the windows of a block as arrays, and which one its first is."""
        first = self._number(place)
        if first < self._first:
            return next(self._old_blocks([place]))
        return self._block(first // BLOCK)

    def _number(self, place: int) -> int:
        """Tell which window is the first of the block at a place."""
        newest = (self.taken - 1) // BLOCK
        return (newest - (newest - place) % BLOCKS) * BLOCK

    def _block(self, block: int) -> list[Any]:
        first = block * BLOCK
        at = np.arange(first, min(first + BLOCK, self.taken)) - self._first
        return [first, *self._since.part(at)]

    def restore(self, taken: int, blocks: Iterable[Any]) -> None:
        """Take what `block` gave of each of them; one may hold more windows than it would today."""
        self.taken, there = taken, 0
        ordered = sorted(blocks, key=lambda block: int(block[0]))
        numbers = [max(int(block[0]), taken - ROOM) for block in ordered[:1]]
        self._first = numbers[0] // BLOCK * BLOCK if numbers else 0
        for block in ordered:
            for number, window in _windows_of(block):
                if number >= taken - ROOM:
                    self._put(number, *window)
                    there += number >= taken - KEPT
        if there != len(self):
            raise ValueError(f"{there} windows are there of {taken}")
        self.changed.clear()

    def _put(
        self, number: int, start: int, columns: Readings, volume: Readings, calm: Flags
    ) -> None:
        at = number - self._first
        self._since.make_room(at + 1)
        self._since.put(at, start, not self._excluded(start), columns, volume, calm)
        self.changed.add(_place(number // BLOCK))

    def _latest(self, windows: int) -> Counts:
        """Give the places of so many latest windows, of those that are held, in order."""
        held = self.taken - self._first
        return np.arange(max(0, held - windows), held, dtype=np.int64)


def _windows_of(block: Any) -> Iterator[tuple[int, tuple[int, Readings, Readings, Flags]]]:
    """Give the windows of a block with their numbers: begin, columns, volume, who was calm."""
    first, starts, x, valid, events, volume, calm = block
    for i, start in enumerate(starts.tolist()):
        columns = Readings(x[i, ..., None], valid[i, :, None], events[i, :, None])
        yield first + i, (start, columns, volume_of(volume[[i]]), calm[i])


def _place(block: int) -> int:
    """Tell the place of a block."""
    return block % BLOCKS


def recent_of(tracks: Sequence[Track], windows: int) -> tuple[Past, Past]:
    """Give so many windows up to the newest, without gaps in time, of chains side by side: columns and volumes.

    The newest windows of all begin at the same time.
    """
    one = tracks[0]
    first = one.newest_ms - (windows - 1) * one.every_ms
    columns = [track.columns for track in tracks]
    laid = Laid(one.signals, columns, windows)
    at = 0
    for chain, (track, many) in enumerate(zip(tracks, columns, strict=True)):
        track.lay(first, windows, laid, at, chain)
        at += many
    return (
        Past(laid.columns, laid.calm, np.repeat(laid.told, columns, axis=0)),
        Past(laid.volumes, laid.calm_volume, laid.told),
    )


def blocks_of(taken: int) -> int:
    """Tell how many places for blocks are in use after so many windows."""
    return min(BLOCKS, -(-taken // BLOCK))
