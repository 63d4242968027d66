"""Typed or by hand, an event is the same event; and a bad one harms nothing but itself."""

from dataclasses import replace

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.ingest import decode
from stream.ingest.decode import Decoder
from stream.ingest.pane import Binned
from stream.ingest.raw import RawBatch, Source
from stream.reference.book import Book
from stream.summaries.schema import Schema
from stream.words import Kind, Series
from tests.events import FEATURES, LABELS, PREDICTIONS, T0, Log, batch, feature, label, prediction
from tests.ingest.books import BOOKS, book, reference
from tests.ingest.messages import HONEST, HOSTILE, RAW, predictions

BYTES_MAX = 100_000


def folded(
    source: Source, values: list[bytes | None], schemas: list[Schema], known: Book
) -> tuple[object, ...]:
    """Fold with a decoder of these schemas: fields of the state, and the dead letters without the words of reasons."""
    log = Log(source, known)
    decoder = Decoder(source.kind, schemas, BYTES_MAX)
    dead = log.partition.fold(batch(source, values), decoder, known)
    log.commit()
    return log.fields(), [(letter.offset, letter.value) for letter in dead]


@given(values=st.lists(RAW, min_size=1, max_size=25))
@settings(max_examples=100)
def test_typed_reading_equals_reading_by_hand(values: list[bytes | None]) -> None:
    typed = folded(FEATURES, values, book().schemas(Kind.FEATURES), book())
    assert typed == folded(FEATURES, values, [], book())


SEGMENTS = [
    "null", "{}", '{"a":"b"}', ' { "a" : "b" } ', '{"a":"b","a":"c"}', '{"a":"\\u0062"}', '{"a":1}', '{"a":null}',
    '{"a":"\\ud800"}', '{"a":{"b":"c"}}', "[]", '""', "7", '{"":"b"}', '{"a":""}', '{"a":"b",}', "{a:1}", "nul",
    '{"a":"x\ty"}', f'{{"a":"{"x" * 257}"}}', "{" + ",".join(f'"{i}":"x"' for i in range(17)) + "}", "[" * 5_000,
]  # fmt: skip


@given(segments=st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=6))
@settings(max_examples=100)
def test_whatever_stands_for_a_segment_is_read_as_by_hand(segments: list[str]) -> None:
    """Twice, as the second time its text is known."""
    head = f'{{"model":"m","version":"1","ts":{T0},"features":{{"amount":1}},"segment":'
    values: list[bytes | None] = [f"{head}{segment}}}".encode() for segment in segments * 2]
    typed = folded(FEATURES, values, book().schemas(Kind.FEATURES), book())
    assert typed == folded(FEATURES, values, [], book())


@given(values=st.lists(RAW | HONEST, min_size=1, max_size=25))
@settings(max_examples=100)
def test_the_portions_in_which_a_batch_is_read_do_not_show(values: list[bytes | None]) -> None:
    """Read three at a time, the state and the dead letters are those of a batch that is read at once."""
    whole = folded(FEATURES, values, book().schemas(Kind.FEATURES), book())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode, "PORTION", 3)
        assert folded(FEATURES, values, book().schemas(Kind.FEATURES), book()) == whole


@pytest.mark.parametrize("source", [PREDICTIONS, LABELS], ids=lambda source: source.topic)
@given(values=st.lists(predictions, min_size=1, max_size=25))
@settings(max_examples=100)
def test_typed_reading_equals_reading_by_hand_where_events_join(
    source: Source, values: list[bytes | None]
) -> None:
    typed = folded(source, values, book().schemas(source.kind), book())
    assert typed == folded(source, values, [], book())


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_each_hostile_message_is_read_alike_with_and_without_types(value: bytes | None) -> None:
    for kind, source in ((Kind.FEATURES, FEATURES), (Kind.PREDICTIONS, PREDICTIONS)):
        assert folded(source, [value], book().schemas(kind), book()) == folded(
            source, [value], [], book()
        )


@pytest.mark.parametrize("name", BOOKS)
@given(
    good=st.lists(HONEST, min_size=1, max_size=10),
    places=st.lists(st.integers(0, 10), min_size=1, max_size=5),
    bad=st.sampled_from([b for b in HOSTILE if b is None or b"model" not in b])
    | st.binary(max_size=40),
)
@settings(max_examples=60)
def test_a_message_that_cannot_be_read_harms_no_other(
    name: str, good: list[bytes], places: list[int], bad: bytes | None
) -> None:
    """The dead letters are exactly the poison, with untouched bytes; the counts are those of the good ones alone."""
    values: list[bytes | None] = [*good]
    for place in places:
        values.insert(min(place, len(values)), bad)
    alone, mixed = Log(FEATURES, BOOKS[name]).run(good), Log(FEATURES, BOOKS[name]).run(values)
    assert [letter.offset for letter in mixed.dead] == [
        i for i, value in enumerate(values) if value is bad
    ]
    assert all(letter.value is bad for letter in mixed.dead)
    assert counts(mixed) == counts(alone)


