"""What a worker owns and does, without Kafka: nothing is lost or told twice, whatever the store answers and when."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from sinks import DriftEvent, structured
from stream.bus.consumer import Start
from stream.config import Limits
from stream.errors import BusUnavailable, StoreUnavailable
from stream.run.work import calls as of_calls
from stream.run.work import runtime as of_runtime
from stream.state.store import Answer, Commit, Taken, model_key
from tests.events import T0, feature
from tests.run.rig import MINUTE, SOURCES, FaultyStore, Rig, small, stream
from tests.sinks.events import series

ZERO, ONE = SOURCES


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_calls, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(of_calls, "RETRY_LONGEST_S", 0.02)


def run(story: Callable[[Rig], Awaitable[Any]], rig: Rig | None = None) -> Rig:
    """Run a story on a rig that has taken both partitions over."""
    rig = rig or Rig()

    async def whole() -> None:
        await rig.runtime.take_over(SOURCES)
        await story(rig)

    asyncio.run(whole())
    rig.runtime.close()
    return rig


def alerts(rig: Rig) -> list[str]:
    """Tell the ids that the first sink was given, in order."""
    return [event.id for event in rig.sink.events]


async def drifting(rig: Rig) -> None:
    """Fold eight hours on both partitions, with drift in them; events with odd numbers go to partition 1."""
    events = stream(8, shift_after=4)
    for source, own in ((ZERO, events[0::2]), (ONE, events[1::2])):
        await rig.fold(source, 0, own)
    await rig.pass_s(2)


# -- partitions ------------------------------------------------------------------------------------------------------


def test_a_batch_of_an_older_term_is_left_out_and_still_done() -> None:
    """What it holds is read again, so that folding it too would leave a gap behind it."""

    async def story(rig: Rig) -> None:
        await rig.runtime.take_over([ZERO])
        await rig.fold(ZERO, 5, [feature()] * 3, term=rig.runtime.term[ZERO] - 1)
        assert (rig.runtime.ingest.partitions[ZERO].fold_state.next_offset, rig.done) == (0, 1)
        await rig.fold(ZERO, 0, [feature()] * 3)
        assert rig.runtime.ingest.partitions[ZERO].fold_state.next_offset == 3

    assert run(story).done == 2


def test_a_batch_of_a_partition_that_was_let_go_is_left_out() -> None:
    """Its next owner folds it."""

    async def story(rig: Rig) -> None:
        await rig.fold(ONE, 0, [feature()] * 3)
        term = rig.runtime.term[ONE]
        await rig.runtime.let_go([ONE], lost=False)
        await rig.fold(ONE, 3, [feature()] * 3, term)

    rig = run(story)
    assert (rig.next_offset(ONE), rig.done) == (3, 2)
    assert rig.bus.told == {ONE: 3}


def test_what_is_lost_is_let_go_without_a_commit() -> None:
    """Somebody else may have it already."""

    async def story(rig: Rig) -> None:
        await rig.fold(ONE, 0, [feature()] * 3)
        await rig.runtime.let_go([ONE], lost=True)

    assert run(story).next_offset(ONE) == 0


@pytest.mark.parametrize("answer", [Answer.CONFLICT, Answer.FENCED])
def test_a_refused_commit_loads_anew_and_the_bus_is_told_to_seek(answer: Answer) -> None:
    """Even when the store stands where memory stood: what is on its way bears the old term and is left out."""

    async def story(rig: Rig) -> None:
        await rig.fold(ZERO, 0, [feature()] * 4)
        await rig.pass_s(2)
        old = rig.runtime.term[ZERO]
        await rig.fold(ZERO, 4, [feature(x=1.0)] * 4)
        rig.store.answers = [answer]
        await rig.pass_s(2)
        assert rig.bus.sought == [(ZERO, Start(4, old + 1))]
        assert rig.runtime.term[ZERO] == old + 1
        await rig.fold(ZERO, 8, [feature(x=1.0)] * 4, old)
        await rig.fold(ZERO, 4, [feature(x=1.0)] * 8)
        await rig.pass_s(2)

    rig = run(story)
    marks = rig.marks()[ZERO]
    assert marks is not None
    assert (rig.next_offset(ZERO), marks.counters.seen, marks.counters.folded) == (12, 12, 12)
    assert rig.runtime.tallies.reloads == 1


def test_a_batch_that_cannot_be_folded_is_never_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A half-folded batch has moved the offset already; letting the partition go must not write that down."""

    async def story(rig: Rig) -> None:
        await rig.fold(ZERO, 0, [feature()] * 3)
        await rig.pass_s(2)

        def broken(_: object) -> list[object]:
            rig.runtime.ingest.partitions[ZERO].fold_state.next_offset = 99
            raise RuntimeError("a fault of the fold")

        monkeypatch.setattr(rig.runtime.ingest, "fold", broken)
        with pytest.raises(RuntimeError, match="a fault of the fold"):
            await rig.fold(ZERO, 3, [feature()] * 3)
        await rig.runtime.let_go([ZERO], lost=False)

    rig = run(story)
    assert (rig.next_offset(ZERO), rig.done) == (3, 2)


