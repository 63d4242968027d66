"""The stream of the fault tests, and what a replay makes of it: all that real servers are held against."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import orjson

from stream.config import from_text
from stream.files.source import FileEvent
from stream.run.copies.diff import Difference, differences
from stream.run.copies.export import Export
from stream.run.copies.merged import merged
from stream.run.offline.replay import Replay
from stream.words import Kind
from tests.integration.fleet import PARTITIONS

ROWS = 20_000
STEP_MS = 15_000
START = 1_735_689_600_000
SETTINGS = """
pane: 5m
windows: [1h]
idle_timeout: 10m
reference: {learn_events: 4000, bins: 10}
alarms: {monitors: 20, cooldown: 0s}
commit_interval: 200ms
"""


class Oracle(NamedTuple):
    """What an uninterrupted run ends with: the data of its alerts by id, and its state."""

    alerts: dict[str, Any]
    state: Export


def make_events(models: Sequence[str] = ("m",), rows: int = ROWS) -> list[FileEvent]:
    """Make 60,000 events over three and a half days; again and again a feature moves and the model gets worse.

    Or so many rows of three events for each of some models, to which all that happens at the same time. Behind them
    stands one event of each kind on every partition, all of one time, so that all ways to share out the
    stream come as far.
    """
    chance = np.random.default_rng(11)
    x, error = chance.normal(size=rows), chance.normal(size=rows)
    for start in range(6_000, rows, 3_000):
        x[start : start + 1_500] += 20.0  # out of its range: told without a week of history
        error[start : start + 1_500] *= 4.0
    moved, wrong = x.round(4).tolist(), (1.5 + error).round(4).tolist()
    events = []
    for i, model in product(range(rows + PARTITIONS), models):
        ts, row = START + min(i, rows) * STEP_MS, i % rows
        head = {"model": model, "version": "1", "id": f"e{i}", "ts": ts}
        for kind, more in (
            (Kind.FEATURES, {"features": {"x": moved[row], "c": "ab"[i % 2]}}),
            (Kind.PREDICTIONS, {"prediction": 1.5}),
            (Kind.LABELS, {"label": wrong[row]}),
        ):
            events.append(FileEvent(kind, ts, orjson.dumps({**head, **more})))
    return events


def replayed(events: list[FileEvent]) -> Oracle:
    """Replay the stream, in one process and without any fault."""
    replay = Replay(from_text(SETTINGS, {}), [], _nothing)
    for _ in replay.feed(events):
        pass
    alerts = {event.id: same(event.data) for event in replay.finish(flush=False)}
    assert {data["column"] for data in alerts.values()} >= {"x", "error"}
    assert len(alerts) > 20
    return Oracle(alerts, replay.state())


def _nothing(letters: object) -> None:
    assert not letters


def same(data: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what may differ between runs: evidence offsets, watermark, late count."""
    kept = orjson.loads(
        orjson.dumps({name: value for name, value in data.items() if name != "replay"})
    )
    kept["window"] = {
        k: v for k, v in kept["window"].items() if k not in ("watermark", "late_dropped")
    }
    return dict(kept)


def differing(state: Export, oracle: Export) -> list[Difference]:
    """Compare a state with that of a replay, whose topics have other names; see `merged` for what is left out."""
    of_kind = {kind: topic for topic, kind in state.kinds.items()}
    renamed = {topic: of_kind[kind] for topic, kind in oracle.kinds.items()}
    hashes = [
        kept._replace(what=(kept.what[0], renamed.get(kept.what[1], kept.what[1]), kept.what[2]))
        for kept in oracle.hashes
    ]
    kinds = state.kinds | oracle.kinds
    return list(differences(merged(state.hashes, kinds), merged(hashes, kinds)))
