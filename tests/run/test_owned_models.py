"""The models of a worker: what they tell reaches every sink once, whoever owns them, and whenever that changes."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from sinks import DriftEvent, structured
from stream.config import Limits
from stream.run.work import runtime as of_runtime
from stream.state.store import Answer, Commit, model_key
from tests.events import T0, feature
from tests.run.rig import SOURCES, FaultyStore, Rig, small, stream
from tests.run.stories import alerts, drifting, evaluate_twice, run
from tests.sinks.events import series

ZERO, ONE = SOURCES
pytestmark = pytest.mark.usefixtures("quick_retries")


def test_drift_is_told_to_every_sink_once_and_leaves_the_outbox_when_all_have_it() -> None:
    """Not when the first has it."""

    async def story(rig: Rig) -> None:
        rig.other.fail_next(1)
        await drifting(rig)
        await rig.evaluate()
        outbox = rig.runtime.models.evaluators["m"].outbox
        told = alerts(rig)
        assert len(told) == len(outbox) > 0
        await rig.runtime.acknowledge()
        assert len(outbox) == len(told), "the other sink has failed"
        await rig.evaluate()
        rig.now += 60
        rig.deliver()
        await rig.runtime.acknowledge()
        assert outbox == {}
        await rig.evaluate()
        assert alerts(rig) == told
        assert sum(rig.runtime.tallies.alerts.values()) == len(told)

    run(story)


def test_an_alert_that_is_delivered_is_not_offered_again_before_it_has_left_the_outbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long the store takes for that."""

    async def story(rig: Rig) -> None:
        await drifting(rig)
        await rig.evaluate()
        told = alerts(rig)
        evaluator = rig.runtime.models.evaluators["m"]
        with monkeypatch.context() as patch:
            patch.setattr(evaluator, "acknowledge", lambda _: Answer.FENCED)
            await rig.runtime.acknowledge()
        await rig.evaluate()
        assert alerts(rig) == told
        await rig.runtime.acknowledge()
        assert rig.runtime.models.evaluators["m"] is not evaluator, "it was loaded anew"
        assert rig.runtime.models.evaluators["m"].outbox == {}

    run(story)


@pytest.mark.parametrize("answer", [Answer.CONFLICT, Answer.FENCED])
def test_a_model_whose_commit_is_refused_is_loaded_anew_and_tells_nothing_twice(
    answer: Answer,
) -> None:
    """The same alerts as if nothing had happened."""
    expected = alerts(run(evaluate_twice))

    async def story(rig: Rig) -> None:
        await drifting(rig)
        rig.store.answers = [answer]
        await rig.evaluate()
        assert rig.runtime.models.evaluators == {}
        assert rig.sink.events == [], "no alert leaves before its commit"
        await rig.evaluate()
        await rig.evaluate()

    assert alerts(run(story)) == expected


def test_a_model_goes_when_the_sinks_have_taken_what_was_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its next owner finds an empty outbox and tells nothing again."""
    monkeypatch.setattr(of_runtime, "LET_GO_S", 60.0)
    store = FaultyStore()
    first, second = Rig(store), Rig(store)

    async def story(rig: Rig) -> None:
        await drifting(rig)
        await rig.runtime.evaluate()
        going = asyncio.create_task(rig.runtime.let_go(SOURCES, lost=False))
        await asyncio.sleep(0.05)
        assert not going.done()
        rig.deliver()
        await going
        assert (rig.runtime.models.evaluators, rig.outlet.models) == ({}, set())
        await second.runtime.take_over(SOURCES)
        await second.evaluate()

    run(story, first)
    second.runtime.close()
    assert len(first.sink.events) > 0
    assert second.sink.events == []


def test_a_model_moves_with_its_partition_and_its_new_owner_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Alerts that no sink takes in time go with it."""
    monkeypatch.setattr(of_runtime, "LET_GO_S", 0.0)
    expected = alerts(run(evaluate_twice))
    store = FaultyStore()
    first, second = Rig(store), Rig(store)

    async def story(rig: Rig) -> None:
        await drifting(rig)
        await rig.runtime.evaluate()  # and no sink takes anything
        assert rig.outlet.waiting > 0
        owned = [s for s in SOURCES if rig.runtime.models.owns("m")]
        await rig.runtime.let_go(owned, lost=False)
        assert (rig.runtime.models.evaluators, rig.outlet.waiting) == ({}, 0)
        await rig.runtime.evaluate()
        assert rig.runtime.models.evaluators == {}
        await second.runtime.take_over(SOURCES)
        await second.evaluate()
        await second.evaluate()

    run(story, first)
    second.runtime.close()
    assert alerts(second) == expected


