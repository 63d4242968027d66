"""Models that share a stream, each with columns and faults of its own, and what a replay tells of them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import orjson

from sinks.event import DriftEvent
from stream.config import Config
from stream.files.source import FileEvent
from stream.reference.reference import Reference
from stream.run.offline.replay import BATCH, Replay
from stream.words import Kind
from tests.evaluate.streams import WINDOW
from tests.events import T0
from tests.replay.faults import CONFIG, END, FAULT, PER_WINDOW, Fault, Row, sound

__all__ = ["gathered", "lost", "moved", "references", "rows", "scaled", "told"]

COLUMNS: Mapping[str, Sequence[str]] = {
    "churn": ("amount", "age"), "fraud": ("amount", "city"), "offers": ("clicks", "price")
}  # fmt: skip
"""Of each model its columns; the first two have one in common."""


def rows(
    faults: Mapping[str, Fault], windows: int = END, *, since: Mapping[str, int] | None = None,
    segments: Sequence[str] = (), predictions: bool = False,
) -> list[FileEvent]:  # fmt: skip
    """Make feature events of the models that are named, each faulty from window FAULT, or from its own, on.

    Those of `segments` are all of one country; with `predictions` these move where the features do.
    """
    events = []
    for model, fault in faults.items():
        rng = np.random.default_rng([5, *model.encode()])
        first = (since or {}).get(model, FAULT) * PER_WINDOW
        for i in range(windows * PER_WINDOW):
            row: Row = {name: 20.0 + float(rng.normal()) for name in COLUMNS[model]}
            said = float(rng.normal()) + 3.0 * (i >= first)
            ts = T0 + i * WINDOW // PER_WINDOW
            head: Row = {"model": model, "version": "1", "id": str(i), "ts": ts}
            head |= {"segment": {"country": "DE"}} if model in segments else {}
            told = head | {"features": fault(row) if i >= first else row}
            events.append(FileEvent(Kind.FEATURES, ts, orjson.dumps(told)))
            if predictions:
                told = head | {"prediction": said}
                events.append(FileEvent(Kind.PREDICTIONS, ts, orjson.dumps(told)))
    return sorted(events, key=lambda event: event.ts)


def lost(*columns: str) -> Fault:
    """Make a fault by which columns are missing."""
    return lambda row: row | {name: None for name in row if name in columns}


def scaled(factor: float, *columns: str) -> Fault:
    """Make a fault by which columns are in another unit."""
    return lambda row: row | {n: float(str(row[n])) * factor for n in row if n in columns}


def moved(by: float, *columns: str) -> Fault:
    """Make a shift of columns."""
    return lambda row: row | {n: float(str(row[n])) + by for n in row if n in columns}


@cache
def references() -> tuple[Reference, ...]:
    """Give the references that a replay of sound events learns."""
    replay = Replay(CONFIG, [], list[object]().extend)
    for _ in replay.feed(rows(dict.fromkeys(COLUMNS, sound), FAULT)):
        pass
    return tuple({r.digest: r for model in replay.learned() for r in model.book.all()}.values())


def told(
    events: Iterable[FileEvent], batch: int = BATCH, config: Config = CONFIG, *, flush: bool = True
) -> list[DriftEvent]:
    """Replay events under their references, and give all alerts."""
    replay = Replay(config, references(), list[object]().extend)
    for _ in replay.feed(events, batch):
        pass
    return replay.finish(flush=flush)


def gathered(alerts: Iterable[DriftEvent]) -> list[Any]:
    """Give the events that gather models."""
    return [alert for alert in alerts if not alert.model]
