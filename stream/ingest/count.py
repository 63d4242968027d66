"""Counts events of one model and pane in the summaries of their series."""

import numpy as np
from numpy.typing import NDArray

from stream.ingest.group import Group
from stream.ingest.shelf import Shelf
from stream.reference.book import Book
from stream.summaries.scattered import Room, count_scattered

__all__ = ["count"]


def count(
    group: Group, shelf: Shelf, book: Book, rows: NDArray[np.int64], seats: NDArray[np.int64]
) -> None:
    """Count event rows[i] of a group in the summary in seat seats[i] of a shelf.

    A series that has most of the events is counted column by column, all others together, row by row. Where each
    reference reads the events its own way, every series is counted by itself, at the cost of the whole group.
    """
    if not len(rows):
        return
    table = group.table()
    tally = np.bincount(seats)
    alone = np.flatnonzero(tally if table is None else 2 * tally > len(group.at)).tolist()
    for seat in alone:
        binned = shelf.held[seat]
        reference = book.by_digest(binned.digest)
        X, columns, codes, values = group.columns(reference)
        chosen = rows if tally[seat] == len(rows) else rows[seats == seat]
        binned.summary.add(reference.layout, X, columns, chosen, codes, values)
    if table is None or sum(tally[alone].tolist()) == len(rows):
        return
    left = ~np.isin(seats, alone)
    room = Room(
        shelf.layouts, shelf.layout_of, shelf.count_at, shelf.extreme_at, shelf.counts, shelf.extremes, shelf.held
    )  # fmt: skip
    count_scattered(table, room, rows[left], seats[left])
