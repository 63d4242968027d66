"""A store that is lost is built again from a copy and the log, and nothing is missing and nothing told twice."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stream.config import BackupConfig, RedisConfig
from stream.errors import StoreRefused, StoreUnavailable, UsageError
from stream.run.copies.backup import Backup, backup_key, refuse_lost_store
from stream.run.copies.export import Export, canonical, write_export
from stream.run.copies.restore import missing_events, restore
from stream.run.fleet.census import holds_state, take_cut
from stream.state.memory import MemoryStore
from stream.state.snapshot import newest_snapshot
from stream.state.store import Answer, Commit, Taken
from stream.words import Kind
from tests.run.copies import MemoryLog
from tests.run.rig import SOURCES, FaultyStore, Rig, small, stream

ZERO, ONE = SOURCES
KINDS = {"features": Kind.FEATURES}
EVENTS = stream(8, shift_after=4)
PORTION = 240
CONFIG = small(
    redis=RedisConfig(url="redis://nowhere"),
    backup=BackupConfig(every_ms=60_000),
    pane_retention_ms=0,
)


def run(story: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run a story."""
    asyncio.run(story())


def begun() -> Rig:
    """Make a worker whose store is taken copies of."""
    rig = Rig(config=CONFIG)
    refuse_lost_store(CONFIG, rig.store, MemoryLog())
    return rig


async def work(rig: Rig, first: int, until: int) -> None:
    """Fold the events of a range of numbers, each partition from where it stands, evaluate, tell, and clean."""
    starts = {s: rig.runtime.ingest.partitions[s].fold_state.next_offset for s in SOURCES}
    for at, source in enumerate(SOURCES):
        own = EVENTS[at::2][: until // 2]
        if own[starts[source] :]:
            await rig.fold(source, starts[source], own[starts[source] :])
    await rig.pass_s(10)
    await rig.evaluate()
    await rig.runtime.acknowledge()
    await rig.pass_s(10)


def exported(rig: Rig) -> Export:
    """Give the canonical state."""
    return canonical(take_cut(rig.config, rig.store), KINDS)


async def _undisturbed() -> Rig:
    rig = begun()
    await rig.runtime.take_over(SOURCES)
    for until in range(PORTION, len(EVENTS) + 1, PORTION):
        await work(rig, 0, until)
    rig.runtime.close()
    return rig


@pytest.fixture(scope="module")
def expected() -> Rig:
    """Give a worker that nothing happened to; it told of a drift."""
    rig = asyncio.run(_undisturbed())
    assert rig.sink.events
    return rig


def copied(rig: Rig, log: MemoryLog) -> Backup:
    """Make what copies the state of a rig."""
    return Backup(rig.config, rig.store, log, rig.clock, rig.clock)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 12))
@settings(max_examples=6, phases=[Phase.generate])
def test_a_store_that_is_flushed_in_the_middle_and_restored_ends_as_if_nothing_had_happened(
    expected: Rig, pauses: list[int], lost_at: int
) -> None:
    """State and alerts are equal, although workers fold, judge and clean between any two reads of the copy."""

    async def story() -> None:
        rig, log = begun(), MemoryLog()
        await rig.runtime.take_over(SOURCES)
        at, moves = PORTION, list(pauses)
        await work(rig, 0, at)
        hashes = []
        for kept in take_cut(CONFIG, rig.store):
            hashes.append(kept)
            for _ in range(min(moves.pop(0), 4) if moves else 0):
                at = min(at + PORTION, len(EVENTS))
                await work(rig, 0, at)
        for _ in range(lost_at):
            at = min(at + PORTION, len(EVENTS))
            await work(rig, 0, at)
        rig.runtime.close()
        heir = Rig(FaultyStore(), CONFIG)
        heir.sink.events, heir.other.events = rig.sink.events, rig.other.events
        restore(CONFIG, heir.store, hashes, 1, force=False)
        refuse_lost_store(CONFIG, heir.store, log)
        await heir.runtime.take_over(SOURCES)
        for until in range(PORTION, len(EVENTS) + 1, PORTION):
            await work(heir, 0, until)
        assert exported(heir) == exported(expected)
        assert [e.id for e in heir.sink.events] == [e.id for e in expected.sink.events]
        heir.runtime.close()

    run(story)


