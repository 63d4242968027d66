"""Floods of names: what is kept stops growing, what found no room is counted, who was there first keeps its place."""

import logging
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.summaries.column import Column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.ingest.pane import Binned, Pane
from stream.ingest.roster import DAY_MS, FORGOTTEN_AFTER_DAYS, Roster
from stream.run.work.refusals import REASONS, Refusals, of_partition
from stream.state.codec import CONTENT_MAX
from stream.state.fields import pane_field
from stream.summaries.raw_values import BYTES_MAX, Raw
from stream.words import Series
from tests.events import FEATURES, PANE, PREDICTIONS, T0, Log, feature, prediction, rules
from tests.ingest.books import book

FLOOD = 10_000
LIMITS = rules(models_max=50, series_max=50, columns_max=20, raw_rows_max=500, join_rows_max=300)


def column(name: str) -> bytes:
    """Write an event of one column."""
    return feature(T0, version="2", y=1.0).replace(b'"y"', b'"%b"' % name.encode())


HONEST = [feature(T0 + i, amount=i / 3, channel="web") for i in range(20)]


def size(log: Log) -> int:
    """Tell the bytes of a partition's state."""
    return log.store.size(log.partition.key)


def flooded(events: list[bytes], known: bool = True) -> tuple[Log, Log]:
    """Fold a tenth of a flood behind honest events, and all of it."""
    few, all_of_it = (Log(FEATURES, book() if known else None, LIMITS) for _ in range(2))
    return few.run([*HONEST, *events[: FLOOD // 10]], [20]), all_of_it.run(
        [*HONEST, *events], [20, 6_000]
    )


FLOODS = {
    "models": [feature(T0, model=f"x{i}", amount=1.0) for i in range(FLOOD)],
    "versions": [feature(T0, version=f"x{i}", amount=1.0) for i in range(FLOOD)],
    "segments": [feature(T0, version="2", segment={"c": f"x{i}"}, amount=1.0) for i in range(FLOOD)],
    "columns": [column(f"x{i}") for i in range(FLOOD)],
}  # fmt: skip
REFUSED = {
    "models": ("models_refused", FLOOD - 49),
    "versions": ("series_refused", FLOOD - 49),
    "segments": ("series_refused", FLOOD - 48),
    "columns": ("columns_refused", FLOOD - 20),
}
"""How many find no room: 49 models or versions do beside the honest one, 48 segments beside m/1 and m/2, 20 columns."""


@pytest.mark.parametrize("of", FLOODS)
def test_a_flood_of_names_stops_growing_and_is_counted_to_the_event(of: str) -> None:
    few, all_of_it = flooded(FLOODS[of])
    counter, expected = REFUSED[of]
    assert getattr(all_of_it.partition.fold_state.counters, counter) == expected
    # the counters themselves have a few more digits; of columns the sample of rows is still filling
    room = 20 * 500 if of == "columns" else 100
    assert size(all_of_it) <= size(few) + room
    assert all_of_it.dead == []


@pytest.mark.parametrize("of", FLOODS)
def test_who_was_there_first_is_counted_as_if_there_were_no_flood(of: str) -> None:
    """And so in the panes after the flood, where nobody has been before."""
    later = [feature(T0 + 60_000 + i, amount=i / 3) for i in range(20)]
    quiet = Log(FEATURES, book(), LIMITS).run([*HONEST, *later])
    log = Log(FEATURES, book(), LIMITS)
    again = [event.replace(b"%d" % T0, b"%d" % (T0 + 60_000)) for event in FLOODS[of]]
    log.run([*HONEST, *FLOODS[of], *again, *later])
    for number in (T0 // PANE, T0 // PANE + 6):
        assert of_honest(log, number) == of_honest(quiet, number)


def of_honest(log: Log, number: int) -> object:
    """Tell what a stored pane has counted of m/1."""
    (blob,) = log.store.read(log.partition.key, [pane_field("m", number)])
    assert blob is not None
    entry = Pane.unpack("m", blob, None).entries[Series("m", "1")]
    assert isinstance(entry, Binned)
    assert entry.summary.n == len(HONEST)
    return entry.summary.counts.tolist(), entry.summary.extremes.tolist()


def test_rows_for_the_join_and_raw_rows_stop_at_their_limits_under_a_hot_key() -> None:
    """Nine events of ten are of one series; the rows kept are as many as the limits say, the others are counted."""
    of_one = [
        feature(T0 + i % 9_000, version="9" if i % 10 else "8", x=float(i)) for i in range(FLOOD)
    ]
    log = Log(FEATURES, of=LIMITS).run(of_one)
    pane = log.partition.fold_state.open["m", T0 // PANE]
    assert pane.raw_rows == 2 * LIMITS.raw_rows_max
    assert log.partition.fold_state.counters.raw_rows_dropped == FLOOD - pane.raw_rows
    log = Log(PREDICTIONS, of=LIMITS).run([prediction(f"id{i}", i) for i in range(FLOOD)])
    counters = log.partition.fold_state.counters
    assert counters.join_rows_dropped == FLOOD - LIMITS.join_rows_max
    assert len(log.partition.fold_state.open["m", T0 // PANE].all_rows()) == LIMITS.join_rows_max


def test_a_million_categories_take_no_more_room_than_a_hundred() -> None:
    """Beyond the known ones they are `other`, of which a bounded sample of names is kept."""
    layout = Layout([Column("channel", "string", values=("app", "web"))])
    few, many = (Summary.of(layout, {"channel": [f"c{i}" for i in range(100)]}) for _ in range(2))
    for start in range(100, 1_000_000, 50_000):
        more = [f"c{i}" for i in range(start, min(start + 50_000, 1_000_000))]
        many.merge(Summary.of(layout, {"channel": more}))
    assert many.n == 1_000_000
    assert many.counts[layout.bins_of(0)].tolist() == [0, 0, 1_000_000]
    assert len(many.to_bytes()) < len(few.to_bytes()) + 6_000  # the bits of the rest, once


@given(
    lengths=st.lists(st.integers(0, 60), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=3),
    order=st.randoms(use_true_random=False),
    budget=st.integers(60, 900),
)
@settings(max_examples=100)
def test_which_rows_fit_a_budget_of_bytes_does_not_hang_on_order_parts_or_restarts(
    lengths: list[int], cuts: list[int], order: Random, budget: int
) -> None:
    rows = [({"x": "y" * n}, (i,)) for i, n in enumerate(lengths)]
    whole = Raw(budget)
    for fields, told in rows:
        whole.add(fields, 30, told)
    order.shuffle(rows)
    merged = Raw(budget)
    for part in np.split(np.arange(len(rows)), sorted(min(cut, len(rows)) for cut in cuts)):
        other = Raw(budget)
        for at in part.tolist():
            other.add(rows[at][0], 30, rows[at][1])
            other = Raw.from_payload(other.payload(), budget)
        merged.merge(other)
    assert merged.payload()[:4] == whole.payload()[:4]
    assert sum(16 + 1 + len(row["x"]) for row in merged.rows()) <= budget
    assert merged.n + merged.dropped == len(rows)


def test_the_longest_rows_fit_a_stored_value() -> None:
    """A megabyte an event, in a pane of some thousands: else nothing could be committed any more."""
    raw = Raw()
    row = {f"column {i}": "x" * 250 for i in range(1_000)}
    for i in range(300):
        raw.add(row, 100_000, (i,), 1_000)
    assert raw.n < 300
    assert raw.n + raw.dropped == 300
    assert sum(len(v) for r in raw.rows() for v in r.values()) < BYTES_MAX < CONTENT_MAX


# -- the roster ------------------------------------------------------------------------------------------------------


def test_a_series_that_was_silent_for_a_week_gives_way_and_no_other() -> None:
    """The one that was silent longest; of two, the first by name. Who comes again was not silent."""
    a, b, c, d = (Series("m", name) for name in "abcd")
    roster = Roster(2)
    assert roster.enter(a, 0)
    assert roster.enter(b, 0)
    assert not roster.enter(c, FORGOTTEN_AFTER_DAYS)
    assert roster.enter(a, FORGOTTEN_AFTER_DAYS)
    assert roster.leaving_for(c, FORGOTTEN_AFTER_DAYS + 1) == b
    assert roster.enter(c, FORGOTTEN_AFTER_DAYS + 1)
    assert not roster.enter(d, FORGOTTEN_AFTER_DAYS + 1)
    assert roster.enter(d, 3 * FORGOTTEN_AFTER_DAYS)
    assert sorted(roster.days) == [c, d]


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 30), st.sampled_from("mmn"), st.sampled_from("abcdef"),
        st.sampled_from([None, "DE", "FR"]),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@given(made=EVENTS, cuts=st.lists(st.integers(0, 40), max_size=5))
@settings(max_examples=100)
def test_who_finds_room_does_not_hang_on_batches_or_restarts(
    made: list[tuple[int, str, str, str | None]], cuts: list[int]
) -> None:
    """Days go up and down, newcomers and leavers meet in one batch: the state is that of one event after the other."""
    events = [
        feature(
            T0 + day * DAY_MS,
            model=model,
            version=version,
            segment={"c": part} if part else None,
            amount=1.0,
        )
        for day, model, version, part in made
    ]
    of = replace(LIMITS, series_max=4, partition_series_max=6, lateness_ms=40 * DAY_MS)
    one_by_one = Log(FEATURES, book(), of).run(events, range(1, len(events)))
    assert Log(FEATURES, book(), of).run(events).fields() == one_by_one.fields()
    log, done = Log(FEATURES, book(), of), 0
    for cut in [*sorted(min(cut, len(events)) for cut in cuts), len(events)]:
        log.fold(events[done:cut], done)
        log.commit()
        log.crash()
        done = cut
    assert log.fields() == one_by_one.fields()


NAMED = st.lists(
    st.tuples(
        st.sampled_from("23"), st.sampled_from([None, "DE"]), st.sets(st.sampled_from("abcdefgh")),
        st.booleans(),
    ),
    min_size=1, max_size=30,
)  # fmt: skip


@given(made=NAMED, cuts=st.lists(st.integers(0, 30), max_size=4))
@settings(max_examples=100)
def test_which_columns_find_room_does_not_hang_on_batches(
    made: list[tuple[str, str | None, set[str], bool]], cuts: list[int]
) -> None:
    """Typed and by hand, of two versions and a segment: the first to come in the log are those that stay."""
    events = [
        b'{"model":"m","version":"%b","ts":%d,"segment":%b,"features":{"amount":%b%b}}'
        % (
            version.encode(), T0 + i, b'{"c":"DE"}' if part else b"{}", b"1" if typed else b'"x"',
            b"".join(b',"%b":1' % name.encode() for name in sorted(names)),
        )
        for i, (version, part, names, typed) in enumerate(made)
    ]  # fmt: skip
    of = replace(LIMITS, columns_max=3)
    one_by_one = Log(FEATURES, book(), of).run(events, range(1, len(events)))
    assert Log(FEATURES, book(), of).run(events).fields() == one_by_one.fields()
    within = [cut for cut in cuts if cut <= len(events)]
    assert Log(FEATURES, book(), of).run(events, within).fields() == one_by_one.fields()


def test_all_models_together_find_no_more_room_than_the_partition_has() -> None:
    """A model that came first takes none of another's places; the newcomers of full ones are counted."""
    of = replace(LIMITS, series_max=8, partition_series_max=12)
    events = [feature(T0, model=model, version=str(i)) for model in "ab" for i in range(10)]
    log = Log(FEATURES, of=of).run(events)
    rosters = log.partition.fold_state.rosters.of
    assert {model: len(roster.days) for model, roster in rosters.items()} == {"a": 8, "b": 4}
    assert log.partition.fold_state.counters.series_refused == 2 + 6


# -- telling ---------------------------------------------------------------------------------------------------------


def test_each_refusal_is_counted_with_its_reason_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusals = Refusals()
    few, all_of_it = flooded(FLOODS["versions"])
    nothing = dict.fromkeys(REASONS, 0)
    with caplog.at_level(logging.WARNING, "driftbus.limits"):
        first, second = (
            of_partition(log.partition.fold_state.counters) for log in (few, all_of_it)
        )
        refusals.note("features", nothing, first)
        refusals.note("features", first, second)
        refusals.note("labels", nothing, {"join_rows": 2})
    assert refusals.counts == {("features", "series"): FLOOD - 49, ("labels", "join_rows"): 2}
    assert [record.message.split(":")[0] for record in caplog.records] == ["features", "labels"]
    assert "limits.series_max" in caplog.records[0].message
