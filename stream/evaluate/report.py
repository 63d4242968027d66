"""Turns a change in an incident into a drift event that explains itself."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import orjson

from detectors import Verdict, psi
from detectors.comparisons.counting import cells
from detectors.summaries.summary import Summary
from sinks.event import DriftEvent, rfc3339
from stream.evaluate.chain import Chain, Judged
from stream.evaluate.consequences import Meeting
from stream.evaluate.incidents import RANK, Change, Severity
from stream.evaluate.meaning import (
    column_position,
    is_worse,
    means,
    new_categories,
    sentence,
    usual_volume,
)
from stream.evaluate.recommend import after_meeting, recommend
from stream.evaluate.roll_up import cause_of, roll_up
from stream.reference.reference import Reference
from stream.words import Kind

__all__ = ["Context", "Told", "drift_events", "meeting_event", "window_result"]

BINS_TOLD = 6
"""Bins that an explanation names, those that contribute most first."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every alert of a run shares: the detection hash, the sampling rate, the stated budget."""

    detection_hash: bytes
    sample: float
    budget: float


@dataclass(frozen=True, slots=True)
class Told:
    """What is known at the time of telling and may differ between runs: watermark (ms) and late events so far."""

    watermark_ms: int
    late: int


CONSEQUENCE: dict[Kind, Severity] = {Kind.PREDICTIONS: "error", Kind.ERRORS: "critical"}
"""How much the drift of a feature matters when this kind drifts with it; else it is a warning."""


def drift_events(
    chain: Chain, judged: Judged, context: Context, told: Told, *, new_version: bool = False
) -> list[DriftEvent]:
    """Write the drift events of a judged window, a roll-up last; `new_version` as in `recommend`."""
    events = [
        _event(chain, judged, column, change, context, told, new_version)
        for column, change in judged.changes
    ]
    gathered = roll_up(events, chain.kind)
    return events if gathered is None else [*events, gathered]


def meeting_event(meeting: Meeting, context: Context) -> DriftEvent | None:
    """Write that the drift of a feature has met that of predictions, or worse errors; None if that raises nothing.

    What was measured (scores, explanation, evidence) is the feature's as it was told first; the window is the one of
    the later half.
    """
    cause, effect, kind = meeting
    severity = CONSEQUENCE[kind]
    if RANK[severity] <= RANK[cause.severity]:
        return None
    later = max(cause, effect, key=lambda event: event.time_ms)
    column, said = cause.column or "", str(effect.data["summary"])
    recommended: Any = cause.data["recommendation"]
    advice = after_meeting(kind, column, recommended["action"], said)
    what = "the model errs more" if kind is Kind.ERRORS else "the predictions moved"
    since: Any = cause.data["window"]
    told = {
        "phase": "escalated",
        "severity": severity,
        "summary": f"{column} drifts since {since['start'][:16]}Z, and {what}: {said}",
        "window": later.data["window"],
        "recommendation": advice._asdict(),
        "consequence": {
            "kind": effect.kind, "column": effect.column, "episode_id": effect.data["episode_id"], "id": effect.id,
        },
        "measured": {"id": cause.id, "start": since["start"], "end": since["end"]},
    }  # fmt: skip
    identity = [cause.id, effect.id, kind, context.detection_hash.hex()]
    return DriftEvent(
        id=blake2b(orjson.dumps(identity), digest_size=16).hexdigest(), time_ms=later.time_ms, model=cause.model,
        version=cause.version, segment=cause.segment, column=cause.column, detector=cause.detector,
        phase="escalated", severity=severity, kind=cause.kind, data=cause.data | told,
    )  # fmt: skip


