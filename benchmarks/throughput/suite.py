"""All that was promised about throughput, as cases: what `--suite` measures."""

from dataclasses import replace
from typing import Any

from benchmarks.throughput.case import Case

__all__ = ["LATENCY", "capacity", "suite"]

LATENCY: dict[str, Any] = {
    "drift": True,
    "paced": True,
    "pane": "1s",
    "windows": "2s",
    "lateness": "0s",
    "warm_up": 20_000,
}
"""Windows close every two seconds, and each has something to tell."""
LATENCY_S = 60
HOURS = "1h,1d"
"""Windows as they are where there are thousands of series, the worker's defaults: a window of 20 s has no more than a
hundred events of each of them, and judging it costs more than counting them."""
RATES = (1 / 64, 1 / 16, 0.1, 1 / 4, 1 / 2)


def suite(base: Case) -> list[Case]:
    """Give the cases, each with the base's events and feed; from memory those that need no broker."""
    whole = replace(base, mode="whole")
    hours = replace(whole, windows=HOURS)
    cases = [
        whole,
        replace(whole, features=100),
        hours,
        replace(hours, series=10_000),
        replace(whole, models=64),
        *(replace(whole, sample=rate) for rate in RATES),
    ]
    if base.feed == "memory":
        return cases
    timed = replace(whole, events=base.rate * LATENCY_S, **LATENCY)
    first = [replace(base, mode="consume"), replace(base, mode="decode")]
    return [*first, *cases, replace(whole, workers=2), timed]


def capacity(base: Case) -> list[Case]:
    """Give the cases that `benchmarks.capacity` fits its model to: one thing changed at a time, then several.

    Partitions are changed only where the feed can have other numbers of them than the embedded broker.
    """
    whole = replace(base, mode="whole")
    cases = [
        whole,
        *(replace(whole, features=features) for features in (3, 30, 100)),
        *(replace(whole, series=series) for series in (30, 300)),
        *(replace(whole, models=models) for models in (8, 64)),
        *(replace(whole, pane=pane) for pane in ("1s", "5s", "20s")),
        *(replace(whole, rate=rate) for rate in (5_000, 20_000)),
        *(replace(whole, sample=sample) for sample in (0.1, 0.5)),
        replace(whole, features=30, series=100),
        replace(whole, features=3, models=16, pane="5s"),
        replace(whole, features=20, models=8, series=10, rate=20_000),
    ]
    if base.feed != "embedded":
        cases += [replace(whole, partitions=partitions) for partitions in (1, 8, 16)]
        cases.append(replace(whole, partitions=8, series=100, pane="5s"))
    return cases
