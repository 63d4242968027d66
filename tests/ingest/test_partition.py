"""A partition moves its state and its offset together, and gives back what nobody needs."""

from collections.abc import Callable
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import StoreUnavailable
from stream.ingest.ingest import Ingest
from stream.ingest.pane import Pane
from stream.ingest.partition import Partition, read_marks
from stream.reference.fleet import Fleet
from stream.state.codec import pack
from stream.state.fields import STATE, index_field, pane_field
from stream.state.memory import MemoryStore
from stream.state.store import Answer, Commit, Taken
from stream.state.versions import load
from stream.summaries.raw_values import Raw
from stream.words import Series
from tests.events import (
    APP,
    FEATURES,
    PANE,
    PREDICTIONS,
    T0,
    Log,
    batch,
    feature,
    prediction,
    rules,
)
from tests.ingest.books import reference
from tests.ingest.messages import VALUES


class Flaky(MemoryStore):
    """A store that loses the answer of its next commits, before or after doing them."""

    def __init__(self) -> None:
        super().__init__()
        self.lose: list[bool] = []

    def commit(self, commit: Commit) -> Answer:
        if not self.lose:
            return super().commit(commit)
        if self.lose.pop():
            super().commit(commit)
        raise StoreUnavailable("the answer is lost")


class Stalled(MemoryStore):
    """A store at which a take-over arrives only after something else has been done."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], object]] = []

    def take_over(self, key: str) -> Taken:
        while self.meanwhile:
            self.meanwhile.pop()()
        return super().take_over(key)


@pytest.mark.parametrize("done", [True, False])
def test_what_is_folded_while_a_commit_hangs_is_in_the_next_one(done: bool) -> None:
    """A pane that changed and closed between the commit and its retry is neither lost nor half written."""
    before = [feature(T0, x=1), feature(T0 + 1, x=2)]
    after = [feature(T0 + 2, x=3), feature(T0 + 20 * PANE, x=4)]
    expected = Log(FEATURES).run([*before, *after]).fields()
    log, store = Log(FEATURES), Flaky()
    log.store = store
    log.crash()
    log.fold(before)
    store.lose = [done]
    with pytest.raises(StoreUnavailable):
        log.partition.commit()
    log.fold(after, 2)
    assert log.partition.commit() is (Answer.ALREADY if done else Answer.OK)
    assert log.partition.changed
    log.commit()
    assert log.fields() == expected


def test_who_was_taken_over_from_writes_nothing_more() -> None:
    log = Log(FEATURES)
    log.fold([feature(T0, x=1)])
    other = Partition(log.store, APP, FEATURES, rules())
    other.load()
    assert log.partition.commit() is Answer.FENCED
    assert read_marks(log.store, APP, [FEATURES]) == {FEATURES: None}


def test_a_partition_that_was_just_loaded_has_nothing_to_commit() -> None:
    log = Log(FEATURES).run([feature(T0, x=1)])
    assert not log.partition.changed
    log.crash()
    assert not log.partition.changed
    log.fold([b"broken"], 1)
    assert log.partition.changed


def test_a_pane_that_closes_calls_for_a_commit_and_is_then_forgotten() -> None:
    log = Log(FEATURES)
    log.fold([feature(T0, x=1)])
    assert not log.partition.closes_pane
    log.fold([feature(T0 + 10 * PANE, x=1)], 1)
    assert log.partition.closes_pane
    log.commit()
    assert not log.partition.closes_pane
    assert [number for _, number in log.partition.fold_state.open] == [T0 // PANE + 10]


def test_ingest_waits_while_closed_panes_hold_too_many_raw_values() -> None:
    log = Log(FEATURES, of=rules(raw_rows_max=3))
    log.run([feature(T0, x=1), feature(T0 + PANE, x=1), feature(T0 + PANE, x=1)])
    assert not log.partition.must_wait
    log.fold([feature(T0 + 20 * PANE, x=1)], 3)
    log.commit()
    assert log.partition.must_wait
    log.crash()
    assert log.partition.must_wait
    log.partition.clean({"m": T0 // PANE + 2}, retention_panes=100)
    assert not log.partition.must_wait


def test_a_cleaning_that_got_no_answer_is_done_when_it_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else what it meant to delete would stay for ever, named by nothing."""
    first = T0 // PANE
    log = Log(FEATURES)
    log.run([feature(T0 + i * PANE, x=1) for i in range(12)])
    with monkeypatch.context() as patch:
        patch.setattr(log.store, "remove", unanswered)
        with pytest.raises(StoreUnavailable):
            log.partition.clean({"m": first + 6}, retention_panes=0)
    assert log.partition.clean({"m": first + 6}, retention_panes=0) is Answer.OK
    fields = [pane_field("m", first + i) for i in range(12)]
    gone = [value is None for value in log.store.read(log.partition.key, fields)]
    assert gone == [True] * 6 + [False] * 6


