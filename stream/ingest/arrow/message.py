"""One batch message as the fold takes it in: its tables, its counts, and the dead letter of what cannot be read."""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from stream.ingest.arrow.messages import CONTENT_TYPE, content_type
from stream.ingest.arrow.reading import arrow, read_batches
from stream.ingest.arrow.table import Stamp, Table, read_table
from stream.ingest.envelope import Unreadable
from stream.ingest.raw import DeadLetter, Headers, RawBatch, Source
from stream.ingest.sample import below, draws

__all__ = ["Message", "read_message", "row_draws"]

TOLD_ROWS = 3
"""Rows of a message whose faults its dead letter names."""


class Message:
    """What a batch message holds.

    `seen` rows, of which `sampled_out` were left out unread and `malformed` cannot be read; the others are in
    `tables`, in order, and `rows` int64 has for each table their numbers in the message. A message that cannot be read
    at all counts as one malformed event.
    """

    def __init__(self) -> None:
        self.seen = 0
        self.sampled_out = 0
        self.malformed = 0
        self.tables: list[Table] = []
        self.rows: list[NDArray[np.int64]] = []
        self.dead: list[DeadLetter] = []


def read_message(
    batch: RawBatch, bytes_max: int, rows_max: int, max_future_ms: int, rate: float = 1.0
) -> Message:
    """Read the Arrow message that a batch consists of, all of it or nothing.

    Rows without a time, a model and the like are left out: one dead letter a message names the first of them.

    Args:
        batch: one message.
        bytes_max: as of `read_batches`.
        rows_max: as of `read_batches`.
        max_future_ms: how far a row's time may be ahead of the message's Kafka timestamp.
        rate: the share of the rows that is read, by a hash of the message's place and the row's number.
    """
    made = Message()
    value, offset = batch.values[0] or b"", int(batch.offsets[0])
    headers = batch.headers_of(0)
    stamp = Stamp(None if batch.stamps is None else int(batch.stamps[0]), max_future_ms)
    try:
        _check_header(headers)
        batches = read_batches(value, bytes_max, rows_max)
        rows = np.arange(sum(b.num_rows for b in batches))
        chosen = _thinned(batch, rows, rate)
        first, numbers = 0, []
        for one in batches:
            of_batch = chosen[first : first + one.num_rows]
            thin = one if of_batch.all() else one.filter(arrow().pa.array(of_batch))
            table = read_table(thin, batch.source.kind, stamp)
            made.tables.append(table)
            numbers.append(first + np.flatnonzero(of_batch))
            made.rows.append(numbers[-1][table.row])
            first += one.num_rows
    except Unreadable as error:
        made = Message()
        made.seen = made.malformed = 1
        made.dead.append(_letter(batch, offset, str(error), value, headers))
        return made
    made.seen = len(rows)
    made.sampled_out = len(rows) - int(chosen.sum())
    made.malformed = sum(int(table.faults.any.sum()) for table in made.tables)
    if made.malformed:
        reason = f"{made.malformed} of {made.seen} rows cannot be read, the others were: "
        reason += "; ".join(islice(_faults(made.tables, numbers), TOLD_ROWS))
        made.dead.append(_letter(batch, offset, reason, value, headers))
    return made


def row_draws(source: Source, offset: int, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Give the draws of rows of the message at an offset, by their numbers in it.

    In place of an offset each row has 64 bits, mixed of both.
    """
    first = blake2b(b"%d" % offset, digest_size=8).digest()
    keys = np.uint64(int.from_bytes(first, "little")) + rows.astype(np.uint64)
    return draws(source, keys.view(np.int64))


def _thinned(batch: RawBatch, rows: NDArray[np.int64], rate: float) -> NDArray[np.bool_]:
    if rate >= 1.0:
        return np.ones(len(rows), dtype=bool)
    return below(row_draws(batch.source, int(batch.offsets[0]), rows), rate)


def _check_header(headers: Headers) -> None:
    told = content_type(headers)
    if told not in (None, CONTENT_TYPE):
        raise Unreadable(
            f"an Arrow stream, but the content-type is {told[:99]}, not {CONTENT_TYPE}"
        )


def _faults(tables: list[Table], numbers: list[NDArray[np.int64]]) -> Iterator[str]:
    for table, of_table in zip(tables, numbers, strict=True):
        for row, why in table.faults.first(TOLD_ROWS):
            yield f"row {int(of_table[row])}: {why}"


def _letter(
    batch: RawBatch, offset: int, reason: str, value: bytes, headers: Headers
) -> DeadLetter:
    return DeadLetter(batch.source, offset, reason, value, batch.key(0), headers)
