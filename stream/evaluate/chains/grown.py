"""Windows after a reference that the scores take into their history, where the reference has too few of its own."""

from collections.abc import Sequence

import numpy as np

from detectors.summaries.summary import NOTHING, Summary
from detectors.summaries.thinned import Thinned
from stream.state.small_tables import pack_table, unpack_table
from stream.summaries.unseen import dump_unseen

__all__ = ["Grown"]


class Grown:
    """A few windows of one layout, in order: their counts, extremes, and what was left out beside them.

    They are read when the scores are made, so their counts are held packed: some 20 bytes a column and window. Cost of
    another one: a millisecond for ten of ten columns.
    """

    __slots__ = ("_counts", "_extremes", "_thinned")

    def __init__(self, windows: Sequence[Summary] = ()) -> None:
        self._counts = b""
        self._extremes = np.zeros((0, 0, 2))
        self._thinned: tuple[Thinned, ...] = ()
        if windows:
            self._hold(windows)

    def _hold(self, windows: Sequence[Summary]) -> None:
        self._counts = pack_table(np.stack([window.counts for window in windows]))
        self._extremes = np.stack([window.extremes for window in windows])
        self._thinned = tuple(
            window.thinned if any(window.thinned) else NOTHING for window in windows
        )

    def __len__(self) -> int:
        return len(self._thinned)

    def append(self, window: Summary) -> None:
        """Take in a window."""
        self._hold([*self.summaries, window])

    @property
    def summaries(self) -> list[Summary]:
        """The windows, made anew at each call."""
        if not self._thinned:
            return []
        parts = zip(unpack_table(self._counts), self._extremes, self._thinned, strict=True)
        return [Summary(counts, extremes, thinned=left) for counts, extremes, left in parts]

    def payload(self) -> list[object]:
        """Give them as arrays."""
        return [[s.counts, s.extremes, *dump_unseen(s)] for s in self.summaries]
