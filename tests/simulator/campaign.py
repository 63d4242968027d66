"""Many schedules, on several processes, and what they come to together."""

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import NamedTuple

from tests.simulator.history import HISTORIES
from tests.simulator.memo import remembered
from tests.simulator.oracle import differences, repeats, uninterrupted
from tests.simulator.world import run

__all__ = ["Result", "Total", "campaign", "judged", "quietly", "told_steps"]


class Result(NamedTuple):
    """What one schedule has shown."""

    seed: int
    differences: list[str]
    injected: dict[str, int]
    alerts: int
    repeats: int


@dataclass
class Total:
    """What many schedules have shown."""

    schedules: int = 0
    alerts: int = 0
    repeats: int = 0
    injected: Counter[str] = field(default_factory=Counter)
    failed: list[Result] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, result: Result) -> None:
        """Count one more."""
        self.schedules += 1
        self.alerts += result.alerts
        self.repeats += result.repeats
        self.injected.update(result.injected)
        if result.differences:
            self.failed.append(result)

    def report(self) -> Iterator[str]:
        """Tell it in lines."""
        a_minute = 60 * self.schedules / max(self.seconds, 1e-9)
        yield f"{self.schedules:,} schedules in {self.seconds:.1f} s: {a_minute:,.0f} a minute"
        yield f"{self.injected.total():,} faults injected:"
        yield from (f"  {n:>8,}  {fault}" for fault, n in sorted(self.injected.items()))
        yield f"{self.alerts:,} alerts, {self.repeats:,} of them repeats of an id that was there"
        for result in sorted(self.failed):
            yield f"seed {result.seed} differs from the uninterrupted run:"
            yield from (f"  {told}" for told in result.differences[:8])
            if len(result.differences) > 8:
                yield f"  and {len(result.differences) - 8} more"
        yield f"{len(self.failed):,} schedules differ from the uninterrupted run"


@contextmanager
def quietly() -> Iterator[None]:
    """Keep the product's log lines of faults, of which there are many, to itself; and remember judgements."""
    log = logging.getLogger("driftbus")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with remembered():
            yield
    finally:
        log.setLevel(level)


def judged(seed: int) -> Result:
    """Run a schedule and hold it against the uninterrupted run."""
    with quietly():
        outcome = run(seed)
        found = differences(outcome)
    return Result(seed, found, dict(outcome.injected), len(outcome.alerts), repeats(outcome))


def campaign(seeds: Sequence[int], jobs: int, after: Callable[[Result], None]) -> Total:
    """Run schedules on `jobs` processes; `after` is called with each result, in order of the seeds."""
    with quietly():
        for number in range(HISTORIES):
            uninterrupted(number)  # before the processes part, so that each has them
    total, began = Total(), time.perf_counter()
    for result in _results(seeds, jobs):
        total.add(result)
        after(result)
    total.seconds = time.perf_counter() - began
    return total


def _results(seeds: Sequence[int], jobs: int) -> Iterable[Result]:
    if jobs == 1:
        yield from map(judged, seeds)
        return
    with get_context("fork" if sys.platform == "linux" else "spawn").Pool(jobs) as pool:
        yield from pool.imap(judged, seeds, chunksize=1)


def told_steps(seed: int) -> Iterator[str]:
    """Replay a schedule and tell it step by step, then what differs."""
    steps: list[str] = []
    with quietly():
        outcome = run(seed, trace=lambda now, what: steps.append(f"{now:7.3f} {what}"))
        found = differences(outcome)
    yield from steps
    yield f"at rest after {outcome.seconds:.1f} s; {outcome.injected.total()} faults; differences: {len(found)}"
    yield from found
