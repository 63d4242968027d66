"""Judges the closed windows of one size of one chain: every column, every comparison, against the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import log, sqrt

import numpy as np

from detectors import COMPARISONS, Cells, Comparison, Location, Silence, Verdict, Volume
from detectors.summaries.summary import Summary, cells
from stream.reference.reference import Reference

__all__ = ["TESTS_A_COLUMN", "Finding", "Judge", "Rules", "cusum_threshold"]

WEEK_MS = 7 * 86_400_000
TESTS_A_COLUMN = 8
LEVEL_SHARE, SLOW_SHARE = 0.5, 0.25
"""Shares of the alarm budget for windows by themselves and for slow drift; the rest stays unspent."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says of judging.

    `floors`, `fixed` and `off` are by detector name; `budget` is the stated number of false alarms a week over a fleet
    of `monitors`, each of which gets the same share.
    """

    budget: float
    monitors: int
    events_min: int
    clear_after: int
    windows_min: int
    floors: dict[str, float]
    fixed: dict[str, float]
    off: frozenset[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict about a column of a window; column None: the series as a whole."""

    column: str | None
    verdict: Verdict


class Judge:
    """The comparisons of a reference with its windows of one size, calibrated once.

    `grown` are windows after the reference that were taken into the history. Costs about a millisecond a column to
    make; judging costs some 0.1 ms a column and window.
    """

    def __init__(
        self, reference: Reference, which: int, grown: Sequence[Summary], rules: Rules, size_ms: int
    ) -> None:
        self.reference = reference
        own = reference.histories[which].summaries
        self.windows = len(own) + len(grown)
        columns = len(reference.columns)
        share = rules.budget * size_ms / WEEK_MS / len(reference.windows) / rules.monitors
        self.alpha = LEVEL_SHARE * share / TESTS_A_COLUMN
        self.run_length = 1 / (SLOW_SHARE * share)
        self._tests: list[list[Comparison]] = []
        self._locations: list[Location | None] = []
        inside = np.arange(self.windows) < len(own)
        history = [*own, *grown]
        for i in range(columns):
            total = cells(reference.layout, i, [reference.total])
            windows = cells(reference.layout, i, history)
            self._tests.append([
                kind(total, windows, inside, rules.floors.get(kind.name), rules.fixed.get(kind.name))
                for kind in COMPARISONS if kind.name not in rules.off and kind.applies(total)
            ])  # fmt: skip
            self._locations.append(
                Location(total, windows, inside) if Location.applies(total) else None
            )
        counts, past = _events([reference.total]), _events(history)
        self._volume: list[Comparison] = []
        if "volume" not in rules.off:
            floor, fixed = rules.floors.get("volume"), rules.fixed.get("volume")
            self._volume = [kind(counts, past, inside, floor, fixed) for kind in (Volume, Silence)]

    def columns(self, summary: Summary) -> list[Finding]:
        """Judge every column of a window."""
        found = []
        for i, (column, tests) in enumerate(zip(self.reference.columns, self._tests, strict=True)):
            window = cells(self.reference.layout, i, [summary])
            found += [Finding(column.name, test.judge(window, self.alpha)) for test in tests]
        return found

    def volume(self, summary: Summary | None) -> list[Finding]:
        """Judge how many events a window has."""
        window = _events([summary])
        return [Finding(None, test.judge(window, self.alpha)) for test in self._volume]

    def z(self, i: int, summary: Summary) -> float | None:
        """Tell how far column i lies from the usual, in units for cumulative sums; None where it has no location."""
        location = self._locations[i]
        return None if location is None else location.z(cells(self.reference.layout, i, [summary]))

    def location(self, i: int, summary: Summary) -> float:
        """Tell where column i lies, in standard deviations of the reference; 0 where it has no location."""
        location = self._locations[i]
        return (
            0.0 if location is None else location.signal(cells(self.reference.layout, i, [summary]))
        )

    def allowance(self, i: int) -> float | None:
        """Tell the drift of column i that slow-drift detectors let pass; None while its history is too short.

        A quarter of a standard deviation is not worth telling; twice the standard error of the in-control mean is not
        known better. The steps have unit long-run variance, so over T windows that error is 1/sqrt(T).
        """
        location = self._locations[i]
        if location is None or not location.wander.ready:
            return None
        return float(0.25 + 2 / sqrt(location.wander.windows))


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
