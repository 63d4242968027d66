"""Judges the closed windows of one size of one chain: every column, every comparison, against the reference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import log, sqrt

import numpy as np

from detectors import COMPARISONS, Cells, Comparison, Frozen, Location, Silence, Verdict, Volume
from detectors.arrays import Counts
from detectors.comparisons.counting import cells
from detectors.comparisons.wander import WINDOWS_MIN, Wander, learning
from detectors.summaries.column import Column
from detectors.summaries.summary import Summary
from stream.evaluate.extra import ExtraRule
from stream.evaluate.incidents import Calm
from stream.evaluate.standing import Standing
from stream.reference.reference import Reference
from stream.words import Kind

__all__ = ["TESTS_A_COLUMN", "Finding", "Judge", "Place", "Rules", "cusum_threshold", "enabled"]

WEEK_MS = 7 * 86_400_000
TESTS_A_COLUMN = 8
"""Into so many parts a column's share of the budget falls; into more where more comparisons are enabled."""
PADDING_MAX = 8192
"""Columns are judged in one call as long as what pads them costs less than another call: so many bins in all."""
CELLS_MAX = 1 << 20
"""Counts of a history, padding included, that are in memory at once; calibrating takes some 100 bytes for each."""
CONSTANT = "constant in the reference: only missing, invalid and unknown values are told"
LEVEL_SHARE, SLOW_SHARE = 0.5, 0.25
"""Shares of the alarm budget for windows by themselves and for slow drift; the rest stays unspent."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says of judging.

    `floors`, `fixed`, `off` and `on` (asked for by name) are by detector name, `extra` are the sequential detectors
    asked for; `calm` says when an incident is told.
    """

    events_min: int
    windows_min: int
    floors: dict[str, float]
    fixed: dict[str, float]
    off: frozenset[str]
    calm: Calm = field(default_factory=Calm)
    on: frozenset[str] = frozenset()
    extra: tuple[ExtraRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict about a column of a window; column None: the series as a whole."""

    column: str | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column of a window lies: in standard deviations of the reference, and in units for cumulative sums."""

    location: float
    z: float


@dataclass(frozen=True, slots=True)
class _Batch:
    """Columns that are judged in one call, and what is asked of them: comparisons with their columns in the batch."""

    columns: list[int]
    tests: list[tuple[Comparison, Counts]]
    location: Location
    located: Counts


class Judge:
    """The comparisons of a reference with its windows of one size, calibrated once.

    `grown` are windows after the reference that were taken into the history; `share` is the number of false alarms a
    week that each of its monitors may raise, over all sizes of windows and all tests. Costs about a millisecond a
    column to make; judging costs some 0.03 ms a column and window beside 0.6 ms a window.
    """

    def __init__(
        self,
        reference: Reference,
        which: int,
        grown: Sequence[Summary],
        rules: Rules,
        size_ms: int,
        share: float,
    ) -> None:
        self.reference = reference
        own = reference.histories[which].summaries
        self.windows = len(own) + len(grown)
        a_window = share * size_ms / WEEK_MS / len(reference.windows)
        self.alpha = LEVEL_SHARE * a_window / max(TESTS_A_COLUMN, len(enabled(rules)))
        self.run_length = 1 / (SLOW_SHARE * a_window)
        inside = np.arange(self.windows) < len(own)
        history = [*own, *grown]
        self._batches: list[_Batch] = []
        self._allowances: list[float | None] = [None] * len(reference.columns)
        for columns in _side_by_side(reference.columns, self.windows):
            total = cells(reference.layout, columns, [reference.total])
            windows = cells(reference.layout, columns, history)
            tests: list[tuple[Comparison, Counts]] = []
            for kind in enabled(rules):
                asked = np.flatnonzero(kind.applies(total))
                if len(asked):
                    floor, fixed = rules.floors.get(kind.name), rules.fixed.get(kind.name)
                    test = kind(_part(total, asked), _part(windows, asked), inside, floor, fixed)
                    tests.append((test, asked))
            located = np.flatnonzero(Location.applies(total))
            location = Location(_part(total, located), _part(windows, located), inside)
            self._batches.append(_Batch(columns, tests, location, located))
            wander = location.wander
            for at, ready, length in zip(located, wander.ready, wander.windows, strict=True):
                if ready:
                    self._allowances[columns[at]] = 0.25 + 2 / sqrt(length)
        counts, past = _events([reference.total]), _events(history)
        self._volume: list[Comparison] = []
        if "volume" not in rules.off:
            floor, fixed = rules.floors.get("volume"), rules.fixed.get("volume")
            self._volume = [kind(counts, past, inside, floor, fixed) for kind in (Volume, Silence)]

    def columns(self, summary: Summary) -> list[Finding]:
        """Judge every column of a window: all findings of the first column, then of the second..."""
        names = [column.name for column in self.reference.columns]
        found: list[list[Finding]] = [[] for _ in names]
        for batch in self._batches:
            window = cells(self.reference.layout, batch.columns, [summary])
            for test, asked in batch.tests:
                verdicts = test.judge(_part(window, asked), self.alpha)
                for at, verdict in zip(asked.tolist(), verdicts, strict=True):
                    i = batch.columns[at]
                    found[i].append(Finding(names[i], verdict))
        return [finding for of_column in found for finding in of_column]

    def volume(self, summary: Summary | None) -> list[Finding]:
        """Judge how many events a window has."""
        window = _events([summary])
        return [Finding(None, test.judge(window, self.alpha)[0]) for test in self._volume]

    def places(self, summary: Summary) -> list[Place | None]:
        """Tell where each column of a window lies; None for a column without a location."""
        places: list[Place | None] = [None] * len(self.reference.columns)
        for batch in self._batches:
            window = cells(self.reference.layout, batch.columns, [summary])
            window = _part(window, batch.located)
            told = zip(
                batch.located, batch.location.signal(window), batch.location.z(window), strict=True
            )
            for at, location, z in told:
                places[batch.columns[at]] = Place(float(location), float(z))
        return places

    def standing(self) -> list[Standing]:
        """Tell of every column how it stands, then of the volume; errors have none of their own."""
        told: dict[int, Standing] = {}
        for batch in self._batches:
            total = cells(self.reference.layout, batch.columns, [self.reference.total])
            varies, windows = Frozen.applies(total), _windows_known(batch.tests, len(batch.columns))
            for i, valid, many, known in zip(
                batch.columns, total.valid[:, 0], varies, windows, strict=True
            ):
                name = self.reference.columns[i].name
                reason = "" if many else CONSTANT if valid else "no value of it is in the reference"
                told[i] = Standing(name, "unwatched", reason) if reason else _standing(name, known)
        standings = [told[i] for i in sorted(told)]
        if self.reference.kind is not Kind.ERRORS:
            volume = [(test, np.zeros(1, dtype=np.int64)) for test in self._volume]
            standings.append(_standing(None, _windows_known(volume, 1)[0]))
        return standings

    def allowance(self, i: int) -> float | None:
        """Tell the drift of column i that slow-drift detectors let pass; None while its history is too short.

        A quarter of a standard deviation is not worth telling; twice the standard error of the in-control mean is not
        known better. The steps have unit long-run variance, so over T windows that error is 1/sqrt(T).
        """
        return self._allowances[i]


def enabled(rules: Rules) -> tuple[type[Comparison], ...]:
    """Give the comparisons that columns are asked: those that run by default or are on, and are not off."""
    asked = [kind for kind in COMPARISONS if kind.DEFAULT or kind.name in rules.on]
    return tuple(kind for kind in asked if kind.name not in rules.off)


def _windows_known(tests: Sequence[tuple[Comparison, Counts]], columns: int) -> list[int | None]:
    """Tell for each column of a batch by how many windows the test that knows least is calibrated; None: no test is."""
    known: list[int | None] = [None] * columns
    for test, asked in tests:
        wander = getattr(test, "wander", None)
        if isinstance(wander, Wander):
            for c, windows in zip(asked.tolist(), wander.windows.tolist(), strict=True):
                known[c] = min(windows, known[c] or windows)
    return known


def _standing(name: str | None, windows: int | None) -> Standing:
    if windows is None:
        return Standing(name, "unwatched", "all its calibrated detectors are switched off")
    if windows < WINDOWS_MIN:
        return Standing(name, "learning", learning(windows).removeprefix("learning: "))
    return Standing(name, "watching")


def _side_by_side(columns: Sequence[Column], windows: int) -> Iterator[list[int]]:
    """Part the columns into batches, wide ones first, so that padding and memory have a bound."""
    batch: list[int] = []
    padding = 0
    for i in sorted(range(len(columns)), key=lambda i: -columns[i].bins):
        widest = columns[batch[0]].bins if batch else columns[i].bins
        padding += widest - columns[i].bins
        if batch and (padding > PADDING_MAX or (len(batch) + 1) * widest * windows > CELLS_MAX):
            yield sorted(batch)
            batch, padding = [], 0
        batch.append(i)
    if batch:
        yield sorted(batch)


def _part(batch: Cells, which: Counts) -> Cells:
    """Give the columns asked for, without a copy where that is all of them."""
    return batch if len(which) == batch.shape[0] else batch.columns(which)


def _events(stack: Sequence[Summary | None]) -> Cells:
    """View the numbers of events as cells of one bin."""
    return Cells.of([[0 if summary is None else summary.n] for summary in stack]) if stack else Cells.of(
        np.zeros((0, 1), dtype=np.int64)
    )  # fmt: skip


@cache
def cusum_threshold(allowance: float, run_length: float) -> float:
    """Tell the threshold of a two-sided cumulative sum with a mean time of `run_length` between false alarms.

    Siegmund's approximation for unit normal steps (Siegmund 1985, "Sequential Analysis", equation 2.57), solved by
    fixed-point steps: ARL = (exp(2 k b) - 2 k b - 1) / (2 k^2) with b = h + 1.166 for each side.
    """
    k, wanted = allowance, 2 * max(run_length, 2.0)
    x = 1.0
    for _ in range(50):
        x = log(2 * k * k * wanted + 1 + x)
    return max(1.0, x / (2 * k) - 1.166)
