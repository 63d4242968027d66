"""Partitions on which nothing comes: they follow the time of those that speak, once they are read to their end."""

import pytest

from tests.events import T0, feature
from tests.run.rig import MINUTE, SOURCES, Rig
from tests.run.stories import run

ZERO, ONE = SOURCES
pytestmark = pytest.mark.usefixtures("quick_retries")


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
