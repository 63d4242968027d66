"""What one would write with river: two detectors and a histogram a feature, fed with one event after the other."""

from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from math import log
from pathlib import Path
from statistics import quantiles, stdev
from typing import Any

import orjson
from river import drift

from benchmarks.peers.programs.tell import Count

__all__ = ["PACKAGES", "REPORT_EVERY", "Column", "RiverWork", "psi"]

ADWIN: Any = drift.ADWIN
PageHinkley: Any = drift.PageHinkley
"""Their methods have no annotations."""

PACKAGES = ("river", "orjson", "numpy")
REPORT_EVERY = 10_000
"""Events from one comparison with the reference to the next."""
BINS = 10
LEAST = 1e-4
"""An empty bin counts as this share, as is usual, since the logarithm of nothing is infinite."""


class Column:
    """A numeric feature: its detectors, and counts of its values between the deciles of the reference.

    Page-Hinkley has river's parameters, in standard deviations of the reference. The last count is of values that
    are missing.
    """

    def __init__(self, reference: Sequence[float | None]) -> None:
        known = [x for x in reference if x is not None]
        unit = stdev(known)
        self.adwin = ADWIN()
        self.page_hinkley = PageHinkley(delta=0.005 * unit, threshold=50.0 * unit)
        self.edges = quantiles(known, n=BINS)
        self.counts = self._none()
        for x in reference:
            self.counts[-1 if x is None else bisect(self.edges, x)] += 1
        self.expected = self.counts
        self.counts = self._none()

    def psi(self) -> float:
        """Compare what was counted since the last time with the reference, and begin to count anew."""
        counts, self.counts = self.counts, self._none()
        return psi(self.expected, counts)

    def _none(self) -> list[int]:
        return [0] * (len(self.edges) + 2)


class RiverWork:
    """All features of a model. `reference` has events as JSON lines; `count` is kept up with every event."""

    def __init__(self, reference: Path, count: Count) -> None:
        rows = [orjson.loads(line)["features"] for line in reference.read_bytes().splitlines()]
        names = [name for name, x in rows[-1].items() if not isinstance(x, str)]
        categories = [name for name in rows[-1] if name not in names]
        self.columns = {name: Column([row[name] for row in rows]) for name in names}
        self.expected = {name: Counter(row[name] for row in rows) for name in categories}
        self.counts: dict[str, Counter[Any]] = {name: Counter() for name in categories}
        self.psi: dict[str, float] = {}
        self.count = count

    def event(self, value: bytes) -> None:
        """Take one event."""
        features = orjson.loads(value)["features"]
        for name, column in self.columns.items():
            x = features.get(name)
            if x is None:
                column.counts[-1] += 1
                continue
            column.counts[bisect(column.edges, x)] += 1
            column.adwin.update(x)
            column.page_hinkley.update(x)
            if column.adwin.drift_detected or column.page_hinkley.drift_detected:
                self.count.drifts += 1
        for name, counts in self.counts.items():
            counts[features.get(name)] += 1
        self.count.events = seen = self.count.events + 1
        if seen % REPORT_EVERY == 0:
            self._report()

    def _report(self) -> None:
        self.psi = {name: column.psi() for name, column in self.columns.items()}
        for name, counts in self.counts.items():
            seen = sorted({*self.expected[name], *counts}, key=str)
            expected = self.expected[name]
            self.psi[name] = psi([expected[of] for of in seen], [counts[of] for of in seen])
            counts.clear()
        self.count.reports += 1


def psi(expected: Sequence[int], seen: Sequence[int]) -> float:
    """Give the population stability index of two rows of counts over the same bins."""
    of_expected, of_seen = sum(expected) or 1, sum(seen) or 1
    shares = [
        (max(e / of_expected, LEAST), max(s / of_seen, LEAST))
        for e, s in zip(expected, seen, strict=True)
    ]
    return sum((s - e) * log(s / e) for e, s in shares)
