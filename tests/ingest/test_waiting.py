"""Rows that wait for others of their series are counted before anybody looks, with the same outcome."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.summaries.folding import fold_scattered
from stream.reference.book import Book
from stream.summaries import waiting
from tests.events import FEATURES, T0, Log, feature, reference_of
from tests.ingest import test_crowd as crowd
from tests.ingest import test_many_series as many

FOR_EVER = 0
"""A share by which there is never too much that waits."""
NEWS = [{"aaa": i * 0.5, "extra": float(i)} for i in range(40)]
"""Of a series with a column that comes before all others."""
STREAMS = st.one_of(
    st.tuples(st.just(many.SHOP_BOOK), many.EVENTS), st.tuples(st.just(crowd.BOOK), crowd.EVENTS)
)


@contextmanager
def _waiting(share: int) -> Iterator[list[int]]:
    """Let rows wait, however few the summaries; tells how many were counted each time."""
    counted: list[int] = []
    fold = fold_scattered

    def told(*args: Any) -> None:
        counted.append(len(args[1]))
        fold(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting, "NEAR_BYTES", 0)
        patch.setattr(waiting, "SHARE", share)
        patch.setattr(waiting, "fold_scattered", told)
        yield counted


@given(
    of=STREAMS, cuts=st.lists(st.integers(0, 60), max_size=6), commits=st.sets(st.integers(0, 6)),
    news=st.integers(0, 9), share=st.sampled_from([FOR_EVER, 1, 4]),
)  # fmt: skip
@settings(max_examples=80)
def test_it_does_not_matter_when_rows_are_counted(
    of: tuple[Book, list[bytes]], cuts: list[int], commits: set[int], news: int, share: int
) -> None:
    """Whatever batches and commits there are, and if a reference comes between two batches."""
    known, values = of

    def run() -> dict[bytes, bytes]:
        book = Book(known.all())
        log = Log(FEATURES, book)
        bounds = [*sorted(cut for cut in cuts if cut < len(values)), len(values)]
        start = 0
        for turn, end in enumerate(bounds):
            if turn == news:
                book.add(
                    reference_of(NEWS, model=known.all()[0].series.model, segment=(("b", "1"),))
                )
            log.fold(values[start:end], start)
            start = end
            if turn in commits:
                log.commit()
        log.commit()
        return log.fields()

    expected = run()
    with _waiting(share):
        assert run() == expected


def _events(first: int) -> list[bytes]:
    return [
        feature(T0 + first + i, segment={"shop": many.SHOPS[i % 7]}, amount=1.0 * i)
        for i in range(70)
    ]


@pytest.mark.parametrize(("share", "counted"), [(FOR_EVER, [210]), (10**9, [70, 70, 70])])
def test_rows_of_some_batches_are_counted_at_once_unless_that_is_too_much(
    share: int, counted: list[int]
) -> None:
    with _waiting(share) as told:
        log = Log(FEATURES, many.SHOP_BOOK)
        for first in (0, 70, 140):
            log.fold(_events(first), first)
        log.commit()
    assert told == counted


def test_rows_of_models_with_the_same_columns_wait_together_whoever_comes_first() -> None:
    with _waiting(FOR_EVER) as told:
        log = Log(FEATURES, crowd.BOOK)
        for first in range(0, 120, 30):  # the first batch gives out the seats
            models = [crowd.ALIKE[(first // 30 + i) % 3] for i in range(30)]
            log.fold([feature(T0 + i, model=of, amount=1.0) for i, of in enumerate(models)], first)
        assert sum(told) <= 30
        log.commit()
    assert told[-1] >= 90


def test_nothing_waits_for_a_few_summaries() -> None:
    """They are in the caches; and the few rows that come then are less than a quarter of what they belong to."""
    log = Log(FEATURES, many.SHOP_BOOK)
    log.fold(_events(0))
    log.fold(_events(70)[:7], 70)
    (pane,) = log.partition.fold_state.open.values()
    shelf = pane.shelf
    before = shelf.counts.copy()
    assert before.any()
    shelf.settle()
    assert (shelf.counts == before).all()


def test_what_waits_takes_a_quarter_of_what_it_waits_for_and_one_batch_at_most() -> None:
    with _waiting(4):
        log = Log(FEATURES, many.SHOP_BOOK)
        for first in range(0, 700, 7):
            log.fold(_events(first)[:7], first)
            (pane,) = log.partition.fold_state.open.values()
            shelf = pane.shelf
            held = 8 * int(shelf.count_at[shelf.seats])
            assert 4 * shelf.room.waiting._bytes <= held


def test_what_waits_keeps_no_room_for_the_columns_of_wider_models() -> None:
    """A batch is read into room for as many columns as any model has."""
    wide = reference_of([{f"w{j}": float(i) for j in range(90)} for i in range(40)], model="wide")
    with _waiting(4):
        log = Log(FEATURES, Book([*many.SHOP_BOOK.all(), wide]))
        waited = 0
        for first in range(0, 700, 7):
            log.fold(_events(first)[:7], first)
            (pane,) = log.partition.fold_state.open.values()
            shelf = pane.shelf
            rows = shelf.room.waiting._rows
            kept = sum((X if X.base is None else X.base).nbytes for X, _, _ in rows)
            assert 4 * kept <= 8 * int(shelf.count_at[shelf.seats])
            waited += kept
        assert waited


def test_events_that_are_read_in_another_way_do_not_wait_together() -> None:
    """A column that comes makes others stand elsewhere in the rows."""

    def run() -> dict[bytes, bytes]:
        book = Book(many.SHOP_BOOK.all())
        log = Log(FEATURES, book)
        log.fold(_events(0))
        book.add(reference_of(NEWS, segment=(("b", "1"),)))
        log.fold(_events(70), 70)
        log.commit()
        return log.fields()

    expected = run()
    with _waiting(FOR_EVER) as counted:
        assert run() == expected
    assert counted == [70, 70]


def test_rows_of_more_seats_than_small_integers_can_name_lie_in_the_order_of_seats() -> None:
    """Those of one seat in theirs."""
    seats = np.array([65_536, 3, 65_539, 0, 65_535, 3])
    assert waiting.by_seat(seats).tolist() == [3, 1, 5, 4, 0, 2]
