"""A batch message of k rows is k events: the same state to the byte, whatever its types and encodings."""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.ingest.arrow import message as message_of
from stream.ingest.arrow import reading
from stream.ingest.arrow.events import events_of
from stream.ingest.arrow.messages import CONTENT_TYPE
from stream.ingest.decode import Decoder
from stream.ingest.fold import FoldRules
from stream.ingest.raw import Headers, RawBatch, Source
from stream.ingest.sample import below
from stream.reference.book import Book
from stream.words import Kind
from tests.events import FEATURES, LABELS, PREDICTIONS, T0, Log, feature, label, prediction, rules
from tests.ingest.books import BOOKS
from tests.ingest.messages import RAW
from tests.ingest.messages import predictions as PREDICTED  # noqa: N812
from tests.ingest.tables import Form, Row, as_json, forms, message, rows, stream_of

STAMP = T0 + 60_000
SOURCES = st.sampled_from([FEATURES, PREDICTIONS, LABELS])
RULES = st.sampled_from(
    [
        rules(),
        rules(models_max=1, series_max=2, columns_max=2, raw_rows_max=3, join_rows_max=3),
    ]
)
Batch = tuple[list[Row], Form]
CUTS = st.lists(st.integers(0, 8), max_size=4)


@st.composite
def logs(draw: st.DrawFn, source: Source) -> list[bytes | Batch | None]:
    """Draw a log of batch messages with other messages between them."""
    kind = source.kind
    tables = forms(kind).flatmap(lambda form: st.tuples(rows(kind, form), st.just(form)))
    others = RAW if kind is Kind.FEATURES else PREDICTED
    return draw(st.lists(tables | others, min_size=1, max_size=8))


def folded(
    source: Source, book: Book, of: FoldRules, parts: Sequence[tuple[list[bytes | None], list[int]]]
) -> Log:
    """Fold messages at the offsets that are given with them, then commit."""
    log = Log(source, book, of)
    decoder = Decoder(source.kind, book.schemas(source.kind), of.event_bytes_max)
    for values, offsets in parts:
        at = np.array(offsets, dtype=np.int64)
        stamps = np.full(len(values), STAMP, dtype=np.int64)
        log.dead += log.partition.fold(RawBatch(source, values, at, stamps), decoder, book)
    log.commit()
    return log


def as_written(kind: Kind, log: Sequence[Any], cuts: Sequence[int]) -> Any:
    """Give a log with its batch messages, in parts."""
    values = [message(kind, *m) if isinstance(m, tuple) else m for m in log]
    ends = [0, *sorted(min(c, len(log)) for c in cuts), len(log)]
    return [(values[a:b], list(range(a, b))) for a, b in pairwise(ends)]


def as_events(kind: Kind, log: Sequence[Any]) -> Any:
    """Give a log with an event for each row, all of a message at its offset."""
    values: list[bytes | None] = []
    offsets: list[int] = []
    for offset, m in enumerate(log):
        told = as_json(kind, m[0]) if isinstance(m, tuple) else [m]
        values += told
        offsets += [offset] * len(told)
    end = len(log) - 1
    if not offsets or offsets[-1] != end:  # a last message without rows still moves the offset
        return [(values, offsets)], True
    return [(values, offsets)], False


@pytest.mark.parametrize("book", BOOKS)
@given(data=st.data(), source=SOURCES, of=RULES, cuts=CUTS)
@settings(max_examples=60)
def test_a_message_of_k_rows_gives_byte_for_byte_the_state_of_k_events(
    book: str, data: st.DataObject, source: Source, of: FoldRules, cuts: list[int]
) -> None:
    """Late, malformed, ahead of time, wrongly typed, beyond the limits; mixed with JSON; in any batches."""
    log = data.draw(logs(source))
    tables = folded(source, BOOKS[book], of, as_written(source.kind, log, cuts))
    parts, empty_end = as_events(source.kind, log)
    singles = folded(source, BOOKS[book], of, parts)
    left_out = {b"base"} if empty_end else set()
    told, expected = tables.fields(), singles.fields()
    assert {k: v for k, v in told.items() if k not in left_out} == {
        k: v for k, v in expected.items() if k not in left_out
    }
    assert tables.partition.fold_state.next_offset == len(log)


