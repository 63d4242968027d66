"""One measurement of one case: warm up, mark, let the events pass, mark again."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from benchmarks.broker import Broker, broker_process
from benchmarks.meter import cpu_s, peak_mb, rss_mb
from benchmarks.processes import redis_process
from benchmarks.throughput.bed import Bed
from benchmarks.throughput.case import Case, Names
from benchmarks.throughput.client import client_process
from benchmarks.throughput.figures import Measured
from benchmarks.throughput.latency import Listener, delays_ms
from benchmarks.throughput.memory import measure_memory
from benchmarks.throughput.usage import Usage
from benchmarks.throughput.workers import Workers, worker_processes
from benchmarks.workload import Workload, build_reference
from stream.config import from_text
from stream.reference.file import write_references
from stream.reference.reference import Reference

__all__ = ["measure"]

ASK_EVERY_S = 0.02
NOTE_EVERY_S = 0.2
SETTLE_S = 2.0
"""Longer than the time between two commits, and between two evaluations."""
SETTLED = 0.1
"""The share of a processor that is used at rest, at most: then nothing is under way."""
STUCK_S = 300.0
SLICE = 20_000
SLICES_AHEAD = 5
EARLY = 0.2
"""The part of the run after which memory should not grow any more."""

Moved = Callable[[int, int], None]


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


def measure(case: Case, bed: Bed, moved: Moved, limit_s: float) -> Measured:
    """Measure a case, with new processes, topics and state.

    Both marks are set while nothing is under way, so that exactly the events between them are in the figures, with
    their commits and evaluations. After `limit_s` no more events are produced. `moved` is told (events done, all
    events) several times a second.
    """
    if case.feed == "memory":
        return measure_memory(case, moved, limit_s)
    with TemporaryDirectory(prefix="driftbus-benchmark-") as folder, ExitStack() as stack:
        names = stack.enter_context(bed.names(case))
        broker = stack.enter_context(
            broker_process(case.workload, bed.bootstrap, *names[1:], case.partitions)
        )
        reference = Path(folder, "reference")
        write_references(reference, _references(case.workload, case.settings()))
        redis = stack.enter_context(redis_process(Path(folder))) if case.mode == "whole" else None
        if case.workers > 1 and redis is None:
            raise RuntimeError("several workers share their state in Redis: no redis-server here")
        target = stack.enter_context(_target(case, broker, names, reference, redis))
        _pass(broker, target, case.warm_up, 0, lambda _: None)
        _settle(target)
        listener = Listener(broker.bootstrap, names) if case.drift else None
        return _between(case, broker, target, redis, listener, moved, limit_s)


def _between(
    case: Case,
    broker: Broker,
    target: Target,
    redis: str | None,
    listener: Listener | None,
    moved: Moved,
    limit_s: float,
) -> Measured:
    """Set the marks before and behind the events."""
    workers = target if isinstance(target, Workers) else None
    memory = [_rss(target)]
    early = memory[0]
    moved(0, case.events)
    if listener is not None:
        listener.start()
    commits = workers.commit_s() if workers else {}
    usage, used, began = Usage.now(target.pids, redis), _cpu(target), time.monotonic()
    noted = began

    def note(done: int) -> None:
        nonlocal early, noted
        if time.monotonic() - noted < NOTE_EVERY_S:
            return
        noted = time.monotonic()
        memory.append(_rss(target))
        if done <= EARLY * case.events:
            early = memory[-1]
        moved(done, case.events)

    rate = case.rate if case.paced else 0
    events = _pass(broker, target, case.events, case.warm_up, note, rate, limit_s)
    wall = time.monotonic() - began
    _settle(target)
    spent, end = _cpu(target) - used, _rss(target)
    more = Usage.now(target.pids, redis).since(usage, wall)
    if "redis_cpu_s" in more:
        more["redis_cpu_us_per_event"] = more["redis_cpu_s"] / events * 1e6
    more |= {"busy": spent / wall / case.workers, "rss_peak_mb": max(map(peak_mb, target.pids))}
    if workers:
        more |= {f"commit_{h}_s": s - commits[h] for h, s in workers.commit_s().items()}
    if listener is not None:
        more |= delays_ms(listener.end(), broker.produced(), case)
    more |= target.finish()
    store = None if workers is None else "redis" if redis else "memory"
    return Measured(case, events, wall, spent, max(*memory, end), early, end, store, more)


@lru_cache(maxsize=2)
def _references(workload: Workload, settings: str) -> list[Reference]:
    """Learn the references once for runs that differ in nothing that they see."""
    return build_reference(from_text(settings, {}), workload)


@contextmanager
def _target(
    case: Case, broker: Broker, names: Names, reference: Path, redis: str | None
) -> Iterator[Target]:
    if case.mode == "whole":
        with worker_processes(broker, case, names, reference, redis) as workers:
            yield workers
    else:
        with client_process(broker, case, names, reference) as client:
            yield client


def _cpu(target: Target) -> float:
    return sum(map(cpu_s, target.pids))


def _rss(target: Target) -> float:
    return max(map(rss_mb, target.pids))


def _settle(target: Target) -> None:
    """Wait until nothing is under way; windows of thousands of series are judged for a while after their last event."""
    deadline = time.monotonic() + STUCK_S
    while time.monotonic() < deadline:
        used = _cpu(target)
        time.sleep(SETTLE_S)
        if _cpu(target) - used < SETTLED * SETTLE_S * len(target.pids):
            return


def _pass(
    broker: Broker,
    target: Target,
    n: int,
    before: int,
    note: Callable[[int], None],
    rate: int = 0,
    limit_s: float = float("inf"),
) -> int:
    """Have n more events produced as long as there is time, wait until the target is done with them; tell how many.

    Without a rate they are ordered in slices, a few ahead, so that an end in time leaves little to wait for.
    """
    began = moved = time.monotonic()
    ordered, seen = 0, target.consumed() - before
    while seen < ordered or (ordered < n and time.monotonic() - began < limit_s):
        if ordered < n and ordered - seen < SLICES_AHEAD * SLICE:
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