def test_a_store_that_is_away_for_a_while_costs_nothing_and_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The batch waits, the next one behind it, and all is there when the store is back."""

    async def story(rig: Rig) -> None:
        rig.now += 2
        rig.store.down = True
        folding = [asyncio.create_task(rig.fold(ZERO, n, [feature()] * 5)) for n in (0, 5)]
        while rig.store.calls["commit"] < 4:
            await asyncio.sleep(0.01)
        assert not rig.runtime.calls.well
        rig.store.down = False
        await asyncio.gather(*folding)
        await rig.pass_s(2)
        assert rig.runtime.calls.well

    rig = run(story)
    assert rig.next_offset(ZERO) == 10
    assert [r.message for r in caplog.records if r.levelno >= logging.ERROR] == [
        "store: told to be down; driftbus keeps trying, nothing is lost"
    ]


def test_a_rebalance_while_the_store_is_away_lets_go_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is not committed is folded again by the next owner; the worker goes on."""
    monkeypatch.setattr(of_runtime, "LET_GO_S", 0.0)

    async def story(rig: Rig) -> None:
        for source in SOURCES:
            await rig.fold(source, 0, [feature()] * 3)
        rig.store.down = True
        await rig.runtime.let_go(SOURCES, lost=False)
        assert rig.runtime.ingest.partitions == {}
        rig.store.down = False
        starts = await rig.runtime.take_over(SOURCES)
        assert [start.offset for start in starts.values()] == [0, 0]

    run(story)


