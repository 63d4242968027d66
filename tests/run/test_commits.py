"""When partitions are committed, and which of them in one call of the store."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest

from stream.ingest.raw import Source
from stream.run.work import commits as of_commits
from stream.run.work import runtime as of_runtime
from stream.state.store import Answer, Commit
from stream.words import Kind
from tests.events import T0, feature
from tests.run.rig import FaultyStore, Rig

MANY = [Source(Kind.FEATURES, "features", p) for p in range(6)]
ZERO, ONE, TWO, *_, LAST = MANY


class NotingStore(FaultyStore):
    """Notes which partitions are committed in one call; may refuse one's commits, and may hang."""

    def __init__(self) -> None:
        super().__init__()
        self.together: list[list[int]] = []
        self.refused: int | None = None
        self.asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    def commit_all(self, commits: Sequence[Commit]) -> list[Answer]:
        self.together.append([number(commit) for commit in commits])
        self.asked.set()
        self.may_answer.wait(120)
        return super().commit_all(commits)

    def commit(self, commit: Commit) -> Answer:
        if number(commit) == self.refused:
            return Answer.CONFLICT
        return super().commit(commit)

    def hang(self) -> None:
        self.asked.clear()
        self.may_answer.clear()


def number(commit: Commit) -> int:
    """Tell which partition is committed, -1 of a model."""
    told = commit.key.rstrip("}").rpartition(":")[2]
    return int(told) if ":src:" in commit.key else -1


class Many(Rig):
    """A worker of six partitions, of which three events each are folded and have just been committed."""

    def __init__(self) -> None:
        self.noted = NotingStore()
        super().__init__(self.noted)
        self.runtime.know_partitions({"features": len(MANY)})
        self.read = dict.fromkeys(MANY, 0)

    async def begin(self) -> None:
        await self.runtime.take_over(MANY)
        await self.go_on(*MANY)
        await self.pass_s(2)
        self.noted.together.clear()

    async def go_on(self, *sources: Source) -> None:
        """Fold the next three events of partitions."""
        for source in sources:
            first = self.read[source]
            self.read[source] += 3
            await self.fold(source, first, [feature()] * 3)

    async def hang_in_a_call(self, sources: Sequence[Source] = MANY) -> asyncio.Task[None]:
        """Let the store hang in a call in which ZERO and others are committed, by default all."""
        await self.go_on(*sources)
        self.noted.hang()
        self.now += 1
        stuck = asyncio.create_task(self.go_on(ZERO))
        while not self.noted.asked.is_set():
            assert not stuck.done(), "it is committed in this very call"
            await asyncio.sleep(0.01)
        assert self.noted.together[-1] == [source.partition for source in sources]
        return stuck

    def committed(self) -> list[int]:
        """Tell the committed offsets."""
        return [self.next_offset(source) for source in MANY]


def run(story: Callable[[Many], Awaitable[None]]) -> Many:
    """Let a story happen to a worker of six partitions."""
    rig = Many()

    async def told() -> None:
        await rig.begin()
        await story(rig)

    asyncio.run(told())
    rig.runtime.close()
    return rig


def test_those_that_are_soon_due_are_committed_with_one_that_is_due() -> None:
    """Those whose interval is not half over stay, and so do those of which nothing is new."""

    async def story(rig: Many) -> None:
        rig.now += 1
        await rig.go_on(ONE)
        rig.now += 0.3
        await rig.go_on(ONE, ZERO)
        assert rig.noted.together == [[1], [0]], "the one is young, of the others nothing is new"
        rig.now += 0.2
        await rig.go_on(ZERO)
        rig.now += 0.1
        await rig.go_on(TWO)
        assert rig.noted.together[2:] == [[2, 1]]
        assert rig.committed() == [6, 9, 6, 3, 3, 3]
        rig.now += 0.3
        await rig.go_on(ONE)
        rig.now += 0.2
        await rig.pass_s(1)
        assert rig.noted.together[3:] == [[0, 1]]

    assert run(story).committed() == [9, 12, 6, 3, 3, 3]


