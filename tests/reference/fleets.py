"""References that are only there to be counted: columns, times, no history."""

from detectors.summaries.column import Column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.reference.reference import ALWAYS, Reference, WindowSize
from stream.words import Kind, Series

PANE_MS, HOUR_MS, DAY_MS = 10_000, 3_600_000, 86_400_000
WEEK_MS = 7 * DAY_MS
MONDAY = 1_767_571_200_000
"""2026-01-05, a Monday, 0:00 UTC."""


def reference(
    model: str, columns: int = 1, from_ms: int | None = None, kind: Kind = Kind.FEATURES, end_ms: int = 0,
    number: int = 1,
) -> Reference:  # fmt: skip
    """Make a reference that begins at a time; without one it holds from the beginning."""
    named = tuple(Column(f"x{i}", "number", (0.0, 1.0)) for i in range(columns))
    from_pane = ALWAYS if from_ms is None else from_ms // PANE_MS
    return Reference(
        Series(model, "1"), kind, number, "test", from_pane, PANE_MS, (WindowSize(HOUR_MS, HOUR_MS),), 0, end_ms, named,
        Summary.empty(Layout(named)), (),
    )  # fmt: skip
