"""Which offsets of which partitions something was counted from."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

__all__ = ["Evidence", "dump_evidence", "load_evidence", "merge_evidence", "widened"]

Evidence = dict[tuple[str, int], tuple[int, int]]
"""For a topic and partition the first and the last offset."""
REMEMBERED = 64

T = TypeVar("T")


def _once(function: Callable[..., T]) -> Callable[..., T]:
    """Remember what a function made of the objects that it was given lately, by what objects they are.

    Nobody may change them afterwards. Thousands of chains take in the same pane, one after the other, so most of them
    share the evidence of all their panes.
    """
    known: dict[tuple[int, ...], tuple[Any, T]] = {}

    @wraps(function)
    def asked(*of: Any) -> T:
        key = tuple(map(id, of))
        held = known.get(key)
        if held is None:
            if len(known) >= REMEMBERED:
                known.clear()
            held = known[key] = (
                of,
                function(*of),
            )  # of objects that are held, so nobody else gets their ids
        return held[1]

    return asked


def merge_evidence(into: Evidence, more: Evidence) -> None:
    """Widen offset ranges, in place."""
    for place, (first, last) in more.items():
        known = into.get(place, (first, last))
        into[place] = (min(known[0], first), max(known[1], last))


@_once
def widened(known: Evidence, more: Evidence) -> Evidence:
    """Give evidence widened by more; of neither may anything be changed from then on."""
    made = dict(known)
    merge_evidence(made, more)
    return made


@_once
def dump_evidence(evidence: Evidence) -> list[object]:
    """Give evidence, of which nothing may be changed from then on, as plain values, in order."""
    return [[topic, partition, *span] for (topic, partition), span in sorted(evidence.items())]


def load_evidence(payload: Any) -> Evidence:
    """Read what `dump_evidence` gave."""
    return {(topic, partition): (first, last) for topic, partition, first, last in payload}
