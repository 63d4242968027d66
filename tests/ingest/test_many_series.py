"""Events of many series are counted as if each series were alone."""

from dataclasses import replace

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream.ingest import count
from stream.ingest.count import _count_alone
from stream.ingest.group import Group
from stream.ingest.pane import Binned
from stream.ingest.regulars import Regulars
from stream.ingest.seats import PARTIES_MAX
from stream.reference.book import Book
from stream.reference.reference import Reference
from stream.run.offline.batches import batch_of
from stream.state.fields import pane_field
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series
from tests.events import FEATURES, PANE, T0, Log, feature, reference_of
from tests.ingest.books import ROWS

SHOPS = [f"s{i}" for i in range(8)]
RARE = [{"amount": i * 0.5, "extra": float(i), "few": i * 1.1} for i in range(40)]


def _reference(i: int, shop: str) -> Reference:
    """Give a baseline of its own to each shop; every third has other columns, other types of binning."""
    rows = RARE if i % 3 == 0 else ROWS[i : i + 30]
    return reference_of(rows, segment=(("shop", shop),), bins=3 + i)


SHOP_BOOK = Book([reference_of(ROWS), *(_reference(i, s) for i, s in enumerate(SHOPS[:-1]))])
"""The last shop has no reference."""
EVENTS = st.lists(
    st.builds(
        lambda shop, more, ts, values: orjson.dumps(
            {"model": "m", "version": "1", "ts": T0 + ts, "features": values,
             "segment": {"shop": shop} | ({"b": "1", "a": "2"} if more else {})}
        ),
        st.sampled_from([*SHOPS, ""]), st.booleans(), st.integers(0, 2 * PANE),
        st.fixed_dictionaries({}, optional={
            "amount": st.none() | st.floats(-50, 150) | st.just("no number"),
            "channel": st.sampled_from(["web", "app", "new", "x" * 300, None]),
            "member": st.booleans() | st.none(),
            "few": st.sampled_from([0, 1, 2, 7, 1.1, -0.0, None]),
            "extra": st.floats(allow_nan=False, allow_infinity=False),
        }),
    ),
    min_size=1, max_size=30,
)  # fmt: skip


@given(values=EVENTS, cuts=st.lists(st.integers(0, 30), max_size=4))
@settings(max_examples=80)
def test_series_in_one_batch_are_counted_as_each_alone(
    values: list[bytes], cuts: list[int]
) -> None:
    """One event a batch goes the way of a series alone; many in one batch, the way of all together."""
    alone = Log(FEATURES, SHOP_BOOK).run(values, range(1, len(values)))
    together = Log(FEATURES, SHOP_BOOK).run(values)
    some = Log(FEATURES, SHOP_BOOK).run(values, [cut for cut in cuts if cut <= len(values)])
    assert together.fields() == alone.fields()
    assert some.fields() == alone.fields()


@given(values=EVENTS, cut=st.integers(0, 30))
@settings(max_examples=30)
def test_summaries_that_were_taken_over_go_on_among_new_ones(values: list[bytes], cut: int) -> None:
    unbroken = Log(FEATURES, SHOP_BOOK).run(values)
    log = Log(FEATURES, SHOP_BOOK)
    log.fold(values[:cut])
    log.commit()
    log.crash()
    log.fold(values[cut:], min(cut, len(values)))
    log.commit()
    assert log.fields() == unbroken.fields()


def test_what_is_remembered_of_parties_may_be_forgotten_at_any_time() -> None:
    values = [feature(T0 + i, segment={"shop": SHOPS[i % 8]}, amount=1.0 * i) for i in range(60)]
    expected = Log(FEATURES, SHOP_BOOK).run(values).fields()
    log = Log(FEATURES, SHOP_BOOK)
    log.fold(values[:30])
    for seats in log.partition.fold_state._seating._seats.values():
        many = [("1", (("shop", f"new {i}"),)) for i in range(PARTIES_MAX)]
        seats.number(many, np.arange(PARTIES_MAX))
    log.fold(values[30:], 30)
    assert len(log.partition.fold_state._seating) < 20
    log.commit()
    assert log.fields() == expected


