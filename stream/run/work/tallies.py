"""What a worker counts for its metrics: plain numbers, written by the rooms and read at scrape time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields

import msgspec
from prometheus_client import Histogram

from stream.ingest.fold import Counters
from stream.ingest.partition import Marks
from stream.ingest.raw import Source
from stream.run.work.refusals import Refusals, of_partition

__all__ = ["Tallies"]

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COUNTERS = tuple(counter.name for counter in fields(Counters))


class _Data(msgspec.Struct):
    severity: str
    kind: str


class _Alert(msgspec.Struct):
    data: _Data


class Tallies:
    """Counts of a worker since it started; they only grow. `marks` are the newest of all partitions of all workers."""

    def __init__(self) -> None:
        self.alerts: Counter[tuple[str, str]] = Counter()
        self.events: dict[str, Counter[str]] = {}
        self.refusals = Refusals()
        self.windows = 0
        self.reloads = 0
        self.marks: dict[Source, Marks | None] = {}
        self.commit_seconds = {
            half: Histogram(f"{half}_commit_seconds", "", buckets=BUCKETS, registry=None)
            for half in ("ingest", "evaluate")
        }
        self.detect_seconds = Histogram(
            "detect_latency_seconds", "", buckets=BUCKETS, registry=None
        )

    def folded(self, topic: str, before: Counters, after: Counters) -> None:
        """Count what a fold has added to a partition's own counters, which go with the partition when it moves."""
        counted = self.events.setdefault(topic, Counter())
        for name in COUNTERS:
            counted[name] += getattr(after, name) - getattr(before, name)
        self.refusals.note(topic, of_partition(before), of_partition(after))

    def note(self, marks: Mapping[Source, Marks | None]) -> None:
        """Keep the newest marks."""
        self.marks = dict(marks)

    def delivered(self, events: Iterable[bytes]) -> None:
        """Count alerts that every sink has taken."""
        for event in events:
            data = msgspec.json.decode(event, type=_Alert).data
            self.alerts[data.severity, data.kind] += 1
