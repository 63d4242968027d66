"""Bins raw rows as the fold would have binned their events."""

from collections.abc import Iterable, Sequence

import numpy as np

from detectors.summaries.column import Column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.reference.reference import Reference
from stream.summaries.folding import columns_of
from stream.summaries.raw_values import Raw
from stream.summaries.schema import Schema
from stream.words import Kind

__all__ = ["bin_raw", "bin_raw_columns"]


def bin_raw(reference: Reference, raw: Raw) -> Summary:
    """Bin raw rows with a reference: the same summary that the fold makes of the same events."""
    return bin_raw_columns(
        reference.kind, reference.series.model, reference.columns, reference.layout, raw
    )


def bin_raw_columns(
    kind: Kind, model: str, columns: Sequence[Column], layout: Layout, raw: Raw
) -> Summary:
    """Bin raw rows into the columns of a reference that is not made yet."""
    summary = Summary.empty(layout)
    if raw.n:
        rows = [dict(zip(raw.columns, values, strict=True)) for values in _across(raw)]
        X, chosen, codes = columns_of(Schema(kind, model, columns).table_of_fields(rows), layout)
        summary.add(layout, X, chosen, np.arange(raw.n), codes)
    return summary


def _across(raw: Raw) -> Iterable[tuple[object, ...]]:
    padded = [column + [None] * (raw.n - len(column)) for column in raw.columns.values()]
    return zip(*padded, strict=True) if padded else [()] * raw.n
