"""Has events produced, waits until they are consumed, and until all that they have set going is at rest."""

import time
from collections.abc import Callable
from typing import Protocol

from benchmarks.broker import Broker
from benchmarks.meter import cpu_s

__all__ = ["Target", "cpu_of", "pass_events", "settle"]

ASK_EVERY_S = 0.02
SETTLE_S = 2.0
"""Longer than the time between two commits, and between two evaluations."""
SETTLED = 0.1
"""The share of a processor that is used at rest, at most: then nothing is under way."""
STUCK_S = 300.0
SLICE = 20_000
AHEAD = 5 * SLICE


class Target(Protocol):
    """The processes that consume."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Their process ids."""
        ...

    def consumed(self) -> int:
        """Tell how many events they are done with, to the producer, too."""
        ...

    def finish(self) -> dict[str, float]:
        """Tell what became of the events."""
        ...


def cpu_of(target: Target) -> float:
    """Tell the processor time of all its processes by now, in seconds."""
    return sum(map(cpu_s, target.pids))


def settle(target: Target) -> None:
    """Wait until nothing is under way; windows of thousands of series are judged for a while after their last event."""
    deadline = time.monotonic() + STUCK_S
    while time.monotonic() < deadline:
        used = cpu_of(target)
        time.sleep(SETTLE_S)
        if cpu_of(target) - used < SETTLED * SETTLE_S * len(target.pids):
            return


def pass_events(
    broker: Broker,
    target: Target,
    n: int,
    before: int,
    note: Callable[[int], None],
    rate: int = 0,
    limit_s: float = float("inf"),
    ahead: int = AHEAD,
) -> int:
    """Have n more events produced as long as there is time, wait until the target is done with them; tell how many.

    Without a rate they are ordered in slices, a few ahead, so that an end in time leaves little to wait for.
    """
    began = moved = time.monotonic()
    ordered, seen = 0, target.consumed() - before
    while (more := ordered < n and time.monotonic() - began < limit_s) or seen < ordered:
        if more and ordered - seen < ahead:
            slice_n = n if rate else min(SLICE, n - ordered)
            broker.produce(slice_n, rate)
            ordered += slice_n
            continue
        time.sleep(ASK_EVERY_S)
        done = target.consumed() - before
        if done != seen:
            moved, seen = time.monotonic(), done
        elif time.monotonic() - moved > STUCK_S:
            told = f"{seen:,} of {ordered:,} events were consumed, then none for {STUCK_S:.0f} s"
            raise TimeoutError(told)
        note(seen)
    assert seen == ordered, f"{seen:,} events came out of {ordered:,}"
    return ordered