def test_who_was_away_while_the_store_began_anew_deletes_nothing_of_its_heir() -> None:
    """Epochs begin again at 1 in a store that has lost everything, so that an epoch alone does not tell them apart."""
    first = T0 // PANE
    zombie, heir = Log(FEATURES), Log(FEATURES)
    zombie.run([feature(T0 + i * PANE, x=1) for i in range(12)])
    heir.run([feature(T0 + i * PANE, x=1) for i in range(8)])
    zombie.store._hashes[zombie.partition.key] = heir.store._hashes[heir.partition.key]
    kept = zombie.store.peek(zombie.partition.key)
    assert zombie.partition.clean({"m": first + 6}, retention_panes=0) is Answer.CONFLICT
    assert zombie.store.peek(zombie.partition.key) == kept


def test_a_cleaning_waits_for_the_commit_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows where the store stands until that one has its answer."""
    first = T0 // PANE
    log = Log(FEATURES)
    log.run([feature(T0 + i * PANE, x=1) for i in range(12)])
    log.fold([feature(T0 + 12 * PANE, x=1)], 12)
    with monkeypatch.context() as patch:
        patch.setattr(log.store, "commit", unanswered)
        with pytest.raises(StoreUnavailable):
            log.commit()
    for answered in (False, True):
        assert log.partition.clean({"m": first + 6}, retention_panes=0) is Answer.OK
        there = log.store.read(log.partition.key, [pane_field("m", first)]) != [None]
        assert there is not answered
        log.commit()


def unanswered(*_: object) -> Answer:
    """Do nothing and say nothing."""
    raise StoreUnavailable("told to be down", "store")


def test_a_partition_knows_whether_the_store_has_forgotten_what_it_committed() -> None:
    """Somebody else's take-over is no such thing: they own it now."""
    log = Log(FEATURES)
    log.run([feature(T0 + i * PANE, x=1) for i in range(3)])
    before = log.store.peek(log.partition.key)
    assert not log.partition.is_lost()
    log.fold([feature(T0 + 4 * PANE, x=1)], 3)
    log.commit()
    log.store._hashes[log.partition.key] = before
    assert log.partition.is_lost(), "it went back by a commit"
    log.store._hashes.clear()
    assert log.partition.is_lost(), "it has lost everything"
    log.store._hashes[log.partition.key] = before
    log.store.take_over(log.partition.key)
    assert not log.partition.is_lost(), "it is somebody else's"


def test_cleaning_deletes_what_is_evaluated_and_older_than_the_retention() -> None:
    """It may be done again, open panes stay, and the next commit tells it to the index."""
    first = T0 // PANE
    log = Log(FEATURES)
    log.run([feature(T0 + i * PANE, x=1) for i in range(12)])
    for _ in range(2):
        assert (
            log.partition.clean({"m": first + 6, "unknown": first}, retention_panes=2) is Answer.OK
        )
    fields = [pane_field("m", first + i) for i in range(12)]
    gone = [value is None for value in log.store.read(log.partition.key, fields)]
    assert gone == [True] * 4 + [False] * 8
    assert log.crash() == 12
    log.fold([feature(T0 + 12 * PANE, x=1)], 12)
    log.commit()
    log.partition.clean({"m": 2**40}, retention_panes=0)
    log.commit()
    opened = sorted(number for _, number in log.partition.fold_state.open)
    kept = [
        n
        for n in range(first, first + 13)
        if log.store.read(log.partition.key, [pane_field("m", n)]) != [None]
    ]
    assert kept == opened
    (index,) = log.store.read(log.partition.key, [index_field("m")])
    assert index is not None
    assert np.asarray(load(index, "index")).tolist() == opened, "it would grow for ever"


def test_who_takes_a_partition_over_knows_whose_series_are_counted() -> None:
    """Else others would find room behind a crash than without one."""
    log = Log(FEATURES)
    log.run([feature(T0 + i * PANE, x=1, segment={"s": str(i % 3)}) for i in range(12)])
    before = {m: r.payload() for m, r in log.partition.fold_state.rosters.of.items()}
    assert len(before["m"]) == 4, "the whole, and three segments"
    log.crash()
    assert {m: r.payload() for m, r in log.partition.fold_state.rosters.of.items()} == before


