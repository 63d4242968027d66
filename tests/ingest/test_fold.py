"""A partition's state is a function of its log: of nothing else, and certainly not of batches."""

import random
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.evaluate.panes.gather import Span, gather_panes
from stream.ingest.decode import Decoder
from stream.ingest.fold import NEVER, Fold
from stream.ingest.pane import Binned
from stream.ingest.partition import read_marks
from stream.ingest.raw import Source
from stream.ingest.sample import kept
from stream.reference.book import Book
from stream.state.memory import MemoryStore
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series
from tests.events import (
    APP,
    FEATURES,
    LABELS,
    PANE,
    PREDICTIONS,
    T0,
    Log,
    batch,
    feature,
    label,
    prediction,
    rules,
)
from tests.ingest.books import BOOKS
from tests.ingest.messages import HONEST, RAW, predictions

Messages = Sequence[bytes | None]
LOGS = st.lists(RAW, min_size=1, max_size=30)
CUTS = st.lists(st.integers(0, 30), max_size=6)
SOURCES = st.sampled_from([PREDICTIONS, LABELS])


def within(cuts: Sequence[int], values: Messages) -> list[int]:
    return [cut for cut in cuts if cut <= len(values)]


@pytest.mark.parametrize("book", BOOKS)
@given(values=LOGS, cuts=CUTS)
@settings(max_examples=60)
def test_batch_boundaries_leave_no_trace_in_the_committed_fields(
    book: str, values: Messages, cuts: list[int]
) -> None:
    """Late, malformed, hostile, wrongly typed and ahead of time: the same bytes for one batch as for many."""
    stamps = [T0 + 60_000] * len(values)
    one = Log(FEATURES, BOOKS[book]).run(values, stamps=stamps)
    many = Log(FEATURES, BOOKS[book]).run(values, within(cuts, values), stamps)
    assert many.fields() == one.fields()
    assert many.dead == one.dead


@pytest.mark.parametrize("book", BOOKS)
@given(
    values=st.lists(predictions, min_size=1, max_size=30),
    cuts=CUTS,
    source=SOURCES,
    rows_max=st.sampled_from([3, 99]),
)
@settings(max_examples=60)
def test_batch_boundaries_leave_no_trace_in_the_rows_for_the_join(
    book: str, values: Messages, cuts: list[int], source: Source, rows_max: int
) -> None:
    of = rules(join_rows_max=rows_max)
    one = Log(source, BOOKS[book], of).run(values)
    many = Log(source, BOOKS[book], of).run(values, within(cuts, values))
    assert many.fields() == one.fields()


@given(values=LOGS, crash=st.integers(0, 30), cuts=CUTS)
@settings(max_examples=60)
def test_a_crash_between_commits_changes_nothing(
    values: Messages, crash: int, cuts: list[int]
) -> None:
    """What was not committed is folded again from the stored offset, and the state is that of an unbroken run."""
    unbroken = Log(FEATURES, BOOKS["typed"]).run(values)
    log = Log(FEATURES, BOOKS["typed"])
    committed = min([*within(cuts, values), crash, len(values)])
    log.fold(values[:committed])
    log.commit()
    log.fold(values[committed : max(crash, committed)], committed)
    offset = log.crash()
    assert offset == committed
    log.fold(values[offset:], offset)
    log.commit()
    assert log.fields() == unbroken.fields()


@given(values=LOGS, back=st.integers(0, 30))
@settings(max_examples=40)
def test_messages_that_were_folded_already_change_nothing(values: Messages, back: int) -> None:
    log = Log(FEATURES, BOOKS["typed"]).run(values)
    before = log.fields()
    log.crash()
    first = max(0, len(values) - back)
    log.fold(values[first:], first)
    log.commit()
    assert log.fields() == before


