"""What a worker owns and does, without Kafka: nothing is lost or counted twice, whatever the store answers and when."""

import asyncio

import pytest

from stream.bus.owner import Start
from stream.config import Limits
from stream.errors import BusUnavailable
from stream.run.work import runtime as of_runtime
from stream.state.store import Answer
from tests.events import feature
from tests.run.rig import SOURCES, Rig, small, stream
from tests.run.stories import alerts, drifting, evaluate_twice, run

ZERO, ONE = SOURCES
pytestmark = pytest.mark.usefixtures("quick_retries")


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


def test_winding_up_commits_evaluates_and_waits_for_the_sinks() -> None:
    """And tells Kafka's lag tools where it stands."""

    async def story(rig: Rig) -> None:
        for source in SOURCES:
            await rig.fold(source, 0, stream(8, shift_after=4)[SOURCES.index(source) :: 2])
        assert rig.next_offset(ZERO) <= 1_440
        rig.outlet.start()
        await rig.runtime.wind_up(rig.now + 300)
        assert rig.runtime.models.evaluators["m"].outbox == {}

    rig = run(story)
    assert [rig.next_offset(source) for source in SOURCES] == [1_440, 1_440]
    assert rig.bus.told == {ZERO: 1_440, ONE: 1_440}
    assert alerts(rig) == alerts(run(evaluate_twice))
    rig.outlet.close()