def _event(
    chain: Chain, judged: Judged, column: str | None, change: Change, context: Context, told: Told,
    new_version: bool,
) -> DriftEvent:  # fmt: skip
    s, closed, verdict, reference = chain.series, judged.closed, change.verdict, chain.reference
    start, end = rfc3339(closed.start_ms), rfc3339(closed.end_ms)
    params = blake2b(context.detection_hash + reference.digest, digest_size=16).hexdigest()
    window = judged.window
    identity = [
        s.model, s.version, s.segment, chain.kind, column, verdict.detector,
        [window.size_ms, window.every_ms, start, end], change.phase, params,
    ]  # fmt: skip
    moved = [] if column is None else _bins(reference, column, closed.summary)
    severity: Severity = "info" if change.phase == "resolved" else change.incident.severity
    text = sentence(reference, column, change.phase, verdict, closed.summary, _moved(moved))
    if change.phase == "ongoing":
        text = f"since {rfc3339(change.incident.started_ms)[:16]}Z: {text}"
    worse = chain.kind is Kind.ERRORS and is_worse(column, severity)
    n = 0 if closed.summary is None else closed.summary.n
    cause = _cause(chain, judged, column, verdict)
    found = "out_of_range" if cause == "unit or scale" else verdict.detector
    advice = recommend(
        chain.kind,
        column,
        change.phase,
        found,
        severity,
        text,
        worse=worse,
        new_version=new_version,
    )
    rate = context.sample if chain.kind is Kind.FEATURES else 1.0  # nothing else is thinned
    data: dict[str, object] = {
        "schema": "driftbus.alert/1",
        "episode_id": change.incident.episode_id,
        "phase": change.phase,
        "kind": change.incident.kind,
        "severity": severity,
        "summary": text,
        "recommendation": advice._asdict(),
        "model": s.model,
        "version": s.version,
        "column": column,
        "segment": dict(s.segment),
        "detector": {
            "name": verdict.detector, "params_hash": params[:8], "config_version": context.detection_hash.hex()[:8],
        },
        "baseline": {"id": reference.name, "kind": "fixed", "n": reference.total.n, "digest": reference.digest.hex()},
        "window": {
            "kind": "tumbling" if window.size_ms == window.every_ms else "sliding",
            "start": start, "end": end,
            "watermark": rfc3339(told.watermark_ms), "late_dropped": told.late,
        },
        "sample": {"n_seen": round(n / rate), "n_used": n, "rate": rate},
        "score": _score(verdict),
        "scores": {
            f.verdict.detector: _score(f.verdict) | {"alarm": bool(f.verdict.alarm)}
            for f in judged.findings if f.column == column
        },
        "false_alarm": {
            "budget": f"{context.budget:g}/week", "covered": not verdict.note.startswith("fixed threshold"),
        },
        "onset": _onset(judged, column, verdict),
        "explain": {
            **_explain(reference, column, closed.summary, moved),
            **_unseen(judged, column, verdict, reference),
            **({} if change.phase == "resolved" else {"cause_hint": cause}),
        },
        "replay": [
            {"topic": topic, "partition": partition, "from_offset": first, "to_offset": last}
            for (topic, partition), (first, last) in sorted(closed.evidence.items())
        ],
    }  # fmt: skip
    return DriftEvent(
        id=blake2b(orjson.dumps(identity), digest_size=16).hexdigest(), time_ms=closed.end_ms, model=s.model,
        version=s.version, segment=dict(s.segment), column=column, detector=verdict.detector, phase=change.phase,
        severity=severity, kind=change.incident.kind, data=data,
    )  # fmt: skip


def _cause(chain: Chain, judged: Judged, column: str | None, verdict: Verdict) -> str:
    window, reference = judged.closed.summary, chain.reference
    outside = (
        f.verdict.statistic
        for f in judged.findings
        if f.column == column and f.verdict.detector == "out_of_range" and f.verdict.alarm
    )
    n = 0 if window is None else window.n
    ratio = 1.0 if window is None or column is None else _ratio(reference, column, window)
    usual = usual_volume(reference)
    return cause_of(chain.kind, column, verdict.detector, n, usual, ratio, next(outside, 0.0))


def _ratio(reference: Reference, column: str, window: Summary) -> float:
    """Tell how many times the mean became what it was; 1 for columns that reach zero, whose means say nothing."""
    i = column_position(reference, column)
    rows = [row for row, (at, _) in enumerate(reference.layout.numbers) if at == i]
    usual, now = means(reference, column, window)
    if not rows or not reference.total.extremes[rows[0], 0] > 0 or not usual or now is None:
        return 1.0
    return now / usual


def _score(verdict: Verdict) -> dict[str, object]:
    return {
        "value": _round(verdict.statistic),
        "threshold": _round(verdict.threshold),
        "p_value": _round(verdict.p_value),
        "effect": _round(verdict.effect),
        "n": verdict.n,
        "n_reference": verdict.m,
        "note": verdict.note,
    }


