"""A reference is the same wherever it is kept, and says so when it does not fit."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.config.durations import duration_text
from stream.errors import CodecError, FileError, ReferenceMismatch, StoreUnavailable
from stream.reference.binning import bin_raw
from stream.reference.book import Book
from stream.reference.file import read_references, write_references
from stream.reference.fleet import Fleet
from stream.reference.learn import WINDOWS_MAX, freeze
from stream.reference.reference import ALWAYS, Reference, WindowSize
from stream.state.memory import MemoryStore
from stream.state.store import fleet_key
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series
from tests.events import HOUR, PANE, T0, learning, reference_of

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


@pytest.mark.parametrize("moment", range(4))
def test_threads_that_use_one_fleet_at_the_same_time_read_each_entry_once(moment: int) -> None:
    """While one waits for an answer of the store, another reads all there is: the answer is an old one then."""
    known = [reference_of([{"a": i}], version=str(i)) for i in range(3)]
    store = _Turning()
    for reference in known:
        Fleet(store, "a").publish(reference)
    ours = Fleet(store, "a")
    store.after(moment, ours.refresh)
    ours.refresh()
    assert {r.digest for r in ours.book.all()} == {r.digest for r in known}
    assert ours._line.length == len(known), "an entry was taken in again"
    assert store.reads <= 2 * 5, (
        "each reads two portions of entries with what they name, and finds the end"
    )


@pytest.mark.parametrize("moment", range(4))
def test_threads_that_enter_references_at_the_same_time_enter_each_once(moment: int) -> None:
    """Also the same one."""
    known = [reference_of([{"a": i}], version=str(i)) for i in range(3)]
    store = _Turning()
    Fleet(store, "a").publish(known[0])
    ours = Fleet(store, "a")
    store.after(moment, lambda: [ours.publish(r) for r in known])
    ours.publish(known[2])
    assert {r.digest for r in ours.book.all()} == {r.digest for r in known}
    assert sum(field.startswith(b"r:") for field in store.peek(fleet_key("a"))) == len(known)


def test_a_store_that_goes_back_while_a_reference_is_entered_is_told_what_it_lost() -> None:
    """The new one stands behind what is lost, so it does not come in before that is noticed."""
    lost, new = reference_of([{"a": 1}], version="1"), reference_of([{"a": 2}], version="2")
    back = _Turning()
    ours = Fleet(back, "a")
    ours.publish(lost)
    back.after(0, back._hashes.clear)  # behind the look for news, before it is entered
    ours.publish(new)
    assert len(back.peek(fleet_key("a"))) == 2  # its entry, and its field by name
    ours.refresh()
    late = Fleet(back, "a")
    late.refresh()
    assert {r.digest for r in late.book.all()} == {lost.digest, new.digest}


@pytest.mark.parametrize("moment", range(5))
def test_a_store_that_goes_while_it_is_told_what_it_has_lost_is_told_the_rest_later(
    moment: int,
) -> None:
    """Who has begun to enter it again still knows what is missing."""
    known = [reference_of([{"a": i}], version=str(i)) for i in range(3)]
    store, back = MemoryStore(), _Turning()
    ours = Fleet(store, "a")
    for reference in known:
        ours.publish(reference)
    ours._store = back

    def away() -> None:
        raise StoreUnavailable("told to be down")

    back.after(moment, away)
    with pytest.raises(StoreUnavailable):
        ours.refresh()
    ours.refresh()
    late = Fleet(back, "a")
    late.refresh()
    assert {r.digest for r in late.book.all()} == {r.digest for r in known}


class _Turning(MemoryStore):
    """A store that lets another thread have its turn once, between a read and its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self._turn: Callable[[], object] | None = None
        self._left = 0

    def after(self, reads: int, turn: Callable[[], object]) -> None:
        self.reads, self._left, self._turn = 0, reads, turn

    def read(self, key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        found = super().read(key, fields)
        self.reads += 1
        if self._turn is not None:
            self._left -= 1
            if self._left < 0:
                turn, self._turn = self._turn, None
                turn()
        return found


def test_a_series_has_its_reference_while_another_one_of_it_is_added() -> None:
    """Who looks at that moment is another thread, and would learn the series anew."""
    first = reference_of([{"a": 1}], from_pane=ALWAYS)
    book = Book([first])
    seen = []

    class Looking(Reference):
        """A reference at which the book looks where it belongs."""

        def __getattribute__(self, name: str) -> object:
            if name == "from_pane":
                seen.append(book.find(first.series, first.kind, 5))
            return super().__getattribute__(name)

    values = {f.name: getattr(first, f.name) for f in fields(Reference) if f.init}
    book.add(Looking(**values | {"number": 2, "from_pane": 9}))
    assert seen
    assert all(found is first for found in seen)


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
