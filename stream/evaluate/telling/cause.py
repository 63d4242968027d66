"""The likely cause of a drift, as far as its own numbers tell: a word that a person can look into."""

from collections import Counter
from collections.abc import Sequence

from detectors import Verdict
from detectors.summaries.summary import Summary
from stream.evaluate.chains.case import Judged
from stream.evaluate.stories.meaning import CAUSE_OF, OUTSIDE, column_position, means
from stream.reference.reference import Reference
from stream.words import Kind

__all__ = ["OF_SERIES", "SHIFT", "cause_of", "commonest"]

SHIFT = "population shift"
"""The cause of what moved without a sign of a fault."""
SCALED = 5.0
"""A mean that became so many times what it was, or such a part of it, is in another unit."""
OUTSIDE_MIN = 0.5
"""So large a share of values far outside the reference's range is no population that any reference came from."""
OF_SERIES = ("label delay", "volume")
"""Causes that concern all events of a series, so its columns with them."""


def cause_of(
    kind: Kind, reference: Reference, judged: Judged, column: str | None, verdict: Verdict
) -> str:
    """Name the likely cause of one alert: by what its detector finds, or by how far the column moved.

    Labels that do not come are late until the contrary is known.
    """
    window = judged.closed.summary
    if column is None:
        fewer = verdict.usual is None or verdict.n < verdict.usual
        return "label delay" if kind is Kind.LABELS and fewer else "volume"
    known = CAUSE_OF.get(verdict.detector)
    if known is not None:
        return known
    outside = any(
        v.detector == OUTSIDE and v.alarm and v.statistic >= OUTSIDE_MIN
        for v in judged.findings.of(column)
    )
    ratio = 1.0 if window is None else _ratio(reference, column, window)
    scaled = outside or ratio >= SCALED or 0 < ratio <= 1 / SCALED
    return "unit or scale" if scaled and kind is not Kind.ERRORS else SHIFT


def _ratio(reference: Reference, column: str, window: Summary) -> float:
    """Tell how many times the mean became what it was; 1 for columns that reach zero, whose means say nothing."""
    i = column_position(reference, column)
    rows = [row for row, (at, _) in enumerate(reference.layout.numbers) if at == i]
    usual, now = means(reference, column, window)
    if not rows or not reference.total.extremes[rows[0], 0] > 0 or not usual or now is None:
        return 1.0
    return now / usual


def commonest(causes: Sequence[str], severities: Sequence[int]) -> tuple[str, str]:
    """Choose the cause of what moved together, and say why: what concerns whole series, else what most have.

    A fault comes before a mere shift as often found, as it may be the shift's cause; then goes the severest, of
    `severities` in the order of `causes`, and equals go by name.
    """
    of_series = [cause for cause in OF_SERIES if cause in causes]
    if of_series:
        return of_series[0], "the number of events in the window is out of the ordinary"
    worst: dict[str, int] = {}
    for cause, severity in zip(causes, severities, strict=True):
        worst[cause] = max(severity, worst.get(cause, severity))
    found = Counter(causes)
    cause = min(found, key=lambda of: (-found[of], of == SHIFT, -worst[of], of))
    return cause, f"{found[cause]} of the {len(causes)} say so"
