"""The demo's children, and what the parent sees of them: where they are, and why one has ended."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson
from confluent_kafka import Consumer, TopicPartition

from sinks.event import DriftEvent, parse
from stream.run.demo.feed import Told

__all__ = ["AlertReader", "Child", "ChildEnded", "Feed", "WorkerChild"]

LOG_LINES = 15
ANSWER_S = 5.0
POLL_S = 0.1
SHUTDOWN_S = 30.0


class ChildEnded(Exception):  # noqa: N818 - says what happened
    """A child has ended that should run; the text has the end of its log."""


class Child:
    """A Python module as a child process that ends with this one, whatever ends it.

    Its log is a file in `folder`, where its temporary files are too. A child is out of the
    terminal's reach, so that Ctrl-C is the parent's alone to answer. One that `talks` says on its
    standard output what the parent reads.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], folder: Path, *, talks: bool = False
    ) -> None:
        self._name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 - the command is ours
                [sys.executable, "-m", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if talks else log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"TMPDIR": str(folder)},
            )

    def check(self) -> None:
        """Raise ChildEnded when it no longer runs."""
        code = self.process.poll()
        if code is not None:
            raise self.ended(code)

    def ended(self, code: int) -> ChildEnded:
        """Make the error that tells of its end."""
        lines = self._log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
        told = "\n".join(f"  {line}" for line in lines) or "  (its log is empty)"
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return ChildEnded(f"the {self._name} ended {how}; the end of its log:\n{told}")

    def kill(self) -> None:
        """End it now, if it still runs."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Feed(Child):
    """The broker and the producer (see `demo_feed`)."""

    def __init__(self, end_ms: int, days_per_second: float, folder: Path) -> None:
        arguments = ["stream.run.demo.feed", str(end_ms), repr(days_per_second), str(folder)]
        super().__init__("producer", arguments, folder, talks=True)
        self.told = Told("")
        self._first = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def bootstrap(self) -> str:
        """Wait for the broker's address."""
        while not self._first.wait(0.2):
            self.check()
        return self.told.bootstrap

    def tell(self, consumed: int) -> None:
        """Say how far the worker is."""
        assert self.process.stdin is not None  # noqa: S101 - it was asked for
        try:
            self.process.stdin.write(b"%d\n" % consumed)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.ended(self.process.wait()) from None

    def kill(self) -> None:
        """End it, and the thread that reads what it says."""
        self.process.kill()
        self._reader.join()
        super().kill()

    def _read(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        for line in self.process.stdout:
            self.told = msgspec.json.decode(line, type=Told)
            self._first.set()


class WorkerChild(Child):
    """`driftbus worker`, looked at through its port."""

    def __init__(self, config: Path, reference: Path, port: int, folder: Path) -> None:
        verb = ["worker", "-c", str(config), "--reference", str(reference)]
        super().__init__("worker", ["stream.tethered", *verb], folder)
        self._port = port

    def status(self) -> dict[str, Any] | None:
        """Give what it says at /status; None while it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S)
        try:
            connection.request("GET", "/status")
            answer: dict[str, Any] = orjson.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, orjson.JSONDecodeError):
            return None
        finally:
            connection.close()
        return answer

    def stop(self) -> None:
        """Ask it to end, and wait; raise ChildEnded when it does not end well."""
        self.check()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(SHUTDOWN_S)
        except subprocess.TimeoutExpired:
            raise ChildEnded(f"the worker did not end within {SHUTDOWN_S:g} s") from None
        if code != 0:
            raise self.ended(code)


class AlertReader:
    """An independent consumer of the alerts topic: reads drift events back as anybody would."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": "driftbus-demo", "log_level": 0,
            "enable.auto.commit": False, "error_cb": lambda _error: None,
        })  # fmt: skip
        partitions = self._consumer.list_topics(topic, ANSWER_S).topics[topic].partitions
        self._topic = topic
        self._next = dict.fromkeys(partitions, 0)
        self._consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
        self._ids: set[str] = set()

    def read(self, seconds: float) -> list[DriftEvent]:
        """Give new alerts, waiting at most some seconds; one that comes twice counts once."""
        fresh = []
        for message in self._consumer.consume(500, seconds):
            if message.error() is not None:
                continue
            self._next[message.partition() or 0] = (message.offset() or 0) + 1
            event = parse(message.value() or b"")
            if event.id not in self._ids:
                self._ids.add(event.id)
                fresh.append(event)
        return fresh

    def rest(self) -> list[DriftEvent]:
        """Give all that is left on the topic now."""
        ends = {p: self._end(p) for p in self._next}
        events: list[DriftEvent] = []
        while any(self._next[p] < end for p, end in ends.items()):
            events += self.read(POLL_S)
        return events

    def _end(self, partition: int) -> int:
        place = TopicPartition(self._topic, partition)
        offsets = self._consumer.get_watermark_offsets(place, ANSWER_S)
        return offsets[1] if offsets else 0

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()
