"""Models are moved beside the partitions: a long evaluation holds nothing up, and nothing takes it by surprise."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from stream.config import Config
from stream.errors import CodecError
from stream.evaluate import known
from stream.evaluate.evaluator import Evaluator, step_all
from stream.evaluate.panes.gather import Merged, Stored
from stream.ingest.raw import Source
from stream.run.work.models import PATIENCE_S
from stream.state.store import Answer, model_key
from stream.words import Kind
from tests.events import T0, feature, prediction
from tests.run.rig import COUNTS, MINUTE, SOURCES, FaultyStore, Rig, small, stream
from tests.run.stories import alerts, drifting, run

ZERO, ONE = SOURCES
MORE = stream(1, first=2_880)
"""An hour of events behind those of `drifting`."""


class LongSteps:
    """Steps take until `end` is set; `begun` tells that one is under way.

    `stepped` lists the models in their order, `together` those of each step.
    """

    def __init__(self) -> None:
        self.begun, self.end = threading.Event(), threading.Event()
        self.stepped: list[str] = []
        self.together: list[list[str]] = []

    def plant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make them long."""
        step = step_all

        def long(evaluators: Sequence[Evaluator], *args: Any, **kwargs: Any) -> list[Answer]:
            self.together.append([evaluator.model.name for evaluator in evaluators])
            self.stepped += self.together[-1]
            self.begun.set()
            assert self.end.wait(300)
            return step(evaluators, *args, **kwargs)

        monkeypatch.setattr("stream.run.work.models.step_all", long)

    async def evaluating(self, rig: Rig) -> "asyncio.Task[None]":
        """Begin an evaluation that finds drift, and wait until its step is under way."""
        await drifting(rig)
        task = asyncio.create_task(rig.runtime.evaluate())
        assert await asyncio.to_thread(self.begun.wait, 300)
        return task

    async def ended(self, task: "asyncio.Task[None]") -> None:
        """Let all steps end."""
        self.end.set()
        await task


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> Iterator[LongSteps]:
    steps = LongSteps()
    steps.plant(monkeypatch)
    yield steps
    steps.end.set()


@pytest.fixture(scope="module")
def expected() -> list[str]:
    """The alerts of an evaluation that nothing comes between."""

    async def story(rig: Rig) -> None:
        await drifting(rig)
        await rig.evaluate()
        await rig.evaluate()

    told = alerts(run(story))
    assert told
    return told


def in_time(story: Callable[[Rig], Awaitable[None]], rig: Rig | None = None) -> Rig:
    """Run a story that would never end if it waited for a step."""

    async def bounded(rig: Rig) -> None:
        async with asyncio.timeout(200):
            await story(rig)

    return run(bounded, rig)


# -- what does not wait for an evaluation ----------------------------------------------------------------------------


def test_partitions_are_folded_committed_and_looked_after_while_a_model_is_evaluated(
    long: LongSteps,
) -> None:
    """Their calls of the store do not wait behind the step."""

    async def story(rig: Rig) -> None:
        task = await long.evaluating(rig)
        await rig.fold(ZERO, 1_440, MORE[0::2])
        await rig.pass_s(2)
        await rig.pass_s(10)
        assert rig.next_offset(ZERO) == 1_440 + 180
        assert not task.done()
        await long.ended(task)

    in_time(story)


def test_partitions_move_while_a_model_is_evaluated_and_its_new_owner_tells_its_alerts(
    long: LongSteps, expected: list[str]
) -> None:
    """What comes of the step is told by nobody else: its alerts, if they are committed, are found in the outbox."""
    store = FaultyStore()
    first, second = Rig(store), Rig(store)

    async def story(rig: Rig) -> None:
        task = await long.evaluating(rig)
        await rig.fold(ZERO, 1_440, [feature(T0 + 480 * MINUTE)])
        await rig.runtime.let_go(SOURCES, lost=False)
        starts = await second.runtime.take_over(SOURCES)
        assert starts[ZERO].offset == 1_441
        await long.ended(task)
        assert (rig.runtime.models.evaluators, rig.outlet.models) == ({}, set())
        await second.evaluate()
        await second.evaluate()

    in_time(story, first)
    second.runtime.close()
    assert first.sink.events == []
    assert alerts(second) == expected


