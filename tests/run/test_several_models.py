"""Several models on several workers: what they tell together is told by one of them, once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from sinks.event import milliseconds
from stream.errors import StoreUnavailable
from stream.evaluate.gatherer import Gatherer
from stream.run.copies.backup import Backup
from stream.run.copies.export import canonical
from stream.run.copies.plainly import plainly
from stream.run.copies.restore import restore
from stream.run.copies.show import state_told
from stream.run.fleet.census import take_cut
from stream.run.fleet.status import status
from stream.run.work.metrics import WorkerMetrics
from stream.state.kept import SEVERAL_MODELS
from stream.state.memory import MemoryStore
from stream.state.snapshot import newest_snapshot, records_of
from stream.state.store import model_key, models_key
from stream.words import SEVERAL, Kind
from tests.events import T0, feature
from tests.run.copies import MemoryLog
from tests.run.rig import MINUTE, SOURCES, FaultyStore, Rig

ZERO, ONE = SOURCES
HOURS = 8


def events(partition: int, *models: str) -> list[bytes]:
    """Make an event of each model every 20 s on a partition; in the second half `x` is far off."""
    values = np.random.default_rng([7, partition]).normal(size=(HOURS * 180, len(models))).round(4)
    return [
        feature(T0 + i * MINUTE // 3, model=name, x=x + (8.0 if i >= HOURS * 90 else 0.0))
        for i, row in enumerate(values.tolist())
        for name, x in zip(models, row, strict=True)
    ]


async def fold(rig: Rig, *partitions: int, models: tuple[str, ...] = ("churn", "fraud")) -> None:
    """Take partitions over and fold all that is on them."""
    for partition in partitions:
        await rig.runtime.take_over([SOURCES[partition]])
        await rig.fold(SOURCES[partition], 0, events(partition, *models))
    await rig.pass_s(2)


def together(rig: Rig) -> list[Any]:
    """Give what the first sink was told of several models."""
    return [event for event in rig.sink.events if not event.model]


def run(story: Callable[[Rig, Rig], Awaitable[None]]) -> None:
    """Run a story of two workers: `fraud` belongs to the first partition, `churn` and several to the second."""
    store = FaultyStore()
    one, other = Rig(store), Rig(store)

    async def whole() -> None:
        async with asyncio.timeout(300):
            await story(one, other)

    asyncio.run(whole())
    for rig in (one, other):
        rig.runtime.close()


def test_the_owner_waits_for_the_models_of_others_and_tells_it_once() -> None:
    """It looks again without a pane that closes, as the others say nothing when they have come as far."""

    async def story(one: Rig, other: Rig) -> None:
        await fold(one, 0)
        await fold(other, 1)
        await other.evaluate()
        await other.evaluate()
        assert {event.model for event in other.sink.events} == {"churn"}
        await one.evaluate()
        for _ in range(3):
            await other.evaluate()
            await other.runtime.acknowledge()
        (event,) = together(other)
        assert {alert.model for alert in one.sink.events} == {"fraud"}
        alerts = {a.id: a.model for a in (*one.sink.events, *other.sink.events)}
        assert [alerts[member] for member in event.data["members"]] == ["churn", "fraud"]
        assert not any(f.startswith(b"o:") for f in one.store.peek(models_key(one.config.app)))

    run(story)


def test_who_takes_it_over_tells_nothing_again_and_who_had_it_tells_nothing_more() -> None:
    async def story(one: Rig, other: Rig) -> None:
        await fold(other, 0, 1)
        await other.evaluate()
        assert len(together(other)) == 1
        await other.runtime.let_go([ONE], lost=True)
        assert (other.runtime.models.gatherer, SEVERAL in other.outlet.models) == (None, False)
        one.sink.events, one.other.events = other.sink.events, other.other.events
        await one.runtime.take_over([ONE])
        for _ in range(2):
            await one.evaluate()
            await one.runtime.acknowledge()
        assert one.runtime.models.gatherer is not None
        assert one.runtime.models.gatherer.outbox == {}
        assert len(together(other)) == 1

    run(story)


def test_an_old_owner_that_nobody_told_is_fenced() -> None:
    async def story(one: Rig, other: Rig) -> None:
        await fold(other, 0, 1)
        await other.runtime.evaluate()
        old = other.runtime.models.gatherer
        await one.runtime.take_over(SOURCES)
        await one.evaluate()
        assert len(together(one)) == 1
        other.deliver()
        await other.runtime.acknowledge()
        assert other.runtime.models.gatherer is not old
        await one.runtime.acknowledge()
        assert one.runtime.models.waiting == 0

    run(story)


def test_a_store_that_does_not_answer_has_it_loaded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    step, failed = Gatherer.step, list[Gatherer]()

    def once(self: Gatherer, *args: Any, **kwargs: Any) -> Any:
        if not failed:
            failed.append(self)
            raise StoreUnavailable("told to be down", "store")
        return step(self, *args, **kwargs)

    monkeypatch.setattr(Gatherer, "step", once)

    async def story(one: Rig, _: Rig) -> None:
        await fold(one, 0, 1)
        await one.evaluate()
        assert together(one) == []
        await one.evaluate()
        assert one.runtime.models.gatherer is not failed[0]
        assert len(together(one)) == 1

    run(story)


def test_where_nothing_closed_or_there_is_one_model_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And one model alone leaves no trace of a gatherer in the store."""
    asked: list[str] = []
    read_many = FaultyStore.read_many

    def counting(self: FaultyStore, wants: Any) -> Any:
        asked.extend(key for key, _ in wants if ":src:" not in key)
        return read_many(self, wants)

    async def story(one: Rig, other: Rig) -> None:
        await fold(one, 0, 1)
        await one.evaluate()
        await one.evaluate()
        monkeypatch.setattr(FaultyStore, "read_many", counting)
        await one.evaluate()
        assert asked == []
        await one.fold(ZERO, 2 * HOURS * 180, [feature(T0 + HOURS * 60 * MINUTE + 10 * MINUTE)])
        await one.fold(ONE, 2 * HOURS * 180, [feature(T0 + HOURS * 60 * MINUTE + 10 * MINUTE)])
        await one.pass_s(2)
        await one.evaluate()
        names = ("churn", "fraud", "m")
        app = one.config.app
        assert asked == [models_key(app), *(model_key(app, name) for name in names)]

    run(story)

    async def alone(one: Rig, _: Rig) -> None:
        await fold(one, 0, 1, models=("churn",))
        await one.evaluate()
        assert {event.model for event in one.sink.events} == {"churn"}
        assert one.store.peek(models_key(one.config.app)) == {}

    run(alone)


