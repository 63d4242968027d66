"""The events that are measured: one model, numeric features and one category, in JSON as a producer writes it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import orjson

from stream.config import Config
from stream.files import FileEvent
from stream.reference.reference import Reference
from stream.run.reference_build import build_references
from stream.words import Kind

__all__ = ["MODEL", "TOPIC", "Workload", "build_reference"]

MODEL = "fraud"
TOPIC = "features"
BODIES = 20_000
"""Distinct events; they come again and again, each time with another time."""
START_MS = 1_767_225_600_000
"""2026-01-01, the event time of the first event of a run."""
WARM_STEP_MS = 2
MEASURED_PER_MS = 50
"""Events a millisecond of event time: a model that gets 50,000 events a second."""
REFERENCE_MS = 1_800_000
"""Event time the reference is learned from: long enough to know how much its own windows vary."""
CATEGORIES = ("app", "branch", "partner", "phone", "web")


@dataclass(frozen=True)
class Workload:
    """A deterministic stream: event i is the same bytes in every run.

    Args:
        features: numeric features; one category comes on top.
        missing: share of events that lack the value of the first feature (it is null).
        warm_up: events that go before those measured. They are 2 ms apart, so that panes and windows close and
            everything that is made once is made before the measurement.
    """

    features: int = 10
    missing: float = 0.01
    warm_up: int = 100_000

    def bodies(self, seed: int = 1) -> list[tuple[bytes, bytes]]:
        """Make the distinct events, each as what stands before its time and what stands behind it."""
        rng = np.random.default_rng(seed)
        columns = [_COLUMNS[j % len(_COLUMNS)](rng) for j in range(self.features)]
        absent = rng.random(BODIES) < self.missing
        kinds = rng.choice(CATEGORIES, BODIES, p=[0.35, 0.05, 0.1, 0.15, 0.35])
        rows = zip(*(np.round(column, 4).tolist() for column in columns), strict=True)
        names = [f"f{j:02}" for j in range(self.features)]
        made = []
        for i, row in enumerate(rows):
            values: dict[str, object] = dict(zip(names, row, strict=True))
            if absent[i] and names:
                values[names[0]] = None
            values["channel"] = str(kinds[i])
            head = b'{"model":"%b","version":"1","id":"%016d","ts":' % (MODEL.encode(), i)
            made.append((head, b',"features":%b}' % orjson.dumps(values)))
        return made

    def time_ms(self, i: int) -> int:
        """Tell the event time of event i."""
        if i < self.warm_up:
            return START_MS + i * WARM_STEP_MS
        return START_MS + self.warm_up * WARM_STEP_MS + (i - self.warm_up) // MEASURED_PER_MS

    def values(self, bodies: list[tuple[bytes, bytes]], first: int, n: int) -> list[bytes]:
        """Make the bytes of n events from event `first` on. Cost: about 0.3 us an event."""
        time_ms, size = self.time_ms, len(bodies)
        return [
            b"%b%d%b" % (head, time_ms(i), tail)
            for i in range(first, first + n)
            for head, tail in (bodies[i % size],)
        ]


def build_reference(config: Config, workload: Workload) -> list[Reference]:
    """Learn the reference from the distinct events, spread over half an hour before the run."""
    events = _reference_events(workload)
    return build_references(config, events, None, None, _no_dead_letters, lambda _: None)


def _reference_events(workload: Workload) -> Iterator[FileEvent]:
    bodies = workload.bodies(seed=2)
    for i, (head, tail) in enumerate(bodies):
        ts = START_MS - REFERENCE_MS + i * REFERENCE_MS // len(bodies)
        yield FileEvent(Kind.FEATURES, ts, b"%b%d%b" % (head, ts, tail))


def _no_dead_letters(dead: object) -> None:
    raise AssertionError(f"the workload has events that cannot be read: {dead}")


_COLUMNS = (
    lambda rng: rng.normal(50.0, 15.0, BODIES),
    lambda rng: rng.lognormal(3.0, 1.0, BODIES),
    lambda rng: rng.random(BODIES) * 100.0,
    lambda rng: rng.exponential(20.0, BODIES),
    lambda rng: rng.standard_t(4, BODIES),
)