def test_partitions_fall_into_step_so_that_there_is_one_call_an_interval() -> None:
    """However far apart they began."""

    async def story(rig: Many) -> None:
        for i in range(100):
            rig.now += 0.1
            await rig.go_on(*MANY[i % 6 :], *MANY[: i % 6])
        calls = [len(each) for each in rig.noted.together]
        assert (len(calls) <= 16, calls[-5:]) == (True, [6] * 5)

    run(story)


def test_a_partition_that_closes_a_pane_before_it_is_due_goes_alone() -> None:
    """The others are about to close theirs, and would be written twice."""

    async def story(rig: Many) -> None:
        rig.now += 0.6
        await rig.go_on(*MANY)
        await rig.fold(ONE, rig.read[ONE], [feature(T0 + 3_600_000)])
        assert rig.noted.together == [[1]]

    assert run(story).committed() == [3, 7, 3, 3, 3, 3]


def test_models_are_told_of_a_pane_that_closes_once_it_is_committed() -> None:
    """They need not look whether something has closed in the store."""

    async def story(rig: Many) -> None:
        closed = rig.runtime.models._closed
        closed.clear()
        rig.now += 1
        await rig.go_on(ZERO)
        assert not closed.is_set()
        await rig.fold(ONE, rig.read[ONE], [feature(T0 + 3_600_000)])
        assert closed.is_set()

    assert run(story).committed() == [6, 4, 3, 3, 3, 3]


def test_a_partition_that_somebody_holds_is_not_waited_for() -> None:
    """Its holder commits it."""

    async def story(rig: Many) -> None:
        await rig.go_on(*MANY)
        rig.now += 1
        async with rig.runtime._holds.alone(ONE), asyncio.timeout(60):
            await rig.go_on(ZERO)
        assert sorted(rig.noted.together[0]) == [0, 2, 3, 4, 5]

    assert run(story).committed() == [9, 3, 6, 6, 6, 6]


def test_nobody_waits_for_a_partition_that_somebody_is_about_to_hold() -> None:
    """Its lock is free for a moment, and promised: who held his own and waited for it might wait for ever."""

    async def story(rig: Many) -> None:
        await rig.go_on(*MANY)
        rig.now += 1
        lock, may_end = rig.runtime._holds.alone(ONE), asyncio.Event()

        async def hold() -> None:
            async with rig.runtime._holds.until_it_goes(ONE):
                await may_end.wait()

        await lock.acquire()
        next_one = asyncio.create_task(hold())
        await asyncio.sleep(0)
        lock.release()
        async with asyncio.timeout(60):
            await rig.go_on(ZERO)
        may_end.set()
        await next_one

    assert run(story).committed() == [9, 3, 6, 6, 6, 6]


def test_what_is_behind_an_interrupted_call_is_committed_when_it_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was prepared for that call is less than all, so its answer begins no new interval."""
    monkeypatch.setattr(of_runtime, "LET_GO_S", 0.05)

    async def story(rig: Many) -> None:
        stuck = await rig.hang_in_a_call()
        await rig.runtime.let_go([ONE], lost=False)
        closing = asyncio.create_task(rig.fold(TWO, rig.read[TWO], [feature(T0 + 3_600_000)]))
        await asyncio.sleep(0.05)
        rig.noted.may_answer.set()
        await stuck
        await closing
        await rig.runtime.look_after()
        assert rig.next_offset(TWO) == rig.read[TWO] + 1

    run(story)


def test_winding_up_commits_what_is_behind_an_interrupted_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In as many calls as it takes: of the last one nobody else takes the rest along."""
    monkeypatch.setattr(of_runtime, "LET_GO_S", 0.05)

    async def story(rig: Many) -> None:
        rig.runtime._commits._made[LAST] += 0.4
        stuck = await rig.hang_in_a_call([ZERO, ONE, LAST])
        await rig.runtime.let_go([ONE], lost=False)
        await rig.go_on(LAST)  # it is not due, so this is only folded
        rig.noted.may_answer.set()
        await stuck
        rig.outlet.start()
        await rig.runtime.wind_up(rig.now + 60)
        assert rig.next_offset(LAST) == rig.read[LAST] == 9
        rig.outlet.close()

    run(story)


