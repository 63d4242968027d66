"""The producer, and the embedded broker if there is no other, in a process that costs the others nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_longlong
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

from confluent_kafka import Producer

from benchmarks.workload import TOPIC, Workload
from stream.bus.embedded import EmbeddedBroker

__all__ = ["ALERTS", "PARTITIONS", "Broker", "Produced", "broker_process"]

ALERTS = "drift-alerts"
PARTITIONS = 4
"""Of every topic of the embedded broker, which knows no other number."""
CHUNK = 1_000
"""Events in a row on one partition."""
PACED_CHUNK = 250
"""The same while events have a pace, so that no partition waits long."""
AHEAD_MAX = 40_000
AHEAD_BYTES = 10_000_000
"""Events and bytes the producer may be ahead: four partitions of the embedded broker keep about twice as many."""
AHEAD_OF_KAFKA = 200_000
STUCK_S = 300.0


class Produced(NamedTuple):
    """n events in a row, counted from those asked for last, handed to the client at a time in seconds since 1970."""

    first: int
    n: int
    at_s: float


@dataclass(frozen=True)
class _Task:
    """What the process is to do: produce to these topics, where nobody else does."""

    workload: Workload
    bootstrap: str | None
    topic: str
    alerts: str
    partitions: int


class Broker:
    """The process as its parent sees it. `bootstrap` is its address; write what is consumed to `consumed`."""

    def __init__(self, bootstrap: str, consumed: c_longlong, pipe: Connection) -> None:
        self.bootstrap = bootstrap
        self.consumed = consumed
        self._pipe = pipe

    def produce(self, n: int, rate: int = 0) -> None:
        """Have n more events produced, at a rate a second if there is one; returns at once."""
        self._pipe.send((n, rate))

    def produced(self) -> list[Produced]:
        """Wait until what was asked for with a rate is produced, and tell when each part was."""
        told: list[Produced] = self._pipe.recv()
        return told


@contextmanager
def broker_process(
    workload: Workload,
    bootstrap: str | None = None,
    topic: str = TOPIC,
    alerts: str = ALERTS,
    partitions: int = PARTITIONS,
) -> Iterator[Broker]:
    """Run the producer until the block ends, and the embedded broker with it, unless `bootstrap` names another."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    consumed = context.RawValue(c_longlong)
    task = _Task(workload, bootstrap, topic, alerts, partitions)
    process = context.Process(target=_serve, args=(task, theirs, consumed), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Broker(ours.recv(), consumed, ours)
    finally:
        process.kill()
        process.join()


def _serve(task: _Task, pipe: Connection, consumed: c_longlong) -> None:
    bodies = task.workload.bodies()
    sample = task.workload.values(bodies, 0, 100)
    ahead = min(AHEAD_MAX, AHEAD_BYTES * len(sample) // sum(map(len, sample)))
    if task.bootstrap is None:
        broker = EmbeddedBroker()
        broker.create(task.topic, task.alerts)
        producer, bootstrap = broker.producer, broker.bootstrap
    else:
        producer, bootstrap, ahead = _producer(task.bootstrap), task.bootstrap, AHEAD_OF_KAFKA
    pipe.send(bootstrap)
    first = 0
    while True:
        n, rate = pipe.recv()
        last, begin, began, chunk = first + n, first, time.time(), PACED_CHUNK if rate else CHUNK
        log: list[Produced] = []
        while first < last:
            n = min(chunk, last - first)
            if rate:
                _await_time(producer, began + (first + n - begin) / rate)
            _await_room(producer, first + n - ahead, consumed)
            values = [{"value": value} for value in task.workload.values(bodies, first, n)]
            producer.produce_batch(task.topic, values, first // chunk % task.partitions)
            log.append(Produced(first - begin, n, time.time()))
            first += n
        producer.flush()
        if rate:
            pipe.send(log)


def _producer(bootstrap: str) -> Producer:
    return Producer({
        "bootstrap.servers": bootstrap,
        "linger.ms": 5,
        "batch.num.messages": 10_000,
        "queue.buffering.max.messages": 1_000_000,
        "log_level": 3,
    })  # fmt: skip


def _await_time(producer: Producer, at_s: float) -> None:
    """Wait for a time, as the last event of a chunk comes no sooner."""
    producer.poll(0)
    time.sleep(max(0.0, at_s - time.time()))


def _await_room(producer: Producer, least: int, consumed: c_longlong) -> None:
    """Wait until so many are consumed; what the embedded broker drops would never be."""
    moved, seen = time.monotonic(), consumed.value
    while consumed.value < least:
        producer.poll(0.002)
        if consumed.value != seen:
            moved, seen = time.monotonic(), consumed.value
        elif time.monotonic() - moved > STUCK_S:
            raise TimeoutError(f"nothing was consumed for {STUCK_S:.0f} s")
