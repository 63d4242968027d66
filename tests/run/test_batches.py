"""Events written as batch messages are the same events, and what has no place in a column goes as JSON."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import UsageError
from stream.files import FileEvent
from stream.ingest.arrow.messages import is_arrow
from stream.ingest.envelope import Unreadable
from stream.ingest.raw import Source
from stream.run.offline import batches
from stream.run.offline.batches import Record, batch_of, in_batches
from stream.words import Kind
from tests.events import FEATURES, LABELS, PREDICTIONS, T0, Log, feature, label, prediction
from tests.ingest.books import BOOKS
from tests.ingest.messages import HONEST, RAW, predictions

EVENTS = RAW.map(lambda value: value or b"").filter(lambda value: 0 < len(value) < 50_000)
"""Events of any kind but for those that are too long as JSON: a batch message has bounds of its own."""
SOURCES = {source.kind: source for source in (FEATURES, PREDICTIONS, LABELS)}


def state(source: Source, values: list[bytes | None], book: str) -> tuple[object, object]:
    """Fold messages; tell the panes without their offsets, and the counters."""
    log = Log(source, BOOKS[book]).run(values, stamps=[T0 + 60_000] * len(values))
    panes = log.partition.fold_state.open
    for pane in panes.values():
        pane.first = pane.last = 0
    packed = {key: (pane.pack(), pane.pack_rows()) for key, pane in panes.items()}
    return packed, log.partition.fold_state.counters


def as_told(kind: Kind, events: list[bytes], records: list[Record]) -> list[bytes | None]:
    """Give the events as a column has them: null for what only others of their message have, 1.0 for 1 beside 0.5."""
    told: list[bytes | None] = []
    for record in records:
        part = events[len(told) : len(told) + record.events]
        told += filled(kind, part) if is_arrow(record.value) else part
    return told


def filled(kind: Kind, events: list[bytes]) -> list[bytes]:
    """Give events of one message, those that lack something with null for it, integers beside fractions as these."""
    rows = [orjson.loads(event) for event in events]
    held = [row["features"] if kind is Kind.FEATURES else row for row in rows]
    names = {"score", "prediction"} if kind is not Kind.FEATURES else {n for of in held for n in of}
    for name in sorted(name for name in names if any(name in of for of in held)):
        for of in held:
            of.setdefault(name, None)
    for name in {name for of in held for name in of} - {"ts"}:
        if any(isinstance(of.get(name), float) for of in held):
            for of in held:
                if type(of.get(name)) is int:
                    of[name] = float(of[name])
    return [
        orjson.dumps(row) if orjson.dumps(row) != orjson.dumps(orjson.loads(event)) else event
        for row, event in zip(rows, events, strict=True)
    ]


@pytest.mark.parametrize("book", ["typed", "odd"])
@given(
    events=st.lists(HONEST | EVENTS, max_size=20),
    more=st.lists(predictions, max_size=20),
    rows=st.integers(1, 7),
)
@settings(max_examples=60)
def test_batch_messages_give_the_state_of_the_events_they_were_made_of(
    book: str, events: list[bytes], more: list[bytes], rows: int
) -> None:
    """Good ones and such that are wrong somewhere, of any kind."""
    kinds = {Kind.FEATURES: events, Kind.PREDICTIONS: more, Kind.LABELS: more}
    files = [FileEvent(kind, T0, value) for kind, of_kind in kinds.items() for value in of_kind]
    written = list(in_batches(files, rows))
    for kind, of_kind in kinds.items():
        records = [record for record in written if record.kind is kind]
        values: list[bytes | None] = [record.value for record in records]
        assert sum(record.events for record in records) == len(of_kind)
        told = as_told(kind, of_kind, records)
        assert state(SOURCES[kind], values, book) == state(SOURCES[kind], told, book)


def test_good_events_share_messages_of_the_size_that_was_asked_for() -> None:
    files = [FileEvent(Kind.FEATURES, T0, feature(T0 + i, x=i)) for i in range(25)]
    files[12:12] = [FileEvent(Kind.LABELS, T0, label("a", 1)), FileEvent(Kind.LABELS, T0, b"{")]
    files.append(FileEvent(Kind.PREDICTIONS, T0, prediction("a", 1)))
    told = [(r.kind, r.events, is_arrow(r.value)) for r in in_batches(files, 10)]
    assert told == [
        (Kind.FEATURES, 10, True), (Kind.FEATURES, 10, True), (Kind.LABELS, 1, False),
        (Kind.LABELS, 1, False), (Kind.FEATURES, 5, True), (Kind.PREDICTIONS, 1, True),
    ]  # fmt: skip


def test_a_message_that_is_too_large_for_a_topic_is_cut_in_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Down to single events, in their order, each keyed by its first."""
    monkeypatch.setattr(batches, "BYTES_MAX", 1)
    files = [FileEvent(Kind.FEATURES, T0, feature(T0 + i, x=i)) for i in range(5)]
    records: list[Record] = list(in_batches(files, 10))
    assert [record.events for record in records] == [1] * 5
    assert [orjson.loads(record.first)["ts"] for record in records] == [T0 + i for i in range(5)]


@pytest.mark.parametrize(
    "events",
    [
        [feature(x=[1])],
        [feature(x=1), feature(x=True)],
        [feature(x=1), feature(x="a")],
        [b"{"],
        [b"7"],
        [feature(segment={"a": 1}, x=1)],  # type: ignore[dict-item]
        [feature()],
        [],
    ],
)
def test_what_has_no_place_in_a_column_is_refused(events: list[bytes]) -> None:
    with pytest.raises(Unreadable):
        batch_of(Kind.FEATURES, events)


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise ImportError

    monkeypatch.setattr(batches, "import_module", missing)
    with pytest.raises(UsageError, match=r"pip install 'driftbus\[arrow\]'"):
        batch_of(Kind.FEATURES, [feature(x=1)])
