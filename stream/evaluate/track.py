"""The signals of the windows since a reference: what the alarm layer looks back on, and how its history grows.

The latest windows lie in rings of arrays of single precision and short integers. They are stored in blocks of `BLOCK`:
a block that is full is written no more, unless an incident is found to have begun in it.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from detectors.alarms.signals import Readings
from detectors.arrays import Counts, Flags, Floats
from stream.evaluate.shelf import Laid, Shelf, volume_of

__all__ = ["BLOCK", "KEPT", "Past", "Track", "blocks_of", "recent_of"]

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

    Memory: see `Shelf`, of the own windows that are held and of as many as were taken so far, or up to twice these.
    """

    def __init__(self, own: Shelf, every_ms: int, excluded: Callable[[int], bool]) -> None:
        self.every_ms = every_ms
        self.taken = 0
        self.changed: set[int] = set()
        self.own: Shelf | None = own
        self._excluded = excluded
        self._near = own
        self._since = Shelf(*own.x.shape[1:])

    def __len__(self) -> int:
        return min(self.taken, KEPT)

    @property
    def newest_ms(self) -> int:
        """When the window taken last began."""
        return int(self._since.starts[(self.taken - 1) % ROOM])

    @property
    def weight(self) -> float:
        """How many events one stood for in the window taken last."""
        return self._since.weight((self.taken - 1) % ROOM)

    def append(self, start_ms: int, columns: Readings, volume: Readings) -> None:
        """Take in a window, later than all before: what was read of its columns and volume. It counts as calm."""
        calm = np.full(columns.x.shape[1] + 1, True)
        self._put(self.taken, start_ms, columns, volume, calm)
        self.taken += 1

    def disturb(self, ago: Counts) -> None:
        """Say who is out of control: [C + 1] since how many windows before the newest, -1 if not; the volume last."""
        newest, furthest = self.newest_ms, int(ago.max(initial=-1))
        calm = self._since.calm.copy()  # views go on seeing what was
        for at in reversed(self._latest(len(self)).tolist()):
            back = (newest - int(self._since.starts[at])) // self.every_ms
            if back > furthest:
                break
            of_window = calm[at] & (ago < back)
            if (of_window != calm[at]).any():
                calm[at] = of_window
                self.changed.add(at // BLOCK)
        self._since.calm = calm

    def view(self) -> "Track":
        """Give the windows taken so far to look at: the last n stay as they are until `ROOM` - n more have come."""
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
        """Forget the reference's own windows but those of which the last `reach` windows, or those to come, may be."""
        newest = self.newest_ms if self.taken else int(self._near.starts.max(initial=0))
        near = self._near.since(newest - reach * self.every_ms)
        if len(near.starts) < len(self._near.starts):
            self._near, self.own = near, None

    def history(self, own: Shelf) -> tuple[Past, Past, Counts]:
        """Give all windows, the reference's own and those since: columns, volume, when they began."""
        since = self._since
        places = (own, np.arange(len(own.starts))), (since, self._latest(len(self)))
        told = np.concatenate([shelf.told[at] for shelf, at in places]).astype(np.float64)
        parts = zip(*(shelf.read(at) for shelf, at in places), strict=True)
        columns, volume = (
            Past(Readings.join([a, b]), np.concatenate([calm_a, calm_b], axis=1), told)
            for (a, calm_a), (b, calm_b) in parts
        )
        return columns, volume, np.concatenate([shelf.starts[at] for shelf, at in places])

    # -- state -------------------------------------------------------------------------------------------------------

    def blocks(self) -> range:
        """Name the places of blocks that hold windows."""
        return range(blocks_of(self.taken))

    def block(self, place: int) -> list[object]:
        """Give the windows of a block as arrays, and which one its first is."""
        newest = (self.taken - 1) // BLOCK
        first = (newest - (newest - place) % BLOCKS) * BLOCK
        at = np.arange(first, min(first + BLOCK, self.taken)) % ROOM
        return [first, *self._since.part(at)]

    def restore(self, taken: int, blocks: Iterable[Any]) -> None:
        """Take what `block` gave of each of them; one may hold more windows than it would today."""
        self.taken, there = taken, 0
        for first, starts, x, valid, events, volume, calm in blocks:
            for i, start in enumerate(starts.tolist()):
                if first + i >= taken - ROOM:
                    columns = Readings(x[i, ..., None], valid[i, :, None], events[i, :, None])
                    self._put(first + i, start, columns, volume_of(volume[[i]]), calm[i])
                    there += first + i >= taken - KEPT
        if there != len(self):
            raise ValueError(f"{there} windows are there of {taken}")
        self.changed.clear()

    def _put(
        self, number: int, start: int, columns: Readings, volume: Readings, calm: Flags
    ) -> None:
        at = number % ROOM
        self._since.make_room(at + 1, ROOM)
        self._since.put(at, start, not self._excluded(start), columns, volume, calm)
        self.changed.add(at // BLOCK)

    def _latest(self, windows: int) -> Counts:
        """Give the places of the latest windows, in order."""
        return np.arange(self.taken - windows, self.taken, dtype=np.int64) % ROOM


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
