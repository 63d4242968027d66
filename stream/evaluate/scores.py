"""The scores that people know, of the closed windows of one size of one chain: every column, every comparison.

They are told with every alert. Of themselves they alarm only where a fixed threshold is configured, by a hard rule, or,
rates of broken values, on their share of the budget; all else is the alarm layer's (`alarms.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors import COMPARISONS, Cells, Comparison, Location, Missing, Silence, Verdicts, Volume
from detectors.arrays import Counts
from detectors.comparisons.counting import CellsOf
from detectors.summaries.summary import Summary
from stream.evaluate.finding import Place
from stream.evaluate.findings import Said
from stream.evaluate.rules import Rules
from stream.evaluate.side_by_side import part, side_by_side
from stream.evaluate.volume import Arrivals
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
        self.reference = reference
        own = reference.histories[which].summaries
        history = [*own, *grown]
        inside = np.arange(len(history)) < len(own)
        self._fixed = frozenset(rules.fixed)
        self._batches: list[_Batch] = []
        for columns in side_by_side(reference.columns, len(history)):
            view = CellsOf(reference.layout, columns)
            total, windows = view([reference.total]), view(history)
            tests: list[tuple[Comparison, Counts]] = []
            alike: dict[bytes, Counts] = {}  # the same columns are the same array
            for kind in enabled(rules):
                asked = np.flatnonzero(kind.applies(total))
                asked = alike.setdefault(asked.tobytes(), asked)
                if len(asked):
                    floor, fixed = rules.floors.get(kind.name), rules.fixed.get(kind.name)
                    test = kind(part(total, asked), part(windows, asked), inside, floor, fixed)
                    tests.append((test, asked))
            located = np.flatnonzero(Location.applies(total))
            location = None
            if rules.extra:
                location = Location(part(total, located), part(windows, located), inside)
            self._batches.append(_Batch(columns, view, tests, location, located))
        counts, past = _events([reference.total]), _events(history)
        self._volume: list[Comparison] = []
        if "volume" not in rules.off:
            floor, fixed = rules.floors.get("volume"), rules.fixed.get("volume")
            self._volume.append(Silence(counts, past, inside, floor))
            if fixed is not None:  # else a number of events is the alarm layer's
                self._volume.append(Volume(counts, past, inside, floor, fixed))

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
        """Judge how many events a window has.

        A window of which nothing was kept is silent only where so many events as are usual would not all be left out.
        """
        window, series = _cells([arrivals.seen]), np.array([-1])
        return [
            self._said(series, test.judge(window, 0.0))
            for test in self._volume
            if not isinstance(test, Silence) or self._is_told(test, arrivals)
        ]

    def _is_told(self, silence: Silence, arrivals: Arrivals) -> bool:
        usual = float(np.expm1(silence.usual[0])) if len(silence.usual) else 0.0
        return arrivals.weight == 1.0 or usual >= SURELY_KEPT * arrivals.weight

    def places(self, summary: Summary) -> list[Place | None]:
        """Tell where each column of a window lies; None for a column without a location, or if nobody asked."""
        places: list[Place | None] = [None] * len(self.reference.columns)
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
    return _cells([0 if summary is None else summary.seen for summary in stack])


def _cells(events: Sequence[int]) -> Cells:
    none, one = np.zeros((1, len(events)), np.int64), np.full((1, 1), True)
    far = np.full((1, len(events)), np.inf)
    return Cells(
        np.array(events, np.int64).reshape(1, -1, 1), one, none, none, far, -far, ~one[0], none, none, ~one[0],
    )  # fmt: skip
