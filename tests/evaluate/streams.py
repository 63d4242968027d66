"""A model's stream and its evaluation, with whatever portions, partitions and restarts a test asks for."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import orjson
from msgspec.structs import replace

from sinks.event import order, parse
from stream.config import Config, Window
from stream.evaluate.evaluator import Evaluator
from stream.ingest.fold import NEVER
from stream.ingest.ingest import Ingest
from stream.ingest.partition import read_marks
from stream.ingest.raw import RawBatch, Source
from stream.reference.fleet import Fleet
from stream.reference.plans import Plans
from stream.reference.reference import Reference
from stream.run.fleet.rules import fold_rules, model_rules, plan_rules
from stream.state.memory import MemoryStore
from stream.state.store import Answer
from stream.words import INPUTS, Kind
from tests.events import APP, HOUR, T0, configuration

Event = tuple[Kind, bytes]
WINDOW = 4 * HOUR
LEARNED, DRIFT, END = 44, 60, 70
"""Windows: a reference has a little more than a week of them, then most streams are in control, then they drift."""
CONFIG = replace(
    configuration(learn_events=LEARNED * 40),
    windows=(Window(WINDOW, WINDOW), Window(4 * WINDOW, 2 * WINDOW)),
    pane_ms=HOUR,
)
"""Windows of four hours, and of sixteen every eight, learned from a week."""


def stream(
    windows: int,
    drift_from: int,
    seed: int = 1,
    per_window: int = 40,
    segments: bool = False,
    second_version_from: int | None = None,
) -> list[Event]:
    """Make events in order of time; from window `drift_from` on everything drifts.

    `amount` moves up, `channel` changes its mix and gains a new value, `age` goes missing, and the model's error
    grows; `calm` stays.
    """
    rng = np.random.default_rng(seed)
    timed: list[tuple[int, Kind, bytes]] = []
    for i in range(windows * per_window):
        ts = T0 + i * WINDOW // per_window
        drifts = i >= drift_from * per_window
        second = second_version_from is not None and i >= second_version_from * per_window
        version, identity = "2" if second else "1", f"e{i}"
        envelope: dict[str, object] = {"model": "m", "version": version, "id": identity}
        segment = {"segment": {"c": "DE" if i % 3 else "FR"}} if segments else {}
        features = {
            "amount": float(rng.normal(3.0 if drifts else 0.0)),
            "calm": float(rng.normal()),
            "channel": str(
                rng.choice(["web", "app", "new"], p=[0.2, 0.4, 0.4] if drifts else [0.6, 0.4, 0.0])
            ),
            "age": None if drifts and rng.random() < 0.7 else int(rng.integers(18, 80)),
        }
        truth = float(rng.normal())
        told = truth + float(rng.normal(scale=4.0 if drifts else 0.5))
        timed.append(
            (ts, Kind.FEATURES, orjson.dumps(envelope | segment | {"ts": ts, "features": features}))
        )
        timed.append(
            (
                ts,
                Kind.PREDICTIONS,
                orjson.dumps(envelope | segment | {"ts": ts, "prediction": told}),
            )
        )
        known = ts + 7 * 60_000
        timed.append((known, Kind.LABELS, orjson.dumps(envelope | {"ts": known, "label": truth})))
    timed.sort(key=lambda event: event[0])
    return [(kind, value) for _, kind, value in timed]


class Pipeline:
    """Ingest and evaluation of one model over one store, stepped by hand."""

    def __init__(
        self, config: Config, references: Iterable[Reference] = (), partitions: int = 1
    ) -> None:
        self.config = config
        self.store = MemoryStore()
        self.fleet = Fleet(self.store, APP)
        for reference in references:
            self.fleet.publish(reference)
        self.sources = [Source(kind, kind.value, p) for kind in INPUTS for p in range(partitions)]
        self.ingest = Ingest(self.store, APP, fold_rules(config), self.fleet)
        self.next = {source: self.ingest.take_over(source) for source in self.sources}
        self.partitions = partitions
        self.alerts: list[bytes] = []
        self.evaluator = self.load()

    def fold(self, events: Sequence[Event]) -> None:
        """Fold and commit events, dealt out to the partitions in turn."""
        for source in self.sources:
            dealt = [value for kind, value in events if kind is source.kind]
            values = [v for i, v in enumerate(dealt) if i % self.partitions == source.partition]
            if values:
                first = self.next[source]
                self.next[source] += len(values)
                offsets = np.arange(first, first + len(values), dtype=np.int64)
                assert self.ingest.fold(RawBatch(source, values, offsets, None)) == []
            assert self.ingest.commit(source) is Answer.OK

    def find_empty(self, kind: Kind) -> None:
        """Find that there is nothing on a topic."""
        for source in self.sources:
            if source.kind is kind:
                self.ingest.partitions[source].tick(NEVER)

    def step(self, *, flush: bool = False) -> None:
        """Evaluate what has closed, and deliver the alerts."""
        marks = read_marks(self.store, APP, self.sources)
        assert self.evaluator.step(marks, flush=flush) is Answer.OK
        self.alerts += self.evaluator.outbox.values()
        self.evaluator.acknowledge(list(self.evaluator.outbox))

    def restart(self) -> None:
        """Drop the evaluator's memory and take the model over anew."""
        self.evaluator = self.load()

    def state(self) -> dict[bytes, bytes]:
        """Tell the committed fields of the model, but for alerts that are delivered."""
        taken = self.store.take_over(self.evaluator.key)
        return taken.fields | {b"base": taken.base}

    def told(self) -> list[dict[str, Any]]:
        """Tell the alerts as files order them, less what may differ between runs: watermark, late counts, offsets."""
        alerts: list[dict[str, Any]] = [
            orjson.loads(alert)
            for alert in sorted(self.alerts, key=lambda alert: order(parse(alert)))
        ]
        for alert in alerts:
            window = alert["data"]["window"]
            del window["watermark"], window["late_dropped"], alert["data"]["replay"]
        return alerts

    def load(self, name: str = "m") -> Evaluator:
        """Take a model over."""
        evaluator = Evaluator(
            self.store,
            APP,
            name,
            model_rules(self.config),
            self.fleet,
            Plans(self.store, APP, self.fleet, plan_rules(self.config)),
            self.config.lateness_ms,
            self.sources,
        )
        evaluator.load()
        return evaluator