@pytest.mark.parametrize("book", BOOKS)
@given(data=st.data(), source=SOURCES)
@settings(max_examples=40)
def test_its_rows_written_as_events_are_those_that_it_holds(
    book: str, data: st.DataObject, source: Source
) -> None:
    """Without those that cannot be read."""
    form = data.draw(forms(source.kind))
    value = message(source.kind, data.draw(rows(source.kind, form)), form)
    one = RawBatch(source, [value], np.array([0]), np.array([STAMP]))
    read = message_of.read_message(one, 10**6, 10**6, rules().max_future_ms)
    told = [event for t in read.tables for _, event in events_of(t, source.kind)]
    assert len(told) == read.seen - read.malformed
    log = folded(source, BOOKS[book], rules(), [([value], [0])])
    singles = folded(source, BOOKS[book], rules(), [(list(told), [0] * len(told))])
    state = {b"state", b"base"}
    assert {k: v for k, v in log.fields().items() if k not in state} == {
        k: v for k, v in singles.fields().items() if k not in state
    }


def table(**columns: Any) -> Any:
    """Make a record batch of two rows, right but for the columns that are given; None leaves one out."""
    made: dict[str, Any] = {
        "model": ["m", "m"],
        "version": ["1", "1"],
        "ts": [T0, T0 + 1],
        "features.amount": [1.5, 2.5],
    }
    made |= columns
    return pa.record_batch({name: values for name, values in made.items() if values is not None})


def fold_one(value: bytes, source: Source = FEATURES, of: FoldRules | None = None) -> Log:
    """Fold one message under the typed book."""
    return Log(source, BOOKS["typed"], of).run([value], stamps=[STAMP])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_a_timestamp_of_any_unit_and_zone_is_the_text_that_json_has(
    unit: str, zone: str | None
) -> None:
    """Parts of a millisecond are rounded alike; what lies beyond all time is malformed."""
    texts = ["2026-01-01T00:00:00.0005", "2026-01-01T00:00:00.0015", "2026-01-01T00:00:01.123456"]
    ticks = pa.array(texts).cast(pa.timestamp("us")).cast(pa.timestamp(unit), safe=False)
    times = ticks.cast(pa.timestamp(unit, zone))  # the same ticks: a zone is how they are shown
    batch = pa.record_batch({
        "model": ["m"] * 3, "version": ["1"] * 3, "ts": times, "features.amount": [1.0, 2.0, 3.0],
    })  # fmt: skip
    cut = {"s": 19, "ms": 23, "us": 26, "ns": 26}[unit]
    events = [feature(f"{text[:cut]}Z", amount=i + 1.0) for i, text in enumerate(texts)]
    single = folded(FEATURES, Book(), rules(), [(list(events), [0, 0, 0])])
    read = folded(FEATURES, Book(), rules(), [([stream_of(batch)], [0])])
    assert read.fields() == single.fields()
    worst = pa.array([2**63 - 1, -(2**63)]).cast(pa.timestamp(unit, zone))
    assert fold_one(stream_of(table(ts=worst))).partition.fold_state.counters.malformed == 2