def counts(log: Log) -> dict[tuple[str, int, Series], object]:
    told: dict[tuple[str, int, Series], object] = {}
    for (model, number), pane in log.partition.fold_state.open.items():
        for series, entry in pane.entries.items():
            known = entry.summary.counts.tolist() if isinstance(entry, Binned) else entry.payload()
            told[model, number, series] = known
    return told


@pytest.mark.parametrize("wrong", ["text", True, [1], {"a": 1}])
def test_a_value_of_a_wrong_type_spoils_its_own_column_only(wrong: object) -> None:
    log = Log(FEATURES, book()).run([feature(amount=wrong, channel="web", member=True, few=1)])
    layout = reference().layout
    entry = log.partition.fold_state.open["m", T0 // 10_000].entries[Series("m", "1")]
    assert isinstance(entry, Binned)
    invalid = {
        c.name: int(entry.summary.counts[layout.tail_of(i) + 1])
        for i, c in enumerate(layout.columns)
    }
    valid = {
        c.name: int(entry.summary.counts[layout.bins_of(i)].sum())
        for i, c in enumerate(layout.columns)
    }
    assert invalid == {"amount": 1, "channel": 0, "few": 0, "member": 0}
    assert valid == {"amount": 0, "channel": 1, "few": 1, "member": 1}
    assert log.dead == []


@pytest.mark.parametrize("name", BOOKS)
def test_a_number_that_no_float_holds_spoils_its_own_column_only(name: str) -> None:
    huge = (
        b'{"model":"m","version":"1","ts":%d,"features":{"amount":1e999,"few":1},"more":[1e999]}'
        % T0
    )
    log = Log(FEATURES, BOOKS[name]).run([huge])
    assert log.dead == []
    assert log.partition.fold_state.counters.folded == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "no JSON"),
        (b"[1]", "no JSON object"),
        (b"\xff{}", "no UTF-8"),
        (orjson.dumps({"version": "1", "ts": T0, "features": {}}), "model is missing"),
        (orjson.dumps({"model": "m", "version": 1, "ts": T0, "features": {}}), "version is missing or no text"),
        (orjson.dumps({"model": "m", "version": "v" * 257, "ts": T0, "features": {}}), "longer than 256"),
        (orjson.dumps({"model": "m", "version": "1", "ts": T0}), "features is missing"),
        (feature(T0, segment={"c": "x" * 300}), "segment has a text longer"),
        (orjson.dumps({"model": "m", "version": "1", "ts": T0, "features": {}, "segment": []}), "segment is no map"),
        (feature(1_767_225_600), "before the year 2000"),
        (feature("yesterday"), "no RFC 3339"),
        (feature(T0, x="y" * BYTES_MAX), "over limits.event_bytes_max"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["empty", "typed"])
def test_a_dead_letter_says_why_and_keeps_what_came(
    name: str, value: bytes | None, reason: str
) -> None:
    keys, headers = [b"k0", b"k1", b"k2"], [None, [("h", b"1")], None]
    messages = RawBatch(
        FEATURES, [feature(), value, feature()], np.array([4, 7, 9]), None, keys, headers
    )
    decoder = Decoder(Kind.FEATURES, BOOKS[name].schemas(Kind.FEATURES), BYTES_MAX)
    decoded = decoder.decode(messages, 0)
    (letter,) = decoded.dead
    assert reason in letter.reason
    assert letter == replace(
        letter, source=FEATURES, offset=7, value=value, key=b"k1", headers=[("h", b"1")]
    )
    assert decoded.offsets.tolist() == [4, 9]
    assert len(decoded.events) == len(decoded.ts) == len(decoded.values) == 2


@pytest.mark.parametrize("name", ["empty", "typed"])
def test_what_an_event_is_about_may_be_null_but_not_absent(name: str) -> None:
    said_nothing = orjson.dumps({"model": "m", "version": "1", "id": "a", "ts": T0, "score": 0.5})
    log = Log(PREDICTIONS, BOOKS[name]).run([prediction("a", None), said_nothing])
    assert [(d.offset, d.reason) for d in log.dead] == [(1, "prediction is missing")]
    known_only = orjson.dumps({"model": "m", "version": "1", "id": "a", "ts": T0, "prediction": 1})
    log = Log(LABELS, BOOKS[name]).run([label("a", None), known_only])
    assert [(d.offset, d.reason) for d in log.dead] == [(1, "label is missing")]


@pytest.mark.parametrize("name", ["empty", "typed"])
@pytest.mark.parametrize("identity", ["", "x" * 257])
def test_an_id_that_cannot_join_is_a_dead_letter(name: str, identity: str) -> None:
    assert len(Log(PREDICTIONS, BOOKS[name]).run([prediction(identity, 1)]).dead) == 1


def test_feature_names_that_no_struct_can_have_are_read_by_hand() -> None:
    values: dict[str, object] = {"amount": "1", 'a"b': 3, "n\0l": 0.5}
    event = {"model": "m", "version": "2", "ts": T0, "features": values}
    log = Log(FEATURES, BOOKS["odd"]).run([orjson.dumps(event)])
    entry = log.partition.fold_state.open["m", T0 // 10_000].entries[Series("m", "2")]
    assert isinstance(entry, Binned)
    assert log.dead == []
    assert entry.summary.n == 1
