"""Which segments carry the shift of a column: said in the alert of the whole, too, not only in what gathers all."""

from collections.abc import Sequence
from typing import Any

from sinks.event import DriftEvent
from stream.evaluate.telling.roll_up import has_moved

__all__ = ["SEGMENTS_TOLD", "tell_segments"]

SEGMENTS_TOLD = 10
"""Segments that an alert names, those with the largest effect first."""


def tell_segments(events: Sequence[DriftEvent]) -> None:
    """Complete the alerts of whole series by the segments in which the same column moved at the same window's end.

    `explain.segments` has each with its events, effect and alert, `explain.segments_left_out` says how many more there
    are. To be called with all events of a kind of a model of the ends that it sees, before any of them is written.
    Neither ids nor the order change.
    """
    parts: dict[tuple[str, int, str | None], list[DriftEvent]] = {}
    for event in filter(has_moved, events):
        if event.segment and event.column is not None:
            parts.setdefault(_place(event), []).append(event)
    for event in filter(has_moved, events):
        if not event.segment and _place(event) in parts:
            explain: Any = event.data["explain"]
            explain |= _segments(parts[_place(event)])


def _place(event: DriftEvent) -> tuple[str, int, str | None]:
    return event.version, event.time_ms, event.column


def _segments(events: Sequence[DriftEvent]) -> dict[str, object]:
    told = sorted(map(_segment, events), key=lambda s: (-s["effect"], sorted(s["segment"].items())))
    left = {"segments_left_out": len(told) - SEGMENTS_TOLD} if len(told) > SEGMENTS_TOLD else {}
    return {"segments": told[:SEGMENTS_TOLD], **left}


def _segment(event: DriftEvent) -> dict[str, Any]:
    data: Any = event.data
    return {
        "segment": event.segment, "n": data["sample"]["n_used"], "effect": abs(data["score"]["effect"] or 0.0),
        "id": event.id,
    }  # fmt: skip
