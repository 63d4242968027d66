"""The events that are measured: numeric features and a category, of one model or many, as producers write JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import orjson

from stream.files import FileEvent
from stream.words import Kind, Series

__all__ = ["MODEL", "TOPIC", "Workload"]

MODEL = "fraud"
TOPIC = "features"
BODIES = 20_000
"""Distinct events; they come again and again, each time with another time."""
START_MS = 1_767_225_600_000
"""2026-01-01, the event time of the first event of a run."""
WARM_STEP_MS = 2
RATE = 50_000
DRIFT = 30.0
"""Two standard deviations of the first feature."""
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
        models: models that share the topic, each with as many events.
        series: segments of each model; 1: events have none. An event of a segment counts in the model's whole, too.
        rate: events a second of event time.
        drift_ms: every other stretch of this length has its first feature shifted by DRIFT; 0: none has.
    """

    features: int = 10
    missing: float = 0.01
    warm_up: int = 100_000
    models: int = 1
    series: int = 1
    rate: int = RATE
    drift_ms: int = 0

    @cached_property
    def owners(self) -> list[Series]:
        """Give whose the events are: the models, or their segments where they have any."""
        names = [MODEL] if self.models == 1 else [f"{MODEL}-{m:03}" for m in range(self.models)]
        if self.series == 1:
            return [Series(name, "1") for name in names]
        return [
            Series(name, "1", (("shop", f"s{s:05}"),)) for name in names for s in range(self.series)
        ]

    @cached_property
    def _turns(self) -> list[bytes]:
        """Make the beginning of events: whose they are, in a fixed disorder in which all come as often.

        It is as long as no round of partitions is, so that each owner comes to each of these.
        """
        whose = [_beginning(owner) for owner in self.owners]
        turns = max(BODIES, 2 * len(whose)) + 11 if len(whose) > 1 else 1
        order = np.random.default_rng(3).permutation(turns) % len(whose)
        return [whose[i] for i in order.tolist()]

    def bodies(self, seed: int = 1) -> list[tuple[bytes, bytes]]:
        """Make the distinct events but for whose they are: what stands before their time, and behind it.

        Where there is drift, all of them once more, with it.
        """
        made = self._bodies(seed, 0.0)
        return made + self._bodies(seed, DRIFT) if self.drift_ms else made

    def _bodies(self, seed: int, shift: float) -> list[tuple[bytes, bytes]]:
        rng = np.random.default_rng(seed)
        columns = [_COLUMNS[j % len(_COLUMNS)](rng) for j in range(self.features)]
        columns[0] = columns[0] + shift
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
            made.append((b'"id":"%016d","ts":' % i, b',"features":%b}' % orjson.dumps(values)))
        return made

    def time_ms(self, i: int) -> int:
        """Tell the event time of event i."""
        if i < self.warm_up:
            return START_MS + i * WARM_STEP_MS
        return START_MS + self.warm_up * WARM_STEP_MS + (i - self.warm_up) * 1000 // self.rate

    def values(self, bodies: list[tuple[bytes, bytes]], first: int, n: int) -> list[bytes]:
        """Make the bytes of n events from event `first` on. Cost: about 0.4 us an event."""
        time_ms, turns = self.time_ms, self._turns
        places = range(first, first + n)
        if self.drift_ms:
            of_places = [i % BODIES + BODIES * self._drifts(i) for i in places]
        else:
            of_places = [i % BODIES for i in places]
        return [
            b"%b%b%d%b" % (turns[i % len(turns)], head, time_ms(i), tail)
            for i, body in zip(places, of_places, strict=True)
            for head, tail in (bodies[body],)
        ]

    def reference_events(self) -> Iterator[FileEvent]:
        """Make what a reference is learned from: other distinct events, spread over half an hour before the run."""
        bodies, (beginning, *_) = self.bodies(seed=2), self._turns
        for i, (head, tail) in enumerate(bodies):
            ts = START_MS - REFERENCE_MS + i * REFERENCE_MS // len(bodies)
            yield FileEvent(Kind.FEATURES, ts, b"%b%b%d%b" % (beginning, head, ts, tail))

    def _drifts(self, i: int) -> bool:
        """Tell whether event i has the drift: then its body is in the second half."""
        return self.time_ms(i) // self.drift_ms % 2 == 1


def _beginning(owner: Series) -> bytes:
    told: dict[str, object] = {"model": owner.model, "version": owner.version}
    if owner.segment:
        told["segment"] = dict(owner.segment)
    return orjson.dumps(told)[:-1] + b","


_COLUMNS = (
    lambda rng: rng.normal(50.0, 15.0, BODIES),
    lambda rng: rng.lognormal(3.0, 1.0, BODIES),
    lambda rng: rng.random(BODIES) * 100.0,
    lambda rng: rng.exponential(20.0, BODIES),
    lambda rng: rng.standard_t(4, BODIES),
)
