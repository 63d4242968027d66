"""The broker and the producer, together in a process of their own, so that their cost is nobody else's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_longlong
from multiprocessing import get_context
from multiprocessing.connection import Connection

from benchmarks.workload import TOPIC, Workload
from stream.bus.embedded import EmbeddedBroker

__all__ = ["ALERTS", "PARTITIONS", "Broker", "broker_process"]

ALERTS = "drift-alerts"
PARTITIONS = 4
CHUNK = 1_000
"""Events in a row on one partition."""
AHEAD_MAX = 40_000
"""Events the producer may be ahead: four partitions of the embedded broker keep about twice as many."""
STUCK_S = 60.0


class Broker:
    """The process as its parent sees it. `bootstrap` is its address; write what is consumed to `consumed`."""

    def __init__(self, bootstrap: str, consumed: c_longlong, pipe: Connection) -> None:
        self.bootstrap = bootstrap
        self.consumed = consumed
        self._pipe = pipe

    def produce(self, n: int) -> None:
        """Have n more events produced; returns at once."""
        self._pipe.send(n)


@contextmanager
def broker_process(workload: Workload) -> Iterator[Broker]:
    """Run the broker and its producer until the block ends."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    consumed = context.RawValue(c_longlong)
    process = context.Process(target=_serve, args=(workload, theirs, consumed), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Broker(ours.recv(), consumed, ours)
    finally:
        process.kill()
        process.join()


def _serve(workload: Workload, pipe: Connection, consumed: c_longlong) -> None:
    broker = EmbeddedBroker()
    broker.create(TOPIC, ALERTS)
    bodies = workload.bodies()
    pipe.send(broker.bootstrap)
    first = 0
    while True:
        last = first + pipe.recv()
        while first < last:
            n = min(CHUNK, last - first)
            _await_room(broker, first + n, consumed)
            values = [{"value": value} for value in workload.values(bodies, first, n)]
            broker.producer.produce_batch(TOPIC, values, first // CHUNK % PARTITIONS)
            first += n
        broker.producer.flush()


def _await_room(broker: EmbeddedBroker, produced: int, consumed: c_longlong) -> None:
    """Wait while the producer would be too far ahead; what the broker drops would never be consumed."""
    moved, seen = time.monotonic(), consumed.value
    while produced - consumed.value > AHEAD_MAX:
        broker.producer.poll(0.002)
        if consumed.value != seen:
            moved, seen = time.monotonic(), consumed.value
        elif time.monotonic() - moved > STUCK_S:
            raise TimeoutError(f"nothing was consumed for {STUCK_S:.0f} s")
