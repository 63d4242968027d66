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
ZERO, ONE, TWO, *_ = MANY


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
    """Tell which partition is committed."""
    return int(commit.key.rstrip("}").rpartition(":")[2])


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

    async def hang_in_a_call(self) -> asyncio.Task[None]:
        """Let the store hang in a call in which all are committed."""
        await self.go_on(*MANY)
        self.noted.hang()
        self.now += 1
        stuck = asyncio.create_task(self.go_on(ZERO))
        while not self.noted.asked.is_set():
            await asyncio.sleep(0.01)
        assert sorted(self.noted.together[-1]) == [0, 1, 2, 3, 4, 5]
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


def test_as_many_are_committed_together_as_have_a_megabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large states go alone, or a hundred of them would be in memory once more at once."""
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