def test_models_read_before_their_partitions_would_miss_what_was_cleaned(expected: Rig) -> None:
    """Why a copy has its order: with the other one, panes that an older model needs may be gone."""

    async def story() -> None:
        rig = begun()
        await rig.runtime.take_over(SOURCES)
        await work(rig, 0, 4 * PORTION)
        models = [kept for kept in take_cut(CONFIG, rig.store) if kept.what[0] != "partition"]
        for until in range(5, 9):
            await work(rig, 0, until * PORTION)
        parts = [kept for kept in take_cut(CONFIG, rig.store) if kept.what[0] == "partition"]
        rig.runtime.close()
        heir = Rig(FaultyStore(), CONFIG)
        restore(CONFIG, heir.store, models + parts, 1, force=False)
        await heir.runtime.take_over(SOURCES)
        for until in range(PORTION, len(EVENTS) + 1, PORTION):
            await work(heir, 0, until)
        assert exported(heir) != exported(expected)
        heir.runtime.close()

    run(story)


def test_copies_are_taken_when_it_is_time_and_the_newest_is_what_the_store_holds() -> None:
    """Not before; a worker that takes the task over knows when the last one was."""

    async def story() -> None:
        rig, log = begun(), MemoryLog()
        await rig.runtime.take_over(SOURCES)
        await work(rig, 0, PORTION)
        backup = copied(rig, log)
        backup.take()
        backup.take()
        assert log.manifests() == 1
        rig.now += 59
        other = copied(rig, log)
        for one in (backup, other):
            one.take()
            assert not one.due()
        assert log.manifests() == 1
        rig.now += 2
        await work(rig, 0, 2 * PORTION)
        assert other.due()
        other.take()
        backup.take()
        assert (log.manifests(), other.made_s, backup.failed) == (2, rig.now, 1)
        snapshot = newest_snapshot(log.compacted())
        assert snapshot is not None
        assert (snapshot.generation, snapshot.hashes) == (2, list(take_cut(CONFIG, rig.store)))
        rig.runtime.close()

    run(story)


def test_a_log_that_fails_is_tried_again_and_the_copy_before_stays_whole() -> None:
    """What was written of a copy that failed counts for nothing."""

    async def story() -> None:
        rig, log = begun(), MemoryLog()
        await rig.runtime.take_over(SOURCES)
        await work(rig, 0, PORTION)
        backup = copied(rig, log)
        backup.take()
        rig.now += 60
        log.fails_after = 1
        backup.take()
        assert (backup.failed, log.manifests(), backup.due()) == (1, 1, False)
        snapshot = newest_snapshot(log.compacted())
        assert snapshot is not None
        assert snapshot.generation == 1
        rig.now += 30
        log.fails_after = -1
        backup.take()
        assert log.manifests() == 2
        rig.runtime.close()

    run(story)


def test_a_store_that_went_back_does_not_make_an_older_copy_look_like_the_newest() -> None:
    """The next one has a higher number than any before it."""

    async def story() -> None:
        rig, log = begun(), MemoryLog()
        await rig.runtime.take_over(SOURCES)
        await work(rig, 0, PORTION)
        backup, key = copied(rig, log), backup_key(CONFIG.app)
        backup.take()
        old = rig.store.peek(key)
        for _ in range(2):
            rig.now += 60
            backup.take()
        rig.store._hashes[key] = dict(old)
        for seconds in (60, 60):
            rig.now += seconds
            backup.take()
        assert (backup.failed, backup.made_s) == (1, rig.now)
        snapshot = newest_snapshot(log.compacted())
        assert snapshot is not None
        assert (snapshot.generation, snapshot.made_ms) == (4, int(rig.now * 1000))
        rig.runtime.close()

    run(story)