def test_a_rebalance_asks_a_store_that_hangs_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others' last commits are not tried, or a worker of a hundred partitions would keep the group waiting."""
    monkeypatch.setattr(of_runtime, "LET_GO_S", 0.05)

    async def story(rig: Many) -> None:
        await rig.go_on(*MANY)
        stuck = await rig.hang_in_a_call()
        async with asyncio.timeout(60):
            await rig.runtime.let_go(MANY, lost=False)
        rig.noted.may_answer.set()
        await stuck

    run(story)
    assert sum("not all is committed" in record.message for record in caplog.records) == 1


def test_as_many_are_committed_together_as_have_a_megabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large states go alone or in small company: a hundred of them would be in memory once more at once."""
    monkeypatch.setattr(of_commits, "TOGETHER_BYTES", 1)

    async def story(rig: Many) -> None:
        await rig.go_on(*MANY)
        rig.now += 1
        await rig.go_on(ZERO)
        await rig.pass_s(1)
        assert sorted(rig.noted.together) == [[0], [1], [2], [3], [4], [5]]

    run(story)


def test_one_that_is_refused_loads_anew_when_its_own_turn_comes() -> None:
    """The others of the call are nothing to it."""

    async def story(rig: Many) -> None:
        await rig.go_on(*MANY)
        rig.noted.refused = 1
        rig.now += 1
        await rig.go_on(ZERO)
        assert rig.committed() == [9, 3, 6, 6, 6, 6]
        assert rig.bus.sought == []
        await rig.pass_s(1)
        rig.noted.refused = None
        ((source, start),) = rig.bus.sought
        assert (source, start.offset) == (ONE, 3)
        rig.read[ONE] = 3
        await rig.go_on(ONE)
        await rig.pass_s(2)

    assert run(story).committed() == [9, 6, 6, 6, 6, 6]


@pytest.mark.parametrize("goes", [[ONE], [ZERO], [TWO, ONE], MANY[:3]], ids=len)
@pytest.mark.parametrize("at_once", [False, True])
def test_who_goes_while_a_call_for_many_hangs_goes_in_time_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch, goes: list[Source], at_once: bool
) -> None:
    """And nothing is folded twice, though the call is answered after all when nobody waits for it any more."""
    monkeypatch.setattr(of_runtime, "LET_GO_S", 0.05)

    async def story(rig: Many) -> None:
        stuck = await rig.hang_in_a_call()
        parts = [[one] for one in goes] if at_once else [goes]
        async with asyncio.timeout(60):
            await asyncio.gather(*(rig.runtime.let_go(part, lost=False) for part in parts))
        stay = [source for source in MANY if source not in goes]
        assert list(rig.runtime.ingest.partitions) == stay
        rig.noted.may_answer.set()
        await stuck
        if ZERO in stay:
            assert not rig.runtime.ingest.partitions[ZERO].changed, (
                "its answer was heard in the end"
            )
        await rig.pass_s(2)
        offsets = dict(zip(MANY, rig.committed(), strict=True))
        assert all(offsets[source] == rig.read[source] for source in stay)
        starts = await rig.runtime.take_over(goes)
        for source in goes:
            rig.read[source] = starts[source].offset
        await rig.go_on(*MANY)
        await rig.pass_s(2)
        for source, marks in rig.marks().items():
            assert marks is not None
            assert marks.counters.seen == rig.read[source] == rig.next_offset(source)

    run(story)
