"""One measurement of one mode: warm up, mark, let the events pass, mark again."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from benchmarks.broker import ALERTS, Broker, broker_process
from benchmarks.client import client_process
from benchmarks.meter import cpu_s, rss_mb
from benchmarks.whole import free_port, redis_process, worker_process
from benchmarks.workload import TOPIC, Workload, build_reference
from stream.config import load
from stream.reference.file import write_references

__all__ = ["MODES", "Measured", "measure"]

MODES = ("consume", "decode", "whole")
ASK_EVERY_S = 0.1
SETTLE_S = 2.0
"""Longer than the time between two commits, and between two evaluations: at a mark nothing is under way."""
STUCK_S = 60.0
EARLY = 0.2
"""The part of the run after which memory should not grow any more."""

_CONFIG = """\
bootstrap: {bootstrap}
topics: {{features: {topic}, predictions: null, labels: null, alerts: {alerts}}}
windows: [20s, 1m]
redis: {{url: {redis}}}
http: {{port: {port}}}
"""


@dataclass(frozen=True)
class Measured:
    """What `events` cost one process. Memory in MB: the most, after a fifth of the events, and at the end."""

    mode: str
    events: int
    wall_s: float
    cpu_s: float
    rss_mb: float
    rss_mb_early: float
    rss_mb_end: float
    store: str | None
    told: dict[str, object]

    @property
    def cpu_us_per_event(self) -> float:
        """Processor time of all threads, user and system, in microseconds."""
        return self.cpu_s / self.events * 1e6

    @property
    def events_per_second(self) -> float:
        """As measured on this machine, with the broker and the producer beside the process."""
        return self.events / self.wall_s


class Target(Protocol):
    """A process that consumes."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    def consumed(self) -> int:
        """Tell how many events it is done with, to the producer, too."""
        ...

    def finish(self) -> dict[str, object]:
        """Tell what became of the events."""
        ...


def measure(
    mode: str, events: int, workload: Workload, moved: Callable[[int, int], None]
) -> Measured:
    """Measure a mode over a number of events, with a new broker and new processes.

    Both marks are set while nothing is under way, so that exactly the events between them are in the figures, with
    their commits and evaluations. `moved` is told (events done, all events) several times a second.
    """
    with TemporaryDirectory(prefix="driftbus-benchmark-") as folder, ExitStack() as stack:
        broker = stack.enter_context(broker_process(workload))
        target, store = stack.enter_context(_target(mode, broker, workload, Path(folder)))
        _pass(broker, target, workload.warm_up, workload.warm_up, lambda _: None)
        time.sleep(SETTLE_S)
        memory = [rss_mb(target.pid)]
        early = memory[0]
        moved(0, events)
        began, used = time.monotonic(), cpu_s(target.pid)

        def note(done: int) -> None:
            nonlocal early
            memory.append(rss_mb(target.pid))
            if done <= EARLY * events:
                early = memory[-1]
            moved(done, events)

        _pass(broker, target, events, workload.warm_up + events, note)
        wall = time.monotonic() - began
        time.sleep(SETTLE_S)
        used = cpu_s(target.pid) - used
        end = rss_mb(target.pid)
        told = target.finish()
        return Measured(mode, events, wall, used, max(*memory, end), early, end, store, told)


@contextmanager
def _target(
    mode: str, broker: Broker, workload: Workload, folder: Path
) -> Iterator[tuple[Target, str | None]]:
    """Start the process that is measured; give it and the name of its store."""
    config, reference = folder / "driftbus.yaml", folder / "reference"
    with ExitStack() as stack:
        redis = stack.enter_context(redis_process(folder)) if mode == "whole" else None
        port = free_port()
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
        if mode == "whole":
            store = "redis" if redis else "memory"
            yield stack.enter_context(worker_process(broker, config, reference, port)), store
        else:
            decode = mode == "decode"
            yield (
                stack.enter_context(client_process(broker, config, reference, decode=decode)),
                None,
            )


def _pass(broker: Broker, target: Target, n: int, until: int, note: Callable[[int], None]) -> None:
    """Have n events produced, and wait until the target is done with `until` in all."""
    broker.produce(n)
    moved, seen = time.monotonic(), target.consumed()
    while seen < until:
        time.sleep(ASK_EVERY_S)
        done = target.consumed()
        if done != seen:
            moved, seen = time.monotonic(), done
        elif time.monotonic() - moved > STUCK_S:
            raise TimeoutError(
                f"{seen:,} of {until:,} events were consumed, then none for {STUCK_S:.0f} s"
            )
        note(n - (until - seen))
    assert seen == until, f"{seen:,} events came out of {until:,}"
