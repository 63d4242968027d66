"""Counts events of one model and pane in the summaries of their series."""

import numpy as np
from numpy.typing import NDArray

from stream.ingest.group import Group
from stream.ingest.shelf import Binned, Shelf
from stream.reference.book import Book
from stream.summaries.scattered import count_scattered

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
    if 2 * len(rows) > len(group.at) and (seats == seats[0]).all():
        _count_alone(group, shelf.held[seats[0]], book, rows)
        return
    table = group.table()
    first = int(seats.min())  # those of other models may stand before
    tally = np.bincount(seats - first)
    alone = np.flatnonzero(tally if table is None else 2 * tally > len(group.at)) + first
    for seat in alone.tolist():
        _count_alone(group, shelf.held[seat], book, rows[seats == seat])
    if table is None or int(tally[alone - first].sum()) == len(rows):
        return
    left = ~np.isin(seats, alone)
    count_scattered(table, shelf.room, rows[left], seats[left])


def _count_alone(group: Group, binned: Binned, book: Book, rows: NDArray[np.int64]) -> None:
    """Count event rows of a group in one summary, column by column."""
    reference = book.by_digest(binned.digest)
    X, columns, codes, values = group.columns(reference)
    binned.summary.add(reference.layout, X, columns, rows, codes, values)