def test_after_a_restore_that_has_not_looked_at_the_log_the_next_copy_is_the_newest_of_all() -> (
    None
):
    """A file was restored while no broker was there; of the copies of before the last one is damaged."""

    async def story() -> None:
        rig, log = begun(), MemoryLog()
        await rig.runtime.take_over(SOURCES)
        await work(rig, 0, PORTION)
        backup = copied(rig, log)
        for _ in range(3):
            backup.take()
            rig.now += 60
        log.records = [
            (key, blob) for key, blob in log.compacted() if not re.match(rb"1/.*/0", key)
        ]
        whole = newest_snapshot(log.records)
        assert whole is not None
        assert (whole.generation, bool(whole.broken)) == (2, True)
        restored = MemoryStore()
        restore(CONFIG, restored, list(take_cut(CONFIG, rig.store)), 0, force=False)
        rig.store._hashes = restored._hashes
        copied(rig, log).take()
        snapshot = newest_snapshot(log.compacted())
        assert snapshot is not None
        assert snapshot.generation == 4
        rig.runtime.close()

    run(story)


@pytest.mark.parametrize("at_record", [0, 1, 3])
def test_a_store_that_is_flushed_while_it_is_copied_leaves_no_copy_of_the_emptiness(
    at_record: int,
) -> None:
    """Nor does one that was flushed before: what can be restored is never overwritten by the beginning."""

    async def story() -> None:
        rig, log = begun(), MemoryLog()
        await rig.runtime.take_over(SOURCES)
        await work(rig, 0, PORTION)
        backup = copied(rig, log)
        backup.take()
        rig.now += 60
        written, good = len(log.records), list(take_cut(CONFIG, rig.store))

        def flush(_: object) -> None:
            if len(log.records) == written + at_record:
                rig.store._hashes.clear()

        log.before = flush
        backup.take()
        assert backup.failed == 1
        snapshot = newest_snapshot(log.compacted())
        assert snapshot is not None
        assert snapshot.hashes == good
        rig.now += 60
        with pytest.raises(StoreRefused, match=r"state is gone.*copy of 1970.*state restore"):
            backup.take()
        with pytest.raises(StoreRefused, match="driftbus state restore"):
            refuse_lost_store(CONFIG, rig.store, log)
        rig.runtime.close()

    run(story)


def test_a_store_without_copies_and_a_log_without_any_are_a_good_beginning() -> None:
    """A first start is no loss; where the store knows of copies, the log is not even read."""

    async def story() -> None:
        rig, log = Rig(config=CONFIG), MemoryLog()
        for _ in range(2):
            refuse_lost_store(CONFIG, rig.store, log)
            assert log.reads == 1
        await rig.runtime.take_over(SOURCES)
        await work(rig, 0, PORTION)
        copied(rig, log).take()
        reads = log.reads
        refuse_lost_store(CONFIG, rig.store, log)
        assert log.reads == reads
        rig.runtime.close()

    run(story)


def test_a_worker_that_dies_between_the_manifest_and_its_note_has_lost_nothing() -> None:
    """The next one goes on: the store shows that copies were begun."""

    async def story() -> None:
        rig, log = begun(), MemoryLog()
        await rig.runtime.take_over(SOURCES)
        await work(rig, 0, PORTION)
        backup = copied(rig, log)
        move = backup._move

        def die(taken: Taken, number: int, made_ms: int | None) -> None:
            if made_ms is not None:
                raise StoreUnavailable("told to die")
            move(taken, number, made_ms)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(backup, "_move", die)
            backup.take()
        assert log.manifests() == 1
        refuse_lost_store(CONFIG, rig.store, log)
        copied(rig, log).take()
        assert log.manifests() == 2
        rig.runtime.close()

    run(story)


def test_a_worker_whose_partition_is_gone_from_the_store_stops_where_there_are_copies() -> None:
    """It does not fold everything again in silence; without copies it does, and says so."""

    async def story(rig: Rig) -> None:
        await rig.runtime.take_over(SOURCES)
        await work(rig, 0, PORTION)
        rig.store._hashes.clear()
        await work(rig, 0, 2 * PORTION)

    rig = begun()
    with pytest.raises(StoreRefused, match=r"features/0 is gone.*state restore"):
        asyncio.run(story(rig))
    assert (
        SOURCES[0] not in rig.runtime.ingest.partitions
    )  # its emptiness is not committed as the worker ends
    rig.runtime.close()
    rig = Rig()
    asyncio.run(story(rig))
    assert rig.bus.sought[0][1].offset == 0
    rig.runtime.close()


