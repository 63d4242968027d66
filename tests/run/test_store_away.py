"""A store that does not answer, for a while or for ever: nothing is lost, and nobody is held up for long."""

import asyncio
import logging
import threading

import pytest

from stream.errors import StoreUnavailable
from stream.run.work import runtime as of_runtime
from stream.state.store import Answer, Commit, Taken
from tests.events import feature
from tests.run.rig import SOURCES, Rig
from tests.run.stories import alerts, drifting, evaluate_twice, run

ZERO, ONE = SOURCES
pytestmark = pytest.mark.usefixtures("quick_retries")


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
        async with asyncio.timeout(60):
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
            answered.wait(120)
            return take_over(key)

        monkeypatch.setattr(rig.store, "take_over", slowly)
        rig.store.answers = [Answer.CONFLICT]
        rig.now += 2
        stuck = asyncio.create_task(rig.fold(ZERO, 0, [feature()] * 3))
        while not asked.is_set():
            await asyncio.sleep(0.01)
        async with asyncio.timeout(60):
            await rig.runtime.let_go([ZERO], lost=False)
            await stuck
        answered.set()
        await rig.runtime.calls.once(lambda: None)  # behind all that was asked before
        assert set(rig.runtime.ingest.partitions) == {ONE}
        starts = await rig.runtime.take_over([ZERO])
        assert (starts[ZERO].offset, set(rig.runtime.ingest.partitions)) == (0, {ZERO, ONE})

    run(story)


def test_a_store_that_goes_in_the_middle_of_an_evaluation_changes_no_alert(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even when the commit was written, and only its answer lost."""
    expected = alerts(run(evaluate_twice))
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


def test_winding_up_ends_in_time_though_the_store_is_away() -> None:
    """What is not committed is folded again."""

    async def story(rig: Rig) -> None:
        await rig.fold(ZERO, 0, [feature()])
        rig.store.down = True
        with pytest.raises(TimeoutError):
            await rig.runtime.wind_up(rig.now + 0.2)

    run(story)
