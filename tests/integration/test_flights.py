"""The real stream on real servers: two workers, one killed half way, tell what a replay tells."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pytest

from sinks.event import structured
from stream.config import Config, from_text
from stream.files.events import read_events
from stream.files.source import FileEvent
from stream.reference.file import write_references
from stream.reference.reference import ALWAYS, Reference
from stream.run.offline.replay import Replay
from tests.integration.fleet import fleet

FLIGHTS = Path(__file__).parents[2] / "stream" / "data" / "flights-2013.csv.gz"
JANUARY = (1_356_998_400_000, 1_359_676_800_000)
SETTINGS = """
pane: 6h
windows: [1d]
alarms: {clear_after: 7}
idle_timeout: 10m
files: {label: arr_delay, constants: {model: flight-delay, version: "1"}}
"""


def _events(config: Config) -> list[FileEvent]:
    return list(read_events([FLIGHTS], config.files))


def _nothing(letters: object) -> None:
    assert not letters


def _january(events: list[FileEvent]) -> list[Reference]:
    config = from_text(SETTINGS + "reference: {learn_events: 1000000000}", {})
    replay = Replay(config, [], _nothing)
    for _ in replay.feed(event for event in events if event.ts < JANUARY[1]):
        pass
    replay.finish()
    learners = chain.from_iterable(model.learners() for model in replay.learned())
    return [learner.freeze("file", ALWAYS, JANUARY) for learner in learners]


def _same(event: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what may differ between runs: evidence offsets, watermark, late count."""
    data = dict(event["data"])
    data.pop("replay")
    data["window"] = {
        k: v for k, v in data["window"].items() if k not in ("watermark", "late_dropped")
    }
    return {**event, "data": data}


@pytest.mark.servers
def test_two_workers_of_which_one_is_killed_tell_what_a_replay_tells(
    tmp_path: Path, kafka_bootstrap: str, redis_url: str
) -> None:
    """The same ids and the same data, whoever folded what, and although a worker was killed in the middle."""
    events = _events(from_text(SETTINGS, {}))
    references = _january(events)
    write_references(tmp_path / "january.ref", references)
    replay = Replay(from_text(SETTINGS, {}), references, _nothing)
    for _ in replay.feed(events):
        pass
    expected = {e.id: _same(orjson.loads(structured(e))) for e in replay.finish(flush=False)}
    assert len(expected) > 20

    run = tmp_path.name
    text = f"""{SETTINGS}
bootstrap: {kafka_bootstrap}
redis: {{url: "{redis_url}"}}
app: flights-{run}
topics: {{features: f.{run}, predictions: p.{run}, labels: l.{run}, alerts: a.{run}}}
"""
    with fleet(tmp_path, text, tmp_path / "january.ref") as workers:
        workers.make_topics()
        first, second = workers.start(), workers.start()
        workers.wait(
            "both own something",
            lambda: all("took over f." in log for log in workers.each_log()),
            180,
        )
        half = len(events) // 2
        workers.produce(events[:half])
        workers.wait("a sixth of the year", lambda: workers.consumed() > len(events) // 6, 180)
        assert first.poll() is None
        second.kill()
        workers.produce(events[half:])
        workers.wait("the whole year", lambda: workers.consumed() == len(events), 180)
        told = workers.alerts(len(expected), 90)
        assert workers.end() == [0], workers.logs()
    assert {event["id"] for event in told} == set(expected), workers.logs()
    assert {event["id"]: _same(event) for event in told} == expected
