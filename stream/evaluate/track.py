"""The signals of the windows since a reference: what the alarm layer looks back on, and how its history grows."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from detectors.alarms.signals import Readings, read_volume
from detectors.arrays import Counts, Flags, Floats

__all__ = ["KEPT", "Past", "Row", "Track"]

KEPT = 672
"""Windows kept since the reference, of each size: four weeks of hours."""


@dataclass(slots=True)
class Row:
    """One window: when it began, what was read of the columns and of the volume, and which were in control.

    `told` is False where an excluded time overlaps it.
    """

    start_ms: int
    columns: Readings
    volume: Readings
    calm: Flags
    calm_volume: bool
    told: bool = True


class Past(NamedTuple):
    """Windows in order of time.

    `calm` [C, T] were in control, `told` [T] is 0 for those that an excluded time overlaps, else 1.
    """

    readings: Readings
    calm: Flags
    told: Floats


class Track:
    """The latest windows of one size since a reference, at most `KEPT`.

    `own` are the readings of the reference's own windows, columns and volume, that began at `starts`. `excluded` tells
    of a window's begin whether nothing is to be learned from it; it is asked anew when a state is restored, so an
    exclusion that comes later counts for the past, too.
    """

    def __init__(
        self, own: tuple[Readings, Readings], starts: Counts, every_ms: int,
        excluded: Callable[[int], bool],
    ) -> None:  # fmt: skip
        self.own = own
        self.starts = starts
        self.every_ms = every_ms
        self.rows: deque[Row] = deque(maxlen=KEPT)
        self._excluded = excluded
        self._told = np.array([not excluded(start) for start in starts.tolist()], np.float64)

    def append(self, row: Row) -> None:
        """Take in a window, later than all before."""
        row.told = not self._excluded(row.start_ms)
        self.rows.append(row)

    def recent(self, windows: int) -> tuple[Past, Past]:
        """Give so many windows up to the newest, without gaps in time: columns and volume."""
        newest = self.rows[-1].start_ms
        first = newest - (windows - 1) * self.every_ms
        made = tuple(
            Past(
                Readings.empty(own.x.shape[0], own.x.shape[1], windows),
                np.full((own.x.shape[1], windows), True), np.ones(windows),
            ) for own in self.own
        )  # fmt: skip
        late = np.flatnonzero(self.starts >= first)
        at = (self.starts[late] - first) // self.every_ms
        for past, own in zip(made, self.own, strict=True):
            _put(past.readings, at, own.windows(late))
            past.told[at] = self._told[late]
        for row in list(self.rows)[-windows:]:
            if row.start_ms >= first:
                place = (row.start_ms - first) // self.every_ms
                here = slice(place, place + 1)
                parts = ((row.columns, row.calm), (row.volume, row.calm_volume))
                for past, (one, calm) in zip(made, parts, strict=True):
                    _put(past.readings, here, one)
                    past.calm[:, place], past.told[place] = calm, row.told
        return made[0], made[1]

    def history(self) -> tuple[Past, Past, Counts]:
        """Give all windows, the reference's own and those since: columns, volume, when they began."""
        rows = list(self.rows)
        told = np.append(self._told, np.array([row.told for row in rows], np.float64))
        volumes = [(row.volume, np.array([row.calm_volume])) for row in rows]
        starts = np.array([row.start_ms for row in rows], np.int64)
        return (
            _joined(self.own[0], [(row.columns, row.calm) for row in rows], told),
            _joined(self.own[1], volumes, told),
            np.concatenate([self.starts, starts]),
        )

    def payload(self) -> list[object]:
        """Give the windows as arrays."""
        rows = list(self.rows)
        starts = np.array([row.start_ms for row in rows], np.int64)
        if not rows:
            return [starts]
        columns = Readings.join([row.columns for row in rows])
        volume = Readings.join([row.volume for row in rows])
        calm = np.stack([np.append(row.calm, row.calm_volume) for row in rows])
        return [
            starts, columns.x.astype(np.float32), columns.valid, columns.events,
            _volumes(volume), calm,
        ]  # fmt: skip

    def restore(self, payload: Any) -> None:
        """Take what `payload` gave."""
        starts, *rest = payload
        if not len(starts):
            return
        x, valid, events, of_volume, calm = rest
        columns = Readings(x.astype(np.float64), valid, events)
        volume = read_volume(of_volume[-1], of_volume[0])
        for i, start in enumerate(starts.tolist()):
            at = slice(i, i + 1)
            row = Row(
                start, columns.windows(at), volume.windows(at), calm[i, :-1], bool(calm[i, -1])
            )
            self.append(row)


def _volumes(volume: Readings) -> Counts:
    """Give how well volumes are known and, in a second row where some are estimated, the volumes."""
    worth, events = volume.events - 1, volume.valid - 1
    return worth if (worth == events).all() else np.concatenate([worth, events])


def _joined(own: Readings, rows: list[tuple[Readings, Flags]], told: Floats) -> Past:
    calm = [np.full((own.x.shape[1], len(own)), True), *(flags[:, None] for _, flags in rows)]
    readings = Readings.join([own, *(one for one, _ in rows)])
    return Past(readings, np.concatenate(calm, axis=1), told)


def _put(readings: Readings, at: Counts | slice, windows: Readings) -> None:
    readings.x[:, :, at], readings.valid[:, at] = windows.x, windows.valid
    readings.events[:, at] = windows.events
