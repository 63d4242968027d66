"""One measurement of one case: warm up, mark, let the events pass, mark again."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.broker import Broker, broker_process
from benchmarks.learned import build_reference
from benchmarks.meter import peak_mb, rss_mb
from benchmarks.processes import redis_process
from benchmarks.throughput.bed import Bed
from benchmarks.throughput.case import Case, Names
from benchmarks.throughput.client import client_process
from benchmarks.throughput.figures import Measured
from benchmarks.throughput.latency import Listener, delays_ms
from benchmarks.throughput.memory import measure_memory
from benchmarks.throughput.passing import Target, cpu_of, pass_events, settle
from benchmarks.throughput.usage import Usage
from benchmarks.throughput.workers import Workers, worker_processes
from benchmarks.workload import Workload
from stream.config import from_text
from stream.reference.file import write_references
from stream.reference.reference import Reference

__all__ = ["measure"]

NOTE_EVERY_S = 0.2
EARLY = 0.2
"""The part of the run after which memory should not grow any more."""

Moved = Callable[[int, int], None]


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
        pass_events(broker, target, case.warm_up, 0, lambda _: None)
        settle(target)
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
    usage, used, began = Usage.now(target.pids, redis), cpu_of(target), time.monotonic()
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
    events = pass_events(broker, target, case.events, case.warm_up, note, rate, limit_s)
    wall = time.monotonic() - began
    settle(target)
    spent, end, marks = cpu_of(target) - used, _rss(target), time.monotonic() - began
    more = Usage.now(target.pids, redis).since(usage, wall)
    if "redis_cpu_s" in more:
        more["redis_cpu_us_per_event"] = more["redis_cpu_s"] / events * 1e6
    more |= {
        "marks_s": marks,
        "busy": spent / wall / case.workers,
        "rss_peak_mb": max(map(peak_mb, target.pids)),
    }
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


def _rss(target: Target) -> float:
    return max(map(rss_mb, target.pids))
