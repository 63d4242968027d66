"""References and windows as a fleet has them, drawn of the workload's distribution."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np

from benchmarks.learned import build_reference
from benchmarks.workload import START_MS, Workload
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.config import Config
from stream.reference.history import History
from stream.reference.reference import Reference
from stream.words import Series

__all__ = ["DAY", "EVENTS", "HISTORIES", "HOUR", "config_of", "references", "segment", "window"]

HOUR, DAY = 3_600_000, 86_400_000
EVENTS = 2_000
"""Events of a series in an hour."""
HISTORIES = 20
"""Different histories; series beyond these have them again, each in arrays of its own."""


def references(config: Config, columns: int, chains: int, windows: int) -> Iterator[Reference]:
    """Make a reference for each segment and the whole, with so many hours of history and the days in them."""
    workload = Workload(features=columns - 1)
    (learned,) = build_reference(config, workload)
    rng = np.random.default_rng(7)
    end = START_MS // DAY * DAY
    whole = Summary(learned.total.counts * max(1, windows), learned.total.extremes)
    learned = replace(learned, total=whole)  # of as many events as its windows hold, or more
    histories = [
        tuple(_history(learned, rng, size.size_ms, end, windows) for size in learned.windows)
        for _ in range(min(chains + 1, HISTORIES))
    ]
    owners = [Series("fraud", "1"), *(segment(s) for s in range(chains))]
    for i, series in enumerate(owners):
        yield replace(
            learned, series=series, histories=histories[i % len(histories)], end_ms=end,
            start_ms=end - windows * HOUR,
        )  # fmt: skip


def segment(s: int) -> Series:
    """Name a segment's series."""
    return Series("fraud", "1", (("shop", f"s{s:05}"),))


def _history(
    learned: Reference, rng: np.random.Generator, size_ms: int, end: int, hours: int
) -> History:
    starts = range(end - hours * HOUR // size_ms * size_ms, end, size_ms)
    made = [window(learned, rng, EVENTS * size_ms // HOUR) for _ in starts]
    return History(np.array(starts, dtype=np.int64), made)


def window(learned: Reference, rng: np.random.Generator, events: int) -> Summary:
    """Draw a window as the reference has them."""
    layout: Layout = learned.layout
    summary = Summary.empty(layout)
    total = learned.total
    for i in range(len(layout.columns)):
        at = layout.bins_of(i)
        cells = slice(at.start, at.stop + 1)  # the missing ones, too
        of_total = total.counts[cells]
        summary.counts[cells] = rng.multinomial(events, of_total / of_total.sum())
        tail = layout.tail_of(i)
        for slot in (tail + 2, tail + 3):
            share = int(total.counts[slot]) * events / total.n
            summary.counts[slot] = round(share * (1 + 0.01 * rng.normal()))
    summary.counts[-1] = events
    reach = np.ptp(total.extremes, axis=1)
    summary.extremes[:, 0] = total.extremes[:, 0] + 0.1 * reach * rng.random(len(reach))
    summary.extremes[:, 1] = total.extremes[:, 1] - 0.1 * reach * rng.random(len(reach))
    return summary


def config_of(chains: int) -> Config:
    """Give the defaults, with room for all."""
    config, room = Config(), 2 * chains + 10
    limits = msgspec.structs.replace(config.limits, series_max=room, partition_series_max=room)
    return msgspec.structs.replace(config, limits=limits)
