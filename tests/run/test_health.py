"""A worker tells the truth about itself, to those who may ask."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import orjson

from stream.bus.consumer import ConsumerThread
from stream.bus.trouble import Trouble
from stream.run.work.health import STALE_S, Health
from tests.run.rig import SOURCES, Rig, stream


class FakeConsumer:
    """What health reads of the consumer's thread."""

    def __init__(self) -> None:
        self.beat = 0.0
        self.trouble = Trouble("nowhere")
        self.joined = True
        self.ident: int | None = 1
        self.running = True
        self.lag = {SOURCES[0]: 5, SOURCES[1]: 7}

    def is_alive(self) -> bool:
        return self.running


class Patient:
    """A health, and what it looks at."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.rig.now = 0.0
        self.consumer = FakeConsumer()
        thread = cast("ConsumerThread", self.consumer)
        self.health = Health(self.rig.runtime, thread, self.rig.clock)


def test_alive_is_whose_loop_and_thread_have_shown_life_of_late() -> None:
    """One of them is not enough; a thread that has ended is dead at once."""
    patient = Patient()
    assert patient.health.alive()[0]
    patient.rig.now = STALE_S + 1
    patient.health.beat = patient.rig.now
    assert not patient.health.alive()[0]
    patient.consumer.beat = patient.rig.now
    assert patient.health.alive()[0]
    patient.health.beat = 0.0
    assert not patient.health.alive()[0]
    patient.health.beat = patient.rig.now
    patient.consumer.running = False
    assert not patient.health.alive()[0]


def test_a_worker_that_waits_for_its_store_at_the_start_is_alive() -> None:
    """Its consumer is not started yet, and to restart it would help nobody."""
    patient = Patient()
    patient.consumer.ident, patient.consumer.running = None, False
    patient.rig.now = patient.health.beat = STALE_S + 100
    assert patient.health.alive()[0]


def test_ready_is_who_has_joined_and_reaches_all_it_needs() -> None:
    """Each of them is named, so that one sees what is missing."""
    patient = Patient()
    ready, told = patient.health.ready()
    assert (ready, told["partitions"]) == (True, 0)
    trouble = RuntimeError("away")
    spoil: dict[str, Callable[[], None]] = {
        "kafka": lambda: patient.consumer.trouble.unreachable("away"),
        "joined": lambda: setattr(patient.consumer, "joined", False),
        "store": lambda: patient.rig.runtime.calls.lost(trouble),
        "dead_letters": lambda: patient.rig.runtime.letters.lost(trouble),
    }
    for name, act in spoil.items():
        assert told[name] is True
        act()
        ready, told = patient.health.ready()
        assert (ready, told[name]) == (False, False)


def test_the_status_tells_what_went_in_and_how_each_series_stands() -> None:
    """First what is being learned, then the newest window; it can be written as JSON."""
    patient = Patient()
    rig = patient.rig

    async def learn() -> None:
        await rig.runtime.take_over(SOURCES)
        for source in SOURCES:
            await rig.fold(source, 0, stream(0.5)[SOURCES.index(source) :: 2])
        await rig.pass_s(2)
        await rig.runtime.evaluate()

    async def watch() -> None:
        for source in SOURCES:
            await rig.fold(source, 90, stream(7.5, first=180)[SOURCES.index(source) :: 2])
        await rig.pass_s(2)
        await rig.runtime.evaluate()

    asyncio.run(learn())
    status: Any = orjson.loads(orjson.dumps(patient.health.status()))
    topic = status["topics"]["features"]
    assert (topic["consumed"], topic["malformed"], topic["lag_records"]) == (180, 0, 12)
    assert topic["sample_rate"] == 1.0
    [series] = status["models"]["m"]["series"]
    assert series["kind"] == "features"
    assert 0 < series["learning"]["events"] < series["learning"]["of"] == 240
    asyncio.run(watch())
    status = orjson.loads(orjson.dumps(patient.health.status()))
    [series] = status["models"]["m"]["series"]
    assert series["reference"]
    assert series["window"]
    assert status["models"]["m"]["windows"] == rig.runtime.tallies.windows > 0
    assert (status["ready"], status["references"]) == (True, 1)
    rig.runtime.close()