def test_bad_rows_are_counted_each_and_told_in_one_letter() -> None:
    """The letter has the bytes of the whole message, the first reasons, and the good rows are folded."""
    n = 20
    models = ["m", None, "", "m", "x" * 300, *["m"] * (n - 5)]
    times = [T0 + i for i in range(n - 1)] + [T0 + 10**9]
    batch = pa.record_batch({
        "model": models, "version": ["1"] * n, "ts": times, "features.amount": [1.0] * n,
    })  # fmt: skip
    value = stream_of(batch, batches=4)
    log = fold_one(value)
    counters = log.partition.fold_state.counters
    assert (counters.seen, counters.malformed, counters.folded) == (n, 4, n - 4)
    (letter,) = log.dead
    assert letter.value == value
    assert letter.reason == (
        "4 of 20 rows cannot be read, the others were: row 1: model is missing or no text; "
        "row 2: model is missing or no text; row 4: model is longer than 256 bytes"
    )


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "no model": (stream_of(table(model=None)), "model is missing"),
    "a model that is a number": (stream_of(table(model=[1, 2])), "the column model is no text"),
    "no version": (stream_of(table(version=None)), "version is missing"),
    "no features": (stream_of(table(**{"features.amount": None})), "features is missing"),
    "features that are no struct": (
        stream_of(table(**{"features.amount": None, "features": [1, 2]})), "features is no struct",
    ),
    "a time that is a float": (stream_of(table(ts=[1.0, 2.0])), "ts holds double"),
    "a list": (stream_of(table(**{"features.x": [[1], [2]]})), "'x' holds list"),
    "a struct in a feature": (stream_of(table(**{"features.x": [{"a": 1}] * 2})), "'x' holds struct"),
    "bytes": (stream_of(table(**{"features.x": [b"a", b"b"]})), "'x' holds binary"),
    "a date": (
        stream_of(table(**{"features.x": pa.array([1, 2], pa.date32())})), "'x' holds date32",
    ),
    "an extension": (
        stream_of(table(**{"features.x": pa.ExtensionArray.from_storage(
            pa.bool8(), pa.array([1, 0], pa.int8()))})), "which no event has",
    ),
    "a column twice": (
        stream_of(pa.RecordBatch.from_arrays(
            [pa.array(["m"]), pa.array(["m"]), pa.array([1.0])], ["model", "model", "features.x"])),
        "the column 'model' is there twice",
    ),
    "a feature in both forms": (
        stream_of(table(features=pa.StructArray.from_arrays([pa.array([1, 2])], ["amount"]))),
        "the column 'features.amount' is there twice",
    ),
    "a segment of numbers": (stream_of(table(**{"segment.c": [1, 2]})), "segment is no struct or map"),
    "bytes behind the end": (stream_of(table()) + b"more", "behind the end"),
    "an end that is missing": (stream_of(table())[:-60], "no Arrow stream that can be read"),
    "noise": (b"\xff\xff\xff\xff" + bytes(range(99)), "no Arrow stream that can be read"),
    "nothing but its beginning": (b"\xff\xff\xff\xff", "no Arrow stream that can be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_message_that_cannot_be_read_is_one_dead_letter_with_a_reason(name: str) -> None:
    value, reason = UNREADABLE[name]
    log = fold_one(value)
    counters = log.partition.fold_state.counters
    assert (counters.seen, counters.malformed, counters.folded) == (1, 1, 0)
    assert [(letter.value, letter.offset) for letter in log.dead] == [(value, 0)]
    assert reason in log.dead[0].reason
    assert log.partition.fold_state.next_offset == 1


def test_predictions_and_labels_must_have_what_they_are_about() -> None:
    value = stream_of(table(id=["a", "b"]))
    assert fold_one(value, PREDICTIONS).dead[0].reason == "prediction is missing"
    assert fold_one(value, LABELS).dead[0].reason == "label is missing"
    assert fold_one(stream_of(table(label=[1, 2])), LABELS).dead[0].reason == "id is missing"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"batch_bytes_max": 100}, "bytes, over limits.batch_bytes_max (100)"),
        ({"batch_rows_max": 1}, "more than limits.batch_rows_max (1) rows"),
    ],
)
def test_a_message_has_bounds_of_its_own(limits: dict[str, int], reason: str) -> None:
    """Those of an event do not hold for it."""
    small = rules(event_bytes_max=10)
    assert not fold_one(stream_of(table()), of=small).dead
    of = FoldRules(
        **{name: getattr(small, name) for name in FoldRules.__dataclass_fields__} | limits
    )
    assert reason in fold_one(stream_of(table()), of=of).dead[0].reason


def told(content_type: str) -> Headers:
    """Give the headers of a message that says what it is."""
    return [("x", b"1"), ("Content-Type", content_type.encode())]


def with_header(value: bytes, content_type: str) -> Log:
    """Fold a message that says what it is."""
    log, book = Log(FEATURES, BOOKS["typed"]), BOOKS["typed"]
    decoder = Decoder(Kind.FEATURES, book.schemas(Kind.FEATURES), 10_000)
    batch = RawBatch(
        FEATURES, [value], np.array([0]), np.array([STAMP]), [b"key"], [told(content_type)]
    )
    log.dead += log.partition.fold(batch, decoder, book)
    return log


