"""Sampling thins the rows of batch messages, each by a draw of its own, among JSON that is thinned by messages."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.ingest.arrow.message import row_draws
from stream.ingest.arrow.messages import SHORTEST, arrow_among, is_arrow
from stream.ingest.ladder import LadderRules, rate_of
from stream.ingest.sample import Key, SampleRules, below, kept
from stream.ingest.schedule import Schedule
from stream.words import Series
from tests.events import FEATURES, T0, feature
from tests.ingest.tables import stream_of
from tests.ingest.test_sampling import Message, Reader

ROWS = 60
LADDER = LadderRules()
MODELS = ["m", "n", "quiet"] * (ROWS // 3)
KINDS = st.sampled_from(["short", "long", "arrow"])
RATES = st.sampled_from([1.0, 0.5, 0.3, 0.1, 1 / 64])


def table(n: int = ROWS, at: int = 0) -> Any:
    """Make a record batch of rows of three models, in turn."""
    return pa.record_batch({
        "model": MODELS[:n], "version": ["1"] * n, "ts": [T0 + at] * n,
        "features.amount": np.arange(n) / 7,
    })  # fmt: skip


def log_of(kinds: Sequence[str]) -> list[Message]:
    """Make a log of short events, events longer than any batch message need be, and batch messages."""
    made = []
    for i, kind in enumerate(kinds):
        value = {
            "short": feature(T0 + i, amount=1.0 * i),
            "long": feature(T0 + i, amount=1.0 * i, padding="x" * SHORTEST),
            "arrow": stream_of(table(at=i), batches=1 + i % 3),
        }[kind]
        made.append(Message(b"m", value, T0 + 500 * i))
    return made


def stepped(steps: dict[int, int]) -> Schedule:
    """Make a schedule of some steps."""
    schedule = Schedule()
    for offset, rung in sorted(steps.items()):
        schedule.note(offset, rung)
    return schedule


def in_parts(
    sample: SampleRules, log: Sequence[Message], steps: dict[int, int], cuts: set[int]
) -> Reader:
    """Read a log in parts, with a take-over between any two."""
    reader = Reader(sample)
    for start, end in pairwise([0, *sorted(cuts | steps.keys() - {0}), len(log)]):
        reader.partition.commit()
        reader.partition = reader._load()
        if start in steps:
            reader.partition.retune(steps[start])
        reader.read(log[start:end], start)
    return reader


@given(
    kinds=st.lists(KINDS, min_size=12, max_size=12), rate=RATES, other=RATES, key=st.sampled_from(Key),
    floor=st.integers(0, 5), cuts=st.sets(st.integers(1, 11)),
    steps=st.dictionaries(st.integers(0, 11), st.integers(0, 6), max_size=3),
)  # fmt: skip
@settings(max_examples=60)
def test_batches_and_crashes_do_not_show_in_a_mixed_log(
    kinds: list[str], rate: float, other: float, key: Key, floor: int, cuts: set[int], steps: dict[int, int],
) -> None:  # fmt: skip
    """At any rates of models, with steps and floors: the same rows are kept, to the byte of the state."""
    sample = SampleRules(rate, {"n": other}, LADDER, key, floor)
    log = log_of(kinds)
    once = Reader(sample, recorded=stepped(steps)).read(log)
    counters = once.partition.fold_state.counters
    assert counters.seen == sum(ROWS if kind == "arrow" else 1 for kind in kinds)
    assert counters.seen == counters.folded + counters.sampled_out
    assert in_parts(sample, log, steps, cuts).fields() == once.fields()


@given(
    rate=RATES, other=RATES, key=st.sampled_from(Key),
    steps=st.dictionaries(st.integers(0, 29), st.integers(0, 6), max_size=3),
)  # fmt: skip
@settings(max_examples=30)
def test_each_row_is_kept_at_its_models_rate_and_the_ladders_and_stands_for_as_many(
    rate: float, other: float, key: Key, steps: dict[int, int]
) -> None:
    """Told from the draws alone; a floor of the key, which names one model only, is no floor of the rows."""
    sample = SampleRules(rate, {"n": other}, LADDER, key, floor=1000.0)
    schedule = stepped(steps)
    reader = Reader(sample, recorded=schedule).read(log_of(["arrow"] * 30))
    counts = reader.counts()
    for model in ("m", "n", "quiet"):
        rows = np.flatnonzero(np.array(MODELS) == model)
        used, seen = 0, 0.0
        for offset in range(30):
            share = sample.of(model) * rate_of(schedule.rung(offset))
            n = int(below(row_draws(FEATURES, offset, rows), share).sum())
            used, seen = used + n, seen + n / share
        told = counts.get(Series(model, "1"), (0, 0))
        assert told[0] == used
        assert abs(told[1] - seen) <= 1


@pytest.mark.parametrize("rate", [0.5, 0.1, 1 / 64])
def test_rows_that_are_kept_stand_for_all_there_were(rate: float) -> None:
    """Within four standard deviations, beside JSON of the same series."""
    log = log_of(["arrow", "short", "long"] * 300)
    used, seen = Reader(SampleRules(rate)).read(log).counts()[Series("m", "1")]
    n = 300 * (ROWS // 3 + 2)
    assert abs(seen - n) <= 4 * np.sqrt(n * (1 - rate) / rate)
    assert abs(seen - used / rate) <= 1


def test_of_short_messages_nobody_asks_for_the_bytes_to_know_that_they_are_no_arrow_stream() -> (
    None
):
    values = [b"\xff\xff\xff\xff" + b"x" * 400, b"{}", b"\xff" * 9, b'{"x":"%s"}' % (b"x" * 400)]
    asked: list[int] = []

    def value(i: int) -> bytes:
        asked.append(i)
        return values[i % 4]

    about = np.array([True] * 8 + [False] * 4)
    lengths = np.array([len(v) for v in values] * 3)
    assert arrow_among(about, lengths, value) == [0, 4]
    assert asked == [0, 3, 4, 7]


def test_no_batch_message_is_left_out_whole() -> None:
    """Long events are looked at and left out all the same, each as one."""
    kinds = ["short", "long", "arrow", "short"] * 50
    log = log_of(kinds)
    reader = Reader(SampleRules(0.1)).read(log)
    stays = kept(FEATURES, np.arange(200), 0.1)
    rows = [below(row_draws(FEATURES, i, np.arange(ROWS)), 0.1).sum() for i in range(2, 200, 4)]
    events = int(stays[[i for i, kind in enumerate(kinds) if kind != "arrow"]].sum())
    counters = reader.partition.fold_state.counters
    assert counters.seen == 150 + 50 * ROWS
    assert counters.folded == events + sum(rows)
    assert all(0 < n < ROWS for n in rows), "each tells its share, none all or nothing"


@given(kinds=st.lists(KINDS, min_size=1, max_size=8))
@settings(max_examples=20)
def test_rates_of_one_are_no_sampling(kinds: list[str]) -> None:
    """Though they are asked for model by model: the state's panes are those of a reader without sampling."""
    log = log_of(kinds)
    plain, asked = (
        Reader(sample).read(log).fields()
        for sample in (SampleRules(), SampleRules(1.0, {"other": 0.5}))
    )
    assert plain == asked


@pytest.mark.parametrize("version", [pa.ipc.MetadataVersion.V4, pa.ipc.MetadataVersion.V5])
@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("of", [pa.int8(), pa.null(), pa.float64(), pa.struct([]), pa.bool_()])
def test_no_stream_with_a_row_is_as_short_as_those_that_are_not_looked_at(
    version: Any, of: Any, *, ends: bool
) -> None:
    """The least that is an event: one feature without a name, or none at all; all else in the schema's metadata."""
    name = "features" if pa.types.is_struct(of) else "features."
    batch = pa.record_batch({name: pa.nulls(1, of)})
    batch = batch.replace_schema_metadata({"driftbus.model": "m", "driftbus.version": "1"})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(metadata_version=version)
    writer = pa.ipc.new_stream(sink, batch.schema, options=options)
    writer.write_batch(batch)
    if ends:
        writer.close()
    value = bytes(sink.getvalue())
    assert is_arrow(value)
    assert len(value) >= SHORTEST
