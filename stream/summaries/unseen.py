"""What a summary may hold beside its arrays, as plain values for the codec: values unseen, and what was left out."""

from typing import Any

from detectors.summaries.summary import Summary
from detectors.summaries.thinned import Thinned
from detectors.summaries.unseen_values import UnseenValues

__all__ = ["dump_unseen", "load_thinned", "load_unseen"]


def dump_unseen(summary: Summary) -> list[object]:
    """Give up to two more items of a summary's payload; none where all values were known and every event counted."""
    if not summary.unseen and not any(summary.thinned):
        return []
    unseen = [[i, summary.unseen[i].state()] for i in sorted(summary.unseen)]
    if any(summary.thinned):
        return [unseen, list(summary.thinned)]
    return [unseen]


def load_unseen(payload: Any) -> dict[int, UnseenValues]:
    """Read the values unseen of what `dump_unseen` gave."""
    return {i: UnseenValues.from_state(state) for part in payload[:1] for i, state in part}


def load_thinned(payload: Any) -> Thinned:
    """Read what was left out of what `dump_unseen` gave."""
    return Thinned(*payload[1]) if len(payload) > 1 else Thinned()
