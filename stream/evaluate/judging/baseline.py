"""What a window is compared with: all windows in control, the latest of them, or a week before.

- `fixed`: the reference's own windows and all since then that were in control.
- `rolling`: the latest of these, as many as `reference.history` has. Where a column was never in control in so many
  windows, these are its history all the same: what has stayed so long is usual.
- `last_week`: followed is how far every signal is from what it was at the same hour of the latest week in control, at
  most `reference.history` ago; sampling variances add. Where no such week was in control, it is the week before: what
  has stayed so long is usual. Of the differences the latest count, as in `rolling`.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from detectors.alarms.memory import REACH
from detectors.arrays import Counts, Flags, Floats
from stream.evaluate.judging.track import KEPT

__all__ = ["Baseline", "Compare", "Compared"]

Compare = Literal["fixed", "rolling", "last_week"]
WEEK_MS = 7 * 86_400_000


class Compared(NamedTuple):
    """The signals that are followed [S, C, T], one over their sampling variance, and what they add to [S, C, T]."""

    x: Floats
    worth: Floats
    base: Floats


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the windows of one size are compared.

    Args:
        compare: see above.
        history_ms: how far back the latest windows go; at least `windows_min` and at most `KEPT` of them.
        every_ms: from one window to the next.
        windows_min: windows that are a history.
    """

    compare: Compare
    history_ms: int
    every_ms: int
    windows_min: int

    @property
    def latest(self) -> int:
        """How many windows in control are a history, where not all are."""
        return max(self.windows_min, min(KEPT, self.history_ms // self.every_ms))

    @property
    def reach(self) -> int:
        """How many windows a judgement needs, the newest included."""
        weeks = self._weeks if self.compare == "last_week" else 0
        return REACH + weeks * self._week

    @property
    def nearest(self) -> int:
        """How many windows tell what the newest is worth: the one before says whether an incident is just over."""
        return self.reach if self.compare == "last_week" else 2

    def history(self, x: Floats, worth: Floats, calm: Flags, starts: Counts) -> Compared:
        """Choose what the alarm layer learns from.

        Args:
            x: [S, C, T] signals.
            worth: [S, C, T] one over their sampling variance, 0 where they tell nothing.
            calm: [C, T] which windows were in control.
            starts: [T] begins of the windows, ascending.
        """
        if self.compare == "fixed":
            return Compared(x, worth * calm, np.zeros_like(x))
        if self.compare == "last_week":
            at = (starts - starts[0]) // self.every_ms if len(starts) else starts
            x, worth, base = self._since_last_week(x, worth, calm, at)
        else:
            base = np.zeros_like(x)
        return Compared(x, worth * _latest(_tells(worth), calm, self.latest), base)

    def recent(self, x: Floats, worth: Floats, calm: Flags) -> Compared:
        """Give what is judged: the last `REACH` of `reach` windows without gaps in time, the newest last."""
        compared = Compared(x, worth, np.zeros_like(x))
        if self.compare == "last_week":
            at = np.arange(x.shape[2], dtype=np.int64)
            compared = self._since_last_week(x, worth, calm, at)
        return Compared(*(np.ascontiguousarray(part[..., -REACH:]) for part in compared))

    @property
    def _week(self) -> int:
        return WEEK_MS // self.every_ms

    @property
    def _weeks(self) -> int:
        return max(1, self.history_ms // WEEK_MS)

    def _since_last_week(self, x: Floats, worth: Floats, calm: Flags, at: Counts) -> Compared:
        """Subtract of each window the one an own number of weeks before; `at` [T] numbers the windows in time."""
        if not len(at):
            return Compared(x, worth, np.zeros_like(x))
        place = np.full(int(at[-1]) + 1, -1, np.int64)
        place[at] = np.arange(len(at))
        good = calm & _tells(worth)
        before = np.full(calm.shape, -1, np.int64)
        for weeks in range(self._weeks, 0, -1):
            back = at - weeks * self._week
            there = np.where(back >= 0, place[np.maximum(back, 0)], -1)
            usable = (there >= 0) & (good[:, there] | (weeks == 1) & (before < 0))
            before = np.where(usable, there, before)
        held = np.broadcast_to(np.maximum(before, 0), x.shape)
        base = np.take_along_axis(x, held, axis=2)
        of_base = np.take_along_axis(worth, held, axis=2)
        both = (worth > 0) & (of_base > 0) & (before >= 0)
        variance = 1 / np.where(both, worth, 1.0) + 1 / np.where(both, of_base, 1.0)
        return Compared(np.where(both, x - base, 0.0), both / variance, np.where(both, base, 0.0))


def _tells(worth: Floats) -> Flags:
    """[C, T] which windows tell anything of a column."""
    return np.asarray((worth > 0).any(axis=0))


def _latest(told: Flags, calm: Flags, windows: int) -> Flags:
    """[C, T] choose the latest windows in control; where none of the latest was, these.

    >>> told = np.full((1, 6), True)
    >>> _latest(told, np.array([[1, 1, 1, 0, 0, 1]], bool), 3)[0].astype(int).tolist()
    [0, 1, 1, 0, 0, 1]
    >>> _latest(told, np.array([[1, 1, 1, 0, 0, 0]], bool), 3)[0].astype(int).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    newest = _newest(told, windows)
    stayed = (newest.sum(axis=1) == windows) & ~(newest & calm).any(axis=1)
    return np.where(stayed[:, None], newest, _newest(told & calm, windows))


def _newest(flags: Flags, windows: int) -> Flags:
    """[C, T] keep of each row the last so many."""
    return flags & (np.cumsum(flags[:, ::-1], axis=1)[:, ::-1] <= windows)
