"""A shelf has room for many summaries, and each is a view of its own part of it."""

import gc
from weakref import ref

import numpy as np

from detectors.summaries.summary import Summary
from stream.ingest.shelf import ROOM, Binned, Shelf
from tests.events import reference_of

REFERENCE = reference_of([{"amount": i / 7, "channel": "web"} for i in range(40)])
NEW = (REFERENCE.digest, REFERENCE.layout)
FILLS = ROOM // REFERENCE.layout.size + 1
"""Summaries that a shelf has no room for at first."""


def _same(one: Summary, other: Summary) -> bool:
    return bool((one.counts == other.counts).all() and (one.extremes == other.extremes).all())


def test_newcomers_are_empty_whoever_was_there_before() -> None:
    shelf = Shelf()
    for n in (1, FILLS, 0, 3):
        made = shelf.add([NEW] * n)
        assert [of.seat for of in made] == list(range(len(shelf.held) - n, len(shelf.held)))
        assert all(_same(of.summary, Summary.empty(REFERENCE.layout)) for of in made)
        for of in made:
            of.summary.counts += 1
            of.summary.extremes[:] = 0.0


def test_summaries_stay_where_they_are_counted_when_the_shelf_grows() -> None:
    """Whether they were asked for before it grew or not, and whether they came with something or empty."""
    shelf, brought = Shelf(), Summary.empty(REFERENCE.layout)
    brought.counts += 7
    taken = Binned(b"", brought)
    shelf.take(taken, REFERENCE.layout)
    asked, silent = shelf.add([NEW, NEW])
    early = asked.summary
    shelf.add([NEW] * FILLS)
    shelf.counts[shelf.count_at[asked.seat + 1] - 1] += 3
    shelf.counts[shelf.count_at[silent.seat + 1] - 1] += 4
    assert (taken.summary.n, early.n, asked.summary.n, silent.summary.n) == (7, 3, 3, 4)
    assert np.shares_memory(brought.counts, shelf.counts)


def test_a_shelf_like_another_has_room_for_as_many_and_knows_who_was_asked_for() -> None:
    before = Shelf()
    before.add([NEW] * FILLS)
    shelf = Shelf(before.layouts, like=before)
    room = shelf.counts
    made = shelf.add([NEW] * FILLS)
    assert shelf.counts is room
    assert not shelf.asked
    made[3].summary.counts += 1
    assert shelf.asked == {3}


def test_a_shelf_goes_with_the_last_who_holds_it() -> None:
    """It has most of a partition's memory, and a search for cycles is rare."""
    gc.disable()
    try:
        shelf = Shelf()
        made = shelf.add([NEW] * 3)
        made[0].summary.counts += 1
        gone = ref(shelf)
        del shelf
        assert gone() is None
    finally:
        gc.enable()
