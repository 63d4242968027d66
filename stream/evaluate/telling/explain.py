"""What an alert tells of a window beside its score: enough to compute the score again, and to see what moved."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from detectors import Verdict, psi
from detectors.alarms.memory import LAGS
from detectors.comparisons.counting import cells
from detectors.summaries.summary import Summary
from sinks.event import rfc3339
from stream.evaluate.chains.case import Judged
from stream.evaluate.panes.windows import Closed
from stream.evaluate.stories.meaning import clipped, column_position, means, new_categories
from stream.reference.reference import Reference, WindowSize

__all__ = ["BINS_TOLD", "coaffected", "explained", "moved", "onset", "rounded", "told_bins"]

BINS_TOLD = 64
"""Bins that an explanation names, those that contribute most first; `missing` is told beside them."""


def rounded(x: float | None) -> float | None:
    """Keep six significant digits, as more would pretend; JSON has no infinity."""
    return None if x is None or not np.isfinite(x) else float(f"{x:.6g}")


def told_bins(reference: Reference, column: str, summary: Summary | None) -> list[dict[str, Any]]:
    """Tell the bins of a column by what they contribute to the PSI, and the missing values as one more.

    Each has its share of the reference's values and of the window's (`ref`, `cur`), the counts behind these (`ref_n`,
    `cur_n`), its part of the PSI, and for ranges of numbers its edges: `lo` <= x < `hi`, null without end. All bins
    are told where there are no more than BINS_TOLD, so that PSI, chi-square and the like follow from them, and
    distances of ordered bins, too, once they are sorted by `lo`.
    """
    if summary is None:
        return []
    i = column_position(reference, column)
    of = reference.columns[i]
    ref = cells(reference.layout, [i], [reference.total]).with_missing[0, 0]
    cur = cells(reference.layout, [i], [summary]).with_missing[0, 0]
    _, parts = psi(cur, ref)
    ranked = np.argsort(-np.abs(parts), kind="stable").tolist()
    chosen = {*[b for b in ranked if b < of.bins][:BINS_TOLD], of.bins}
    told = []
    for b in (b for b in ranked if b in chosen):
        bounds: dict[str, Any] = {}
        if not of.discrete and b < of.bins:
            edges = (None, *of.edges, None)
            bounds = {"lo": edges[b], "hi": edges[b + 1]}
        told.append({
            "bin": of.bin_name(b) if b < of.bins else "missing", **bounds,
            "ref": rounded(ref[b] / max(1, ref.sum())), "cur": rounded(cur[b] / max(1, cur.sum())),
            "ref_n": int(ref[b]), "cur_n": int(cur[b]), "contribution": rounded(parts[b]),
        })  # fmt: skip
    return told


def moved(bins: Sequence[dict[str, Any]]) -> str:
    """Name the bin that moved most: `80 to 92 holds 61 % instead of 5 %`."""
    if not bins:
        return "no values"
    top = max(bins, key=lambda told: abs(told["cur"] - told["ref"]))
    return f"{top['bin']} holds {top['cur']:.0%} instead of {top['ref']:.0%}"


def explained(
    reference: Reference, column: str | None, judged: Judged, verdict: Verdict,
    bins: Sequence[dict[str, Any]],
) -> dict[str, object]:  # fmt: skip
    """Explain a verdict by its window: bins, mean, rates of missing and invalid values, new categories."""
    summary = judged.closed.summary
    if column is None:
        return {"events": verdict.n}
    told: dict[str, object] = {"bins": bins}
    if summary is None:
        return told
    i = column_position(reference, column)
    left_out = reference.columns[i].bins + 1 - len(bins)
    if left_out:
        told["bins_left_out"] = left_out
    usual, now = means(reference, column, summary)
    bound = {"clipped": True} if any(clipped(reference, column, summary)) else {}
    told["mean"] = {"ref": rounded(usual), "cur": rounded(now), **bound}
    for name, offset in (("null_rate", 0), ("invalid_rate", 1)):
        slot = reference.layout.tail_of(i) + offset
        ref = reference.total.counts[slot] / max(1, reference.total.n)
        cur = summary.counts[slot] / max(1, summary.n)
        told[name] = {"ref": rounded(float(ref)), "cur": rounded(float(cur))}
    return told | _unseen(judged, column, verdict, reference)


def _unseen(
    judged: Judged, column: str, verdict: Verdict, reference: Reference
) -> dict[str, object]:
    """Name the values that the reference does not know, where their share is an alarm or the alert's own matter."""
    alarms = [v for v in judged.findings.of(column) if v.alarm]
    window = judged.closed.summary
    if window is None or all(v.detector != "unseen" for v in (verdict, *alarms)):
        return {}
    names, distinct = new_categories(reference, column, window)
    return {"new_categories": names, "new_categories_distinct": distinct}


def coaffected(judged: Judged, column: str | None) -> list[str]:
    """Name the other columns of the series that alarm in the same window."""
    return sorted(name for name in judged.findings.loud() if name is not None and name != column)


def onset(window: WindowSize, closed: Closed, verdict: Verdict) -> dict[str, object]:
    """Estimate when it began: at the step that surprises most, between the neighbours of its lag that were tried."""
    every, start = window.every_ms, closed.start_ms
    at = int(np.searchsorted(LAGS, verdict.lag))
    further = int(LAGS[min(at + 1, len(LAGS) - 1)]) if verdict.lag else 0
    nearer = int(LAGS[max(at - 1, 0)])
    end = closed.end_ms if verdict.lag == 0 else start - nearer * every
    interval = [rfc3339(start - further * every), rfc3339(end)]
    return {"estimate": rfc3339(start - verdict.lag * every), "interval": interval}
