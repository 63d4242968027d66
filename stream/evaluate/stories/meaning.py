"""What a verdict means to people: the kind of drift, how much it matters, what the window holds."""

from collections.abc import Sequence

from detectors import Verdict
from detectors.summaries.summary import Summary, beyond_grid, mean_of
from stream.evaluate.stories.incidents import RANK, Severity, strongest
from stream.reference.reference import Reference
from stream.words import Kind

__all__ = [
    "ABOUT_LABELS",
    "BROKEN",
    "CAUSE_OF",
    "OUTSIDE",
    "clipped",
    "column_position",
    "is_worse",
    "kind_of",
    "means",
    "new_categories",
    "severity_of",
]

QUALITY = frozenset({"missing", "invalid", "unseen", "out_of_range", "frozen"})
CAUSE_OF = {
    "missing": "missing values",
    "invalid": "type change",
    "unseen": "new category",
    "frozen": "frozen",
}
"""The likely cause by the detector that found it; for what moved, however far, see `cause_of`."""
BROKEN = frozenset({"missing values", "type change", "frozen", "unit or scale"})
"""Causes by which values are not what their sender owes. A category that is new may be right."""
ABOUT_LABELS = frozenset({"missing", "invalid", "frozen"})
"""Detectors that, of errors, tell of broken labels or predictions rather than of a worse model."""
OUTSIDE = "out_of_range"
"""The detector whose statistic is the share of values far outside the reference's range."""
DRIFT = {
    Kind.FEATURES: "data_drift",
    Kind.PREDICTIONS: "prediction_drift",
    Kind.LABELS: "data_drift",
    Kind.ERRORS: "concept_drift",
}
NAMED = 10
"""New categories that an alert names."""
MUCH_WORSE, WORSE = 1.5, 1.05
"""How many times the reference's mean error makes concept drift critical, or an error rather than good news."""


def kind_of(kind: Kind, column: str | None, alarms: Sequence[Verdict]) -> str:
    """Name the kind of drift by the strongest of the alarms."""
    if column is None:
        return "freshness" if alarms and strongest(alarms).detector == "silence" else "volume"
    broken = ABOUT_LABELS if kind is Kind.ERRORS else QUALITY
    if alarms and strongest(alarms).detector in broken:
        return "data_quality"
    return DRIFT[kind]


def severity_of(
    reference: Reference, column: str | None, alarms: Sequence[Verdict], window: Summary | None
) -> Severity:
    """Tell how much alarms matter.

    A feature that drifts is a warning; hard rules (all missing, another type, another unit, frozen, silence) are
    errors; errors of the model are information when they shrink, an error when they grow, and critical from 1.5 times
    the usual on, those far outside of their range included.
    """
    if not alarms:
        return "info"
    hard = [v.detector for v in alarms if v.note.startswith("hard rule") or v.detector == "frozen"]
    of_errors = reference.kind is Kind.ERRORS and column == "error"
    if window is not None and of_errors and set(hard) <= {OUTSIDE}:
        usual, now = means(reference, column or "", window)
        if usual is not None and now is not None:
            return (
                "critical"
                if now >= MUCH_WORSE * usual
                else "error"
                if now >= WORSE * usual or hard
                else "info"
            )
    return "error" if hard else "warning"


def is_worse(column: str | None, severity: Severity) -> bool:
    """Tell whether the severity of an incident of errors says that the model errs more; see `severity_of`."""
    return column == "error" and RANK[severity] >= RANK["error"]


def column_position(reference: Reference, column: str) -> int:
    """Tell where a column stands in its reference."""
    return next(i for i, c in enumerate(reference.columns) if c.name == column)


def means(reference: Reference, column: str, window: Summary) -> tuple[float | None, float | None]:
    """Tell the means of a column in the reference and in a window; None where there is none."""
    i = column_position(reference, column)
    return mean_of(reference.layout, i, reference.total), mean_of(reference.layout, i, window)


def clipped(reference: Reference, column: str, window: Summary) -> tuple[bool, bool]:
    """Tell whether the mean of a window is clipped at the grid's lower end, and at its upper one; see `beyond_grid`."""
    return beyond_grid(reference.layout, column_position(reference, column), window)


def new_categories(
    reference: Reference, column: str | None, window: Summary
) -> tuple[list[str], int]:
    """Name the commonest values of a column that its reference does not know, and tell how many distinct there are."""
    unseen = None if column is None else window.unseen.get(column_position(reference, column))
    if unseen is None:
        return [], 0
    return [name for name, _ in unseen.common(NAMED)], round(unseen.distinct)
