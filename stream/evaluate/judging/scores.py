"""The scores that people know, of the closed windows of one size of one chain: every column, every comparison.

They are told with every alert. Of themselves they alarm only where a fixed threshold is configured, by a hard rule, or,
rates of broken values, on their share of the budget; all else is the alarm layer's (`alarms.py`).
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from detectors import COMPARISONS, Cells, Comparison, Location, Missing, Silence, Verdicts, Volume
from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.beside import comparisons_beside
from detectors.comparisons.counting import CellsOf
from detectors.summaries.summary import Summary
from stream.evaluate.judging.finding import Place
from stream.evaluate.judging.findings import Said
from stream.evaluate.judging.rules import Rules
from stream.evaluate.judging.side_by_side import begins_of, part, side_by_side
from stream.evaluate.judging.volume import Arrivals
from stream.reference.reference import Reference

__all__ = ["LAYERED", "Scores", "enabled"]

SURELY_KEPT = 30
"""Events expected to be kept of which at least one is: none has the chance exp(-30)."""
BROKEN_SHARE = {"invalid": 0.02, "unseen": 0.02, "out_of_range": 0.02, "frozen": 0.02}
"""Parts of a monitor's budget that the detectors of broken values may spend."""
LAYERED = frozenset({"missing", "volume"})
"""Comparisons whose question the alarm layer answers; what is left of them are hard rules and fixed thresholds."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Columns that are judged in one call, and what is asked of them: comparisons with their columns in the batch."""

    columns: list[int]
    view: CellsOf
    tests: list[tuple[Comparison, Counts]]
    location: Location | None
    located: Counts


