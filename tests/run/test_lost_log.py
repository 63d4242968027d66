"""A log that no longer holds what was not read yet: nothing is passed over in silence."""

import asyncio
import logging

import pytest

from stream.bus.owner import Start
from stream.errors import LogLost
from stream.ingest.fold import GAPS_KEPT
from stream.ingest.partition import Partition
from stream.run.work.lost_log import go_on, is_same_log
from stream.state.memory import MemoryStore
from tests.events import feature
from tests.run.rig import SOURCES, Rig, small

ZERO = SOURCES[0]


def partition(offset: int, store: MemoryStore | None = None) -> Partition:
    """Make a partition that stands at an offset."""
    rig = Rig()
    made = Partition(store or MemoryStore(), "test", ZERO, rig.runtime.ingest.rules)
    made.load()
    made.fold_state.next_offset = offset
    rig.runtime.close()
    return made


@pytest.mark.parametrize(("low", "high"), [(0, 90), (40, 90), (0, 40), (40, 40)])
def test_an_offset_within_the_log_or_at_its_end_is_no_loss(low: int, high: int) -> None:
    """Its first one and the one after the last are good places to stand at."""
    of = partition(40)
    assert not go_on(of, low, high, "fail")
    assert (of.fold_state.next_offset, of.fold_state.gaps) == (40, [])


def test_a_partition_that_was_never_read_has_lost_nothing() -> None:
    """What was gone before anybody watched is nobody's loss."""
    assert not go_on(partition(0), 7_000, 9_000, "fail")


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (41, 90, r"features/0: offsets 40 to 40 are lost: the log begins at 41; .*reset_and_flag"),
        (9_000, 9_000, "offsets 40 to 8,999 are lost"),
        (0, 39, "stands at offset 40 and the log ends at 39: it is another log"),
    ],
)
def test_by_default_a_lost_log_stops_and_says_what_is_lost(
    low: int, high: int, message: str
) -> None:
    """With what can be done about it; the state is left as it was."""
    of = partition(40)
    assert small().on_lost_log == "fail"
    with pytest.raises(LogLost, match=message):
        go_on(of, low, high, "fail")
    assert (of.fold_state.next_offset, of.fold_state.counters.gaps) == (40, 0)


def test_going_on_notes_the_gap_in_the_state_for_good(caplog: pytest.LogCaptureFixture) -> None:
    """Its offsets, how many gaps there were, and how many events are lost, as far as that can be known."""
    store = MemoryStore()
    of = partition(40, store)
    for low, high in ((55, 90), (3, 20)):
        assert go_on(of, low, high, "reset_and_flag")
    of.commit()
    loaded = Partition(store, "test", ZERO, of.fold_state.rules)
    assert loaded.load() == 3
    assert loaded.fold_state.gaps == [(40, 55), (55, 3)]
    assert (loaded.fold_state.counters.gaps, loaded.fold_state.counters.lost) == (2, 15)
    assert "offsets 40 to 54 are lost" in caplog.text
    assert all(record.levelno == logging.ERROR for record in caplog.records)


def test_only_the_newest_gaps_are_remembered_and_all_are_counted() -> None:
    """The state stays bounded."""
    of = partition(40)
    for low in range(50, 50 + 2 * GAPS_KEPT):
        go_on(of, low, 90, "reset_and_flag")
    assert len(of.fold_state.gaps) == GAPS_KEPT
    assert of.fold_state.gaps[-1] == (48 + 2 * GAPS_KEPT, 49 + 2 * GAPS_KEPT)
    assert of.fold_state.counters.gaps == 2 * GAPS_KEPT


def test_a_worker_commits_the_gap_and_reads_on_behind_it() -> None:
    """Events behind the gap count; those that are lost are told by the metrics."""

    async def story(rig: Rig) -> None:
        await rig.runtime.take_over(SOURCES)
        await rig.fold(ZERO, 0, [feature()] * 4)
        start = await rig.runtime.outside_log(ZERO, 10, 20)
        assert start == Start(10, rig.runtime.term[ZERO])
        assert rig.next_offset(ZERO) == 10
        await rig.fold(ZERO, 10, [feature()] * 10)
        await rig.pass_s(2)

    rig = Rig(config=small(on_lost_log="reset_and_flag"))
    asyncio.run(story(rig))
    rig.runtime.close()
    counters = rig.runtime.ingest.partitions[ZERO].fold_state.counters
    assert (counters.seen, counters.lost) == (14, 6)
    assert rig.next_offset(ZERO) == 20
    assert rig.runtime.tallies.events["features"]["lost"] == 6
    assert rig.runtime.tallies.events["features"]["gaps"] == 1