def test_a_step_of_a_model_that_somebody_else_has_taken_over_meanwhile_is_fenced(
    long: LongSteps, expected: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it is told, and nothing is loaded anew here."""
    store = FaultyStore()
    first, second = Rig(store), Rig(store)

    async def story(rig: Rig) -> None:
        task = await long.evaluating(rig)
        await rig.runtime.let_go(SOURCES, lost=True)
        await second.runtime.take_over(SOURCES)
        store.take_over(model_key(rig.config.app, "m"))  # as the new owner's load does
        await long.ended(task)
        assert not any(f.startswith(b"o:") for f in store.peek(model_key(rig.config.app, "m")))
        assert rig.runtime.tallies.reloads == 0
        await second.evaluate()
        await second.evaluate()

    in_time(story, first)
    second.runtime.close()
    assert not [record for record in caplog.records if "loading anew" in record.message]
    assert first.sink.events == []
    assert alerts(second) == expected


def test_a_topic_that_grows_while_a_model_is_evaluated_has_it_loaded_anew(
    long: LongSteps, expected: list[str]
) -> None:
    """What was judged of the partitions known before stands; its alerts are told once, by who was loaded anew."""

    async def story(rig: Rig) -> None:
        rig.runtime.know_partitions({"features": 1})
        task = await long.evaluating(rig)
        (before,) = rig.runtime.models.evaluators.values()
        rig.runtime.know_partitions({"features": 2})
        await long.ended(task)
        rig.deliver()
        assert rig.sink.events == []
        await rig.evaluate()
        (after,) = rig.runtime.models.evaluators.values()
        assert after is not before
        told = alerts(rig)
        assert told
        await rig.evaluate()
        assert alerts(rig) == told

    in_time(story)


def test_a_model_is_not_acknowledged_while_it_is_stepped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its outbox belongs to one at a time."""
    long = LongSteps()

    async def story(rig: Rig) -> None:
        await drifting(rig)
        await rig.evaluate()
        outbox = rig.runtime.models.evaluators["m"].outbox
        assert outbox
        await rig.fold(ZERO, 1_440, MORE[0::2])
        await rig.fold(ONE, 1_440, MORE[1::2])
        await rig.pass_s(2)
        long.plant(monkeypatch)
        stepping = asyncio.create_task(rig.runtime.evaluate())
        assert await asyncio.to_thread(long.begun.wait, 300)
        told = asyncio.create_task(rig.runtime.acknowledge())
        await rig.runtime.calls.once(lambda: None)
        await asyncio.sleep(0)
        assert outbox
        assert not told.done()
        await long.ended(stepping)
        await told
        assert not set(rig.outlet.delivered())

    in_time(story)


def test_a_worker_winds_up_within_its_time_though_a_model_is_being_evaluated(
    long: LongSteps,
) -> None:
    """All partitions are committed by then, and the thread is left behind."""

    async def story(rig: Rig) -> None:
        task = await long.evaluating(rig)
        await rig.fold(ZERO, 1_440, MORE[0::2])
        with pytest.raises(TimeoutError):
            await rig.runtime.wind_up(rig.now + 0.2)
        rig.runtime.close()
        assert rig.next_offset(ZERO) == 1_440 + 180
        assert not task.done()
        task.cancel()

    in_time(story)


# -- in which order, and when ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "expected"), [(128, [["b", "c", "a"]]), (3, [["b", "c"], ["a"]]), (1, [["b"], ["c"], ["a"]])]
)  # fmt: skip
def test_models_of_few_series_are_moved_together_and_do_not_wait_for_one_of_many(
    long: LongSteps, monkeypatch: pytest.MonkeyPatch, most: int, expected: list[list[str]]
) -> None:
    """All stand at the same marks, so the small ones go first, whatever their names; a large one is moved alone."""
    monkeypatch.setattr("stream.run.work.models.TOGETHER_MAX", most)

    async def story(rig: Rig) -> None:
        long.end.set()
        many = [feature(T0 + n * MINUTE, "a", f"{n % 3}") for n in range(60)]
        few = [feature(T0 + n * MINUTE, "bc"[n % 2]) for n in range(60)]
        await rig.fold(ZERO, 0, [*many, *few][:1])
        for source in SOURCES:
            at = rig.runtime.ingest.partitions[source].fold_state.next_offset
            await rig.fold(source, at, [e for pair in zip(many, few, strict=True) for e in pair])
        await rig.pass_s(2)
        await rig.evaluate()
        late = [feature(T0 + (60 + n) * MINUTE, "abc"[n % 3], "0") for n in range(60)]
        for source in SOURCES:
            at = rig.runtime.ingest.partitions[source].fold_state.next_offset
            await rig.fold(source, at, late)
        await rig.pass_s(2)
        long.together.clear()
        await rig.evaluate()
        assert long.together == expected
        await next_owner.runtime.take_over(SOURCES)
        long.together.clear()
        await next_owner.evaluate()
        assert long.together[-1] == expected[-1], "also of models that were just taken over"

    store = FaultyStore()
    next_owner = Rig(store)
    in_time(story, Rig(store))
    next_owner.runtime.close()


