"""A stream on its way through a fleet while things go wrong, and whether it ends as if nothing had."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from stream.files.source import FileEvent
from stream.run.copies.command import export_of
from stream.run.copies.diff import Difference
from stream.state.redis import RedisStore
from tests.integration.fleet import PARTITIONS, Fleet, fleet
from tests.integration.oracle import SETTINGS, Oracle, differing, same

PORTIONS, PORTION_S = 10, 0.3
TOOK_OVER = " at offset "
"""What a worker says of each partition that it takes over, and of nothing else."""
PATIENCE_S = 90.0
"""How long anything may take; generous, as the machine may have others to serve."""
SESSION = "heartbeat.interval.ms: 500, session.timeout.ms: 3000"


class Story:
    """A fleet on topics of its own; `written` counts the events that Kafka has or is about to get."""

    def __init__(self, workers: Fleet, events: list[FileEvent]) -> None:
        self.workers = workers
        self.events = events
        self.written = 0

    def goes_on(self, *acts: Callable[[], None]) -> None:
        """Write the stream in as many parts as there are acts; each happens while its part is written.

        A part takes `PORTIONS * PORTION_S` at least; what is left of it when its act is over is written at once.
        """
        rows = 3 * PARTITIONS
        edges = [len(self.events) * i // len(acts) // rows * rows for i in range(len(acts))]
        for act, start, end in zip(acts, edges, [*edges[1:], len(self.events)], strict=True):
            over = threading.Event()
            writing = threading.Thread(target=self._write, args=(self.events[start:end], over))
            writing.start()
            try:
                act()
            finally:
                over.set()
                writing.join()

    def _write(self, events: list[FileEvent], over: threading.Event) -> None:
        portion = len(events) // PORTIONS // (3 * PARTITIONS) * 3 * PARTITIONS
        for start in range(0, len(events), portion):
            over.wait(PORTION_S)
            part = events[start : start + portion]
            self.written += len(part)
            self.workers.produce(part)

    def flows(self) -> None:
        """Wait until more is folded than now."""
        before = self.workers.consumed()
        self._wait("it flows", lambda: self.workers.consumed() > before)

    def recovers(self, what: str) -> None:
        """Wait until all that is written by now is folded and committed, and print how long that took."""
        began, wanted = time.monotonic(), self.written
        self._wait(f"after {what}: {wanted} events", lambda: self.workers.consumed() >= wanted)
        print(f"recovered from {what} within {time.monotonic() - began:.1f} s")

    def says(self, number: int, text: str, times: int = 1) -> None:
        """Wait until the log of the worker that was started as that number tells something so many times."""
        self._wait(
            f"{text!r} of worker {number}",
            lambda: self.workers.log(number).count(text) >= times,
        )

    def owns(self, number: int) -> None:
        """Wait until a worker has taken over partitions."""
        self.says(number, TOOK_OVER)

    def ends_like(self, oracle: Oracle, *, repeats: bool = False) -> None:
        """Wait for the state of a replay, end all workers, and compare the alerts: none missing, other, or twice.

        `repeats`: some may be there twice, by the same id; how many is printed.
        """
        self._wait("all events", lambda: self.workers.consumed() == len(self.events))
        self._wait_for_state(oracle)
        assert all(code == 0 for code in self.workers.end()), self.workers.logs()
        assert not (found := self._differing(oracle)), found[:10]
        told = self.workers.alerts(len(oracle.alerts), PATIENCE_S)
        assert {e["id"]: same(e["data"]) for e in told} == oracle.alerts, self.workers.logs()
        twice = len(told) - len(oracle.alerts)
        print(f"{twice} of {len(told)} alerts were told twice")
        assert repeats or not twice, "an alert was told twice"

    def _wait_for_state(self, oracle: Oracle) -> None:
        """Wait until the evaluation has come to where the replay ends."""
        end = time.monotonic() + PATIENCE_S
        while found := self._differing(oracle):
            assert time.monotonic() < end, f"{found[:10]}\n{self.workers.logs()}"

    def _differing(self, oracle: Oracle) -> list[Difference]:
        store = RedisStore(self.workers.config.redis.url or "")
        try:
            return differing(export_of(self.workers.config, store), oracle.state)
        finally:
            store.close()

    def _wait(self, what: str, done: Callable[[], bool]) -> None:
        self.workers.wait(what, done, PATIENCE_S)


@contextmanager
def story(
    folder: Path,
    events: list[FileEvent],
    kafka: str,
    redis: str,
    *,
    workers: int = 1,
    group: str = SESSION,
) -> Iterator[Story]:
    """Run a fleet of so many workers, each of which owns something already; `group` are settings of Kafka."""
    name = folder.name
    text = f"""{SETTINGS}
bootstrap: {kafka}
redis: {{url: "{redis}"}}
app: {name}
kafka: {{{group}}}
topics: {{features: f.{name}, predictions: p.{name}, labels: l.{name}, alerts: a.{name}}}
"""
    with fleet(folder, text, None) as made:
        made.make_topics()
        told = Story(made, events)
        for _ in range(workers):
            made.start()
        for number in range(workers):
            told.owns(number)
        yield told


@contextmanager
def writes_refused(url: str) -> Iterator[None]:
    """Have Redis refuse all writes for want of memory."""
    with Redis.from_url(url) as redis:
        redis.config_set("maxmemory", "1mb")
        try:
            yield
        finally:
            redis.config_set("maxmemory", 0)