def test_the_bytes_tell_an_arrow_stream_and_the_header_must_agree() -> None:
    """Parameters and capitals play no part; JSON is read whatever it calls itself."""
    value = stream_of(table())
    assert not with_header(value, CONTENT_TYPE).dead
    assert not with_header(value, CONTENT_TYPE.upper() + "; q=1").dead
    (letter,) = with_header(value, "application/json").dead
    assert letter.reason.startswith("an Arrow stream, but the content-type is application/json")
    assert (letter.key, letter.headers) == (b"key", told("application/json"))
    (letter,) = with_header(b"ARROW1", CONTENT_TYPE).dead
    assert letter.reason.startswith(f"the content-type is {CONTENT_TYPE}, but no such stream")
    assert not with_header(feature(T0, amount=1.0), CONTENT_TYPE).dead


def test_without_pyarrow_a_message_is_a_dead_letter_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events beside it are folded."""

    def missing(_name: str) -> None:
        raise ImportError

    reading.arrow.cache_clear()
    monkeypatch.setattr(reading, "import_module", missing)
    log = Log(FEATURES).run([feature(T0, x=1), stream_of(table()), feature(T0, x=2)])
    monkeypatch.undo()
    reading.arrow.cache_clear()
    assert log.partition.fold_state.counters.folded == 2
    assert "pip install 'driftbus[arrow]'" in log.dead[0].reason


@given(rate=st.sampled_from([0.5, 0.1]), cut=st.integers(0, 3))
@settings(max_examples=8)
def test_sampling_thins_the_rows_of_a_message_not_messages(rate: float, cut: int) -> None:
    """Any batches keep the same rows; what is left out is counted; bad rows count only where they are kept."""
    n = 4_000
    models = ["m"] * (n - 1000) + [None] * 1000
    batch = pa.record_batch({
        "model": models, "version": ["1"] * n, "ts": [T0] * n, "features.amount": np.arange(n) / 9,
    })  # fmt: skip
    values: list[bytes | None] = [feature(T0, amount=1.0), stream_of(batch, 3), stream_of(batch)]
    book, of = BOOKS["typed"], rules(sample=rate)
    one = Log(FEATURES, book, of).run(values)
    assert Log(FEATURES, book, of).run(values, [cut]).fields() == one.fields()
    counters = one.partition.fold_state.counters
    assert counters.seen == 2 * n + 1
    assert counters.seen - counters.sampled_out == counters.folded + counters.malformed
    for n_kept, of_all in ((counters.folded, 6_000), (counters.malformed, 2_000)):
        assert abs(n_kept - rate * of_all) < 5 * (rate * (1 - rate) * of_all) ** 0.5 + 1


def test_a_lower_rate_keeps_a_subset_and_messages_are_thinned_apart() -> None:
    drawn = message_of.row_draws(FEATURES, 7, np.arange(10_000))
    half, tenth = (below(drawn, rate) for rate in (0.5, 0.1))
    assert (half | ~tenth).all()
    other = below(message_of.row_draws(FEATURES, 8, np.arange(10_000)), 0.5)
    assert abs(int((half & other).sum()) - 2_500) < 250


@given(numbers=st.lists(st.none() | st.floats(width=64), min_size=1, max_size=20))
@settings(max_examples=40)
def test_ids_and_values_meet_those_of_json_in_the_join(numbers: list[float | None]) -> None:
    """A label that came as JSON finds the prediction of a batch message, and the other way round."""
    ids = [f"é{i}" for i in range(len(numbers))]
    finite = [None if v is None or not isfinite(v) else v for v in numbers]
    batch = {
        "model": ["m"] * len(ids),
        "version": ["1"] * len(ids),
        "id": ids,
        "ts": [T0] * len(ids),
    }
    for source, name, make in ((PREDICTIONS, "prediction", prediction), (LABELS, "label", label)):
        value = stream_of(pa.record_batch(batch | {name: pa.array(numbers, pa.float64())}))
        read = Log(source).run([value]).partition.fold_state
        told = Log(source).run([make(*pair) for pair in zip(ids, finite, strict=True)])
        for key, pane in told.partition.fold_state.open.items():
            if pane.rows:
                ours, theirs = read.open[key].all_rows(), pane.all_rows()
                assert ours.id.tolist() == theirs.id.tolist()
                assert ours.value.number.tobytes() == theirs.value.number.tobytes()
