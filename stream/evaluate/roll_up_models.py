"""Models that move in the same window for one reason are one trouble: one event for them.

Which of those that move at one window's end belong together: two models with a fault in common, whichever columns it
strikes (an upstream table seldom has one name in two models), or with a column's name in common, whatever happened to
it (a unit that changed may look like a fault in one model and like a shift in the other). Two that drift by themselves
in different columns tell two stories. Columns of predictions, labels and errors are called alike in all models, so that
these are always gathered. Who shares something with two that share nothing joins them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from sinks.event import DriftEvent, rfc3339
from stream.evaluate.movers import Mover
from stream.evaluate.panes.evidence import Evidence, merge_evidence
from stream.evaluate.stories.incidents import RANK
from stream.evaluate.telling.cause import OF_SERIES, SHIFT
from stream.evaluate.telling.report import Told
from stream.evaluate.telling.roll_up import listed
from stream.words import SEVERAL, Kind

__all__ = ["MODELS_TOLD", "Moved", "roll_up_models"]

MODELS_TOLD = 50
"""Models of which the event says more than the ids, those that moved most."""
KEPT = ("schema", "baseline", "sample", "false_alarm", "onset")
"""What the event says as the one of its models does that speaks for all."""


class Moved(NamedTuple):
    """A model, and what moved in a version of it."""

    model: str
    mover: Mover


def roll_up_models(kind: Kind, moved: Sequence[Moved], told: Told) -> Iterator[DriftEvent]:
    """Give the events that gather models; `moved` is all that moved in a kind at one window's end, in any order.

    Where nothing is new but only came back there is nothing new to tell.
    """
    for members in _groups(sorted(moved, key=lambda of: (of.model, of.mover.version))):
        if len({of.model for of in members}) > 1 and any(of.mover.is_new for of in members):
            yield _gather(kind, members, told)


def _groups(moved: Sequence[Moved]) -> list[list[Moved]]:
    """Part them into those that share something, directly or by others."""
    groups: list[tuple[set[object], list[Moved]]] = []
    for of in moved:
        shares, members, apart = _traits(of.mover), [of], []
        for traits, others in groups:
            if traits & shares:
                shares, members = traits | shares, others + members
            else:
                apart.append((traits, others))
        groups = [*apart, (shares, members)]
    parted = (sorted(members, key=lambda of: (of.model, of.mover.version)) for _, members in groups)
    return sorted(parted, key=lambda members: (members[0].model, members[0].mover.version))


def _traits(mover: Mover) -> set[object]:
    """Give what joins a model to others: its faults, and the names of its columns."""
    explain = mover.data["explain"]
    faults = {("cause", cause) for cause in explain["causes"] if cause != SHIFT}
    return faults | {("column", name) for name in explain["columns"]}


def _gather(kind: Kind, members: Sequence[Moved], told: Told) -> DriftEvent:
    causes = Counter(cause for of in members for cause in set(of.mover.data["explain"]["causes"]))
    cause = min(causes, key=lambda name: _likelier(name, causes[name], members))
    because = f"{causes[cause]} of the {len(members)} say so"
    # It speaks for all by the numbers of the one of those with the cause that moved most.
    first = min((of for of in members if cause in of.mover.data["explain"]["causes"]), key=_most)
    found = first.mover.data
    columns = Counter(c for of in members for c in of.mover.data["explain"]["columns"])
    names = sorted(columns, key=lambda name: (-columns[name], name))
    what = listed(names) if names else f"the number of {kind.one} events"
    models = sorted({of.model for of in members})
    summary = f"{what} moved in the same window in {len(models)} models, {listed(models)}; likely cause: {cause}"
    ids = [event_id for of in members for event_id in of.mover.members]
    digest = blake2b(orjson.dumps([kind, SEVERAL, *ids]), digest_size=16).hexdigest()
    worst: Any = max((of.mover.data["severity"] for of in members), key=RANK.__getitem__)
    kinds = Counter(of.mover.data["kind"] for of in members)
    gathered = min(kinds, key=lambda name: (-kinds[name], name))
    segments = (set(of.mover.data["segment"].items()) for of in members)
    segment: dict[str, str] = dict(sorted(set.intersection(*segments)))
    seen = {"watermark": rfc3339(told.watermark_ms), "late_dropped": told.late}
    data: dict[str, object] = {name: found[name] for name in KEPT} | {
        "summary": summary,
        "episode_id": digest[:12],
        "phase": "started",
        "kind": gathered,
        "severity": worst,
        "recommendation": found["recommendation"] | {"because": f"{summary} ({because})"},
        "model": SEVERAL,
        "version": SEVERAL,
        "column": None,
        "segment": segment,
        "members": ids,
        "detector": found["detector"],
        "window": found["window"] | seen,
        "score": found["score"],
        "explain": {
            "columns": names,
            "models": [_told(of) for of in sorted(members, key=_most)[:MODELS_TOLD]],
            "models_moved": len(models),
            "causes": dict(sorted(causes.items())),
            "because": because,
            "cause_hint": cause,
        },
        "replay": _replay(members),
    }
    return DriftEvent(
        id=digest, time_ms=first.mover.end_ms, model=SEVERAL, version=SEVERAL, segment=segment, column=None,
        detector="roll_up", phase="started", severity=worst, kind=gathered, data=data,
    )  # fmt: skip


def _likelier(cause: str, n: int, members: Sequence[Moved]) -> tuple[int, bool, bool, int, str]:
    """Order causes: most models, a fault before a shift, whole series before both, the severest."""
    worst = max(
        RANK[str(of.mover.data["severity"])]
        for of in members
        if cause in of.mover.data["explain"]["causes"]
    )
    return -n, cause == SHIFT, cause not in OF_SERIES, -worst, cause


def _most(of: Moved) -> tuple[float, str, str]:
    return -of.mover.data["explain"]["effect"], of.model, of.mover.version


def _told(of: Moved) -> dict[str, object]:
    """Tell what moved in one model."""
    explain = of.mover.data["explain"]
    return {
        "model": of.model,
        "version": of.mover.version,
        "columns": explain["columns"],
        "segments": explain["segments"],
        "effect": explain["effect"],
        "severity": of.mover.data["severity"],
        "cause_hint": explain["cause_hint"],
        "members": of.mover.members,
    }


def _replay(members: Sequence[Moved]) -> list[dict[str, object]]:
    """Put the evidence of all together."""
    merged: Evidence = {}
    for of in members:
        for e in of.mover.data["replay"]:
            place = e["topic"], e["partition"]
            merge_evidence(merged, {place: (e["from_offset"], e["to_offset"])})
    return [
        {"topic": topic, "partition": partition, "from_offset": first, "to_offset": last}
        for (topic, partition), (first, last) in sorted(merged.items())
    ]
