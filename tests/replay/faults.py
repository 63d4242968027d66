"""A stream of many columns with a fault put into it, and what a replay tells of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import orjson
from msgspec.structs import replace

from sinks.event import DriftEvent
from stream.config import ReferenceConfig
from stream.files.source import FileEvent
from stream.reference.reference import Reference
from stream.run.offline.replay import Replay
from stream.words import Kind
from tests.evaluate.streams import CONFIG as OF_WEEKS
from tests.evaluate.streams import LEARNED, WINDOW
from tests.events import T0

FAULT, END, PER_WINDOW = LEARNED + 2, LEARNED + 6, 60
CONFIG = replace(OF_WEEKS, reference=ReferenceConfig(learn_events=LEARNED * PER_WINDOW, bins=10))
COLUMNS = ("a", "b", "c")
Row = dict[str, object]
Fault = Callable[[Row], Row]


def changed(make: Callable[[Any], object], suffix: str = "") -> Fault:
    """Make a fault that changes the columns of one sort."""
    return lambda row: row | {n + suffix: make(row[n + suffix]) for n in COLUMNS}


def sound(row: Row) -> Row:
    """Leave a row as it is."""
    return row


def rows(
    fault: Fault, windows: int = END, segments: Sequence[Mapping[str, str]] = ()
) -> list[FileEvent]:
    """Make feature events, faulty from window FAULT on, PER_WINDOW in each of the segments by turns."""
    per_window = PER_WINDOW * max(1, len(segments))
    rng = np.random.default_rng(5)
    events = []
    for i in range(windows * per_window):
        numbers: Row = {name: 20.0 + float(rng.normal()) for name in COLUMNS}
        numbers |= {name + "_wide": float(rng.lognormal(3.0)) for name in COLUMNS}
        words: Row = {name + "_word": str(rng.choice(["x", "y"])) for name in COLUMNS}
        features = numbers | words | {"calm": float(rng.normal())}
        ts = T0 + i * WINDOW // per_window
        segment = dict(segments[i % len(segments)]) if segments else {}
        if i >= FAULT * per_window:
            features = fault(features | segment)
        told = {
            "model": "m", "version": "1", "id": str(i), "ts": ts, "segment": segment,
            "features": {name: features[name] for name in features if name not in segment},
        }  # fmt: skip
        events.append(FileEvent(Kind.FEATURES, ts, orjson.dumps(told)))
    return events


def learned(events: list[FileEvent]) -> tuple[Reference, ...]:
    """Give the references that a replay of sound events learns."""
    replay = Replay(CONFIG, [], list[object]().extend)
    for _ in replay.feed(events):
        pass
    return tuple(r for model in replay.learned() for r in model.book.all())


@cache
def references() -> tuple[Reference, ...]:
    """Give those of the stream without segments."""
    return learned(rows(sound, FAULT))


def told(events: list[FileEvent], given: tuple[Reference, ...] | None = None) -> list[DriftEvent]:
    """Replay events under their references, and give all alerts."""
    replay = Replay(CONFIG, references() if given is None else given, list[object]().extend)
    for _ in replay.feed(sorted(events, key=lambda event: event.ts)):
        pass
    return replay.finish()


def rolled(alerts: list[DriftEvent]) -> list[Any]:
    """Give the events that gather others."""
    return [alert for alert in alerts if "members" in alert.data]
