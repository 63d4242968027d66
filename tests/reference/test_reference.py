"""A reference is the same wherever it is kept, and says so when it does not fit."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.summaries.summary import Summary
from stream.config.durations import duration_text
from stream.errors import CodecError, FileError, ReferenceMismatch, StoreUnavailable
from stream.evaluate.chain import Chain
from stream.evaluate.report import kept_result
from stream.reference.binning import bin_raw
from stream.reference.book import Book
from stream.reference.file import read_references, write_references
from stream.reference.fleet import Fleet
from stream.reference.history import History
from stream.reference.learn import WINDOWS_MAX, freeze
from stream.reference.reference import ALWAYS, Reference, WindowSize
from stream.state.codec import pack
from stream.state.memory import MemoryStore
from stream.state.versions import dump
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series
from tests.evaluate import watched
from tests.evaluate.streams import WINDOW
from tests.events import HOUR, PANE, PLAN, T0, learning, reference_of
from tests.state.golden_state import GOLDEN

NAMES = st.sampled_from(["a", "b", "é", "", 'q"', "n\0l"])
CELLS = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(-1e9, 1e9)
    | st.sampled_from(["x", "y", -0.0])
)
ROWS = st.lists(st.dictionaries(NAMES, CELLS, max_size=4), min_size=1, max_size=30)


@given(rows=ROWS, kind=st.sampled_from(Kind))
@settings(max_examples=80)
def test_a_reference_comes_back_with_its_bytes_and_its_digest(
    rows: list[dict[str, object]], kind: Kind
) -> None:
    reference = reference_of(rows, kind, segment=(("c", "DE"),))
    again = Reference.unpack(reference.packed)
    assert again.packed == reference.packed
    assert again.digest == reference.digest
    assert (again.series, again.kind, again.columns) == (reference.series, kind, reference.columns)
    assert (again.windows, again.start_ms, again.end_ms) == (reference.windows, T0 - HOUR, T0)
    assert again.layout.size == reference.layout.size
    np.testing.assert_array_equal(again.total.counts, reference.total.counts)
    np.testing.assert_array_equal(again.total.extremes, reference.total.extremes)


def test_whatever_differs_shows_in_the_digest() -> None:
    reference = reference_of([{"a": 1.5}, {"a": 2.5}])
    others = [
        replace(reference, number=2),
        replace(reference, from_pane=0),
        replace(reference, series=Series("m", "2")),
        replace(reference, pane_ms=1),
        replace(reference, end_ms=T0 + 1),
        reference_of([{"a": 1.5}, {"a": 2.6}]),
    ]
    assert len({reference.digest, *(other.digest for other in others)}) == 1 + len(others)


def test_a_file_of_references_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "ref"
    references = [reference_of([{"a": i}, {"a": "x"}], version=str(i)) for i in range(3)]
    write_references(path, references)
    assert [r.packed for r in read_references(path)] == [r.packed for r in references]
    assert [p.name for p in tmp_path.iterdir()] == ["ref"]


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda _: b"", lambda _: b"{}", lambda b: b[:40] + b"?" + b[41:]]
)
def test_a_file_that_is_none_of_references_says_how_to_make_one(
    tmp_path: Path, damage: object
) -> None:
    path = tmp_path / "ref"
    write_references(path, [reference_of([{"a": 1}])])
    assert callable(damage)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileError, match="reference build") as caught:
        read_references(path)
    assert str(path) in str(caught.value)
    with pytest.raises(FileError, match="check the path"):
        read_references(tmp_path / "absent")
    with pytest.raises(FileError, match="check the folder"):
        write_references(tmp_path / "absent" / "ref", [])


def test_bytes_that_are_no_reference_are_a_codec_error() -> None:
    with pytest.raises(CodecError):
        Reference.unpack(b"nothing")


def test_a_mismatch_tells_both_sides_and_what_to_do() -> None:
    reference = reference_of([{"a": 1}])
    reference.check(PANE, reference.windows)
    for pane, windows in ((PANE + 1, reference.windows), (PANE, [WindowSize(HOUR, HOUR)])):
        with pytest.raises(ReferenceMismatch) as caught:
            reference.check(pane, windows)
        text = str(caught.value)
        for part in (
            "m-1@1",
            "m/1",
            "panes of 10s",
            duration_text(pane),
            "windows of 1h, 4h every 2h",
            "build it again",
        ):
            assert part in text


def test_the_reference_in_force_is_the_last_that_starts_by_then() -> None:
    always, later = (reference_of([{"a": 1}], from_pane=start) for start in (ALWAYS, 100))
    latest = replace(later, number=2)
    segment = reference_of([{"a": 1}], segment=(("c", "DE"),))
    book = Book([latest, segment, always, later, always])
    assert len(book) == 4
    found = [
        book.find(Series("m", "1"), Kind.FEATURES, pane) for pane in (-(2**40), 99, 100, 2**40)
    ]
    assert found == [always, always, latest, latest]
    assert book.find(segment.series, Kind.FEATURES, 0) is segment
    assert book.find(Series("m", "2"), Kind.FEATURES, 0) is None
    assert book.find(Series("m", "1"), Kind.LABELS, 0) is None
    assert book.by_digest(latest.digest) is latest
    assert not book.knows(b"?")


def test_each_new_reference_and_nothing_else_moves_the_books_revision() -> None:
    book, reference = Book(), reference_of([{"a": 1}])
    for _ in range(2):
        book.add(reference)
    assert book.revision == 1
    book.add(replace(reference, number=2))
    assert book.revision == 2
    (schema,) = book.schemas(Kind.FEATURES)
    assert (schema.model, schema.numbers) == ("m", ["a"])
    assert book.schemas(Kind.LABELS) == []


def test_two_fleets_over_one_store_come_to_agree() -> None:
    """Publishing again changes nothing; of two references for the same panes the first stays; none is lost."""
    store = MemoryStore()
    ours, theirs = Fleet(store, "a"), Fleet(store, "a")
    one, other = reference_of([{"a": 1}]), reference_of([{"a": 2}])
    apart = reference_of([{"a": 3}], version="2")
    assert ours.publish(one).digest == one.digest
    assert theirs.publish(other).digest == one.digest
    assert theirs.publish(apart).digest == apart.digest
    for _ in range(2):
        assert ours.publish(one).digest == one.digest
        assert theirs.publish(one).digest == one.digest
    ours.refresh()
    theirs.refresh()
    known = [[r.digest for r in fleet.book.all()] for fleet in (ours, theirs)]
    assert known == [[one.digest, apart.digest]] * 2
    late = Fleet(store, "a")
    late.refresh()
    assert [r.digest for r in late.book.all()] == known[0]
    assert len(Fleet(store, "b").book) == 0


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_what_a_store_that_went_back_has_lost_is_entered_again(kept: int) -> None:
    """By whoever knows it still, behind what was entered meanwhile; else states would name what nobody has."""
    known = [reference_of([{"a": i}], version=str(i)) for i in range(3)]
    store, back = MemoryStore(), MemoryStore()
    ours = Fleet(store, "a")
    for reference in known:
        ours.publish(reference)
    other = Fleet(back, "a")
    for reference in [*known[:kept], reference_of([{"a": 9}], version="9")]:
        other.publish(reference)
    ours._store = back
    ours.refresh()
    late = Fleet(back, "a")
    late.refresh()
    assert {r.digest for r in late.book.all()} == {r.digest for r in ours.book.all()}
    assert len(late.book) == 4


def test_a_reference_is_stored_once() -> None:
    """The list of those in force names it, and is short; so is every look whether there is a new one."""
    store = MemoryStore()
    known = [reference_of([{"a": i}, {"a": "x" * 200}], version=str(i)) for i in range(9)]
    for reference in known:
        Fleet(store, "a").publish(reference)
    kept = store.peek("{a:fleet}")
    assert sorted(v for f, v in kept.items() if f[:2] == b"s:") == sorted(r.packed for r in known)
    assert all(len(v) < 120 for f, v in kept.items() if f[:2] == b"r:")
    assert len(kept) == 18


def test_a_fleet_of_an_older_release_is_known_and_nothing_of_it_is_entered_twice() -> None:
    """Then an entry was the reference itself, of version 1."""
    known = [reference_of([{"a": i}], version=str(i)) for i in range(3)]
    store, kept = MemoryStore(), MemoryStore()
    for i, reference in enumerate(known):
        Fleet(kept, "a").publish(reference)
        payload = reference._payload([h.former_payload() for h in reference.histories])
        former = pack("reference", 1, payload)
        (field,) = (f for f, v in kept.peek("{a:fleet}").items() if v == reference.packed)
        store.put_if_absent("{a:fleet}", field, former)
        store.put_if_absent("{a:fleet}", b"r:%d" % i, pack("entry", 1, [former]))
    before = store.peek("{a:fleet}")
    fleet = Fleet(store, "a")
    assert [fleet.publish(r).digest for r in known] == [r.digest for r in known]
    assert [r.digest for r in fleet.book.all()] == [r.digest for r in known]
    assert store.peek("{a:fleet}") == before
    apart = fleet.publish(reference_of([{"a": 3}], version="9"))
    late = Fleet(store, "a")
    late.refresh()
    assert [r.digest for r in late.book.all()] == [*(r.digest for r in known), apart.digest]


def test_many_references_are_read_in_few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    looks: list[int] = []
    ours = Fleet(store, "a")
    for i in range(200):
        ours.publish(reference_of([{"a": 1}], version=f"{i:03}"))
    read = store.read

    def looking(key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        looks.append(len(fields))
        return read(key, fields)

    monkeypatch.setattr(store, "read", looking)
    late = Fleet(store, "a")
    late.refresh()
    assert [r.digest for r in late.book.all()] == [r.digest for r in ours.book.all()]
    assert len(looks) < 12
    looks.clear()
    late.refresh()
    assert looks == [2]


def test_a_store_that_goes_back_between_an_entry_and_its_reference_is_read_again() -> None:
    store = MemoryStore()
    Fleet(store, "a").publish(reference_of([{"a": 1}]))
    kept = store._hashes["{a:fleet}"]
    (field,) = (f for f in kept if f[:2] == b"s:")
    gone = kept.pop(field)
    fleet = Fleet(store, "a")
    with pytest.raises(StoreUnavailable, match="gone back in time"):
        fleet.refresh()
    kept[field] = gone
    fleet.refresh()
    assert len(fleet.book) == 1


def test_the_digest_is_that_of_every_release_before() -> None:
    """Ids of alerts, plans and states name it: it stays whatever becomes of the stored form."""
    old = (GOLDEN / "reference-1.bin").read_bytes()
    first = Reference.unpack(old)
    assert first.digest.hex() == "bf079014fe646e563cf7f013f7d1f7dc"
    assert first.digest == blake2b(old, digest_size=16).digest()
    assert Reference.unpack(first.packed).digest == first.digest


def test_a_reference_that_was_stored_judges_as_the_one_that_was_learned() -> None:
    """Although of the extremes of its windows no more is kept than whether they were equal."""
    learned = replace(watched.reference(), series=Series("m", "1", ()))
    stored = Reference.unpack(learned.packed)
    assert len(stored.packed) < 0.6 * len(pack("reference", 1, learned._payload(
        [h.former_payload() for h in learned.histories])))  # fmt: skip
    told = []
    for of in (learned, stored):
        chain = Chain(of.series, of.kind, of, watched.RULES, lambda _: PLAN)
        results = []
        for i in range(12):
            window = watched.window(500 + i, shift=1.5 * (i > 6), lost="word" * (i == 9))
            if i == 4:
                window = watched.window(504, scale=0.0)
            chain.take(of.end_ms + i * WINDOW, window, {})
            results += [kept_result(j) for j in chain.close(of.end_ms + (i + 1) * WINDOW)]
        told.append((results, chain.payload()))
    assert dump("result", told[0][0]) == dump("result", told[1][0])
    assert dump("chain", told[0][1]) == dump("chain", told[1][1])


@pytest.mark.parametrize("equal", [False, True])
def test_whether_a_window_held_one_value_only_is_kept(equal: bool) -> None:
    windows = [watched.window(i, scale=0.0 if equal and i == 3 else 1.0) for i in range(6)]
    windows.append(Summary.empty(watched.LAYOUT))
    history = History(np.arange(7) * HOUR + T0, windows)
    slots, numbers = watched.LAYOUT.size, len(watched.LAYOUT.numbers)
    again = History.restore(history.payload(), slots, numbers)
    ours, theirs = (
        [(s.extremes[:, 0] == s.extremes[:, 1]).tolist() for s in of.summaries]
        for of in (history, again)
    )
    assert ours == theirs
    assert equal == (True in ours[3])
    np.testing.assert_array_equal(again.counts, history.counts)
    np.testing.assert_array_equal(again.starts, history.starts)


@given(
    values=st.lists(st.integers(0, 50) | st.none() | st.just("?"), min_size=1, max_size=60),
    hours=st.integers(1, 8),
)
@settings(max_examples=60)
def test_the_windows_of_the_learning_time_are_kept_in_order_empty_ones_too(
    values: list[object], hours: int
) -> None:
    """The twin sums the panes of each window that lies within the bounds wholly."""
    panes: dict[int, Raw] = {}
    for i, value in enumerate(values):
        ts = T0 + (i * 17 % (hours * 6)) * HOUR // 6
        panes.setdefault(ts // PANE, Raw()).add({"a": value}, rows_max=99)
    rules = learning(bins=4)
    bounds = (T0 + 1, T0 + hours * HOUR)
    made = freeze(Series("m", "1"), Kind.FEATURES, panes, rules, "test", ALWAYS, bounds)
    for window, history in zip(rules.windows, made.histories, strict=True):
        starts = [
            start for start in range(T0 - 10 * HOUR, T0 + 10 * HOUR, window.every_ms)
            if bounds[0] <= start and start + window.size_ms <= bounds[1]
        ]  # fmt: skip
        assert history.starts.tolist() == starts
        for start, summary in zip(starts, history.summaries, strict=True):
            whole = Raw()
            for number, raw in sorted(panes.items()):
                if start <= number * PANE < start + window.size_ms:
                    whole.merge(raw)
            np.testing.assert_array_equal(summary.counts, bin_raw(made, whole).counts)
    assert made.total.n == len(values)


def test_a_long_learning_time_keeps_its_latest_windows() -> None:
    raw = Raw()
    raw.add({"a": 1}, rows_max=1)
    bounds = (T0, T0 + (WINDOWS_MAX + 5) * HOUR)
    made = freeze(
        Series("m", "1"), Kind.FEATURES, {T0 // PANE: raw}, learning(), "test", ALWAYS, bounds
    )
    assert len(made.histories[0]) == WINDOWS_MAX
    assert made.histories[0].starts[-1] == bounds[1] - HOUR


def test_of_too_many_columns_those_with_the_most_values_stay_ties_by_name() -> None:
    """A name that came once does not push out one that comes with every event."""
    raw = Raw()
    raw.add({"c": 1, "a": 2, "b": None, "d": 4, "0": 7}, rows_max=9)
    raw.add({"d": 1, "c": 2, "a": 3}, rows_max=9)
    rules = learning(columns_max=2)
    made = freeze(Series("m", "1"), Kind.FEATURES, {0: raw}, rules, "test", ALWAYS, (T0, T0))
    assert [c.name for c in made.columns] == ["a", "c"]
