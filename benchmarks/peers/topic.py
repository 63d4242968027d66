"""Those that consume: a broker with its producer, a program that is measured, and two marks."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.broker import PARTITIONS, Broker, broker_process
from benchmarks.peers.figures import Measured, Run
from benchmarks.peers.process import PeerError, Process, running
from benchmarks.peers.programs.tell import Count
from benchmarks.peers.programs.usage import cpu_s, peak_mb
from benchmarks.workload import TOPIC, Workload

__all__ = ["measure_topic"]

ASK_EVERY_S = 0.01
PORTION = 12_000
"""Events that wait for a peer at most: of 40,000, so many can be of one partition that the broker drops some."""
SETTLE_S = 2.0
"""Longer than what a client does from time to time takes to come round: at a mark nothing is under way."""
STUCK_S = 60.0


@dataclass(frozen=True)
class Program:
    """A peer's program; it counts in memory that is shared."""

    process: Process
    count: Count

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def consumed(self) -> int:
        """Tell how many events it is done with; PeerError if it has ended."""
        self.process.check()
        return self.count.events


def measure_topic(
    name: str, python: Path, events: int, workload: Workload, reference: Path, measured: Measured
) -> Run:
    """Measure one that consumes, with a new broker: the warm-up, a mark, the events, a mark.

    Raises:
        PeerError: it does not run, or consumes no more before it has all events.
    """
    folder = reference.parent / name
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        broker = stack.enter_context(broker_process(workload))
        program = stack.enter_context(_program(name, python, broker, folder, reference))
        _pass(broker, program, workload.warm_up, workload.warm_up)
        time.sleep(SETTLE_S)
        before, used = program.count.reports, cpu_s(program.pid)
        began = time.monotonic()
        _pass(broker, program, events, workload.warm_up + events)
        wall = time.monotonic() - began
        time.sleep(SETTLE_S)
        used = cpu_s(program.pid) - used
        measured.versions[name] = program.process.answers()["versions"]
        count, rss_mb = program.count, peak_mb(program.pid)
        return Run(name, events, used, None, wall, rss_mb, count.reports - before, count.drifts)


@contextmanager
def _program(
    name: str, python: Path, broker: Broker, folder: Path, reference: Path
) -> Iterator[Program]:
    count = folder / "count"
    count.unlink(missing_ok=True)
    shared = Count(count)
    job: dict[str, object] = {
        "bootstrap": broker.bootstrap,
        "topic": TOPIC,
        "partitions": PARTITIONS,
        "reference": str(reference),
        "count": str(count),
        "folder": str(folder / "state"),
    }
    with running(python, name, job, folder) as process:
        yield Program(process, shared)


def _pass(broker: Broker, program: Program, n: int, until: int) -> None:
    """Have n events produced in portions, and wait until the program is done with `until` in all."""
    produced = until - n
    moved, seen = time.monotonic(), -1
    while seen < until:
        wanted = min(until, max(seen, until - n) + PORTION)
        if wanted - produced >= min(PORTION // 4, until - produced) > 0:
            broker.produce(wanted - produced)
            produced = wanted
        time.sleep(ASK_EVERY_S)
        done = broker.consumed.value = program.consumed()
        if done != seen:
            moved, seen = time.monotonic(), done
        elif time.monotonic() - moved > STUCK_S:
            raise PeerError(
                f"after {seen:,} of {until:,} events there were none for {STUCK_S:.0f} s"
            )
    if seen > until:
        raise PeerError(f"{seen:,} events came out of {until:,}")
