"""Reads the panes of a model from all partitions and merges them, whoever folded them and in whatever form."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from stream.ingest.fold import NEVER
from stream.ingest.pane import Binned, Pane, unpack_rows
from stream.ingest.partition import Marks
from stream.ingest.raw import Source
from stream.state.fields import index_field, pane_field, rows_field
from stream.state.store import Store, partition_key
from stream.state.versions import load
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Rows
from stream.words import Kind, Series

__all__ = [
    "Evidence",
    "Merged",
    "MergedRows",
    "gather_panes",
    "gather_rows",
    "merge_evidence",
    "watermark_of",
]

Evidence = dict[tuple[str, int], tuple[int, int]]
"""For a topic and partition the first and the last offset."""


class Merged(NamedTuple):
    """A pane over all partitions: for each series the parts that were found."""

    number: int
    parts: dict[Series, list[Binned | Raw]]
    evidence: Evidence


class MergedRows(NamedTuple):
    """The rows for the join of a pane over all partitions, in canonical order; None when there are none."""

    number: int
    predictions: Rows | None
    labels: Rows | None
    evidence: Evidence


def watermark_of(kind: Kind, marks: Mapping[Source, Marks | None]) -> int:
    """Tell the watermark of a kind: the smallest over its partitions; of errors, of predictions and labels.

    A topic that nobody reads, or on which nothing was ever accepted, has none (NEVER). Labels that carry their
    predictions need no predictions topic, so for errors a predictions topic without any event is left out.
    """
    if kind is Kind.ERRORS:
        labels = watermark_of(Kind.LABELS, marks)
        of_predictions = [m for s, m in marks.items() if s.kind is Kind.PREDICTIONS]
        if not any(m is not None and m.counters.seen for m in of_predictions):
            return labels
        return min(labels, watermark_of(Kind.PREDICTIONS, marks))
    own = [m.watermark if m else NEVER for s, m in marks.items() if s.kind is kind]
    return min(own, default=NEVER)


def gather_panes(
    store: Store, app: str, model: str, sources: Sequence[Source], first: int, until: int
) -> list[Merged]:
    """Read the panes first <= number < until of a model from the partitions of one kind, in order of their numbers."""
    merged: dict[int, Merged] = {}
    for source, number, blobs in _fetch(store, app, model, sources, first, until, pane_field):
        pane = Pane.unpack(model, blobs, None)
        into = merged.setdefault(number, Merged(number, {}, {}))
        into.evidence[source.topic, source.partition] = (pane.first, pane.last)
        for series, entry in pane.entries.items():
            into.parts.setdefault(series, []).append(entry)
    return [merged[number] for number in sorted(merged)]


def gather_rows(
    store: Store, app: str, model: str, sources: Sequence[Source], first: int, until: int
) -> list[MergedRows]:
    """Read the rows of a model's predictions and labels, pane by pane, in canonical order."""
    parts: dict[int, dict[Kind, list[Rows]]] = {}
    evidence: dict[int, Evidence] = {}
    for source, number, blob in _fetch(store, app, model, sources, first, until, rows_field):
        begin, end, rows = unpack_rows(blob)
        parts.setdefault(number, {}).setdefault(source.kind, []).append(rows)
        evidence.setdefault(number, {})[source.topic, source.partition] = (begin, end)
    return [
        MergedRows(
            number, _one(parts[number].get(Kind.PREDICTIONS)), _one(parts[number].get(Kind.LABELS)), evidence[number]
        )
        for number in sorted(parts)
    ]  # fmt: skip


def _one(parts: list[Rows] | None) -> Rows | None:
    return Rows.concat(parts).in_order() if parts else None


def _fetch(
    store: Store,
    app: str,
    model: str,
    sources: Sequence[Source],
    first: int,
    until: int,
    field: Any,
) -> Iterable[tuple[Source, int, bytes]]:
    """Read the fields of panes in a range: the index of each partition first, then what it names."""
    keys = [partition_key(app, s.topic, s.partition) for s in sources]
    indices = store.read_many([(key, [index_field(model)]) for key in keys])
    wanted: list[tuple[Source, str, list[int]]] = []
    for source, key, (blob,) in zip(sources, keys, indices, strict=True):
        if blob is not None:
            kept = np.asarray(load(blob, "index"), dtype=np.int64)
            inside = kept[(kept >= first) & (kept < until)]
            if len(inside):
                wanted.append((source, key, inside.tolist()))
    answers = store.read_many(
        [(key, [field(model, n) for n in numbers]) for _, key, numbers in wanted]
    )
    for (source, _, numbers), blobs in zip(wanted, answers, strict=True):
        for number, found in zip(numbers, blobs, strict=True):
            if found is not None:
                yield source, number, found


def merge_evidence(into: Evidence, more: Evidence) -> None:
    """Widen offset ranges, in place."""
    for place, (first, last) in more.items():
        known = into.get(place, (first, last))
        into[place] = (min(known[0], first), max(known[1], last))
