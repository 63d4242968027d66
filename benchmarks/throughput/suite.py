"""All that was promised about throughput, as cases: what `--suite` measures."""

from dataclasses import replace
from typing import Any

from benchmarks.throughput.case import Case
from benchmarks.workload import RATE

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
PACE = 40_000
PACED: dict[str, Any] = {
    "rate": PACE,
    "events": 8 * PACE,
    "pane": "2s",
    "windows": "4s,12s",
    "lateness": "2s",
    "warm_up": 20_000,
}
"""Eight seconds, in which four panes close and two windows end: hardly more than what a run needs around it."""
HURRIED = 600_000
HOURS = "1h,1d"
"""Windows as they are where there are thousands of series, the worker's defaults: a window of 20 s has no more than a
hundred events of each of them, and judging it costs more than counting them."""
HOURS_TIMES = 6
"""As many times the events: large models take in six panes at once, and the first ones, the warm-up's, have few."""
RATES = (1 / 64, 1 / 16, 0.1, 1 / 4, 1 / 2)


def suite(base: Case) -> list[Case]:
    """Give the cases, with the base's feed and events, or more; from memory those that need no broker."""
    whole = replace(base, mode="whole")
    hours = replace(whole, windows=HOURS, events=HOURS_TIMES * base.events)
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

    Events have a pace that a worker keeps up with, as in a fleet that is planned with; so panes are as long as the
    clock has it, and all of a pane's events are of that pace. Some cases come once more as fast as they can, which are
    other rates, too. From memory none has a pace. Partitions are changed only where the feed can have other numbers of
    them than the embedded broker.
    """
    paced = replace(base, mode="whole", **PACED, paced=base.feed != "memory")
    hours = replace(paced, windows=HOURS)
    cases = [
        paced,
        *(replace(paced, features=features) for features in (3, 30, 100)),
        *(replace(paced, series=series) for series in (30, 300)),
        *(replace(hours, series=series) for series in (300, 3_000)),
        replace(hours, series=1_000, pane="10s"),
        *(replace(paced, models=models) for models in (8, 64)),
        replace(hours, models=64),
        *(replace(paced, pane=pane) for pane in ("1s", "4s")),
        *(replace(paced, sample=sample) for sample in (0.1, 0.5)),
        *(_at(paced, rate) for rate in (10_000, 80_000)),
        replace(paced, features=30, series=100),
        replace(paced, features=3, models=16, pane="1s"),
        _at(replace(paced, features=20, models=8, series=10), 20_000),
    ]
    if base.feed != "embedded":
        cases += [replace(paced, partitions=partitions) for partitions in (1, 16)]
        cases.append(replace(hours, partitions=16, pane="10s", commit_interval="8s"))  # at rest
        cases.append(replace(paced, partitions=8, models=16, commit_interval="4s"))
        cases.append(replace(hours, partitions=8, series=1_000))
    if base.feed != "memory":
        hurried = replace(paced, paced=False, rate=RATE, events=HURRIED, pane="4s")
        cases += [hurried, replace(hurried, features=100), replace(hurried, models=64)]
        cases.append(replace(hurried, series=3_000, windows=HOURS))
    return cases


def _at(paced: Case, rate: int) -> Case:
    """Give a case at another pace, for as long."""
    return replace(paced, rate=rate, events=paced.events * rate // paced.rate)
