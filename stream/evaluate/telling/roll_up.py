"""What moves in the same window is one trouble more often than many: one event for columns and segments."""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import Any, NamedTuple

import orjson

from sinks.event import DriftEvent
from stream.evaluate.stories.incidents import RANK
from stream.evaluate.telling.cause import commonest
from stream.words import Kind

__all__ = ["KEPT", "MEMBERS_MIN", "RollUp", "has_moved", "listed", "roll_ups"]

NEW = ("started", "escalated")
MEMBERS_MIN = 3
"""Monitors of one version and kind that move at the same window's end and are told together, too. Two are enough where
one is the whole's and the other a segment's of the same column: that segment carries the shift."""
NAMED = 3
"""Columns and segments that the sentence names."""
KEPT = ("schema", "model", "version", "baseline", "window", "sample", "false_alarm", "onset", "replay")  # fmt: skip
"""What an event that gathers others says as the one of them does that speaks for all."""


class RollUp(NamedTuple):
    """What moved in a version and kind at one window's end.

    Attributes:
        event: gathers it, even if it is one monitor only.
        members: what moved.
        is_new: whether any of it starts or gets worse; else it only came back.
        is_told: whether there is enough of it for the event to be told.
    """

    event: DriftEvent
    members: list[DriftEvent]
    is_new: bool
    is_told: bool


def roll_ups(kind: Kind, events: Sequence[DriftEvent]) -> Iterator[RollUp]:
    """Gather the events of one kind of a model that start or get worse at the same time, by version and window's end.

    To be called with all events of the ends that it sees. What came back counts beside these, but where nothing is new
    there is nothing new to tell.
    """
    moved = filter(has_moved, events)
    for _, of in groupby(sorted(moved, key=_order), key=_together):
        members = list(of)
        is_new = any(event.phase in NEW for event in members)
        together = len(members) >= MEMBERS_MIN or _is_carried(members)
        yield RollUp(_gather(kind, members), members, is_new, is_new and together)


def has_moved(event: DriftEvent) -> bool:
    """Whether an event tells that something starts, gets worse, or came back."""
    return event.phase in NEW or "returned" in event.data


def _is_carried(members: Sequence[DriftEvent]) -> bool:
    """Whether a column moves as a whole and in a segment."""
    whole, parts = (
        {event.column for event in members if (not event.segment) == is_whole}
        for is_whole in (True, False)
    )
    return bool(whole & parts)


def _gather(kind: Kind, members: Sequence[DriftEvent]) -> DriftEvent:
    causes = [_cause(event) for event in members]
    cause, because = commonest(causes, [RANK[event.severity] for event in members])
    # It speaks for all by the numbers of the widest of those that have the cause.
    first = min(
        (e for e in members if _cause(e) == cause), key=lambda e: (len(e.segment), e.column or "")
    )
    found: Any = first.data
    worst = max((e.severity for e in members), key=RANK.__getitem__)
    gathered, _ = min(Counter(e.kind for e in members).items(), key=lambda of: (-of[1], of[0]))
    columns = sorted({event.column for event in members if event.column is not None})
    segments = _segments(members)
    common = dict(set.intersection(*(set(e.segment.items()) for e in members)))
    what = listed(columns) if columns else f"the number of {kind.one} events"
    summary = f"{what} moved in the same window{_where(segments)}; likely cause: {cause}"
    digest = blake2b(orjson.dumps([kind, *(e.id for e in members)]), digest_size=16).hexdigest()
    data: dict[str, object] = {name: found[name] for name in KEPT} | {
        "summary": summary,
        "episode_id": digest[:12],
        "phase": "started",
        "kind": gathered,
        "severity": worst,
        "recommendation": found["recommendation"] | {"because": f"{summary} ({because})"},
        "column": None,
        "segment": dict(sorted(common.items())),
        "members": [event.id for event in members],
        "detector": found["detector"] | {"name": "roll_up"},
        "score": found["score"] | {"note": f"that of {first.id}"},
        "explain": {
            "columns": columns,
            "segments": segments,
            "causes": dict(sorted(Counter(causes).items())),
            "because": because,
            "cause_hint": cause,
        },
    }
    return DriftEvent(
        id=digest, time_ms=first.time_ms, model=first.model, version=first.version, segment=common,
        column=None, detector="roll_up", phase="started", severity=worst, kind=gathered, data=data,
    )  # fmt: skip


def _segments(members: Sequence[DriftEvent]) -> list[dict[str, object]]:
    """Tell by segment what moved there, most columns and strongest first: the segments that carry the shift."""
    told = []
    by_segment = sorted(members, key=lambda e: sorted(e.segment.items()))
    for pairs, of in groupby(by_segment, key=lambda e: sorted(e.segment.items())):
        here: list[Any] = [event.data for event in of]
        effects = [abs(data["score"]["effect"] or 0.0) for data in here]
        told.append({
            "segment": dict(pairs),
            "columns": sorted(data["column"] for data in here if data["column"] is not None),
            "n": max(data["sample"]["n_used"] for data in here),
            "effect": max(effects),
        })  # fmt: skip
    return sorted(told, key=_carries)


def _carries(told: dict[str, Any]) -> tuple[int, float, list[tuple[str, str]]]:
    return -len(told["columns"]), -told["effect"], sorted(told["segment"].items())


def _where(segments: Sequence[dict[str, Any]]) -> str:
    """Name the segments, where there are: ` in country=DE and country=FR`."""
    names = [",".join(f"{k}={v}" for k, v in sorted(s["segment"].items())) for s in segments]
    names = [name for name in names if name]
    return f" in {listed(names)}" if names else ""


def listed(names: Sequence[str]) -> str:
    """Write a list for people.

    >>> listed("abcdefg")
    'a, b, c and 4 more'
    """
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _together(event: DriftEvent) -> tuple[str, int]:
    return event.version, event.time_ms


def _order(event: DriftEvent) -> tuple[object, ...]:
    segment = tuple(sorted(event.segment.items()))
    return *_together(event), segment, event.column or "", event.id


def _cause(event: DriftEvent) -> str:
    explain: Any = event.data["explain"]
    return str(explain["cause_hint"])
