"""Readings of many windows in little room: single precision, and integers that are as short as they can be."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.alarms.signals import Readings, read_volume
from detectors.arrays import Counts, Flags, Floats
from detectors.compiled import compiled

__all__ = ["Laid", "Shelf", "volume_of"]

SPARE = 15
"""Places that are made at once beside the one that is asked for, at most."""
COUNTS = (np.uint16, np.uint32, np.int64)
"""What counts are held in, from short to long."""


class Shelf:
    """S signals of C columns, the volume, and who was in control, of windows at places that are numbered.

    Attributes:
        starts: [T] when they began, in ms.
        told: [T] whether anything is to be learned from them.
        x: [T, S, C] signals; `Readings.x` is of single precision, so nothing is lost.
        valid: [T, C] as in `Readings`, 2 bytes each, or 4 or 8 where one of all needs them.
        events: [T, C] likewise.
        volume: [T, 2] events of the series, and how many, all counted, would be known as well.
        calm: [T, C + 1] who was in control, the volume last.

    Memory: 5 + 4 S bytes a column and window, 4 more where windows have over 65,535 events; and 26 a window.
    """

    def __init__(self, signals: int, columns: int, room: int = 0) -> None:
        self.starts: Counts = np.zeros(room, np.int64)
        self.told: Flags = np.zeros(room, np.bool_)
        self.x: NDArray[np.float32] = np.zeros((room, signals, columns), np.float32)
        self.valid: NDArray[Any] = np.zeros((room, columns), COUNTS[0])
        self.events: NDArray[Any] = np.zeros((room, columns), COUNTS[0])
        self.volume: Counts = np.zeros((room, 2), np.int64)
        self.calm: Flags = np.ones((room, columns + 1), np.bool_)

    @classmethod
    def of(cls, columns: Readings, volume: Readings, starts: Counts, told: Flags) -> "Shelf":
        """Hold windows that were all in control."""
        signals, many, windows = columns.x.shape
        shelf = cls(signals, many, windows)
        shelf.starts, shelf.told = starts, told
        shelf.x[:] = np.moveaxis(columns.x, 2, 0)
        shelf.valid = _holding(shelf.valid, columns.valid)
        shelf.events = _holding(shelf.events, columns.events)
        shelf.valid[:], shelf.events[:] = columns.valid.T, columns.events.T
        shelf.volume = _told(volume)
        return shelf

    def since(self, first_ms: int) -> "Shelf":
        """Copy the windows that began at a time or later."""
        at = np.flatnonzero(self.starts >= first_ms)
        made = Shelf(*self.x.shape[1:])
        for name, held in vars(self).items():
            setattr(made, name, held[at])
        return made

    def after(self, windows: int) -> "Shelf":
        """Copy all places but the first so many."""
        made = Shelf(*self.x.shape[1:])
        for name, held in vars(self).items():
            setattr(made, name, held[windows:].copy())
        return made

    def make_room(self, least: int) -> None:
        """See that there are so many places, by a few more at a time than are asked for."""
        if least <= len(self.starts):
            return
        room = least + min(SPARE, least // 4 + 1)
        for name, old in vars(self).items():
            new = np.zeros((room, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def put(
        self, at: int, start_ms: int, told: bool, columns: Readings, volume: Readings, calm: Flags
    ) -> None:
        """Lay a window on a place."""
        self.valid = _holding(self.valid, columns.valid)
        self.events = _holding(self.events, columns.events)
        self.starts[at], self.told[at], self.x[at] = start_ms, told, columns.x[:, :, 0]
        self.valid[at], self.events[at] = columns.valid[:, 0], columns.events[:, 0]
        self.volume[at], self.calm[at] = _told(volume)[0], calm

    def read(self, at: Counts) -> tuple[tuple[Readings, Flags], tuple[Readings, Flags]]:
        """Give the columns and the volume of some windows, each with who was in control."""
        x = np.moveaxis(self.x[at], 0, 2).astype(np.float64)
        valid, events = (held[at].T.astype(np.int64) for held in (self.valid, self.events))
        calm = self.calm[at].T
        return (Readings(x, valid, events), calm[:-1]), (volume_of(self.volume[at]), calm[-1:])

    def weight(self, at: int) -> float:
        """Tell how many events one stood for in a window: `weight_of` its volume."""
        seen, worth = self.volume[at].tolist()
        return float(seen + 1) / float(worth + 1)

    def lay(
        self, places: Counts, first_ms: int, every_ms: int, out: "Laid", column: int, chain: int
    ) -> None:
        """Lay the windows of some places, but those before a time, where they belong; see `Laid`.

        `column` is the place of the first column there, `chain` that of the chain.
        """
        _lay(self.starts, self.told, self.x, self.valid, self.events, self.volume, self.calm, places,
             first_ms, every_ms, column, chain, out.x, out.valid, out.events, out.volume, out.calm,
             out.calm_volume, out.told, out.there)  # fmt: skip

    @classmethod
    def joined(cls, parts: Sequence[Sequence[Any]], told: Flags) -> "Shelf":
        """Put one after the other what `part` gave, of one at least; `told` is theirs."""
        shelf = cls(*parts[0][1].shape[1:])
        fields = [np.concatenate(field) for field in zip(*parts, strict=True)]
        shelf.starts, shelf.x, shelf.valid, shelf.events, shelf.volume, shelf.calm = fields
        shelf.told = told
        return shelf

    def part(self, at: Counts) -> list[object]:
        """Give some windows as arrays, to be stored; what was told of them is not."""
        fields = (self.starts, self.x, self.valid, self.events, self.volume, self.calm)
        return [field[at] for field in fields]


class Laid:
    """Room for windows in a row, one after the other without gaps in time; those nobody lays tell nothing.

    The columns of K chains lie one after the other.

    Cost: about 1 us a column of 97 windows to lay.
    """

    def __init__(self, signals: int, columns: Sequence[int], windows: int) -> None:
        many, chains = sum(columns), len(columns)
        self.x: Floats = np.zeros((signals, many, windows))
        self.valid: Counts = np.zeros((many, windows), np.int64)
        self.events: Counts = np.zeros((many, windows), np.int64)
        self.volume: Counts = np.zeros((chains, windows, 2), np.int64)
        self.calm: Flags = np.ones((many, windows), np.bool_)
        self.calm_volume: Flags = np.ones((chains, windows), np.bool_)
        self.told: Floats = np.ones((chains, windows))
        self.there: Flags = np.zeros((chains, windows), np.bool_)

    @property
    def columns(self) -> Readings:
        """What was read of the columns."""
        return Readings(self.x, self.valid, self.events)

    @property
    def volumes(self) -> Readings:
        """The volumes, [K, T]."""
        volume = read_volume(self.volume[..., 0], self.volume[..., 1])
        return Readings(volume.x, volume.valid * self.there, volume.events * self.there)


@compiled
def _lay(
    starts: Counts, told: Flags, x: NDArray[np.float32], valid: Counts, events: Counts, volume: Counts,
    calm: Flags, places: Counts, first_ms: int, every_ms: int, column: int, chain: int, to_x: Floats,
    to_valid: Counts, to_events: Counts, to_volume: Counts, to_calm: Flags, to_calm_volume: Flags,
    to_told: Floats, there: Flags,
) -> None:  # fmt: skip
    _, S, C = x.shape
    for p in places:
        if starts[p] < first_ms:
            continue
        at = (starts[p] - first_ms) // every_ms
        to_told[chain, at], there[chain, at] = told[p], True
        to_volume[chain, at, 0], to_volume[chain, at, 1] = volume[p, 0], volume[p, 1]
        to_calm_volume[chain, at] = calm[p, C]
        for c in range(C):
            to = column + c
            to_valid[to, at], to_events[to, at] = valid[p, c], events[p, c]
            to_calm[to, at] = calm[p, c]
            for s in range(S):
                to_x[s, to, at] = x[p, s, c]


def volume_of(held: Counts) -> Readings:
    """Read the volumes [T, 2] of windows."""
    return read_volume(held[:, 0], held[:, 1])


def _told(volume: Readings) -> Counts:
    return np.stack([volume.valid[0], volume.events[0]], axis=1) - 1


def _holding(held: NDArray[Any], new: Counts) -> NDArray[Any]:
    """Give the array with room for numbers so large."""
    most = int(new.max(initial=0))
    if most <= np.iinfo(held.dtype).max:
        return held
    return held.astype(next(dtype for dtype in COUNTS if most <= np.iinfo(dtype).max))
