"""Those that consume, driftbus among them: a broker with its producer, a process that is measured, and two marks."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.broker import ALERTS, PARTITIONS, Broker, broker_process
from benchmarks.peers.figures import Measured, Run
from benchmarks.peers.peers import OURS
from benchmarks.peers.process import PeerError, Process, running
from benchmarks.peers.programs.tell import Count
from benchmarks.peers.programs.usage import cpu_s, peak_mb
from benchmarks.whole import WorkerProcess, free_port, redis_process, worker_process
from benchmarks.workload import TOPIC, Workload, build_reference
from stream.config import load
from stream.reference.file import write_references

__all__ = ["measure_topic"]

ASK_EVERY_S = 0.1
PORTION = 12_000
"""Events that wait for a peer at most. Even if all were of one partition, the embedded broker would keep them."""
SETTLE_S = 2.0
"""Longer than from one of driftbus' commits or evaluations to the next: at a mark nothing is under way."""
STUCK_S = 60.0

_CONFIG = """\
bootstrap: {bootstrap}
topics: {{features: {topic}, predictions: null, labels: null, alerts: {alerts}}}
windows: [20s, 1m]
redis: {{url: {redis}}}
http: {{port: {port}}}
"""


class Target(Protocol):
    """A process that consumes."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    def consumed(self) -> int:
        """Tell how many events it is done with."""
        ...

    def end(self) -> tuple[int, int | None]:
        """Tell how many reports it has made, and how many drifts it has found by the way."""
        ...


@dataclass(frozen=True)
class Worker:
    """driftbus: a real worker, asked through its pages."""

    process: WorkerProcess

    @property
    def pid(self) -> int:
        return self.process.pid

    def consumed(self) -> int:
        return self.process.consumed()

    def end(self) -> tuple[int, int | None]:
        windows = self.process.finish()["windows"]
        assert isinstance(windows, int)
        return windows, None


@dataclass(frozen=True)
class Program:
    """A peer's program; it counts in memory that is shared."""

    process: Process
    count: Count

    @property
    def pid(self) -> int:
        return self.process.pid

    def consumed(self) -> int:
        self.process.check()
        return self.count.events

    def end(self) -> tuple[int, int | None]:
        return self.count.reports, self.count.drifts


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
        if name == OURS:
            target: Target = stack.enter_context(_worker(broker, workload, folder, measured))
        else:
            target = stack.enter_context(_program(name, python, broker, folder, reference))
        _pass(broker, target, workload.warm_up, workload.warm_up)
        time.sleep(SETTLE_S)
        before, used = target.end()[0], cpu_s(target.pid)
        began = time.monotonic()
        _pass(broker, target, events, workload.warm_up + events)
        wall = time.monotonic() - began
        time.sleep(SETTLE_S)
        used = cpu_s(target.pid) - used
        reports, drifts = target.end()
        if isinstance(target, Program):
            measured.versions[name] = target.process.answers()["versions"]
        return Run(name, events, used, None, wall, peak_mb(target.pid), reports - before, drifts)


@contextmanager
def _worker(
    broker: Broker, workload: Workload, folder: Path, measured: Measured
) -> Iterator[Target]:
    """Run `driftbus worker`, with its state in Redis where there is one."""
    config, reference, port = folder / "driftbus.yaml", folder / "reference", free_port()
    with redis_process(folder) as redis:
        measured.store = "redis" if redis else "memory"
        config.write_text(
            _CONFIG.format(
                bootstrap=broker.bootstrap,
                topic=TOPIC,
                alerts=ALERTS,
                port=port,
                redis=redis or "null",
            )
        )
        write_references(reference, build_reference(load(config), workload))
        with worker_process(broker, config, reference, port) as process:
            yield Worker(process)


@contextmanager
def _program(
    name: str, python: Path, broker: Broker, folder: Path, reference: Path
) -> Iterator[Target]:
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


def _pass(broker: Broker, target: Target, n: int, until: int) -> None:
    """Have n events produced, and wait until the target is done with `until` in all.

    A program gets them in portions: of 40,000 that wait, so many can be of one partition that the broker drops some,
    which then never come. driftbus is asked over HTTP, so less often, and would have to wait for portions.
    """
    portion, pause = (
        (PORTION, ASK_EVERY_S / 10) if isinstance(target, Program) else (n, ASK_EVERY_S)
    )
    produced = until - n
    moved, seen = time.monotonic(), -1
    while seen < until:
        wanted = min(until, max(seen, until - n) + portion)
        if wanted - produced >= min(portion // 4, until - produced) > 0:
            broker.produce(wanted - produced)
            produced = wanted
        time.sleep(pause)
        done = broker.consumed.value = target.consumed()
        if done != seen:
            moved, seen = time.monotonic(), done
        elif time.monotonic() - moved > STUCK_S:
            raise PeerError(
                f"after {seen:,} of {until:,} events there were none for {STUCK_S:.0f} s"
            )
    if seen > until:
        raise PeerError(f"{seen:,} events came out of {until:,}")