def test_a_model_of_which_nothing_has_closed_is_not_asked(long: LongSteps) -> None:
    """Marks are read again and again; most of the time they tell nothing new."""

    async def story(rig: Rig) -> None:
        long.end.set()
        await drifting(rig)
        await rig.evaluate()
        await rig.evaluate()
        assert long.stepped == ["m"]
        await rig.fold(ZERO, 1_440, MORE[0::2])
        await rig.fold(ONE, 1_440, MORE[1::2])
        await rig.pass_s(2)
        await rig.evaluate()
        assert long.stepped == ["m", "m"]

    in_time(story)


def test_the_closing_of_a_pane_is_told_at_once() -> None:
    """With the commit that closes it, not with the others; and one that came during an evaluation is not forgotten."""

    async def story(rig: Rig) -> None:
        models, closing = rig.runtime.models, asyncio.Event()

        async def wait() -> None:
            await models.await_closing(60)
            closing.set()

        waiting = asyncio.create_task(wait())
        await rig.fold(ZERO, 0, [feature(T0)])
        await rig.pass_s(2)
        await asyncio.sleep(0)
        assert not closing.is_set()
        await rig.fold(ZERO, 1, [feature(T0 + 60 * MINUTE)])
        await waiting
        await models.await_closing(60)
        await rig.runtime.evaluate()
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()

    in_time(story)


def test_models_may_leave_panes_for_later_only_as_long_as_others_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A partition may read on only when somebody has learned from what it has."""
    told: list[bool] = []

    def noting(*args: Any, patient: frozenset[Kind], **kwargs: Any) -> list[Answer]:
        told.append(Kind.FEATURES in patient)
        return step_all(*args, patient=patient, **kwargs)

    monkeypatch.setattr("stream.run.work.models.step_all", noting)

    async def story(rig: Rig) -> None:
        await drifting(rig)
        for seconds in (0, PATIENCE_S - 1, 2, 60):
            rig.now += seconds
            await rig.evaluate()
        await rig.fold(ZERO, 1_440, MORE[0::2])
        await rig.fold(ONE, 1_440, MORE[1::2])
        await rig.pass_s(2)
        await rig.evaluate()

    run(story)
    assert told == [True, False, True]


def test_a_model_that_could_not_read_a_pane_is_loaded_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it had taken in of the panes before would count twice."""
    merged = Stored.merged
    damaged: set[int] = set()

    def read(pane: Stored) -> Merged:
        if pane.number in damaged:
            raise CodecError("damaged", "pane")
        return merged(pane)

    monkeypatch.setattr(Stored, "merged", read)

    async def story(rig: Rig, *, damage: bool) -> None:
        await drifting(rig)
        await rig.evaluate()
        await rig.fold(ZERO, 1_440, MORE[0::2])
        await rig.fold(ONE, 1_440, MORE[1::2])
        await rig.pass_s(2)
        if damage:
            damaged.add(T0 // MINUTE + 8 * 60 + 30)
            with pytest.raises(CodecError):
                await rig.evaluate()
            damaged.clear()
        await rig.evaluate()
        await rig.evaluate()

    rigs = [run(partial(story, damage=damage)) for damage in (True, False)]
    disturbed, plain = (rig.store.take_over(model_key(rig.config.app, "m")) for rig in rigs)
    assert (disturbed.base, disturbed.fields) == (plain.base, plain.fields)


def _with_predictions(raw_rows_max: int) -> Config:
    config = small()
    topics = replace(config.topics, predictions="predictions")
    return replace(config, topics=topics, limits=replace(config.limits, raw_rows_max=raw_rows_max))


def test_a_partition_that_waits_for_a_large_model_reads_on_though_panes_of_other_kinds_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new version brings so many raw values at once that its features wait until somebody has learned from them."""
    monkeypatch.setattr(known, "LARGE", 1)
    told = Source(Kind.PREDICTIONS, "predictions", 0)

    async def story(rig: Rig) -> None:
        rig.runtime.know_partitions(COUNTS | {told.topic: 1})
        await rig.runtime.take_over([told])
        events = stream(2, step=20_000)
        at = 122 * MINUTE
        for source, own in ((ZERO, events[0::2]), (ONE, events[1::2])):
            new = [feature(T0 + at + i, version="2", x=1.0) for i in range(500 * (source is ZERO))]
            await rig.fold(source, 0, [*own, feature(T0 + at - 20_000, x=0.0)])
            await rig.pass_s(2)
            await rig.evaluate()
            await rig.fold(source, len(own) + 1, [*new, feature(T0 + at + 2 * MINUTE, x=0.0)])
        await rig.pass_s(2)
        assert rig.bus.held == [ZERO]
        for i in range(2 * int(PATIENCE_S) // 10):
            await rig.fold(told, i, [prediction(f"p{i}", 1.0, T0 + at + i * MINUTE)])
            await rig.pass_s(10)
            await rig.evaluate()
        assert [source for source, _ in rig.bus.sought] == [ZERO]

    in_time(story, Rig(config=_with_predictions(400)))
