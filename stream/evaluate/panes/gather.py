"""Reads the panes of a model from all partitions and merges them, whoever folded them and in whatever form."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stream.errors import StoreUnavailable
from stream.evaluate.panes.evidence import Evidence
from stream.ingest.fold import NEVER
from stream.ingest.pane import Binned, Pane, unpack_rows
from stream.ingest.partition import Marks, pane_fields, read_watermark
from stream.ingest.raw import Source
from stream.state.fields import STATE, index_field, rows_field
from stream.state.store import Store, partition_key
from stream.state.versions import load
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Rows
from stream.words import Kind, Series

__all__ = [
    "Merged",
    "MergedRows",
    "Span",
    "Stored",
    "gather_panes",
    "gather_rows",
    "is_absent",
    "watermark_of",
]


class Merged(NamedTuple):
    """A pane over all partitions: for each series the parts that were found."""

    number: int
    parts: dict[Series, list[Binned | Raw]]
    evidence: Evidence


class Stored(NamedTuple):
    """A pane of a model as the partitions have it stored: the contents of its places, by partition."""

    model: str
    number: int
    of: list[tuple[Source, list[bytes | None]]]

    def merged(self) -> Merged:
        """Read it; CodecError where it cannot be."""
        merged = Merged(self.number, {}, {})
        for source, places in self.of:
            pane = Pane.join(self.model, places, None)
            merged.evidence[source.topic, source.partition] = (pane.first, pane.last)
            for series, entry in pane.entries.items():
                merged.parts.setdefault(series, []).append(entry)
        return merged


class MergedRows(NamedTuple):
    """The rows for the join of a pane over all partitions, in canonical order; None when there are none."""

    number: int
    predictions: Rows | None
    labels: Rows | None
    evidence: Evidence


def watermark_of(kind: Kind, marks: Mapping[Source, Marks | None]) -> int:
    """Tell the watermark of a kind: the smallest over its partitions; of errors, of predictions and labels.

    A topic that nobody reads, or on which nothing was ever accepted, has none (NEVER). Labels that carry their
    predictions need no predictions topic, so for errors one is left out that is known to be empty.
    """
    if kind is Kind.ERRORS:
        labels = watermark_of(Kind.LABELS, marks)
        if is_absent(Kind.PREDICTIONS, marks):
            return labels
        return min(labels, watermark_of(Kind.PREDICTIONS, marks))
    own = [m.watermark if m else NEVER for s, m in marks.items() if s.kind is kind]
    return min(own, default=NEVER)


def is_absent(kind: Kind, marks: Mapping[Source, Marks | None]) -> bool:
    """Whether all partitions of a topic, if there are any, were read to their end and have nothing.

    There are errors wherever there are labels.
    """
    topic = Kind.LABELS if kind is Kind.ERRORS else kind
    own = [m for s, m in marks.items() if s.kind is topic]
    return all(m is not None and m.idle and not m.counters.seen for m in own)


class Span(NamedTuple):
    """Panes first <= number < until. `closed_ms` is the watermark of a partition on which all of them have closed."""

    first: int
    until: int
    closed_ms: int = NEVER

    def of(self, index: bytes | None) -> list[int]:
        """Tell which of them a partition keeps."""
        if index is None:
            return []
        kept = np.asarray(load(index, "index"), dtype=np.int64)
        inside: list[int] = kept[(kept >= self.first) & (kept < self.until)].tolist()
        return inside


def gather_panes(
    store: Store, app: str, wanted: Mapping[str, Span], sources: Sequence[Source]
) -> dict[str, list[Stored]]:
    """Fetch the panes of models from the partitions of one kind, of each model in order of their numbers.

    Cost: two round trips, however many models.

    Raises:
        StoreUnavailable: a partition has not come so far, though it once had: the store has gone back in time.
    """
    found: dict[str, dict[int, Stored]] = {model: {} for model in wanted}
    for source, model, number, places in _fetch(store, app, wanted, sources, pane_fields):
        found[model].setdefault(number, Stored(model, number, [])).of.append((source, places))
    return {model: [panes[number] for number in sorted(panes)] for model, panes in found.items()}


def gather_rows(
    store: Store, app: str, wanted: Mapping[str, Span], sources: Sequence[Source]
) -> dict[str, list[MergedRows]]:
    """Read the rows of models' predictions and labels, pane by pane, in canonical order; as `gather_panes`."""
    parts: dict[str, dict[int, dict[Kind, list[Rows]]]] = {model: {} for model in wanted}
    evidence: dict[tuple[str, int], Evidence] = {}
    for source, model, number, (blob,) in _fetch(store, app, wanted, sources, _only_rows):
        begin, end, rows = unpack_rows(blob or b"")
        parts[model].setdefault(number, {}).setdefault(source.kind, []).append(rows)
        evidence.setdefault((model, number), {})[source.topic, source.partition] = (begin, end)
    return {
        model: [
            MergedRows(
                number, _one(of.get(Kind.PREDICTIONS)), _one(of.get(Kind.LABELS)), evidence[model, number]
            )
            for number, of in sorted(panes.items())
        ]
        for model, panes in parts.items()
    }  # fmt: skip


def _only_rows(model: str, number: int) -> list[bytes]:
    return [rows_field(model, number)]


def _one(parts: list[Rows] | None) -> Rows | None:
    return Rows.concat(parts).in_order() if parts else None


def _fetch(
    store: Store, app: str, wanted: Mapping[str, Span], sources: Sequence[Source],
    fields_of: Callable[[str, int], list[bytes]],
) -> Iterable[tuple[Source, str, int, list[bytes | None]]]:  # fmt: skip
    """Read the fields of panes that are there: the indexes of each partition first, then what they name.

    With what they name the watermark and the indexes are read again, at the same moment: the store may have gone back
    since somebody saw that these panes had closed, and then some of them are not there, or not whole.
    """
    keys = [partition_key(app, s.topic, s.partition) for s in sources]
    indexes = [index_field(model) for model in wanted]
    closed_ms = max(span.closed_ms for span in wanted.values())
    found = [_inside(wanted, told) for told in store.read_many([(key, indexes) for key in keys])]
    wants = [
        (key, [STATE, *indexes, *(field for at in inside for field in fields_of(*at))])
        for key, inside in zip(keys, found, strict=True)
    ]
    for source, inside, (state, *told) in zip(sources, found, store.read_many(wants), strict=True):
        again, blobs = told[: len(indexes)], told[len(indexes) :]
        if read_watermark(state) < closed_ms or _inside(wanted, again) != inside:
            where = f"{source.topic}/{source.partition}"
            raise StoreUnavailable(
                "the store has gone back in time; what it lost is read again", where
            )
        each = len(blobs) // max(1, len(inside))
        for i, (model, number) in enumerate(inside):
            places = blobs[i * each : (i + 1) * each]
            if places[0] is not None:
                yield source, model, number, places


def _inside(wanted: Mapping[str, Span], indexes: Sequence[bytes | None]) -> list[tuple[str, int]]:
    """Tell which of the panes that are wanted a partition keeps, by its index of each model."""
    of_each = zip(wanted.items(), indexes, strict=True)
    return [(model, number) for (model, span), index in of_each for number in span.of(index)]
