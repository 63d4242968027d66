"""What the producers write in a simulation: small logs with drift, faults of units, repeats, late events and poison.

A history is made from its number alone. Two models share the topics: `given` has a reference from the start, `pupil`
has to learn one; the errors of `given` come by a join over partitions. Every partition ends with one event of the
same late time, so that all that was open before it closes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

import orjson

from stream.config import (
    Alarms,
    Config,
    DetectorConfig,
    LabelsConfig,
    Limits,
    ReferenceConfig,
    Topics,
    Window,
)
from stream.ingest.raw import Source
from stream.reference.learn import freeze
from stream.reference.reference import ALWAYS, Reference
from stream.run.fleet.rules import model_rules
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series

__all__ = [
    "COUNTS",
    "HISTORIES",
    "PANE_MS",
    "SOURCES",
    "TAIL_S",
    "History",
    "Record",
    "config",
    "history",
    "references",
]

PANE_MS, WINDOW_MS, LATENESS_MS = 1_000, 4_000, 1_000
T0 = 1_767_225_600_000
PANES = 24
PANES_A_SECOND = 4.0
"""How fast event time goes, in panes a made-up second."""
TAIL_S = 12.0
"""When the last events are written, long after all faults."""
TAIL_MS = T0 + (PANES + 4) * PANE_MS
COUNTS = {"features": 3, "predictions": 2, "labels": 1}
SOURCES = tuple(Source(kind, str(kind), p) for kind in (Kind.FEATURES, Kind.PREDICTIONS, Kind.LABELS)
                for p in range(COUNTS[str(kind)]))  # fmt: skip
SILENT = SOURCES[2]
"""The partition on which nothing comes after half the time: it follows the others by ticks."""
HISTORIES = 8
POISON = (b"", b"{", b"\xff\xfe", b"[]", b'{"model":"given"}', b'{"model":"given","version":"1","ts":-5,"features":{}}',
          b"[" * 5_000)  # fmt: skip


FUTURE = (
    b'{"model":"given","version":"1","id":"f","ts":4102444800000,"features":{},"prediction":1,"label":1}',
)
"""A time that no Kafka stamp bears out; in a file it would be believed."""


def config() -> Config:
    """Make the configuration: panes of a second, windows of four, and thresholds that are fixed."""
    off = (
        "location",
        "spread",
        "shape",
        "kolmogorov_smirnov",
        "out_of_range",
        "frozen",
        "chi_square",
        "volume",
    )
    detectors = {name: DetectorConfig(enabled=False) for name in off}
    detectors |= {"psi": DetectorConfig(threshold=0.8), "missing": DetectorConfig(threshold=0.3)}
    return Config(
        app="sim", pane_ms=PANE_MS, windows=(Window(WINDOW_MS, WINDOW_MS),), lateness_ms=LATENESS_MS,
        topics=Topics(), idle_timeout_ms=3_000, commit_interval_ms=1_000, pane_retention_ms=3_600_000,
        reference=ReferenceConfig(learn_events=20, bins=4, categories_max=4),
        labels=LabelsConfig(wait_ms=8_000, waiting_max=200),
        alarms=Alarms(events_min=4, clear_after=1, ongoing_every_ms=8_000, cooldown_ms=4_000, confirm_within_ms=8_000),
        detectors=detectors, limits=Limits(raw_rows_max=60),
    )  # fmt: skip


@dataclass(frozen=True)
class Record:
    """A message to a partition, and when it is written, in panes since the beginning."""

    source: Source
    at: float
    value: bytes

    @property
    def at_s(self) -> float:
        """The time of writing, in made-up seconds."""
        return self.at / PANES_A_SECOND

    @property
    def stamp_ms(self) -> int:
        """The time of writing, as Kafka stamps it."""
        return T0 + int(self.at * PANE_MS)


@dataclass(frozen=True)
class History:
    """All that is ever written, in order of writing."""

    number: int
    records: tuple[Record, ...]

    @property
    def evaluated_pane(self) -> int:
        """The first pane that is not evaluated in the end."""
        return (TAIL_MS - LATENESS_MS) // PANE_MS


def _row(rng: Random, pane: int) -> dict[str, object]:
    """Draw the features of an event: between some panes in other units, between others often missing."""
    scale = 1_000.0 if 8 <= pane < 13 else 1.0
    missing = 16 <= pane < 20 and rng.random() < 0.8
    return {"x": None if missing else round(rng.gauss(10, 2) * scale, 3), "c": rng.choice("abc")}


def _events(rng: Random, disorder: float) -> Iterator[tuple[Source, float, dict[str, object]]]:
    for pane in range(PANES):
        for k in range(4):
            ts = T0 + pane * PANE_MS + rng.randrange(PANE_MS)
            if rng.random() < disorder:
                ts -= rng.randrange(6 * PANE_MS)  # many of these are late, some only out of order
            for model in ("given", "pupil")[: 1 + (k < 3)]:
                partition = rng.randrange(3 if pane < PANES // 2 else 2)
                event = {"model": model, "version": "1", "ts": ts, "features": _row(rng, pane)}
                yield SOURCES[partition], pane + k / 4, event
            if k < 3:
                yield from _joined(rng, pane, k, ts)


def _joined(
    rng: Random, pane: int, k: int, ts: int
) -> Iterator[tuple[Source, float, dict[str, object]]]:
    """Make a prediction and its label, which comes later, first, twice or never."""
    identity, said = f"{pane}.{k}", rng.gauss(0, 1)
    off = rng.gauss(0, 0.5) + (6.0 if 10 <= pane < 16 else 0.0)
    head = {"model": "given", "version": "1", "id": identity}
    repeats = 1 + (rng.random() < 0.15)
    for _ in range(repeats):
        yield (
            SOURCES[3 + rng.randrange(2)],
            pane + k / 4,
            head | {"ts": ts, "prediction": round(said, 3)},
        )
    if rng.random() < 0.9:
        wait = rng.choice((0.2, 0.5, 1.5, 3.0))
        known = ts + int(wait * PANE_MS)
        yield SOURCES[5], pane + k / 4 + wait, head | {"ts": known, "label": round(said + off, 3)}


@cache
def history(number: int) -> History:
    """Make a history; the same number gives the same bytes. In number 0 nothing comes late."""
    rng = Random(number)  # noqa: S311 - a stream to try with
    events = _events(rng, 0.12 if number else 0.0)
    records = [Record(source, at, orjson.dumps(event)) for source, at, event in events]
    poisoned, poison = SOURCES[:2] + SOURCES[3:], POISON + (FUTURE if number else ())
    records += [
        Record(rng.choice(poisoned), rng.uniform(0, PANES), rng.choice(poison)) for _ in range(6)
    ]
    records += [Record(r.source, r.at + 0.3, r.value) for r in rng.sample(records, 8)]
    records.sort(key=lambda record: record.at)
    return History(number, (*records, *_tail()))


def _tail() -> Iterator[Record]:
    for source in SOURCES:
        event: dict[str, object] = {
            "model": "given",
            "version": "1",
            "id": f"end.{source.partition}",
            "ts": TAIL_MS,
        }
        if source.kind is Kind.FEATURES:
            event |= {"features": {"x": 10.0, "c": "a"}}
        else:
            event |= {"prediction" if source.kind is Kind.PREDICTIONS else "label": 0.0}
        yield Record(source, TAIL_S * PANES_A_SECOND, orjson.dumps(event))


@cache
def references() -> tuple[Reference, ...]:
    """Make the references of `given`, from events like those of calm times."""
    rng = Random("reference")  # noqa: S311 - the same events in every run
    learning = model_rules(config()).learning
    first = T0 // PANE_MS - 20
    made = []
    for kind in (Kind.FEATURES, Kind.PREDICTIONS, Kind.ERRORS):
        panes = {}
        for pane in range(first, first + 20):
            raw = panes[pane] = Raw()
            for _ in range(6):
                row = _row(rng, 0) if kind is Kind.FEATURES else {"prediction": rng.gauss(0, 1)}
                if kind is Kind.ERRORS:
                    row = {"error": abs(rng.gauss(0, 0.5))}
                raw.add(row, rows_max=10_000)
        bounds = (first * PANE_MS, (first + 20) * PANE_MS)
        made.append(
            freeze(Series("given", "1", ()), kind, panes, learning, "given", ALWAYS, bounds)
        )
    return tuple(made)
