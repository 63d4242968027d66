"""Bins raw rows as the fold would have binned their events."""

from collections.abc import Sequence

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
    summary = Summary.empty(reference.layout)
    if raw.n:
        X, numbers, codes, values = columns_of(
            reference.schema.table_of_fields(raw.rows()), reference.layout
        )
        summary.add(reference.layout, X, numbers, np.arange(raw.n), codes, values)
    summary.thinned = raw.thinned
    return summary


def bin_raw_columns(
    kind: Kind, model: str, columns: Sequence[Column], layout: Layout, raw: Raw
) -> Summary:
    """Bin raw rows into the columns of a reference that is not made yet; so no value is unseen by it."""
    summary = Summary.empty(layout)
    if raw.n:
        table = Schema(kind, model, columns).table_of_fields(raw.rows())
        X, numbers, codes, _ = columns_of(table, layout)
        summary.add(layout, X, numbers, np.arange(raw.n), codes)
    summary.thinned = raw.thinned
    return summary
