"""What a compiled pass reads of what msgspec writes is what the structs hold."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.ingest import decode
from stream.ingest.decode import Decoder
from stream.summaries import columns
from stream.summaries.columns import Gathering, Words
from stream.summaries.texts import Spans, Texts
from stream.summaries.written import NO_TIME, Form, Forms, Written, party_of
from stream.words import Kind
from tests.events import FEATURES, T0, batch, feature
from tests.ingest.books import book

NAMES = st.text(
    st.characters(exclude_characters='"\\', exclude_categories=["Cs", "Cc"]), max_size=300
)
NUMBER = st.none() | st.floats(allow_nan=False)
LENGTHS = st.sampled_from([31, 32, 255, 256, 65_535, 65_536])
TEXT = st.text(max_size=9) | LENGTHS.map("x".__mul__)
OTHER = st.none() | st.booleans() | TEXT
PASSED = OTHER | NUMBER
TIME = st.none() | TEXT | st.integers(-(2**63), 2**63 - 1) | st.integers(0, 2**42)
SEGMENT = st.sampled_from([b"", b"{}", b"null", b' {"a":"b"}', b'{"a":"\xc3\xa9"}', b"7", b"-1"])
RESERVED = {"model", "version", "ts", "segment", "features"}


def struct_of(form: Form) -> Any:
    """Make a type of this form: gives one of its events, from the values of its fields in their order."""
    own = [*form.passed, *form.numbers, *form.others]
    attributes = {name: f"c{i}" for i, name in enumerate(own)}
    rename = {attribute: name for name, attribute in attributes.items()}
    inner = [*form.numbers, *form.others] if form.inside else []
    last = ["ts", "version", *(["segment"] if form.segment else [])]
    plain = [attributes[name] for name in own[: len(own) - len(inner)]]
    names = [*plain, *([form.inside] if form.inside else []), *last]
    event = msgspec.defstruct(
        "Event", [(name, object) for name in names], tag_field="model", tag=form.model, rename=rename
    )  # fmt: skip
    if not form.inside:
        return event
    features = msgspec.defstruct("F", [(attributes[n], object) for n in inner], rename=rename)
    return lambda *values: event(features(*values[: len(inner)]), *values[len(inner) :])


@st.composite
def forms(draw: st.DrawFn, model: str, segment: bool) -> Form:
    """Draw the fields of a type."""
    names = draw(st.lists(NAMES.filter(lambda n: n not in RESERVED), max_size=18, unique=True))
    inside = draw(st.sampled_from(["", "features"]))
    first = 0 if inside else draw(st.integers(0, len(names)))
    middle = draw(st.integers(first, len(names)))
    return Form(model, names[:first], inside, names[first:middle], names[middle:], segment)


@st.composite
def events(draw: st.DrawFn) -> list[tuple[Form, tuple[Any, ...]]]:
    """Draw events of three types, often with the same fields, each with its form.

    An event has values of its fields, its time, version and segment.
    """
    made, segment, alike = [], draw(st.booleans()), draw(st.booleans())
    form: Form | None = None
    for model in draw(st.lists(NAMES, min_size=3, max_size=3, unique=True)):
        form = form._replace(model=model) if alike and form else draw(forms(model, segment))
        names = [*form.passed, *form.numbers, *form.others]
        first, middle = len(form.passed), len(form.passed) + len(form.numbers)
        fields = [PASSED] * first + [NUMBER] * (middle - first) + [OTHER] * (len(names) - middle)
        last = [TIME, TEXT, *([SEGMENT] if segment else [])]
        rows = draw(st.lists(st.tuples(*fields, *last), max_size=5))
        made.append([(form, row) for row in rows] or [(form, ())])
    flat = [pair for of in made for pair in of]
    return draw(st.permutations(flat))


def read(drawn: list[tuple[Form, tuple[Any, ...]]]) -> tuple[list[Form], Written, Any]:
    forms = list({form.model: form for form, _ in drawn}.values())
    types = {form.model: struct_of(form) for form in forms}
    made = []
    for form, row in drawn:
        if row:
            values = [*row[:-1], msgspec.Raw(row[-1])] if form.segment else row
            made.append(types[form.model](*values))
    known = Forms(forms)
    flat = np.zeros(3 + len(made) * known.numbers_max)
    return forms, known.read(made, bytearray(), flat, 3), flat


def texts(spans: Spans) -> list[bytes]:
    places = zip(spans.starts.tolist(), spans.lengths.tolist(), strict=True)
    return [spans.data[start : start + length].tobytes() for start, length in places]


def hold(drawn: list[tuple[Form, tuple[Any, ...]]]) -> None:
    """See that what is read is what the events hold."""
    forms, found, flat = read(drawn)
    drawn = [(form, row) for form, row in drawn if row]
    words = [msgspec.msgpack.decode(text) for text in texts(found.words)]
    for i, (form, row) in enumerate(drawn):
        assert forms[found.of[i]] == form
        values, last = row[len(form.passed) :], row[len(row) - 2 - form.segment :]
        numbers, others = len(form.numbers), len(form.others)
        own = flat[found.first[i] : found.first[i] + numbers]
        assert own.tobytes() == np.array(values[:numbers], dtype=np.float64).tobytes()
        assert words[found.word[i] : found.word[i] + others] == list(values[numbers:][:others])
        is_time = isinstance(last[0], int) and last[0] >= 2**32
        assert found.ts[i] == (last[0] if is_time else NO_TIME)
        assert party_of(texts(found.parties)[i]) == (last[1], last[2] if form.segment else b"")
    assert found.flat_end == 3 + sum(len(form.numbers) for form, _ in drawn)
    assert len(words) == sum(len(form.others) for form, _ in drawn)


@given(drawn=events())
@settings(max_examples=150, deadline=None)
def test_what_is_read_is_what_events_of_any_mixture_of_types_hold(
    drawn: list[tuple[Form, tuple[Any, ...]]],
) -> None:
    """To the bit, whatever the names, and whatever stands beside what is read."""
    hold(drawn)


@pytest.mark.parametrize("n", [0, 15, 16, 65_535, 65_536])
def test_many_events_are_read_behind_the_longer_head_of_a_list(n: int) -> None:
    form = Form("m", [], "features", ["x"], [], segment=True)
    rows = [(form, (float(i), 2**40 + i, "1", b"")) for i in range(n)]
    _, found, flat = read([*rows, (form, ())])
    assert flat[3:].tolist() == list(range(n))
    assert found.ts.tolist() == [2**40 + i for i in range(n)]


@pytest.mark.parametrize("fields", [15, 16, 65_535, 65_536])
@pytest.mark.parametrize("inside", ["", "features"])
def test_events_of_many_fields_are_read_behind_their_longer_head(fields: int, inside: str) -> None:
    """Between others, whichever of its two structs has so many, and with the longest texts among its fields."""
    n = fields if inside else fields - 4  # with its tag, time, version and segment
    names, longest = [f"x{i}" for i in range(n)], "x" * 65_536
    first, middle = 0 if inside else n // 3, 2 * n // 3
    form = Form("m", names[:first], inside, names[first:middle], names[middle:], segment=True)
    values: list[Any] = [longest, *[None, 1.5, True] * n][:first]
    values += [*[2.5, None, -0.0] * n][: middle - first]
    values += [longest, *["", False, None, "y" * 256] * n][: n - middle]
    small = Form("n", [], "", ["x"], ["y"], segment=True), (0.5, "z", T0, "1", b"{}")
    hold([small, (form, (*values, T0, longest, b'{"a":"b"}')), small])


def test_words_are_forgotten_between_batches_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Columns that were gathered before keep theirs."""
    monkeypatch.setattr(columns, "WORDS_MAX", 2)
    monkeypatch.setattr(decode, "PORTION", 2)
    decoder = Decoder(Kind.FEATURES, book().schemas(Kind.FEATURES), 100_000)
    made = []
    for told in (["a", "b", None, "a", "c"], ["d", "a"]):
        values: list[bytes | None] = [feature(channel=word) for word in told]
        decoded = decoder.decode(batch(FEATURES, values), 0)
        assert decoded.columns is not None
        made.append((told, decoded.columns))
    for told, found in made:
        (schema,) = {id(s): s for s in decoder.schema_of.values() if s.model == "m"}.values()
        assert list(found.table(schema, np.arange(len(told))).others["channel"]) == told
    assert len(made[1][1].words) < len(made[0][1].words)


def test_words_of_more_bytes_than_there_is_room_for_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(columns, "WORDS_BYTES_MAX", 10)
    words = Words()
    form = Form("m", [], "", [], ["x"], segment=False)
    struct = struct_of(form)
    for _ in range(3):
        gathering = Gathering(Forms([form]), words, 2)
        gathering.add([struct("y" * 9, T0, "1"), struct("z", T0, "1")], slice(0, 2))
        assert gathering.columns().codes.tolist() == [0, 1]


def test_behind_a_model_that_nobody_knows_nothing_is_read() -> None:
    """As no form tells where it stands: else memory would be read that is not the events'."""
    drawn = [Form("m", (), "", ["x"], [], False), Form("n", (), "", ["x", "y"], ["z"], False)]
    known = Forms(drawn)
    known._models = Texts()
    event = struct_of(drawn[1])(1.0, 2.0, "a", 2**41, "1")
    with pytest.raises(AssertionError):
        known.read([event], bytearray(), np.zeros(2), 0)
