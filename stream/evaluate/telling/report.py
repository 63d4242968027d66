"""Turns a change in an incident into a drift event that explains itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from detectors import Verdict
from detectors.summaries.summary import Summary
from sinks.event import DriftEvent, rfc3339
from stream.evaluate.chains.case import Judged
from stream.evaluate.chains.chain import Chain
from stream.evaluate.chains.kept import extent
from stream.evaluate.stories.incidents import Change, Severity
from stream.evaluate.stories.meaning import is_worse
from stream.evaluate.stories.recommend import recommend
from stream.evaluate.stories.sentence import sentence
from stream.evaluate.telling.cause import cause_of
from stream.evaluate.telling.explain import coaffected, explained, moved, onset, rounded, told_bins
from stream.ingest.sample import SampleRules
from stream.words import Kind

__all__ = ["Context", "Told", "drift_events", "window_result"]


@dataclass(frozen=True, slots=True)
class Context:
    """What every alert of a run shares: the detection hash, the fixed rates of sampling, the stated budget."""

    detection_hash: bytes
    sample: SampleRules
    budget: float


@dataclass(frozen=True, slots=True)
class Told:
    """What is known at the time of telling and may differ between runs: watermark (ms) and late events so far."""

    watermark_ms: int
    late: int


def drift_events(
    chain: Chain, judged: Judged, context: Context, told: Told, *, new_version: bool = False
) -> list[DriftEvent]:
    """Write the drift events of a judged window; `new_version` as in `recommend`."""
    return [
        _event(chain, judged, column, change, context, told, new_version)
        for column, change in judged.changes
    ]


def _event(
    chain: Chain, judged: Judged, column: str | None, change: Change, context: Context, told: Told,
    new_version: bool,
) -> DriftEvent:  # fmt: skip
    s, verdict, reference = chain.series, change.verdict, chain.reference
    closed = judged.own if column is None else judged.closed
    start, end = rfc3339(closed.start_ms), rfc3339(closed.end_ms)
    decides = context.detection_hash + judged.plan.digest + reference.digest
    params = blake2b(decides, digest_size=16).hexdigest()
    window = judged.window
    identity = [
        s.model, s.version, s.segment, chain.kind, column, verdict.detector,
        [window.size_ms, window.every_ms, start, end], change.phase, params,
    ]  # fmt: skip
    bins = [] if column is None else told_bins(reference, column, closed.summary)
    severity: Severity = "info" if change.phase == "resolved" else change.incident.severity
    text = sentence(reference, column, change.phase, verdict, closed.summary, moved(bins))
    since = rfc3339(change.incident.started_ms)
    if change.phase == "ongoing":
        again = "again, " if change.returned else ""
        text = f"{again}since {since[:16]}Z: {text}"
    elif change.phase == "resolved":
        text = f"{text} (told since {since[:16]}Z)"
    if s.segment:
        text = f"in {', '.join('='.join(pair) for pair in s.segment)}: {text}"
    cause = cause_of(chain.kind, reference, judged, column, verdict)
    hints = {"coaffected": coaffected(judged, column), "cause_hint": cause}
    advice = recommend(
        chain.kind, column, change.phase, verdict.detector, cause, severity, text,
        worse=chain.kind is Kind.ERRORS and is_worse(column, severity), new_version=new_version,
    )  # fmt: skip
    found = _detectable(judged, column)
    data: dict[str, object] = {
        "schema": "driftbus.alert/1",
        "summary": text,
        "episode_id": change.incident.episode_id,
        "phase": change.phase,
        "since": since,
        **({"returned": True} if change.returned else {}),
        "kind": change.incident.kind,
        "severity": severity,
        "recommendation": advice._asdict(),
        "model": s.model,
        "version": s.version,
        "column": column,
        "segment": dict(s.segment),
        "detector": {
            "name": verdict.detector, "params_hash": params[:8], "config_version": context.detection_hash.hex()[:8],
        },
        "baseline": {
            "id": reference.name, "kind": chain.rules.compare, "n": reference.total.n, "digest": reference.digest.hex(),
        },
        "window": {
            "kind": "tumbling" if window.size_ms == window.every_ms else "sliding",
            "start": start, "end": end,
            "watermark": rfc3339(told.watermark_ms), "late_dropped": told.late,
        },
        "sample": _sample(chain, closed.summary, context.sample),
        "score": _score(verdict, found),
        "scores": {
            v.detector: _score(v, found) | {"alarm": v.alarm} for v in judged.findings.of(column)
        },
        "false_alarm": {
            "budget": f"{context.budget:g}/week", "plan": judged.plan.version,
            "covered": not verdict.note.startswith("fixed threshold"),
        },
        "onset": onset(judged.window, closed, verdict),
        "explain": explained(reference, column, judged, verdict, bins)
        | ({} if change.phase == "resolved" else hints) | _signal(judged, column),
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


def _sample(chain: Chain, summary: Summary | None, rules: SampleRules) -> dict[str, object]:
    """Tell how many events there were, how many were counted, and the share that these are.

    Errors are those of the ids that are kept at the model's fixed rate, which is therefore told of them; of features,
    what was counted at which rates is known, and of an empty window only the fixed rate.
    """
    n, fixed = 0 if summary is None else summary.n, rules.of(chain.series.model)
    if chain.kind is Kind.ERRORS:
        return {"n_seen": round(n / fixed), "n_used": n, "rate": fixed}
    if summary is None or not n:
        rate = fixed if chain.kind is Kind.FEATURES else 1.0
        return {"n_seen": 0, "n_used": 0, "rate": rate}
    return {"n_seen": summary.seen, "n_used": n, "rate": float(f"{n / summary.seen:.4g}")}


def _detectable(judged: Judged, column: str | None) -> Mapping[str, float]:
    """Tell by test the smallest effect that the monitor would find; see `Standing`."""
    return next((s.detectable for s in judged.standings if s.column == column), {})


def _signal(judged: Judged, column: str | None) -> dict[str, object]:
    """Tell what the score was made of, if it is one of the alarm layer's."""
    account = judged.accounts.get(column)
    return {} if account is None else {"signal": account}


def _score(verdict: Verdict, detectable: Mapping[str, float]) -> dict[str, object]:
    return {
        "value": rounded(verdict.statistic),
        "threshold": rounded(verdict.threshold),
        "p_value": rounded(verdict.p_value),
        "effect": rounded(verdict.effect),
        "detectable": detectable.get(verdict.detector),
        "n": verdict.n,
        "n_reference": verdict.m,
        "usual": rounded(verdict.usual),
        "note": verdict.note,
    }


def window_result(judged: Judged) -> dict[str, object]:
    """Tell a judged window to people: every statistic with its p-value and its alarm."""
    columns: dict[str, dict[str, object]] = {}
    for finding in judged.findings:
        v = finding.verdict
        scores = columns.setdefault(finding.column or "", {})
        scores[v.detector] = [
            rounded(v.statistic),
            rounded(v.threshold),
            rounded(v.p_value),
            rounded(v.effect),
            v.alarm,
        ]
    return extent(judged) | {"columns": columns}