def test_it_is_part_of_copies_exports_and_what_is_shown() -> None:
    """A state that is restored elsewhere is the same, and told the same."""

    async def story(one: Rig, _: Rig) -> None:
        await fold(one, 0, 1)
        await one.runtime.evaluate()
        config, store = one.config, one.store
        kinds = {"features": Kind.FEATURES}
        export = canonical(take_cut(config, store), kinds)
        assert SEVERAL_MODELS in [kept.what for kept in export.hashes]
        (snapshot,) = [newest_snapshot(records_of(1, 1_000, export.hashes))]
        assert snapshot is not None
        assert snapshot.hashes == export.hashes
        again = MemoryStore()
        restore(config, again, snapshot.hashes, 1, force=False)
        assert canonical(take_cut(config, again), kinds) == export
        told = plainly(export.hashes)
        end = "2026-01-01T05:00:00Z"
        assert told["several models gathered"]["features"] == milliseconds(end)
        assert told["several models alerts"] == [1]
        assert told["several models outbox 0"]["data"]["model"] == SEVERAL
        shown = {"gathered": {"features": end}, "alerts": 1, "outbox": 1}
        for of in (store, again):
            assert status(config, of)["several_models"] == shown
            size = of.size(models_key(config.app))
            assert state_told(config, of)["several_models"] == shown | {"bytes": size}
        restore(
            config, again, [k for k in export.hashes if k.what != SEVERAL_MODELS], 1, force=True
        )
        assert status(config, again)["several_models"] is None

    run(story)


def test_its_alerts_and_its_state_are_counted() -> None:
    async def story(one: Rig, _: Rig) -> None:
        await fold(one, 0, 1)
        await one.runtime.evaluate()
        models = one.runtime.models
        assert models.gatherer is not None
        boxes = [len(e.outbox) for e in models.evaluators.values()]
        assert models.waiting == sum(boxes) + 1
        metrics = WorkerMetrics(one.runtime, Backup(one.config, one.store, MemoryLog()))
        metrics.measure_state()
        with_it = metrics.state_bytes
        models.gatherer = None
        metrics.measure_state()
        assert with_it - metrics.state_bytes == one.store.size(models_key(one.config.app))

    run(story)