def test_open_panes_under_references_of_others_can_be_gone_on_with() -> None:
    """Who takes over reads the fleet's references first, as panes name them by digest only."""
    store = MemoryStore()
    for start in (0, 1):
        fleet = Fleet(store, APP)
        if start == 0:
            fleet.publish(reference())
        ingest = Ingest(store, APP, rules(), fleet)
        assert ingest.take_over(FEATURES) == start
        ingest.fold(batch(FEATURES, [feature(T0, amount=1.0)], start))
        assert ingest.commit(FEATURES) is Answer.OK
    pane = ingest.partitions[FEATURES].fold_state.open["m", T0 // PANE]
    entry = pane.entries[Series("m", "1")]
    assert not isinstance(entry, Raw)
    assert entry.summary.n == 2


def test_a_reference_learned_while_a_take_over_is_on_its_way_is_known_after_it() -> None:
    """Until it arrives the owner before goes on, and may bin open panes by what was not there when it was sent."""
    store = Stalled()
    late, before = (Ingest(store, APP, rules(), Fleet(store, APP)) for _ in range(2))

    def go_on() -> None:
        Fleet(store, APP).publish(reference())
        before.take_over(FEATURES)
        before.fold(batch(FEATURES, [feature(T0, amount=1.0)], 0))
        before.commit(FEATURES)

    store.meanwhile = [go_on]
    assert late.take_over(FEATURES) == 1
    late.fold(batch(FEATURES, [feature(T0, amount=1.0)], 1))
    assert late.commit(FEATURES) is Answer.OK


def test_the_models_of_a_partition_are_known_to_those_who_read_its_marks() -> None:
    log = Log(FEATURES).run([feature(T0, model="b", x=1), feature(T0, model="a", x=1), b"?"])
    marks = read_marks(log.store, APP, [FEATURES, PREDICTIONS])
    told = marks[FEATURES]
    assert told is not None
    assert (told.watermark, told.idle, told.models) == (T0, False, ("a", "b"))
    assert (told.counters.seen, told.counters.malformed) == (3, 1)
    assert marks[PREDICTIONS] is None


@given(rows=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=8))
@settings(max_examples=60)
def test_a_raw_pane_comes_back_as_it_was(rows: list[dict[str, object]]) -> None:
    pane, raw = Pane(), Raw()
    for row in rows:
        raw.add(row, rows_max=6)
    pane.entries[Series("m", "1")] = raw
    pane.touch(3, 9)
    packed = pane.pack()
    again = Pane.unpack("m", packed, None)
    assert again.pack() == packed
    entry = again.entries[Series("m", "1")]
    assert isinstance(entry, Raw)
    assert (entry.n, entry.dropped) == (min(6, len(rows)), max(0, len(rows) - 6))


def test_rows_for_the_join_come_back_in_one_order() -> None:
    values = [
        prediction(str(i % 7), [None, "x", 2.5, 7][i % 4], T0 + i % 3, str(i % 2))
        for i in range(20)
    ]
    log = Log(PREDICTIONS).run(values)
    rows = log.partition.fold_state.open["m", T0 // PANE].all_rows()
    log.crash()
    again = log.partition.fold_state.open["m", T0 // PANE].all_rows()
    for ours, theirs in zip(rows.payload()[1:], again.payload()[1:], strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    assert again.parties == rows.parties
    assert len(again) == 15


def test_a_state_from_before_refusals_were_counted_is_read_with_none() -> None:
    log = Log(FEATURES).run([feature(T0, x=1)])
    counters = log.partition.fold_state.counters
    older = pack("partition", 1, [T0, 0, False, astuple(counters)[:8]])
    log.store._hashes[log.partition.key][STATE] = older
    log.crash()
    assert log.partition.fold_state.counters == counters
    assert log.partition.fold_state.watermark == T0


@given(st.lists(st.floats(0, 10) | st.just(float("inf")), max_size=20), st.integers(0, 20))
def test_many_numbers_are_kept_as_each_alone(values: list[float], cut: int) -> None:
    alone, together = Raw(), Raw()
    for value in values:
        alone.add({"error": value}, 2**62)
    for part in (values[:cut], values[cut:]):
        if part:
            together.add_numbers("error", part)
    assert together.payload() == alone.payload()