def test_a_worker_whose_partition_has_gone_meanwhile_decides_nothing() -> None:
    """Its next owner is asked."""

    async def story(rig: Rig) -> None:
        await rig.runtime.take_over(SOURCES)
        await rig.fold(ZERO, 0, [feature()] * 4)
        await rig.runtime.let_go([ZERO], lost=False)
        await rig.runtime.outside_log(ZERO, 10, 20)
        assert rig.next_offset(ZERO) == 4

    rig = Rig()
    asyncio.run(story(rig))
    rig.runtime.close()


# -- a topic that was made anew and has grown ------------------------------------------------------------------------


def test_the_identity_of_a_topic_is_kept_with_the_offset_from_when_it_is_known() -> None:
    """Brokers that do not tell it change nothing; nor does it move an offset that was committed before."""
    store = MemoryStore()
    of = partition(40, store)
    of.commit()
    assert is_same_log(of, "", "fail")
    assert not of.changed
    assert is_same_log(of, "first", "fail")
    assert of.changed
    of.commit()
    assert not of.changed
    loaded = Partition(store, "test", ZERO, of.fold_state.rules)
    assert (loaded.load(), loaded.log, loaded.changed) == (40, "first", False)
    assert is_same_log(loaded, "first", "fail")
    assert is_same_log(loaded, "", "fail")
    assert loaded.log == "first", "what was known is not forgotten"


def test_another_topic_under_the_old_name_stops_however_far_it_has_grown() -> None:
    """Its offsets mean other events; with nothing read there is nothing to lose."""
    of = partition(40)
    of.log = "first"
    with pytest.raises(
        LogLost, match="made anew: the state stands at offset 40 of first, and this is second"
    ):
        is_same_log(of, "second", "fail")
    assert (of.fold_state.next_offset, of.log) == (40, "first")
    fresh = partition(0)
    fresh.log = "first"
    assert is_same_log(fresh, "second", "fail")
    assert fresh.log == "second"


@pytest.mark.parametrize("running", [True, False])
def test_a_worker_goes_on_at_the_beginning_of_a_topic_made_anew_if_it_is_told_to(
    running: bool,
) -> None:
    """Whether it finds out when it takes the partition over or while it has it; and it counts the gap once."""

    async def story(rig: Rig) -> None:
        rig.runtime.know_logs({"features": "first"})
        await rig.runtime.take_over(SOURCES)
        await rig.fold(ZERO, 0, [feature()] * 4)
        await rig.pass_s(2)
        term = rig.runtime.term[ZERO]
        if not running:
            await rig.runtime.let_go(SOURCES, lost=False)
        rig.runtime.know_logs({"features": "second"})
        if running:
            await rig.pass_s(2)
            assert rig.bus.sought == [(ZERO, Start(0, term + 1))]
            await rig.fold(ZERO, 4, [feature()] * 9, term)
        else:
            assert (await rig.runtime.take_over(SOURCES))[ZERO].offset == 0
        await rig.fold(ZERO, 0, [feature()] * 6)
        await rig.pass_s(2)
        await rig.pass_s(2)

    rig = Rig(config=small(on_lost_log="reset_and_flag"))
    asyncio.run(story(rig))
    rig.runtime.close()
    of = rig.runtime.ingest.partitions[ZERO]
    assert (of.fold_state.counters.seen, of.fold_state.gaps, of.log) == (10, [(4, 0)], "second")
    assert rig.next_offset(ZERO) == 6


@pytest.mark.parametrize("running", [True, False])
def test_a_worker_stops_at_a_topic_made_anew_and_commits_nothing_of_it(running: bool) -> None:
    """By default: somebody has to say which events the state is of."""

    async def story(rig: Rig) -> None:
        rig.runtime.know_logs({"features": "first"})
        await rig.runtime.take_over(SOURCES)
        await rig.fold(ZERO, 0, [feature()] * 4)
        await rig.pass_s(2)
        if not running:
            await rig.runtime.let_go(SOURCES, lost=False)
        rig.runtime.know_logs({"features": "second"})
        with pytest.raises(LogLost, match="made anew"):
            await (rig.pass_s(2) if running else rig.runtime.take_over(SOURCES))
        await rig.fold(ZERO, 4, [feature()] * 4)
        await rig.runtime.wind_up(rig.now + 300)

    rig = Rig()
    asyncio.run(story(rig))
    rig.runtime.close()
    assert rig.next_offset(ZERO) == 4
