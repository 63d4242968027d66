"""`driftbus status`: the plan, how far each model is, and what is watched, learns or cannot be; nothing is touched."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from stream.config import Config, load
from stream.errors import UsageError
from stream.evaluate.evaluator import Evaluator
from stream.files import FileEvent, read_events
from stream.ingest.ingest import Ingest
from stream.ingest.partition import read_marks
from stream.ingest.raw import RawBatch, Source
from stream.reference.file import read_references
from stream.reference.fleet import Fleet
from stream.reference.plans import Plans
from stream.run.fleet.rules import fold_rules, model_rules, plan_rules
from stream.run.fleet.status import status
from stream.state.memory import MemoryStore
from stream.state.redis import RedisStore
from stream.state.store import Store, fleet_key, model_key
from stream.words import INPUTS
from tests.cli.command import LEARNED_HOURS, START, WEEKLY, driftbus, write_config

SOURCES = [Source(kind, kind.value, partition) for kind in INPUTS for partition in range(2)]


def work(
    store: Store, config: Config, events: list[FileEvent], references: Path | None = None
) -> None:
    """Do what workers do: fold all events, evaluate them, and leave the state in the store."""
    fleet = Fleet(store, config.app)
    for reference in read_references(references) if references else ():
        fleet.publish(reference)
    ingest = Ingest(store, config.app, fold_rules(config), fleet)
    for source in SOURCES:
        ingest.take_over(source)
        of_kind = [event.value for event in events if event.kind is source.kind]
        values = of_kind[source.partition :: 2]
        ingest.fold(RawBatch(source, values, np.arange(len(values), dtype=np.int64), None))
        ingest.commit(source)
    plans = Plans(store, config.app, fleet, plan_rules(config))
    evaluator = Evaluator(
        store, config.app, "m", model_rules(config), fleet, plans, config.lateness_ms, SOURCES
    )
    evaluator.load()
    evaluator.step(read_marks(store, config.app, SOURCES))


@pytest.fixture
def events(config: Path, stream: Path) -> list[FileEvent]:
    """The two hours."""
    return list(read_events([stream], load(config).files))


@pytest.fixture
def long_events(weekly: Path, weeks: Path) -> list[FileEvent]:
    """The nine days."""
    return list(read_events([weeks], load(weekly).files))


def told_of(config: Config, store: Store, only: str | None = None) -> Any:
    return orjson.loads(orjson.dumps(status(config, store, only)))


def test_what_is_told_is_the_plan_the_watermarks_the_monitors_and_the_incidents(
    weekly: Path, long_events: list[FileEvent]
) -> None:
    """Learned references: plan 0, all monitors watched or learning with their reason, drift as open incidents."""
    store, settings = MemoryStore(), load(weekly)
    work(store, settings, long_events)
    told = told_of(settings, store)
    assert (told["plan"]["version"], told["plan"]["expected"]) == (0, 100)
    features = told["topics"]["features"]
    assert (features["partitions"], features["consumed"]) == (2, 2_160)
    assert features["sample_rate"] == 1.0
    assert features["watermark"].startswith("2023-11-23T23:48")
    model = told["models"]["m"]
    assert set(model["evaluated"]) == {"features", "predictions", "labels", "errors"}
    assert sum(model["monitors"].values()) == 3 + 2 + 2 + 1
    by_kind = {series["kind"]: series for series in model["series"]}
    stands = {m["column"]: m for m in by_kind["features"]["monitors"]}
    assert {m["state"] for m in stands.values()} == {"watching"}
    prediction = {m["column"]: m for m in by_kind["predictions"]["monitors"]}["prediction"]
    assert prediction["state"] == "unwatched"
    assert prediction["reason"].startswith("constant")
    assert "x" in by_kind["features"]["incidents"]
    assert by_kind["features"]["newcomer"]
    assert model["outbox"] > 0


def test_a_model_that_learns_tells_how_far_it_is(config: Path, events: list[FileEvent]) -> None:
    store, settings = MemoryStore(), load(config)
    work(store, settings, [event for event in events if event.ts < START + 1_800_000])
    model = told_of(settings, store)["models"]["m"]
    assert {series["learning"]["of"] for series in model["series"]} == {700}
    assert model["monitors"] == {"watching": 0, "learning": 4, "unwatched": 0}


def test_looking_changes_nothing_and_fences_nobody(config: Path, events: list[FileEvent]) -> None:
    """The state is the same to the byte, epochs included."""
    store, settings = MemoryStore(), load(config)
    work(store, settings, events)
    keys = [model_key(settings.app, "m"), fleet_key(settings.app)]
    before = [store.peek(key) for key in keys]
    status(settings, store)
    assert [store.peek(key) for key in keys] == before


def test_of_an_empty_store_there_is_nothing_to_tell_and_an_unknown_model_is_an_error(
    config: Path, events: list[FileEvent]
) -> None:
    store, settings = MemoryStore(), load(config)
    empty = told_of(settings, store)
    assert (empty["topics"], empty["models"], empty["plan"]["version"]) == ({}, {}, 0)
    work(store, settings, events)
    with pytest.raises(UsageError, match=r"knows no model 'mm'.*did you mean `m`"):
        status(settings, store, "mm")


def test_state_in_memory_cannot_be_looked_at_and_the_error_says_where_to_look(config: Path) -> None:
    """At the worker itself."""
    result = driftbus("status", "-c", config)
    assert result.exit_code == 2
    assert "redis.url: is null" in result.output
    assert "http://127.0.0.1:6066/status" in result.output


@pytest.mark.servers
def test_the_state_in_redis_is_shown_as_text_and_as_json(
    redis_url: str, weekly: Path, weeks: Path, long_events: list[FileEvent], tmp_path: Path
) -> None:
    """With references from the beginning: a plan that counts all of them, no newcomer."""
    driftbus("reference", "build", "-c", weekly, weeks, "--out", tmp_path / "r", "--quiet", "--to",
             START + LEARNED_HOURS * 3_600_000)  # fmt: skip
    more = f"app: status\nredis: {{url: '{redis_url}'}}\n"
    with_redis = write_config(tmp_path / "c.yaml", more, WEEKLY)
    store = RedisStore(redis_url)
    work(store, load(with_redis), long_events, tmp_path / "r")
    store.close()
    result = driftbus("status", "-c", with_redis)
    assert result.exit_code == 0
    assert "\nmodel m: 7 watching, 0 learning, 1 unwatched; evaluated features to" in result.output
    lines = result.output.splitlines()
    plan = "plan 1 from the beginning: 1 false alarms a week over 8 monitors, 0.113 each"
    assert lines[0] == f"{plan}; 10 % kept for newcomers"
    assert any("m/1 features     4h      watching" in line and "c, x" in line for line in lines)
    assert any("constant in the reference" in line for line in lines)
    assert "open incidents" in lines
    told = json.loads(driftbus("status", "-c", with_redis, "--json", "--model", "m").output)
    assert told["plan"]["monitors"] == 8
    assert not any(series["newcomer"] for series in told["models"]["m"]["series"])
    assert driftbus("status", "-c", with_redis, "--model", "n").exit_code == 2
