"""Columns that begin to drift in the same window are one trouble more often than many: what they have in common."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import orjson

from sinks.event import DriftEvent
from stream.evaluate.incidents import RANK
from stream.words import Kind

__all__ = ["MEMBERS_MIN", "cause_of", "roll_up"]

MEMBERS_MIN = 3
"""Columns of one series and kind that start in the same window and are told together, too."""
NAMED = 3
SCALED = 5.0
"""A mean that became so many times what it was, or such a part of it, is in another unit."""
OUTSIDE = 0.5
"""So large a share of values far outside the reference's range is no population that any reference came from."""
CAUSES = {
    "missing": "missing values",
    "invalid": "type change",
    "unseen": "new category",
    "frozen": "frozen",
    "out_of_range": "unit or scale",
}


def cause_of(
    kind: Kind, column: str | None, detector: str, events: int, usual: int,
    ratio: float, outside: float,
) -> str:  # fmt: skip
    """Name the likely cause of one alert, by what its detector finds.

    `events` of the window and as many as `usual` serve a whole series; how many times the mean became what it was
    (1: unknown) and the share of values far outside the range a column whose distribution moved. Labels that do not
    come are late until the contrary is known.
    """
    if column is None:
        return "label delay" if kind is Kind.LABELS and events < usual else "volume"
    known = CAUSES.get(detector)
    if known is not None:
        return known
    scaled = outside >= OUTSIDE or ratio >= SCALED or 0 < ratio <= 1 / SCALED
    return "unit or scale" if scaled and kind is not Kind.ERRORS else "population shift"


def roll_up(events: Sequence[DriftEvent], kind: Kind) -> DriftEvent | None:
    """Gather the events of one window of one series and kind that start a column's incident, if there are enough.

    The cause that most of them have is the likely one (of equals the first by name), but where the number of events
    itself is out of the ordinary, that is.
    """
    started = [event for event in events if event.phase == "started"]
    members = sorted((e for e in started if e.column is not None), key=lambda e: (e.column, e.id))
    if len(members) < MEMBERS_MIN:
        return None
    causes = Counter(_cause(event) for event in members)
    of_series = [_cause(event) for event in started if event.column is None]
    cause, share = min(causes.items(), key=lambda of: (-of[1], of[0]))
    if of_series:
        cause, because = (
            of_series[0],
            "the number of events in the window is out of the ordinary, too",
        )
    else:
        because = f"{share} of the {len(members)} say so"
    worst = max(members, key=lambda event: RANK[event.severity])
    common = Counter(event.kind for event in members)
    likely = next(e for e in members if _cause(e) == cause) if not of_series else worst
    first: Any = likely.data
    names = [event.column or "" for event in members]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    summary = (
        f"{len(names)} columns began to drift in the same window: {', '.join(names[:NAMED])}{more};"
        f" likely cause: {cause}"
    )
    kept = (
        "schema",
        "model",
        "version",
        "segment",
        "baseline",
        "window",
        "sample",
        "false_alarm",
        "onset",
        "replay",
    )
    digest = blake2b(orjson.dumps([kind, *(e.id for e in members)]), digest_size=16).hexdigest()
    gathered = min(common.items(), key=lambda of: (-of[1], of[0]))[0]
    data: dict[str, object] = {name: first[name] for name in kept} | {
        "episode_id": digest[:12],
        "phase": "started",
        "kind": gathered,
        "severity": worst.severity,
        "summary": summary,
        "recommendation": first["recommendation"] | {"because": f"{summary} ({because})"},
        "column": None,
        "members": [event.id for event in members],
        "cause": {"name": cause, "because": because, "columns": dict(sorted(causes.items()))},
        "detector": first["detector"] | {"name": "roll_up"},
        "score": first["score"] | {"note": f"that of {likely.column}"},
        "explain": {"columns": names, "cause_hint": cause},
    }
    return DriftEvent(
        id=digest, time_ms=likely.time_ms, model=likely.model, version=likely.version, segment=likely.segment,
        column=None, detector="roll_up", phase="started", severity=worst.severity, kind=gathered, data=data,
    )  # fmt: skip


def _cause(event: DriftEvent) -> str:
    explain: Any = event.data["explain"]
    return str(explain["cause_hint"])