@pytest.mark.parametrize("lost", [False, True])
def test_a_partition_whose_commit_hangs_is_let_go_all_the_same(
    monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    """Under load a commit is always under way: a rebalance must not wait for it as long as the store is away."""
    monkeypatch.setattr(of_runtime, "LET_GO_S", 0.05)

    async def story(rig: Rig) -> None:
        await rig.fold(ZERO, 0, [feature()] * 3)
        await rig.pass_s(2)
        rig.now += 2
        rig.store.down = True
        stuck = asyncio.create_task(rig.fold(ZERO, 3, [feature()] * 3))
        while rig.store.calls["commit"] < 3:
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await rig.runtime.let_go([ZERO], lost=lost)
            await stuck
        assert (rig.done, set(rig.runtime.ingest.partitions)) == (2, {ONE})
        rig.store.down = False
        starts = await rig.runtime.take_over([ZERO])
        assert starts[ZERO].offset == 3
        await rig.fold(ZERO, 3, [feature()] * 3)
        await rig.pass_s(2)

    assert run(story).next_offset(ZERO) == 6


def test_a_partition_that_is_let_go_while_it_is_loaded_is_not_owned_later_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer that comes when nobody waits for it any more must not make this worker fence the next owner."""
    monkeypatch.setattr(of_runtime, "LET_GO_S", 0.05)

    async def story(rig: Rig) -> None:
        asked, answered = threading.Event(), threading.Event()
        take_over = rig.store.take_over

        def slowly(key: str) -> Taken:
            asked.set()
            answered.wait(10)
            return take_over(key)

        monkeypatch.setattr(rig.store, "take_over", slowly)
        rig.store.answers = [Answer.CONFLICT]
        rig.now += 2
        stuck = asyncio.create_task(rig.fold(ZERO, 0, [feature()] * 3))
        while not asked.is_set():
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await rig.runtime.let_go([ZERO], lost=False)
            await stuck
        answered.set()
        await rig.runtime.calls.once(lambda: None)  # behind all that was asked before
        assert set(rig.runtime.ingest.partitions) == {ONE}
        starts = await rig.runtime.take_over([ZERO])
        assert (starts[ZERO].offset, set(rig.runtime.ingest.partitions)) == (0, {ZERO, ONE})

    run(story)


def test_dead_letters_are_delivered_before_the_commit_and_hold_up_only_their_partition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not the store's calls of others; a worker that ends before they are delivered has not committed them."""

    async def story(rig: Rig) -> None:
        tries = 0

        def refuse(_: object) -> None:
            nonlocal tries
            tries += 1
            raise BusUnavailable("told to be down", "features.dlq")

        monkeypatch.setattr(rig.runtime._office, "deliver", refuse)
        rig.now += 2
        stuck = asyncio.create_task(rig.fold(ZERO, 0, [b"no event"]))
        while tries < 2:
            await asyncio.sleep(0.01)
        await rig.fold(ONE, 0, [feature()])
        assert (rig.next_offset(ZERO), rig.next_offset(ONE)) == (0, 1)
        assert rig.runtime.calls.well
        assert not rig.runtime.letters.well
        monkeypatch.setattr(of_runtime, "LET_GO_S", 0.05)
        await rig.runtime.let_go(SOURCES, lost=False)
        await stuck

    assert run(story).next_offset(ZERO) == 0


def test_a_silent_partition_that_is_read_to_its_end_follows_the_others() -> None:
    """Not before the timeout, not while something is left to read, and not further than the slowest other one."""

    async def story(rig: Rig) -> None:
        await rig.fold(ZERO, 0, [feature(T0)])
        await rig.fold(ONE, 0, [feature(T0 + 60 * MINUTE)])
        await rig.pass_s(2)
        watermark = rig.runtime.ingest.partitions[ZERO].fold_state
        await rig.pass_s(100)
        assert watermark.ticks == 0, "nobody said that it was read to its end"
        rig.caught_up(ZERO, 1)
        await rig.fold(ONE, 1, [feature(T0 + 61 * MINUTE)])
        await rig.pass_s(100)
        assert (watermark.ticks, watermark.watermark) == (1, T0 + 61 * MINUTE)
        await rig.pass_s(2)
        assert watermark.ticks == 1, "the other one has not moved by a pane"
        await rig.fold(ZERO, 1, [feature(T0 + 70 * MINUTE)])
        await rig.pass_s(2)

    rig = run(story)
    mark = rig.marks()[ZERO]
    assert mark is not None
    assert (mark.idle, mark.watermark) == (False, T0 + 70 * MINUTE)


def test_a_silent_partition_follows_the_slowest_of_those_that_speak() -> None:
    """Not the fastest, as its own next event may be as old as theirs; and not one that is silent itself."""

    async def story(rig: Rig) -> None:
        two, three = (ZERO._replace(partition=p) for p in (2, 3))
        rig.runtime.know_partitions({"features": 4})
        await rig.runtime.take_over([two, three])
        for source, minutes in ((ZERO, 0), (ONE, 90), (two, 60), (three, 10)):
            await rig.fold(source, 0, [feature(T0 + minutes * MINUTE)])
        rig.caught_up(ZERO, 1)
        rig.caught_up(three, 1)
        rig.runtime.ingest.partitions[three].idle = True
        await rig.pass_s(2)
        await rig.pass_s(100)
        fold = rig.runtime.ingest.partitions[ZERO].fold_state
        assert (fold.ticks, fold.watermark) == (1, T0 + 60 * MINUTE)

    run(story)


def test_a_silent_partition_waits_for_its_timeout() -> None:
    """A second less is not silence."""

    async def story(rig: Rig) -> None:
        await rig.fold(ZERO, 0, [feature(T0)])
        await rig.fold(ONE, 0, [feature(T0 + 60 * MINUTE)])
        rig.caught_up(ZERO, 1)
        await rig.pass_s(2)
        fold = rig.runtime.ingest.partitions[ZERO].fold_state
        await rig.pass_s(rig.config.idle_timeout_ms / 1000 - 3)
        assert fold.ticks == 0
        await rig.pass_s(2)
        assert fold.ticks == 1

    run(story)


def test_a_silence_that_nobody_listened_to_is_none() -> None:
    """A process that was suspended knows nothing of what came meanwhile, and must not close its panes."""

    async def story(rig: Rig) -> None:
        await rig.fold(ZERO, 0, [feature(T0)])
        await rig.fold(ONE, 0, [feature(T0 + 60 * MINUTE)])
        rig.caught_up(ZERO, 1)
        await rig.pass_s(10)
        rig.now += rig.config.idle_timeout_ms / 1000
        await rig.runtime.look_after()
        fold = rig.runtime.ingest.partitions[ZERO].fold_state
        assert fold.ticks == 0, "nobody has told since"
        await rig.pass_s(rig.config.idle_timeout_ms / 1000 - 3)
        assert fold.ticks == 0, "told again, it begins anew"
        await rig.pass_s(6)
        assert fold.ticks == 1

    run(story)


def test_the_silence_behind_a_batch_begins_when_it_is_folded() -> None:
    """While a batch waits for the store, its partition is read to its end, and yet not silent."""

    async def story(rig: Rig) -> None:
        await rig.fold(ONE, 0, [feature(T0 + 60 * MINUTE)])
        rig.caught_up(ZERO, 1)
        await rig.pass_s(100)
        await rig.fold(ZERO, 0, [feature(T0)])
        rig.caught_up(ZERO, 1)
        await rig.runtime.look_after()
        fold = rig.runtime.ingest.partitions[ZERO].fold_state
        assert fold.ticks == 0
        await rig.pass_s(rig.config.idle_timeout_ms / 1000 + 2)
        assert fold.ticks == 1

    run(story)


def test_when_all_are_silent_time_stands_still() -> None:
    """The last one that spoke has nobody to follow."""

    async def story(rig: Rig) -> None:
        for source, minutes in ((ZERO, 0), (ONE, 60)):
            await rig.fold(source, 0, [feature(T0 + minutes * MINUTE)])
            rig.caught_up(source, 1)
        for _ in range(5):
            await rig.pass_s(100)

    marks = run(story).marks()
    assert [m.watermark for m in marks.values() if m] == [T0 + 60 * MINUTE] * 2


def test_a_partition_with_too_many_raw_values_is_held_until_they_are_learned() -> None:
    """Then it is read on from where it stands; loading anew forgets the hold, as the bus reads on by itself."""
    config = small(limits=Limits(raw_rows_max=60))

    async def story(rig: Rig) -> None:
        events = stream(1)
        await rig.fold(ZERO, 0, events[:90])
        await rig.pass_s(2)
        assert rig.bus.held == [ZERO]
        await rig.fold(ONE, 0, events)
        await rig.pass_s(2)
        await rig.runtime.evaluate()
        await rig.pass_s(10)
        await rig.pass_s(2)
        assert rig.bus.held.count(ZERO) == 1
        assert rig.bus.sought == [(ZERO, Start(90, rig.runtime.term[ZERO]))]

    run(story, Rig(config=config))


def test_a_held_partition_that_is_loaded_anew_is_held_again() -> None:
    """Its seek has let it go on."""

    async def story(rig: Rig) -> None:
        await rig.fold(ZERO, 0, stream(1)[:90])
        await rig.pass_s(2)
        rig.store.answers = [Answer.CONFLICT]
        await rig.fold(ZERO, 90, stream(1)[90:91])
        await rig.pass_s(2)
        assert len(rig.bus.sought) == 1
        await rig.pass_s(2)
        assert rig.bus.held == [ZERO, ZERO]

    run(story, Rig(config=small(limits=Limits(raw_rows_max=60))))


def test_cleaning_deletes_evaluated_panes_and_no_other() -> None:
    """What no evaluator has seen stays, however old."""

    async def story(rig: Rig) -> None:
        await drifting(rig)
        partition = rig.runtime.ingest.partitions[ZERO]
        everything = set(partition._index["m"])
        await rig.pass_s(10)
        assert partition._index["m"] == everything
        await rig.evaluate()
        await rig.pass_s(10)
        base = rig.runtime.models.evaluators["m"].evaluated(ZERO.kind)
        kept = rig.config.pane_retention_ms // rig.config.pane_ms
        assert partition._index["m"] == {number for number in everything if number >= base - kept}
        assert len(partition._index["m"]) < len(everything)

    run(story)


# -- models ----------------------------------------------------------------------------------------------------------


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
    expected = alerts(run(_evaluate_twice))

    async def story(rig: Rig) -> None:
        await drifting(rig)
        rig.store.answers = [answer]
        await rig.evaluate()
        assert rig.runtime.models.evaluators == {}
        assert rig.sink.events == [], "no alert leaves before its commit"
        await rig.evaluate()
        await rig.evaluate()

    assert alerts(run(story)) == expected


async def _evaluate_twice(rig: Rig) -> None:
    await drifting(rig)
    await rig.evaluate()
    await rig.evaluate()


def test_a_store_that_goes_in_the_middle_of_an_evaluation_changes_no_alert(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even when the commit was written, and only its answer lost."""
    expected = alerts(run(_evaluate_twice))
    assert expected

    async def story(rig: Rig) -> None:
        await drifting(rig)
        commit = rig.store.commit

        def fail_after_writing(step: Commit) -> Answer:
            commit(step)
            rig.store.down = True
            raise StoreUnavailable("told to be down")

        with monkeypatch.context() as patch:
            patch.setattr(rig.store, "commit", fail_after_writing)
            await rig.evaluate()
        assert rig.runtime.models.evaluators == {}
        rig.store.down = False
        await rig.evaluate()
        await rig.evaluate()

    assert alerts(run(story)) == expected


def test_a_model_goes_when_the_sinks_have_taken_what_was_on_its_way() -> None:
    """Its next owner finds an empty outbox and tells nothing again."""
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
    expected = alerts(run(_evaluate_twice))
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
            answered.wait(10)
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


# -- the end ---------------------------------------------------------------------------------------------------------


def test_winding_up_commits_evaluates_and_waits_for_the_sinks() -> None:
    """And tells Kafka's lag tools where it stands."""

    async def story(rig: Rig) -> None:
        for source in SOURCES:
            await rig.fold(source, 0, stream(8, shift_after=4)[SOURCES.index(source) :: 2])
        assert rig.next_offset(ZERO) <= 1_440
        rig.outlet.start()
        await rig.runtime.wind_up(rig.now + 10)
        assert rig.runtime.models.evaluators["m"].outbox == {}

    rig = run(story)
    assert [rig.next_offset(source) for source in SOURCES] == [1_440, 1_440]
    assert rig.bus.told == {ZERO: 1_440, ONE: 1_440}
    assert alerts(rig) == alerts(run(_evaluate_twice))
    rig.outlet.close()


def test_winding_up_ends_in_time_though_the_store_is_away() -> None:
    """What is not committed is folded again."""

    async def story(rig: Rig) -> None:
        await rig.fold(ZERO, 0, [feature()])
        rig.store.down = True
        with pytest.raises(TimeoutError):
            await rig.runtime.wind_up(rig.now + 0.2)

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