def _round(x: float | None) -> float | None:
    """Keep six significant digits, as more would pretend; JSON has no infinity."""
    return None if x is None or not np.isfinite(x) else float(f"{x:.6g}")


def _bins(reference: Reference, column: str, summary: Summary | None) -> list[dict[str, object]]:
    """Tell the bins that contribute most to the PSI, with their shares in the reference and in the window."""
    if summary is None:
        return []
    i = column_position(reference, column)
    ref = cells(reference.layout, [i], [reference.total]).with_missing[0, 0]
    cur = cells(reference.layout, [i], [summary]).with_missing[0, 0]
    _, parts = psi(cur, ref)
    of = reference.columns[i]
    told = []
    ranked = np.argsort(-np.abs(parts), kind="stable")
    seen = ranked[
        (ref[ranked] > 0) | (cur[ranked] > 0)
    ]  # an empty bin contributes by its smoothing only
    for b in seen[:BINS_TOLD].tolist():
        name = of.bin_name(b) if b < of.bins else "missing"
        bounds: dict[str, Any] = {}
        if not of.discrete and b < of.bins:
            edges = (None, *of.edges, None)
            bounds = {"lo": edges[b], "hi": edges[b + 1]}
        shares = {
            "ref": _round(ref[b] / max(1, ref.sum())),
            "cur": _round(cur[b] / max(1, cur.sum())),
        }
        told.append({"bin": name, **bounds, **shares, "contribution": _round(parts[b])})
    return told


def _moved(bins: list[dict[str, Any]]) -> str:
    """Name the bin that moved most: `80 to 92 holds 61 % instead of 5 %`."""
    if not bins:
        return "no values"
    top = max(bins, key=lambda told: abs(told["cur"] - told["ref"]))
    return f"{top['bin']} holds {top['cur']:.0%} instead of {top['ref']:.0%}"


def _explain(
    reference: Reference,
    column: str | None,
    summary: Summary | None,
    moved: list[dict[str, object]],
) -> dict[str, object]:
    if column is None:
        return {"events": 0 if summary is None else summary.n}
    i = column_position(reference, column)
    explained: dict[str, object] = {"bins": moved}
    if summary is not None:
        usual, now = means(reference, column, summary)
        explained["mean"] = {"ref": _round(usual), "cur": _round(now)}
        for name, offset in (("null_rate", 0), ("invalid_rate", 1)):
            slot = reference.layout.tail_of(i) + offset
            ref = reference.total.counts[slot] / max(1, reference.total.n)
            explained[name] = {
                "ref": _round(float(ref)),
                "cur": _round(float(summary.counts[slot] / max(1, summary.n))),
            }
    return explained


def _unseen(
    judged: Judged, column: str | None, verdict: Verdict, reference: Reference
) -> dict[str, object]:
    """Name the values that the reference does not know, where their share is an alarm or the alert's own matter."""
    alarms = [f.verdict for f in judged.findings if f.column == column and f.verdict.alarm]
    window = judged.closed.summary
    if window is None or all(v.detector != "unseen" for v in (verdict, *alarms)):
        return {}
    names, distinct = new_categories(reference, column, window)
    return {"new_categories": names, "new_categories_distinct": distinct}


def _onset(judged: Judged, column: str | None, verdict: Verdict) -> dict[str, object]:
    """Estimate when it began: for slow drift, when its sum last stood low; else within the window itself."""
    begin = judged.closed.start_ms
    if column is not None and verdict.detector in ("page_hinkley", "adwin"):
        begin = min(begin, judged.quiet_until_ms.get(column) or begin)
    return {"estimate": rfc3339(begin), "interval": [rfc3339(begin), rfc3339(judged.closed.end_ms)]}


def window_result(judged: Judged) -> dict[str, object]:
    """Give what is kept of a judged window for looking back: every statistic with its p-value and its alarm."""
    columns: dict[str, dict[str, object]] = {}
    for finding in judged.findings:
        v = finding.verdict
        scores = columns.setdefault(finding.column or "", {})
        scores[v.detector] = [
            _round(v.statistic),
            _round(v.threshold),
            _round(v.p_value),
            _round(v.effect),
            bool(v.alarm),
        ]
    n = 0 if judged.closed.summary is None else judged.closed.summary.n
    return {
        "start": judged.closed.start_ms,
        "end": judged.closed.end_ms,
        "n": n,
        "columns": columns,
    }
