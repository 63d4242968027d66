"""A fleet of real workers, each its own process, on real servers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from stream.config import Config, load
from stream.files.source import FileEvent
from stream.ingest.partition import read_marks
from stream.ingest.raw import Source
from stream.state.redis import RedisStore
from stream.words import INPUTS, Kind
from tests.servers import free_ports

PARTITIONS = 4
SESSION_S = 10


class Fleet:
    """Workers that share one configuration; `consumed` and `alerts` look at the outside only."""

    def __init__(self, folder: Path, text: str, references: Path | None) -> None:
        self.folder = folder
        self.text = text
        self.references = references
        self.workers: list[subprocess.Popen[bytes]] = []
        self.ports: list[int] = []
        self.config = self._config(0)
        self._producer = Producer({
            "bootstrap.servers": self.config.bootstrap, "linger.ms": 20,
            "enable.idempotence": True,  # a broker that goes must not make it repeat or reorder
            "log_level": 0,
        })  # fmt: skip

    def _config(self, port: int) -> Config:
        path = self.folder / f"worker-{port}.yaml"
        path.write_text(f"{self.text}\nhttp: {{port: {port}}}\n")
        return load(path)

    def start(self) -> subprocess.Popen[bytes]:
        """Start a worker; its log is beside its configuration."""
        (port,) = free_ports(1)
        self._config(port)
        command = [
            sys.executable,
            "-m",
            "stream",
            "worker",
            "-c",
            str(self.folder / f"worker-{port}.yaml"),
        ]
        if self.references is not None:
            command += ["--reference", str(self.references)]
        with (self.folder / f"worker-{port}.log").open("wb") as log:
            worker = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | {"PYTHONUNBUFFERED": "1"}
            )
        self.workers.append(worker)
        self.ports.append(port)
        return worker

    def each_log(self) -> list[str]:
        """Give the whole log of each worker."""
        return [path.read_text() for path in sorted(self.folder.glob("*.log"))]

    def log(self, number: int) -> str:
        """Give the log of the worker that was started as that number, counted from 0."""
        return (self.folder / f"worker-{self.ports[number]}.log").read_text()

    def kill(self, number: int) -> None:
        """End a worker without a word."""
        self.workers[number].kill()
        self.workers[number].wait()

    def logs(self) -> str:
        """Give the ends of all logs, for a failing test to show."""
        return "\n".join(
            f"== {path.name}\n{path.read_text()[-3000:]}"
            for path in sorted(self.folder.glob("*.log"))
        )

    def produce(self, events: Sequence[FileEvent]) -> None:
        """Write events to the input topics, spread over partitions by number, and wait until Kafka has them."""
        for i, event in enumerate(events):
            topic = getattr(self.config.topics, event.kind)
            self._producer.produce(topic, event.value, partition=i // 3 % PARTITIONS)
            if i % 10_000 == 0:
                self._producer.poll(0)
            while len(self._producer) > 90_000:
                self._producer.poll(0.05)
        assert self._producer.flush(120) == 0

    def make_topics(self) -> None:
        """Create the topics by asking for them."""
        names = [getattr(self.config.topics, kind) for kind in INPUTS] + [self.config.topics.alerts]
        for name in names:
            self.wait(f"the topic {name}", partial(self._is_made, name), 90)

    def _is_made(self, topic: str) -> bool:
        return (
            len(self._producer.list_topics(topic, timeout=60).topics[topic].partitions)
            == PARTITIONS
        )

    def consumed(self) -> int:
        """Tell how many events are folded and committed."""
        store = RedisStore(self.config.redis.url or "")
        topics = [(kind, getattr(self.config.topics, kind)) for kind in INPUTS]
        sources = [
            Source(Kind(kind), topic, p) for kind, topic in topics for p in range(PARTITIONS)
        ]
        marks = read_marks(store, self.config.app, sources)
        store.close()
        return sum(m.counters.seen for m in marks.values() if m)

    def published(self) -> int:
        """Tell how many alerts are on their topic, repeats included."""
        topic = self.config.topics.alerts
        consumer = Consumer({"bootstrap.servers": self.config.bootstrap, "group.id": "counter"})
        try:
            places = [TopicPartition(topic, p) for p in range(PARTITIONS)]
            return sum(consumer.get_watermark_offsets(place, timeout=60)[1] for place in places)
        finally:
            consumer.close()

    def alerts(self, wanted: int, seconds: float) -> list[dict[str, Any]]:
        """Read the alerts topic from its beginning until it holds `wanted` ids and then is quiet, or time is up."""
        consumer = Consumer({
            "bootstrap.servers": self.config.bootstrap, "group.id": f"reader-{time.monotonic_ns()}",
            "auto.offset.reset": "earliest",
        })  # fmt: skip
        consumer.subscribe([self.config.topics.alerts])
        events: list[dict[str, Any]] = []
        end, quiet = time.monotonic() + seconds, 0.0
        try:
            while time.monotonic() < end and quiet < 3.0:
                messages = [m for m in consumer.consume(500, 0.5) if not m.error()]
                events += [json.loads(m.value() or b"") for m in messages]
                full = len({event["id"] for event in events}) >= wanted
                quiet = quiet + 0.5 if full and not messages else 0.0
        finally:
            consumer.close()
        return events

    def wait(self, what: str, done: Callable[[], bool], seconds: float) -> None:
        """Wait for something to come true."""
        end = time.monotonic() + seconds
        while not done():
            dead = [w for w in self.workers if w.poll() not in (None, -signal.SIGKILL, 0)]
            assert not dead, f"a worker ended with {[w.returncode for w in dead]}\n{self.logs()}"
            assert time.monotonic() < end, f"{what}: not within {seconds} s\n{self.logs()}"
            time.sleep(0.2)

    def end(self) -> list[int]:
        """Ask all workers to end and give their exit codes; kill what takes half as long again as they have."""
        running = [worker for worker in self.workers if worker.poll() is None]
        for worker in running:
            worker.send_signal(signal.SIGTERM)
        try:
            return [worker.wait(30) for worker in running]
        finally:
            for worker in running:
                if worker.poll() is None:
                    worker.kill()


@contextmanager
def fleet(folder: Path, text: str, references: Path | None) -> Iterator[Fleet]:
    """Make a fleet and end its workers, whatever happens."""
    made = Fleet(folder, text, references)
    try:
        yield made
    finally:
        made.end()