def test_who_takes_a_partition_over_from_a_lost_store_stops_too() -> None:
    """It has never had the partition, and cannot know it for lost by itself."""

    async def story(rig: Rig) -> None:
        await rig.runtime.take_over([ZERO])
        await rig.fold(ZERO, 0, EVENTS[:10])
        rig.store._hashes.clear()
        await rig.runtime.take_over([ONE])

    rig = begun()
    with pytest.raises(StoreRefused, match="features/1 is gone"):
        asyncio.run(story(rig))
    rig.runtime.close()


def test_a_store_that_holds_state_is_not_overwritten_unless_forced(expected: Rig) -> None:
    """By force everything of before is gone, models that the copy does not know included."""
    hashes = list(take_cut(CONFIG, expected.store))
    store = MemoryStore()
    restore(CONFIG, store, hashes, 7, force=False)
    assert holds_state(CONFIG, store)
    assert list(take_cut(CONFIG, store)) == hashes
    assert store.read(backup_key(CONFIG.app), [b"base"]) == [b"7"]
    other = [kept for kept in hashes if kept.what[0] == "fleet" or kept.what[2] == 1]
    with pytest.raises(UsageError, match=r"holds the state of .*--force"):
        restore(CONFIG, store, other, 8, force=False)
    assert list(take_cut(CONFIG, store)) == hashes
    restore(CONFIG, store, other, 8, force=True)
    assert list(take_cut(CONFIG, store)) == other


def test_by_force_no_field_of_before_stays_beside_those_of_the_copy(expected: Rig) -> None:
    """Of a hash that the copy knows, too: a field that it does not name would count as its own."""
    copy = list(take_cut(CONFIG, expected.store))
    store = MemoryStore()
    newer = [kept._replace(fields={**kept.fields, b"o:9": b"later"}) for kept in copy]
    restore(CONFIG, store, newer, 7, force=False)
    restore(CONFIG, store, copy, 8, force=True)
    assert list(take_cut(CONFIG, store)) == copy


def test_where_the_log_no_longer_reaches_back_is_said_of_each_partition(expected: Rig) -> None:
    """And where it ends before the copy, as another log would."""
    hashes = list(take_cut(CONFIG, expected.store))
    at = len(EVENTS) // 2
    told = missing_events(CONFIG, hashes, {ZERO: (at + 5, at + 9), ONE: (0, at - 1)})
    assert told == [
        "features/0: offsets 1,440 to 1,444 are lost: the log begins at 1,445",
        "features/1: the copy stands at 1,440 and the log ends at 1,439: another log?",
    ]
    assert missing_events(CONFIG, hashes, {ZERO: (at, at), ONE: (0, at)}) == []
    foreign = [kept._replace(what=("partition", "other", 0)) for kept in hashes[:1]]
    assert "is read no more" in missing_events(CONFIG, foreign, {})[0]


def test_a_restore_that_was_cut_short_is_taken_for_no_state_by_workers(
    expected: Rig, tmp_path: Path
) -> None:
    """They refuse to start until it is done again."""
    log, hashes = MemoryLog(), list(take_cut(CONFIG, expected.store))
    Backup(CONFIG, expected.store, log, lambda: 0.0, lambda: 0.0).take()
    store = CutShort()
    with pytest.raises(RuntimeError, match="cut short"):
        restore(CONFIG, store, hashes, 1, force=False)
    store.commits = 100
    with pytest.raises(StoreRefused):
        refuse_lost_store(CONFIG, store, log)
    restore(CONFIG, store, hashes, 1, force=True)
    refuse_lost_store(CONFIG, store, log)
    assert write_export(tmp_path / "a", exported_of(store)) == write_export(
        tmp_path / "b", exported_of(expected.store)
    )


class CutShort(MemoryStore):
    """A store that takes only so many commits."""

    commits = 2

    def commit(self, commit: Commit) -> Answer:
        self.commits -= 1
        if self.commits < 0:
            raise RuntimeError("cut short")
        return super().commit(commit)


def exported_of(store: MemoryStore) -> Export:
    """Give the canonical state of a store."""
    return canonical(take_cut(CONFIG, store), KINDS)
