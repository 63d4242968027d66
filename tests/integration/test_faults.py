"""What goes wrong in operation changes no alert: the servers go and come back, workers come and go, all under load."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from stream.config import from_text
from stream.files.source import FileEvent
from stream.run.replay import Replay
from stream.words import Kind
from tests.integration.fleet import Fleet, fleet
from tests.servers import redis_server

pytestmark = pytest.mark.servers

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
KEEP = ("--appendonly", "yes", "--appendfsync", "always")


def make_events() -> list[FileEvent]:
    """Make 60,000 events over three and a half days; again and again a feature moves and the model gets worse."""
    chance = np.random.default_rng(11)
    x, error = chance.normal(size=ROWS), chance.normal(size=ROWS)
    for start in range(6_000, ROWS, 3_000):
        x[start : start + 1_500] += 20.0  # out of its range: told without a week of history
        error[start : start + 1_500] *= 4.0
    moved, wrong = x.round(4).tolist(), (1.5 + error).round(4).tolist()
    events = []
    for i in range(ROWS):
        ts = START + i * STEP_MS
        head = {"model": "m", "version": "1", "id": f"e{i}", "ts": ts}
        for kind, more in (
            (Kind.FEATURES, {"features": {"x": moved[i], "c": "ab"[i % 2]}}),
            (Kind.PREDICTIONS, {"prediction": 1.5}),
            (Kind.LABELS, {"label": wrong[i]}),
        ):
            events.append(FileEvent(kind, ts, orjson.dumps({**head, **more})))
    return events


@pytest.fixture(scope="module")
def events() -> list[FileEvent]:
    """Give the stream."""
    return make_events()


@pytest.fixture(scope="module")
def expected(events: list[FileEvent]) -> dict[str, Any]:
    """Tell what a replay says of the stream, by id."""
    replay = Replay(from_text(SETTINGS, {}), [], _nothing)
    for _ in replay.feed(events):
        pass
    told = {event.id: same(event.data) for event in replay.finish(flush=False)}
    assert {data["column"] for data in told.values()} >= {"x", "error"}
    assert len(told) > 20
    return told


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


class Story:
    """A stream on its way to a fleet, while things go wrong."""

    def __init__(self, workers: Fleet, events: list[FileEvent]) -> None:
        self.workers = workers
        self.events = events

    def produced(self, act: Callable[[], None]) -> None:
        """Write the stream in portions that go on while `act` does what it does."""
        portion = len(self.events) // 40
        acting = threading.Event()

        def write() -> None:
            for start in range(0, len(self.events), portion):
                self.workers.produce(self.events[start : start + portion])
                acting.wait(0.2)

        writing = threading.Thread(target=write)
        writing.start()
        try:
            act()
        finally:
            acting.set()
            writing.join()

    def consumed(self, share: float) -> None:
        """Wait until that share of the stream is folded."""
        wanted = int(share * len(self.events))
        self.workers.wait(f"{wanted} events", lambda: self.workers.consumed() >= wanted, 60)

    def tells(self, expected: dict[str, Any]) -> None:
        """Wait for the end of the stream and compare the alerts: none missing, none other, none twice."""
        self.consumed(1.0)
        told = self.workers.alerts(len(expected), 30)
        assert all(code == 0 for code in self.workers.end()), self.workers.logs()
        assert {event["id"]: same(event["data"]) for event in told} == expected, self.workers.logs()
        assert len(told) == len(expected), "an alert was told twice"


@contextmanager
def story(folder: Path, events: list[FileEvent], kafka: str, redis: str) -> Iterator[Story]:
    """Run a fleet on topics of its own, with one worker that owns something already."""
    name = folder.name
    text = f"""{SETTINGS}
bootstrap: {kafka}
redis: {{url: "{redis}"}}
app: {name}
kafka: {{heartbeat.interval.ms: 500, session.timeout.ms: 6000}}
topics: {{features: f.{name}, predictions: p.{name}, labels: l.{name}, alerts: a.{name}}}
"""
    with fleet(folder, text, None) as workers:
        workers.make_topics()
        workers.start()
        workers.wait("it owns something", lambda: "took over f." in workers.each_log()[0], 60)
        yield Story(workers, events)


def test_a_redis_that_is_away_for_a_while_changes_no_alert(
    tmp_path: Path, kafka_bootstrap: str, events: list[FileEvent], expected: dict[str, Any]
) -> None:
    """It is stopped in the middle and comes back on the same port with its log of writes; the worker has waited."""
    data = tmp_path / "redis"
    data.mkdir()
    with ExitStack() as servers:
        first = servers.enter_context(ExitStack())
        url, _ = first.enter_context(redis_server(data, 0, *KEEP))
        port = int(url.rpartition(":")[2].partition("/")[0])
        with story(tmp_path, events, kafka_bootstrap, url) as told:

            def act() -> None:
                told.consumed(0.3)
                first.close()
                told.workers.wait(
                    "it is missed", lambda: "keeps trying" in told.workers.each_log()[0], 20
                )
                threading.Event().wait(5)
                servers.enter_context(redis_server(data, port, *KEEP))

            told.produced(act)
            told.tells(expected)
            assert len(told.workers.workers) == 1, "the worker was not started again"


def test_a_worker_that_ends_and_comes_back_changes_no_alert(
    tmp_path: Path,
    kafka_bootstrap: str,
    redis_url: str,
    events: list[FileEvent],
    expected: dict[str, Any],
) -> None:
    """The only one, at SIGTERM under load; the next one goes on where it stood."""
    with story(tmp_path, events, kafka_bootstrap, redis_url) as told:

        def act() -> None:
            told.consumed(0.3)
            assert told.workers.end() == [0], told.workers.logs()
            told.workers.start()

        told.produced(act)
        told.tells(expected)


def test_workers_that_come_and_go_under_load_change_no_alert(
    tmp_path: Path,
    kafka_bootstrap: str,
    redis_url: str,
    events: list[FileEvent],
    expected: dict[str, Any],
) -> None:
    """From one to three and back to one, and it is another one that is left."""
    with story(tmp_path, events, kafka_bootstrap, redis_url) as told:
        workers = told.workers

        def owning() -> int:
            return sum("took over" in log for log in workers.each_log())

        def act() -> None:
            told.consumed(0.1)
            workers.start()
            workers.start()
            workers.wait("all three own something", lambda: owning() == 3, 40)
            told.consumed(0.4)
            for leaving in workers.workers[:2]:
                leaving.terminate()
                assert leaving.wait(20) == 0, workers.logs()

        told.produced(act)
        told.tells(expected)
