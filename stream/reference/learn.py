"""Freezes a reference from raw values: what is binned how, the total, and the windows of the learning time itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from detectors.summaries.column import Column, learn_column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.reference.binning import bin_raw_columns
from stream.reference.history import History
from stream.reference.reference import Reference, WindowSize
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series

__all__ = ["WINDOWS_MAX", "LearnRules", "freeze"]

WINDOWS_MAX = 2_000
"""Windows of one size that a reference keeps; of a longer time the latest."""


@dataclass(frozen=True, slots=True)
class LearnRules:
    """What the configuration says of learning."""

    learn_events: int
    bins: int
    categories_max: int
    columns_max: int
    pane_ms: int
    windows: tuple[WindowSize, ...]


def freeze(
    series: Series, kind: Kind, panes: Mapping[int, Raw], rules: LearnRules, origin: str, from_pane: int,
    bounds: tuple[int, int],
) -> Reference:  # fmt: skip
    """Make a reference of the raw values of some panes.

    The order of values within a pane plays no part, so partitions may have brought them in any. `bounds` is the time
    learned from, in ms; windows that lie within it wholly become the history. Of more than `columns_max` columns those
    with the most values stay (ties by name). Cost: a sort of each column.
    """
    columns = _learn_columns(panes.values(), rules)
    layout = Layout(columns)
    binned = {
        number: bin_raw_columns(kind, series.model, columns, layout, raw)
        for number, raw in panes.items()
    }
    total = Summary.empty(layout)
    for summary in binned.values():
        total.merge(summary)
    histories = tuple(
        _history(layout, binned, window, rules.pane_ms, bounds) for window in rules.windows
    )
    return Reference(
        series,
        kind,
        1,
        origin,
        from_pane,
        rules.pane_ms,
        rules.windows,
        *bounds,
        columns,
        total,
        histories,
    )


def _learn_columns(raws: Iterable[Raw], rules: LearnRules) -> tuple[Column, ...]:
    values: dict[str, list[object]] = {}
    for raw in raws:
        for name, column in raw.columns.items():
            values.setdefault(name, []).extend(column)
    held = {name: sum(v is not None for v in column) for name, column in values.items()}
    names = sorted(sorted(held, key=lambda name: (-held[name], name))[: rules.columns_max])
    learned = (learn_column(name, values[name], rules.bins, rules.categories_max) for name in names)
    return tuple(column for column in learned if column is not None)


def _history(
    layout: Layout,
    binned: Mapping[int, Summary],
    window: WindowSize,
    pane_ms: int,
    bounds: tuple[int, int],
) -> History:
    """Add panes up to windows; empty windows between are kept, as they tell when the series rests."""
    every, span = window.every_ms, window.size_ms // window.every_ms
    hops: dict[int, Summary] = {}
    for number in sorted(binned):
        hop = number * pane_ms // every
        if hop in hops:
            hops[hop].merge(binned[number])
        else:
            hops[hop] = binned[number].copy()
    first, last = -(-bounds[0] // every), bounds[1] // every - span
    starts = range(max(first, last - WINDOWS_MAX + 1), last + 1)
    summaries = []
    for start in starts:
        summary = Summary.empty(layout)
        for hop in range(start, start + span):
            if hop in hops:
                summary.merge(hops[hop])
        summaries.append(summary)
    return History(np.array([start * every for start in starts], dtype=np.int64), tuple(summaries))
