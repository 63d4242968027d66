"""The unseen values of a summary as plain values, for the codec."""

from typing import Any

from detectors.summaries.summary import Summary
from detectors.summaries.unseen_values import UnseenValues

__all__ = ["dump_unseen", "load_unseen"]


def dump_unseen(summary: Summary) -> list[object]:
    """Give them as one more item of a summary's payload; none where all values were known, as they mostly are."""
    if not summary.unseen:
        return []
    return [[[i, summary.unseen[i].state()] for i in sorted(summary.unseen)]]


def load_unseen(payload: Any) -> dict[int, UnseenValues]:
    """Read what `dump_unseen` gave."""
    return {i: UnseenValues.from_state(state) for part in payload for i, state in part}