def test_alerts_of_a_model_that_goes_while_it_is_evaluated_are_left_to_its_next_owner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are committed, so whoever has the model now finds them in the outbox; two would tell them otherwise."""

    async def story(rig: Rig) -> None:
        await drifting(rig)
        asked, answered, commit = threading.Event(), threading.Event(), rig.store.commit

        def slowly(step: Commit) -> Answer:
            asked.set()
            answered.wait(60)
            return commit(step)

        monkeypatch.setattr(rig.store, "commit", slowly)
        evaluating = asyncio.create_task(rig.runtime.evaluate())
        while not asked.is_set():
            await asyncio.sleep(0.01)
        await rig.runtime.let_go(SOURCES, lost=True)
        answered.set()
        await evaluating
        assert any(f.startswith(b"o:") for f in rig.store.peek(model_key(rig.config.app, "m")))
        assert rig.outlet.models == set()

    run(story)


def test_an_acknowledgement_takes_no_alert_away_that_took_the_place() -> None:
    """A model whose store went back is loaded anew while another one's deliveries leave their outbox."""
    first, second, other = series(3)

    class Box:
        def __init__(self, event: DriftEvent, meanwhile: Callable[[], None] = lambda: None) -> None:
            self.outbox = {b"o:0": structured(event)}
            self.meanwhile = meanwhile

        def acknowledge(self, fields: list[bytes]) -> Answer:
            self.meanwhile()
            for field in fields:
                del self.outbox[field]
            return Answer.OK

    async def story(rig: Rig) -> None:
        boxes: Any = rig.runtime.models.evaluators
        anew = Box(other)

        def gone_back() -> None:
            boxes["b"] = anew
            rig.outlet.revise("b", anew.outbox)

        boxes |= {"a": Box(first, gone_back), "b": Box(second)}
        for name in ("a", "b"):
            rig.outlet.offer(name, boxes[name].outbox)
        rig.deliver()
        await rig.runtime.acknowledge()
        assert not boxes["a"].outbox
        assert anew.outbox == {b"o:0": structured(other)}, "it was never sent"
        rig.outlet.offer("b", anew.outbox)
        rig.deliver()
        await rig.runtime.acknowledge()
        assert (alerts(rig), anew.outbox) == ([first.id, second.id, other.id], {})

    run(story)


def test_a_full_outbox_pauses_the_evaluation_and_is_still_offered() -> None:
    """Also to the worker that takes the model over with it; afterwards the evaluation goes on."""
    store = FaultyStore()
    filling = Rig(store)

    async def fill(rig: Rig) -> None:
        await drifting(rig)
        await rig.runtime.evaluate()

    run(fill, filling)
    waiting = len(filling.runtime.models.evaluators["m"].outbox)

    async def story(rig: Rig) -> None:
        events = stream(3, first=2_880)
        for source, own in ((ZERO, events[0::2]), (ONE, events[1::2])):
            await rig.fold(source, 1_440, own)
        await rig.pass_s(2)
        await rig.evaluate()
        evaluator = rig.runtime.models.evaluators["m"]
        windows = evaluator.model.windows
        assert len(rig.sink.events) == waiting, "the outbox was never offered"
        await rig.evaluate()
        assert evaluator.model.windows == windows
        await rig.runtime.acknowledge()
        await rig.evaluate()
        assert evaluator.model.windows > windows

    run(story, Rig(store, msgspec.structs.replace(small(), limits=Limits(outbox_max=waiting))))


def test_a_topic_that_gets_more_partitions_is_read_from_all() -> None:
    """Also when it was created only after the worker had begun."""

    async def story(rig: Rig) -> None:
        rig.runtime.know_partitions({"features": 1})
        events = stream(8)
        await rig.fold(ZERO, 0, events[0::2])
        await rig.fold(ONE, 0, events[1::2])
        await rig.pass_s(2)
        await rig.runtime.evaluate()
        rig.runtime.know_partitions({"features": 2})
        await rig.runtime.evaluate()
        assert len(rig.runtime.models.evaluators["m"].sources[ZERO.kind]) == 2

    run(story)


def test_models_halt_at_mondays_so_that_a_plan_counts_all_who_were_learned_in_one_go() -> None:
    """Of a slow stream's backlog, weeks are evaluated at once; the first model does not run ahead of the second."""
    rig = Rig()
    hours = [feature(T0 + i * 3_600_000, name, x=float(i % 7)) for i in range(600) for name in "ab"]

    async def story() -> None:
        await rig.runtime.take_over(SOURCES)
        for start, end in ((0, 4), (4, 1200)):
            for source in SOURCES:
                values = hours[start + SOURCES.index(source) : end : 2]
                await rig.fold(source, start // 2, values)
            await rig.pass_s(2)
            await rig.evaluate()

    asyncio.run(story())
    plans = rig.runtime.models.plans._made
    assert [[r.series.model for r in plan.members] for plan in plans] == [[], ["a", "b"]]
    rig.runtime.close()
