"""What one partition knows of one model in one pane: summaries, raw values while learning, rows for the join."""

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.summary import Summary
from detectors.summaries.thinned import Thinned
from stream.state.versions import dump, load, making_sense
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Rows
from stream.summaries.unseen import dump_unseen, load_thinned, load_unseen
from stream.words import Series

__all__ = ["Binned", "Pane", "unpack_rows"]


class Binned:
    """The summary of a series under the reference with this digest."""

    __slots__ = ("digest", "summary")

    def __init__(self, digest: bytes, summary: Summary) -> None:
        self.digest = digest
        self.summary = summary

    def stand_for(self, rates: NDArray[np.float64]) -> None:
        """Note at which rates events were chosen that are taken in."""
        self.summary.thinned = self.summary.thinned.plus(Thinned.of(rates))


class Pane:
    """One model in one pane of one partition; `first` and `last` are the offsets of its events."""

    __slots__ = ("entries", "first", "last", "rows")

    def __init__(self) -> None:
        self.entries: dict[Series, Binned | Raw] = {}
        self.rows: list[Rows] = []
        self.first: int = -1
        self.last: int = -1

    def touch(self, first: int, last: int) -> None:
        """Note the offsets of events."""
        self.first = first if self.first < 0 else min(first, self.first)
        self.last = max(last, self.last)

    def add_rows(self, rows: Rows, rows_max: int) -> int:
        """Take in rows for the join; beyond `rows_max` those of the largest ids go. Give the number of rows lost."""
        self.rows.append(rows)
        over = sum(map(len, self.rows)) - rows_max
        if over > 0:
            self.rows = [Rows.concat(self.rows).smallest(rows_max)]
        return max(0, over)

    @property
    def raw_rows(self) -> int:
        """Rows whose raw values are kept."""
        return sum(entry.n for entry in self.entries.values() if isinstance(entry, Raw))

    def pack(self) -> bytes:
        """Give the summaries as bytes: equal contents, equal bytes."""
        entries: list[object] = []
        for series, entry in sorted(self.entries.items()):
            head = [series.version, series.segment]
            if isinstance(entry, Raw):
                entries.append([*head, b"", entry.payload()])
            else:
                counts, extremes = entry.summary.counts, entry.summary.extremes
                entries.append(
                    [*head, entry.digest, [counts, extremes, *dump_unseen(entry.summary)]]
                )
        return dump("pane", [self.first, self.last, entries])

    def pack_rows(self) -> bytes | None:
        """Give the rows for the join as bytes; None when there are none."""
        if not self.rows:
            return None
        rows = self.all_rows()
        return dump("rows", [self.first, self.last, rows.payload()])

    def all_rows(self) -> Rows:
        """Give all rows in their canonical order."""
        return Rows.concat(self.rows).in_order()

    @classmethod
    @making_sense("pane")
    def unpack(cls, model: str, blob: bytes, rows: bytes | None) -> "Pane":
        """Read a pane back; CodecError when the bytes are none."""
        pane = cls()
        pane.first, pane.last, entries = load(blob, "pane")
        for version, segment, digest, body in entries:
            series = Series(model, version, tuple((k, v) for k, v in segment))
            if digest:
                counts = np.array(body[0], dtype=np.int64)
                extremes = np.array(body[1], dtype=np.float64)
                more = body[2:]
                summary = Summary(counts, extremes, load_unseen(more), load_thinned(more))
                pane.entries[series] = Binned(digest, summary)
            else:
                pane.entries[series] = Raw.from_payload(body)
        if rows is not None:
            pane.rows = [unpack_rows(rows)[2]]
        return pane


@making_sense("rows")
def unpack_rows(blob: bytes) -> tuple[int, int, Rows]:
    """Read the rows of a pane: first and last offset, rows; CodecError when the bytes are none."""
    first, last, payload = load(blob, "rows")
    return first, last, Rows.from_payload(payload)