class Scores:
    """The comparisons of a reference with its windows of one size.

    `grown` are windows after the reference that were taken into its history. Costs about a millisecond a column to
    make; judging costs some 0.03 ms a column and window beside 0.6 ms a window.
    """

    def __init__(
        self, reference: Reference, which: int, grown: Sequence[Summary], rules: Rules
    ) -> None:
        self._columns = len(reference.columns)
        own, totals = reference.histories[which].summaries, reference.totals
        history = [*own, *grown]
        inside = np.arange(len(history)) < len(own)
        self._fixed: Container[str] = rules.fixed
        self._kinds = enabled(rules)
        self._batches: list[_Batch] = []
        for columns in side_by_side(reference.columns, len(history)):
            view = totals.view(columns)
            total, windows = totals.cells(columns), view(history)
            tests: list[tuple[Comparison, Counts]] = []
            alike: dict[bytes, Counts] = {}  # the same columns are the same array
            for kind in self._kinds:
                asked = np.flatnonzero(kind.applies(total))
                asked = alike.setdefault(asked.tobytes(), asked)
                if len(asked):
                    floor, fixed = rules.floors.get(kind.name), rules.fixed.get(kind.name)
                    of_total = totals.cells(columns, asked)
                    test = kind(of_total, part(windows, asked), inside, floor, fixed)
                    tests.append((test, asked))
            located = np.flatnonzero(Location.applies(total))
            location = None
            if rules.extra:
                of_total = totals.cells(columns, located)
                location = Location(of_total, part(windows, located), inside)
            self._batches.append(_Batch(columns, view, tests, location, located))
        counts, past = _events([reference.total]), _events(history)
        self._volume: list[Comparison] = []
        if "volume" not in rules.off:
            floor, fixed = rules.floors.get("volume"), rules.fixed.get("volume")
            self._volume.append(Silence(counts, past, inside, floor))
            if fixed is not None:  # else a number of events is the alarm layer's
                self._volume.append(Volume(counts, past, inside, floor, fixed))

    @classmethod
    def beside(cls, parts: "Sequence[Scores]", windows: Sequence[Summary]) -> "Scores":
        """Judge the windows of several chains at once, put `behind` each other, each as its own scores would.

        They are under the same rules. `windows` are any of theirs, which tell where each begins. Columns are numbered
        by their `batches`: those of the first batch of the first part, then of its second, and so on.
        """
        made, first = cls.__new__(cls), parts[0]
        made._fixed, made._kinds = first._fixed, first._kinds
        begins = begins_of(windows)
        views = [
            (batch.view, *begin)
            for part, begin in zip(parts, begins, strict=True)
            for batch in part._batches
        ]
        made._columns = sum(part._columns for part in parts)
        batches = [batch for part in parts for batch in part._batches]
        rows = np.cumsum([0, *(len(batch.columns) for batch in batches)]).tolist()
        tests: dict[type[Comparison], list[tuple[Comparison, Counts]]] = {}
        for batch, row in zip(batches, rows[:-1], strict=True):
            for test, asked in batch.tests:
                tests.setdefault(type(test), []).append((test, asked + row))
        alike: dict[bytes, Counts] = {}
        cells: dict[tuple[int, ...], Cells] = {}
        joined: list[tuple[Comparison, Counts]] = []
        for kind in made._kinds:
            if kind in tests:
                asked = np.concatenate([of for _, of in tests[kind]])
                asked = alike.setdefault(asked.tobytes(), asked)
                joined.append((comparisons_beside([test for test, _ in tests[kind]], cells), asked))
        columns = list(range(made._columns))
        nowhere = np.zeros(0, np.int64)
        made._batches = [_Batch(columns, CellsOf.beside(views), joined, None, nowhere)]
        return made

    @classmethod
    def volumes_beside(cls, parts: "Sequence[Scores]") -> "Scores":
        """Judge the numbers of events of several chains at once, each as its own scores would."""
        made = cls.__new__(cls)
        made._fixed = parts[0]._fixed
        tests = zip(*(part._volume for part in parts), strict=True)
        made._volume = [comparisons_beside(of_kind) for of_kind in tests]
        return made

    @property
    def batches(self) -> list[list[int]]:
        """The columns in the batches in which they are judged."""
        return [batch.columns for batch in self._batches]

    def columns(self, summary: Summary, share: float) -> list[Said]:
        """Judge every column of a window, given the false alarms that each monitor may raise by such a window."""
        said = []
        for batch in self._batches:
            window = batch.view([summary])
            places = np.array(batch.columns, np.int64)
            parts: dict[int, Cells] = {}
            for test, asked in batch.tests:
                alpha = share * BROKEN_SHARE.get(test.name, 0.0)
                seen = parts.get(id(asked))
                if seen is None:
                    seen = parts[id(asked)] = part(window, asked)
                if self._may_tell(test, seen):
                    said.append(self._said(places[asked], test.judge(seen, alpha)))
        return said

    def _may_tell(self, test: Comparison, window: Cells) -> bool:
        """Whether a comparison has anything to tell: of missing values, only where a hard rule or a threshold does."""
        if not isinstance(test, Missing) or test.name in self._fixed:
            return True
        return bool(test.lost(window).any())

    def volume(self, arrivals: Arrivals) -> list[Said]:
        """Judge how many events a window has."""
        return self.volumes([arrivals])

    def volumes(self, arrivals: Sequence[Arrivals]) -> list[Said]:
        """Judge how many events the windows of chains `beside` each other have.

        A window of which nothing was kept is silent only where so many events as are usual would not all be left out.
        """
        window, series = _cells([[a.seen] for a in arrivals]), np.full(len(arrivals), -1)
        weight = np.array([a.weight for a in arrivals])
        said = []
        for test in self._volume:
            of_test = self._said(series, test.judge(window, 0.0))
            if isinstance(test, Silence):
                of_test = of_test.only(_is_told(test, weight))
            said.append(of_test)
        return said

    def places(self, summary: Summary) -> list[Place | None]:
        """Tell where each column of a window lies; None for a column without a location, or if nobody asked."""
        places: list[Place | None] = [None] * self._columns
        for batch in self._batches:
            if batch.location is None:
                continue
            window = batch.view([summary])
            window = part(window, batch.located)
            told = zip(
                batch.located, batch.location.signal(window), batch.location.z(window), strict=True
            )
            for at, location, z in told:
                places[batch.columns[at]] = Place(float(location), float(z))
        return places

    def _said(self, columns: Counts, verdicts: Verdicts) -> Said:
        """Tell everything, but where the alarm layer has a better answer only what alarms."""
        layered = verdicts.detector in LAYERED and verdicts.detector not in self._fixed
        every = np.full(len(columns), True)
        return Said(columns, verdicts, verdicts.alarm if layered else every)


def enabled(rules: Rules) -> tuple[type[Comparison], ...]:
    """Give the comparisons that columns are asked: those that run by default or are on, and are not off."""
    asked = [kind for kind in COMPARISONS if kind.DEFAULT or kind.name in rules.on]
    return tuple(kind for kind in asked if kind.name not in rules.off)


def _events(stack: Sequence[Summary | None]) -> Cells:
    """View the numbers of events as cells of one bin."""
    return _cells([[0 if summary is None else summary.seen for summary in stack]])


def _cells(events: Sequence[Sequence[int]]) -> Cells:
    """View numbers of events [C, T] as cells of one bin."""
    counts = np.array(events, np.int64).reshape(len(events), -1)
    none, one = np.zeros_like(counts), np.full((len(counts), 1), True)
    far = np.full(counts.shape, np.inf)
    return Cells.sound(
        counts[:, :, None], one, none, none, far, -far, ~one[:, 0], none, none, ~one[:, 0]
    )


def _is_told(silence: Silence, weight: Floats) -> Flags:
    """[C] whether so many events as are usual would not all be left out, where one stands for so many."""
    return np.asarray((weight == 1.0) | (np.expm1(silence.usual) >= SURELY_KEPT * weight))
