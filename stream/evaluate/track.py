"""The signals of the windows since a reference: what the alarm layer looks back on, and how its history grows."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.alarms.memory import REACH
from detectors.alarms.signals import Readings, read_volume
from detectors.arrays import Counts, Flags

__all__ = ["KEPT", "Row", "Track"]

KEPT = 672
"""Windows kept since the reference, of each size: four weeks of hours."""


@dataclass(slots=True)
class Row:
    """One window: when it began, what was read of the columns and of the volume, and which were in control."""

    start_ms: int
    columns: Readings
    volume: Readings
    calm: Flags
    calm_volume: bool


class Track:
    """The latest windows of one size since a reference, at most `KEPT`.

    `own` are the readings of the reference's own windows, columns and volume, that began at `starts`.
    """

    def __init__(self, own: tuple[Readings, Readings], starts: Counts, every_ms: int) -> None:
        self.own = own
        self.starts = starts
        self.every_ms = every_ms
        self.rows: deque[Row] = deque(maxlen=KEPT)

    def append(self, row: Row) -> None:
        """Take in a window, later than all before."""
        self.rows.append(row)

    def recent(self) -> tuple[Readings, Readings]:
        """Give the last `REACH` windows up to the newest, without gaps in time: columns and volume."""
        newest = self.rows[-1].start_ms
        first = newest - (REACH - 1) * self.every_ms
        told = tuple(Readings.empty(own.x.shape[0], own.x.shape[1], REACH) for own in self.own)
        late = np.flatnonzero(self.starts >= first)
        at = (self.starts[late] - first) // self.every_ms
        for made, own in zip(told, self.own, strict=True):
            made.x[:, :, at], made.valid[:, at] = own.x[:, :, late], own.valid[:, late]
            made.events[:, at] = own.events[:, late]
        for row in list(self.rows)[-REACH:]:
            if row.start_ms >= first:
                here = (row.start_ms - first) // self.every_ms
                for made, one in zip(told, (row.columns, row.volume), strict=True):
                    made.x[:, :, here], made.valid[:, here] = one.x[:, :, 0], one.valid[:, 0]
                    made.events[:, here] = one.events[:, 0]
        return told[0], told[1]

    def history(self) -> tuple[Readings, Readings, Counts]:
        """Give all windows in control: the reference's own and those since; columns that were not tell nothing."""
        columns, volume = [self.own[0]], [self.own[1]]
        for row in self.rows:
            counts = row.columns.valid * row.calm[:, None], row.columns.events * row.calm[:, None]
            columns.append(Readings(row.columns.x, *counts))
            of_volume = row.volume
            volume.append(of_volume if row.calm_volume else Readings.empty(1, 1, 1))
        starts = np.array([row.start_ms for row in self.rows], np.int64)
        return Readings.join(columns), Readings.join(volume), np.concatenate([self.starts, starts])

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
            volume.events - 1, calm,
        ]  # fmt: skip

    def restore(self, payload: Any) -> None:
        """Take what `payload` gave."""
        starts, *rest = payload
        if not len(starts):
            return
        x, valid, events, of_volume, calm = rest
        columns = Readings(x.astype(np.float64), valid, events)
        volume = read_volume(of_volume[0])
        for i, start in enumerate(starts.tolist()):
            at = slice(i, i + 1)
            row = Row(
                start, columns.windows(at), volume.windows(at), calm[i, :-1], bool(calm[i, -1])
            )
            self.rows.append(row)
