"""The signals of all columns of a reference: how windows are read, and what their readings are worth."""

from collections.abc import Sequence

import numpy as np

from detectors.alarms.signals import COLUMN_TESTS, Readings, Scheme
from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.counting import CellsOf
from detectors.summaries.summary import Summary
from stream.evaluate.judging.side_by_side import begins_of, side_by_side
from stream.reference.history import History
from stream.reference.reference import Reference

__all__ = ["Signals", "learn_signals"]


class Signals:
    """How the C columns of a reference are read, in batches of columns of like widths: see `learn_signals`.

    Attributes:
        batches: how columns are seen and read, and which these are.
        used: [C] bins that the reference fills.
        rates: [S, C] which signals are arcsine rates.
        known: [C] values that the reference knows.
    """

    def __init__(
        self, reference: Reference, batches: list[tuple[CellsOf, Scheme, list[int]]]
    ) -> None:
        layout = reference.layout
        self._columns = len(reference.columns)
        self.batches = batches
        self.rates = np.zeros((len(COLUMN_TESTS), self._columns), np.bool_)
        self.used = np.zeros(self._columns, np.int64)
        for _, scheme, columns in batches:
            self.rates[:, columns], self.used[columns] = scheme.rates, scheme.used
        counts = reference.total.counts
        known = [int(counts[layout.bins_of(c)].sum()) for c in range(self._columns)]
        self.known = np.array(known, np.int64)
        self._missing = np.array([layout.tail_of(c) for c in range(self._columns)], np.int64)

    @classmethod
    def beside(cls, parts: "Sequence[Signals]", windows: Sequence[Summary]) -> "Signals":
        """Read the columns of several chains, one after the other, from summaries put behind each other.

        `windows` are any of theirs, which tell where each begins.
        """
        made = cls.__new__(cls)
        firsts = np.cumsum([0, *(part._columns for part in parts)]).tolist()
        made._columns = firsts[-1]
        begins = begins_of(windows)
        views, schemes, columns = [], [], []
        for part, first, begin in zip(parts, firsts[:-1], begins, strict=True):
            for view, scheme, own in part.batches:
                views.append((view, *begin))
                schemes.append(scheme)
                columns += [first + c for c in own]
        made.batches = [(CellsOf.beside(views), Scheme.beside(schemes), columns)]
        made.rates = np.concatenate([part.rates for part in parts], axis=1)
        made.used = np.concatenate([part.used for part in parts])
        made.known = np.concatenate([part.known for part in parts])
        missing = [part._missing + at for part, (at, _) in zip(parts, begins, strict=True)]
        made._missing = np.concatenate(missing)
        return made

    def read(self, window: Summary | None) -> Readings:
        """Read a window; None tells nothing of any column."""
        return self.in_place([], 1) if window is None else self.read_all([window])

    def read_all(self, windows: Sequence[Summary]) -> Readings:
        """Read windows."""
        parts = [scheme.read(view(windows)) for view, scheme, _ in self.batches]
        return self.in_place(parts, len(windows))

    def worth(self, readings: Readings) -> Floats:
        """[S, C, T] one over the sampling variance of the signals, 0 where they tell nothing."""
        worth = np.zeros_like(readings.x)
        for _, scheme, columns in self.batches:
            worth[:, columns] = scheme.worth(_of(readings, columns))
        return worth

    def misfit(self, readings: Readings) -> Floats:
        """[C, T] the effect of `shape`."""
        effect = np.zeros(readings.valid.shape)
        for _, scheme, columns in self.batches:
            effect[columns] = scheme.misfit(_of(readings, columns))
        return effect

    def missing(self, window: Summary) -> Counts:
        """[C] values missing in a window."""
        return window.counts[self._missing]

    def in_place(self, parts: list[Readings], windows: int) -> Readings:
        """Put what was read of the batches' columns into their places."""
        if not parts:
            return Readings.empty(len(COLUMN_TESTS), self._columns, windows)
        return Readings.beside(
            parts, [np.array(columns, np.int64) for _, _, columns in self.batches]
        )


def learn_signals(reference: Reference, history: History, usual: Flags) -> tuple[Signals, Readings]:
    """Learn how to read the columns of a reference in windows of a size; give also what its own, the `history`, read.

    `usual` [T] tells which of them tell what is usual.
    """
    own = history.summaries
    batches: list[tuple[CellsOf, Scheme, list[int]]] = []
    parts: list[Readings] = []
    totals = reference.totals
    for columns in side_by_side(reference.columns, len(own)):
        view = totals.view(columns)
        past = view(own)
        usually = past if usual.all() else past.select(usual)
        scheme = totals.sharing(columns, Scheme(totals.cells(columns), usually))
        batches.append((view, scheme, columns))
        parts.append(scheme.read(past))
    signals = Signals(reference, batches)
    return signals, signals.in_place(parts, len(own))


def _of(readings: Readings, columns: list[int]) -> Readings:
    return Readings(readings.x[:, columns], readings.valid[columns], readings.events[columns])