@given(values=st.lists(HONEST, min_size=1, max_size=40), seed=st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_four_partitions_merge_to_the_bytes_of_one(
    values: list[bytes], seed: random.Random
) -> None:
    one = Log(FEATURES, BOOKS["typed"]).run(values)
    store, parts = MemoryStore(), [Source(Kind.FEATURES, "features", p) for p in range(4)]
    shares: list[list[bytes]] = [[] for _ in parts]
    for value in values:
        seed.choice(shares).append(value)
    for source, share in zip(parts, shares, strict=True):
        log = Log(source, BOOKS["typed"])
        log.store = store
        log.crash()
        log.run(share)
    for model in ("m", "n"):
        whole = merged(one.store, [FEATURES], model)
        assert merged(store, parts, model) == whole


def merged(
    store: MemoryStore, sources: list[Source], model: str
) -> dict[tuple[int, Series], object]:
    told: dict[tuple[int, Series], object] = {}
    for pane in gather_panes(store, APP, {model: Span(0, 2**40)}, sources)[model]:
        for series, parts in pane.merged().parts.items():
            if isinstance(parts[0], Binned):
                total = parts[0].summary.copy()
                for part in parts[1:]:
                    assert isinstance(part, Binned)
                    total.merge(part.summary)
                told[pane.number, series] = (total.counts.tobytes(), total.extremes.tobytes())
            else:
                told[pane.number, series] = sum(part.n for part in parts if isinstance(part, Raw))
    return told


def test_a_pane_stays_open_until_lateness_after_its_end_and_no_longer() -> None:
    """The event that closes a pane is itself in time; the next one for that pane is late."""
    log = Log(FEATURES, of=rules(lateness_ms=5_000))
    end = T0 + PANE
    log.run(
        [feature(T0, x=1), feature(end + 4_999, x=1), feature(T0, x=2), feature(end + 5_000, x=3)]
    )
    assert log.partition.fold_state.counters.late == 0
    assert log.partition.fold_state.closed_before() == T0 // PANE + 1
    log.fold([feature(end - 1, x=4), feature(end, x=5)], 4)
    assert log.partition.fold_state.counters.late == 1
    assert log.partition.fold_state.counters.folded == 5
    assert log.partition.fold_state.watermark == end + 5_000


def test_within_one_batch_an_event_is_late_only_because_of_those_before_it() -> None:
    fold = Fold(FEATURES, rules(lateness_ms=0))
    values = [feature(T0 + 3 * PANE, x=1), feature(T0, x=1), feature(T0 + 4 * PANE, x=1)]
    fold.fold(batch(FEATURES, values), Decoder(Kind.FEATURES, [], 1000), Book())
    assert (fold.counters.late, fold.counters.folded) == (1, 2)
    assert T0 // PANE not in [number for _, number in fold.open]


def test_an_idle_tick_is_recorded_and_never_turns_time_back() -> None:
    log = Log(FEATURES).run([feature(T0, x=1)])
    log.partition.tick(T0 + 90_000)
    log.partition.tick(T0 + 10)
    log.commit()
    (marks,) = read_marks(log.store, APP, [FEATURES]).values()
    assert marks is not None
    assert (marks.watermark, marks.idle) == (T0 + 90_000, True)
    assert log.crash() == 1
    assert log.partition.fold_state.ticks == 1
    assert log.partition.idle
    log.fold([feature(T0, x=1), feature(T0 + 90_000, x=1)], 1)
    assert log.partition.fold_state.counters.late == 1
    assert not log.partition.idle


def test_a_partition_that_accepted_nothing_has_no_watermark() -> None:
    log = Log(FEATURES).run([b"broken"])
    assert log.partition.fold_state.watermark == NEVER
    assert log.partition.fold_state.counters.malformed == 1


def test_an_event_far_ahead_of_kafka_is_a_dead_letter_and_moves_no_watermark() -> None:
    log = Log(FEATURES).run(
        [feature(T0 + 300_001, x=1), feature(T0 + 300_000, x=1)], stamps=[T0, T0]
    )
    assert [letter.offset for letter in log.dead] == [0]
    assert "max_future" in log.dead[0].reason
    assert log.partition.fold_state.watermark == T0 + 300_000


def test_files_and_messages_without_a_timestamp_know_no_future() -> None:
    far = feature(T0 + 10**10, x=1)
    assert Log(FEATURES).run([far]).dead == []
    assert Log(FEATURES).run([far], stamps=[-1]).dead == []


def test_without_a_time_of_its_own_an_event_has_that_of_kafka() -> None:
    log = Log(FEATURES).run([feature(None, x=1)], stamps=[T0 + 5])
    assert log.partition.fold_state.watermark == T0 + 5
    (letter,) = Log(FEATURES).run([feature(None, x=1)]).dead
    assert "ts is missing" in letter.reason


def test_a_textual_time_is_the_same_moment_as_its_milliseconds() -> None:
    log = Log(FEATURES).run([feature("2026-01-01T01:00:00.125+01:00", x=1)])
    assert log.partition.fold_state.watermark == T0 + 125
    for text in ("2026-01-01T00:00:00", "soon", str(T0)):
        alone, beside = Log(FEATURES).run([feature(text, x=1)]), Log(FEATURES)
        beside.fold([feature(None, x=1), feature(text, x=1)], stamps=[T0, T0])
        assert [letter.offset for letter in alone.dead] == [0]
        assert [letter.offset for letter in beside.dead] == [1]


def test_an_event_counts_in_the_whole_and_in_its_exact_segment_only() -> None:
    log = Log(FEATURES, BOOKS["typed"]).run([
        feature(T0, amount=1),
        feature(T0, segment={"c": "DE"}, amount=2),
        feature(T0, segment={"b": "x", "c": "DE"}, amount=3),
    ])  # fmt: skip
    entries = log.partition.fold_state.open["m", T0 // PANE].entries
    both = (("b", "x"), ("c", "DE"))
    counted = {s.segment: e.summary.n if isinstance(e, Binned) else e.n for s, e in entries.items()}
    assert counted == {(): 3, (("c", "DE"),): 1, both: 1}


def test_beyond_their_cap_rows_stay_those_of_the_smallest_ids_on_both_topics() -> None:
    """Predictions and labels keep the same ids, in whatever order they came; what is lost is counted."""
    names = [f"id{i}" for i in range(50)]
    of = rules(join_rows_max=10)
    told = Log(PREDICTIONS, of=of).run([prediction(name, 1) for name in names], cuts=[7, 20])
    true = Log(LABELS, of=of).run([label(name, 2) for name in reversed(names)], cuts=[30])
    kept_ids = [
        log.partition.fold_state.open["m", T0 // PANE].all_rows().id for log in (told, true)
    ]
    assert sorted(kept_ids[0]) == sorted(kept_ids[1])
    assert len(kept_ids[0]) == 10
    assert told.partition.fold_state.counters.join_rows_dropped == 40


def test_raw_values_beyond_their_cap_are_counted() -> None:
    log = Log(FEATURES, of=rules(raw_rows_max=3)).run(
        [feature(T0, x=i) for i in range(5)], cuts=[2]
    )
    entry = log.partition.fold_state.open["m", T0 // PANE].entries[Series("m", "1")]
    assert isinstance(entry, Raw)
    assert (entry.n, entry.dropped, len(entry.columns["x"])) == (3, 2, 3)
    assert set(entry.columns["x"]) <= set(range(5))


@given(
    values=st.lists(HONEST, min_size=1, max_size=40),
    cuts=CUTS,
    rows_max=st.integers(1, 12),
    seed=st.randoms(use_true_random=False),
)
@settings(max_examples=40)
def test_beyond_their_cap_the_same_raw_values_stay_whatever_brought_them(
    values: list[bytes], cuts: list[int], rows_max: int, seed: random.Random
) -> None:
    """Any batches give the same bytes; any partitions, of which each has its own cap, the same rows when merged."""
    of = rules(raw_rows_max=rows_max, lateness_ms=10**9)
    one = Log(FEATURES, of=of).run(values)
    assert Log(FEATURES, of=of).run(values, within(cuts, values)).fields() == one.fields()
    shares: list[list[bytes]] = [[], [], []]
    for value in seed.sample(values, len(values)):
        seed.choice(shares).append(value)
    parts = [Log(FEATURES, of=of).run(share) for share in shares if share]
    whole = one.partition.fold_state.open
    for key, pane in whole.items():
        for series, entry in pane.entries.items():
            assert isinstance(entry, Raw)
            total = Raw()
            for part in parts:
                found = part.partition.fold_state.open.get(key)
                other = None if found is None else found.entries.get(series)
                if isinstance(other, Raw):
                    total.merge(other)
            assert total.payload() == entry.payload()


def test_of_many_raw_values_the_first_are_not_preferred() -> None:
    """A level that rises within the pane: the kept mean is that of all events, where the first ones would say 50."""
    values = [feature(T0 + i, x=i) for i in range(2_000)]
    log = Log(FEATURES, of=rules(raw_rows_max=100)).run(values, cuts=[700])
    entry = log.partition.fold_state.open["m", T0 // PANE].entries[Series("m", "1")]
    assert isinstance(entry, Raw)
    assert abs(np.mean(entry.columns["x"]) - 1_000) < 3 * 577 / np.sqrt(100)


def test_events_of_equal_values_are_drawn_one_by_one() -> None:
    """Labels have few values, so it is their ids and times that decide which of them stay."""
    values = [label(f"id{i}", ("yes", "no")[i % 2]) for i in range(2_000)]
    log = Log(LABELS, of=rules(raw_rows_max=100)).run(values)
    entry = log.partition.fold_state.open["m", T0 // PANE].entries[Series("m", "1")]
    assert isinstance(entry, Raw)
    assert 30 < entry.columns["label"].count("yes") < 70


def test_a_number_is_the_same_row_written_as_an_integer_or_not_and_null_is_absence() -> None:
    """As a file and a topic need not agree on these, and must keep the same rows."""
    ways = [
        [feature(T0 + i, x=i, y=None) for i in range(50)],
        [feature(T0 + i, x=float(i)) for i in range(50)],
    ]
    told = []
    for values in ways:
        log = Log(FEATURES, of=rules(raw_rows_max=5)).run(values)
        entry = log.partition.fold_state.open["m", T0 // PANE].entries[Series("m", "1")]
        assert isinstance(entry, Raw)
        told.append(entry.columns["x"])
    assert told[0] == told[1]


def test_values_that_a_reference_does_not_know_are_named_in_the_pane() -> None:
    """Read by the typed decoder, by hand and after a restart alike; those that are known are not there."""
    values = [feature(T0, channel="XK", few=9, amount=1), feature(T0, channel="web", few=1, amount="?"),
              feature(T0, channel="XK", few=7.5, member=True)]  # fmt: skip
    for book in ("typed", "odd"):
        log = Log(FEATURES, BOOKS[book]).run(values, cuts=[1])
        log.crash()
        entry = log.partition.fold_state.open["m", T0 // PANE].entries[Series("m", "1")]
        assert isinstance(entry, Binned)
        columns = BOOKS[book].by_digest(entry.digest).columns
        named = {columns[i].name: unseen.common() for i, unseen in entry.summary.unseen.items()}
        assert named == {"channel": [("XK", 2)], "few": [("7.5", 1), ("9", 1)]}


@given(low=st.floats(0.01, 0.99), high=st.floats(0.01, 0.99), first=st.integers(0, 2**40))
@settings(max_examples=50)
def test_a_lower_sampling_rate_keeps_a_subset(low: float, high: float, first: int) -> None:
    low, high = sorted((low, high))
    offsets = np.arange(first, first + 2_000, dtype=np.int64)
    few, more = kept(FEATURES, offsets, low), kept(FEATURES, offsets, high)
    assert not (few & ~more).any()
    assert abs(more.mean() - high) < 0.06
    assert (kept(FEATURES, offsets[7:], high) == more[7:]).all()


def test_sampling_is_a_matter_of_the_log_and_thins_features_only() -> None:
    values = [feature(T0, amount=i) for i in range(400)]
    of = rules(sample=0.25)
    one, many = (
        Log(FEATURES, of=of).run(values),
        Log(FEATURES, of=of).run(values, cuts=[1, 50, 399]),
    )
    assert many.fields() == one.fields()
    counters = one.partition.fold_state.counters
    assert counters.seen == 400
    assert counters.sampled_out + counters.folded == 400
    assert 50 < counters.folded < 150
    told = Log(PREDICTIONS, of=of).run([prediction(str(i), 1) for i in range(40)])
    assert told.partition.fold_state.counters.folded == 40


def test_a_batch_of_nothing_but_late_events_is_only_counted() -> None:
    log = Log(PREDICTIONS, BOOKS["typed"], rules(lateness_ms=0))
    log.fold([prediction("a", 1, T0 + 10 * PANE)])
    log.fold([prediction("b", 1, T0), prediction("c", "", T0)], 1)
    assert astuple(log.partition.fold_state.counters)[:5] == (3, 0, 0, 2, 1)