@given(
    turns=st.lists(st.lists(st.sampled_from(SHOPS), min_size=1, max_size=12), min_size=2, max_size=6),
    crash=st.integers(0, 5), promoted=st.integers(0, 5),
)  # fmt: skip
@settings(max_examples=40)
def test_regulars_take_the_seats_that_they_would_be_asked_to_take(
    turns: list[list[str]], crash: int, promoted: int
) -> None:
    """Pane after pane, in one of which the partition is taken over, and at one of which a reference is promoted."""
    told = []
    for known in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not known:
                patch.setattr(
                    Regulars, "among", lambda _, numbers, *__: np.zeros(len(numbers), bool)
                )
                patch.setattr(Regulars, "note", lambda *_: None)
            book = Book(SHOP_BOOK.all())
            log = Log(FEATURES, book)
            for pane, shops in enumerate(turns):
                if pane == promoted:
                    book.add(
                        replace(_reference(5, "s1"), number=2, from_pane=T0 // PANE + promoted + 1)
                    )
                ts = [T0 + pane * PANE + i for i in range(len(shops))]
                at = log.partition.fold_state.next_offset
                log.fold(
                    [
                        feature(t, segment={"shop": s}, amount=2.0)
                        for t, s in zip(ts, shops, strict=True)
                    ],
                    at,
                )
                log.commit()
                if pane == crash:
                    log.crash()
            told.append(log.fields())
    assert told[0] == told[1]


def test_a_pane_that_begins_after_a_later_one_is_judged_by_the_reference_of_its_own_time() -> None:
    first, series = T0 // PANE, Series("m", "1", (("shop", "s1"),))
    book = Book([*SHOP_BOOK.all(), replace(_reference(5, "s1"), number=2, from_pane=first + 1)])
    log = Log(FEATURES, book)
    for offset, pane in enumerate((1, 0)):
        log.fold([feature(T0 + pane * PANE, segment={"shop": "s1"}, amount=2.0)], offset)
    for pane in (first, first + 1):
        entry, reference = (
            log.partition.fold_state.open["m", pane].entries[series],
            book.find(series, Kind.FEATURES, pane),
        )
        assert isinstance(entry, Binned)
        assert reference is not None
        assert entry.digest == reference.digest


def test_a_regular_has_its_seat_already_in_a_pane_that_was_taken_over() -> None:
    log, event = Log(FEATURES, SHOP_BOOK), feature(T0, segment={"shop": "s1"}, amount=2.0)
    log.fold([event])
    log.commit()
    log.crash()
    log.fold([feature(T0 + PANE, segment={"shop": "s1"}, amount=2.0)], 1)
    log.fold([event], 2)
    entries = log.partition.fold_state.open["m", T0 // PANE].entries
    entry = entries[Series("m", "1", (("shop", "s1"),))]
    assert isinstance(entry, Binned)
    assert entry.summary.n == 2


def test_a_pane_that_begins_does_not_ask_the_book_for_series_that_it_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, asked = Log(FEATURES, SHOP_BOOK), list[Series]()
    find = Book.find

    def found(book: Book, of: Series, kind: Kind, pane: int) -> Reference | None:
        asked.append(of)
        return find(book, of, kind, pane)

    monkeypatch.setattr(Book, "find", found)
    for pane in range(3):
        asked.clear()
        events = [
            feature(T0 + pane * PANE + i, segment={"shop": s}, x=1)
            for i, s in enumerate(SHOPS[:-1])
        ]
        log.fold(events, 7 * pane)
    assert asked == [Series("m", "1")]
    entries = log.partition.fold_state.open["m", T0 // PANE + 2].entries
    segments = {series.segment for series in entries}
    assert segments == {(), *((("shop", shop),) for shop in SHOPS[:-1])}


def test_names_of_a_segment_in_any_order_are_one_series() -> None:
    texts = [{"a": "1", "b": "2"}, {"b": "2", "a": "1"}]
    log = Log(FEATURES).run([feature(T0, segment=text, x=1) for text in texts])
    pane = log.partition.fold_state.open["m", T0 // PANE]
    entry = pane.entries[Series("m", "1", (("a", "1"), ("b", "2")))]
    assert isinstance(entry, Raw)
    assert entry.n == 2


def test_a_shelf_that_grows_takes_its_summaries_along() -> None:
    """Hundreds of series come one after the other; what was counted before the arrays were made anew is still there."""
    base = reference_of(ROWS)
    names = [f"s{i:03}" for i in range(300)]
    book = Book([base, *(reference_of(ROWS[:20], segment=(("shop", n),)) for n in names)])
    log = Log(FEATURES, book)
    log.rules = log.rules.__class__(**{
        **{f: getattr(log.rules, f) for f in log.rules.__slots__}, "series_max": 1000,
    })  # fmt: skip
    log.crash()
    for i, name in enumerate(names):
        log.fold(
            [feature(T0 + j, segment={"shop": name}, amount=1.0) for j in range(i % 3 + 1)], i * 3
        )
    entries = log.partition.fold_state.open["m", T0 // PANE].entries
    for i, name in enumerate(names):
        entry = entries[Series("m", "1", (("shop", name),))]
        assert isinstance(entry, Binned)
        assert entry.summary.n == i % 3 + 1
    log.commit()
    assert len(log.fields()[pane_field("m", T0 // PANE)]) < 300 * 200


def test_rows_of_a_batch_message_are_counted_in_one_pass_however_many_series_they_are_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the whole, which has most of them, is counted by itself; the bytes are those of the events."""
    alone: list[int] = []

    def counted(group: Group, binned: Binned, book: Book, rows: NDArray[np.int64]) -> None:
        alone.append(len(rows))
        _count_alone(group, binned, book, rows)

    monkeypatch.setattr(count, "_count_alone", counted)
    events = [
        feature(
            T0 + i, segment={"shop": SHOPS[i % 7]}, amount=1.0 * i, few=i % 3, member=i % 2 == 0
        )
        for i in range(70)
    ]
    told = Log(FEATURES, SHOP_BOOK).run([batch_of(Kind.FEATURES, events)])
    assert alone == [70]
    expected = Log(FEATURES, SHOP_BOOK).run(events)
    panes = [field for field in told.fields() if field.startswith(b"p:")]
    assert panes
    of_told, of_expected = (
        {series: entry for pane in log.partition.fold_state.open.values() for series, entry in pane.entries.items()}
        for log in (told, expected)
    )  # fmt: skip
    assert of_told.keys() == of_expected.keys()
    for series, entry in of_told.items():
        other = of_expected[series]
        assert isinstance(entry, Binned)
        assert isinstance(other, Binned)
        assert entry.summary.to_bytes() == other.summary.to_bytes()
