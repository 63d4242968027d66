"""Writes what a feature's drift led to: the escalation of its incident, and reminders that know of it."""

from hashlib import blake2b
from typing import Any

import orjson

from sinks.event import DriftEvent, milliseconds, rfc3339
from stream.evaluate.stories.consequences import Reminder
from stream.evaluate.stories.incidents import RANK
from stream.evaluate.stories.recommend import after_meeting
from stream.evaluate.stories.spell import Meeting
from stream.evaluate.telling.report import Context
from stream.words import Kind

__all__ = ["meeting_event", "reminder_event"]


def meeting_event(meeting: Meeting, context: Context) -> DriftEvent:
    """Write that predictions or worse errors followed the drift of a feature: its incident escalates.

    What was measured (scores, explanation, evidence) is the feature's as it was told first, in the window that
    `measured` names; `window` ends at the meeting's own time, and `consequence` names the other incident.
    """
    cause, effect, kind, at_ms = meeting
    since: Any = cause.data["window"]
    what = "the model errs more" if kind is Kind.ERRORS else "the predictions moved"
    summary = f"{cause.column} drifts since {since['start'][:16]}Z, and then {what}: {effect.data['summary']}"
    size_ms = cause.time_ms - milliseconds(since["start"])
    told = {
        "summary": summary,
        "phase": "escalated",
        "window": since | {"start": rfc3339(at_ms - size_ms), "end": rfc3339(at_ms)},
        "measured": {"id": cause.id, "start": since["start"], "end": since["end"]},
    } | _consequence(meeting)
    identity = [cause.id, effect.id, kind, context.detection_hash.hex()]
    return DriftEvent(
        id=blake2b(orjson.dumps(identity), digest_size=16).hexdigest(), time_ms=at_ms, model=cause.model,
        version=cause.version, segment=cause.segment, column=cause.column, detector=cause.detector,
        phase="escalated", severity=meeting.severity, kind=cause.kind, data=cause.data | told,
    )  # fmt: skip


def reminder_event(reminder: Reminder) -> DriftEvent:
    """Write that a feature still drifts: as severe as the worst that its episode was told to be by then."""
    event, worst = reminder
    if worst is None or RANK[worst.severity] <= RANK[event.severity]:
        return event
    return DriftEvent(
        id=event.id, time_ms=event.time_ms, model=event.model, version=event.version, segment=event.segment,
        column=event.column, detector=event.detector, phase=event.phase, severity=worst.severity,
        kind=event.kind, data=event.data | _consequence(worst),
    )  # fmt: skip


def _consequence(meeting: Meeting) -> dict[str, object]:
    cause, effect, kind, at_ms = meeting
    recommended: Any = cause.data["recommendation"]
    summary = str(effect.data["summary"])
    advice = after_meeting(kind, cause.column or "", recommended["action"], summary)
    return {
        "severity": meeting.severity,
        "recommendation": advice._asdict(),
        "consequence": {
            "kind": effect.kind, "column": effect.column, "episode_id": effect.data["episode_id"], "id": effect.id,
            "since": rfc3339(effect.time_ms), "told": rfc3339(at_ms),
        },
    }  # fmt: skip
