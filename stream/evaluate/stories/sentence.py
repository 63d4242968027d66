"""One sentence that a person understands first: what happened to a column, or to a series."""

from math import exp, inf

from detectors import Verdict
from detectors.summaries.summary import Summary
from stream.evaluate.judging.extra import FOUND_ITSELF
from stream.evaluate.stories.incidents import GAVE_WAY
from stream.evaluate.stories.meaning import OUTSIDE, clipped, column_position, means, new_categories
from stream.reference.reference import Reference
from stream.words import Kind

__all__ = ["sentence"]

NAMES = {
    "psi": "PSI",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov distance",
    "chi_square": "chi-square",
    "shape": "change of shape",
    "g": "G",
    "jensen_shannon": "Jensen-Shannon divergence",
    "kullback_leibler": "Kullback-Leibler divergence",
    "hellinger": "Hellinger distance",
    "total_variation": "total variation",
    "wasserstein": "Wasserstein distance",
    "cramer_von_mises": "Cramer-von Mises distance",
    "mean_shift": "shift of the mean",
    "variance_shift": "shift of the variance",
}
FOUND_BY = {
    "page_hinkley": "Page-Hinkley",
    "adwin": "ADWIN",
    "cusum": "CUSUM",
    "ewma": "EWMA",
    "ddm": "DDM",
    "hddm_a": "HDDM-A",
    "hddm_w": "HDDM-W",
    "kswin": "KSWIN",
}
"""Detectors that find for themselves and tell no score; river's keep the name of their class."""
BROKEN = {
    "missing": "{share:.1%} of {column} are missing, usually {usual:.1%}",
    "invalid": "{share:.1%} of {column} are of a wrong type",
    "unseen": "{share:.1%} of {column} are values that the reference does not know",
    "out_of_range": "{share:.1%} of {column} lie far outside the reference's range",
    "frozen": "{column} holds one and the same value throughout the window",
}
FAR = 700.0
"""A logarithm whose number is hardly one."""
STILL_STRANGE = 0.01
"""A chance below which nobody says that a column is back."""
SAID = 3
"""New categories that a sentence names."""


def sentence(
    reference: Reference, column: str | None, phase: str, verdict: Verdict, window: Summary | None,
    moved: str,
) -> str:  # fmt: skip
    """Say in one sentence what happened; `moved` names the bins that gained and lost most."""
    if phase == "resolved":
        events = f"the number of {reference.kind.one} events of {reference.series.model}"
        subject = events if column is None else column
        if verdict.note == GAVE_WAY:
            return f"{subject} is {GAVE_WAY}"
        if verdict.p_value is not None and verdict.p_value < STILL_STRANGE:
            return f"{subject} is most of the way back to what is usual"
        return f"{subject} is back within what the reference's own windows vary"
    if column is None:
        return f"{verdict.n:,} {reference.kind.one} events in the window{_usually(verdict)}"
    told = BROKEN.get(verdict.detector)
    if told is not None:
        usual_share = verdict.usual if verdict.usual is not None else _missing(reference, column)
        text = told.format(column=column, share=verdict.statistic, usual=usual_share)
        if verdict.detector == OUTSIDE and reference.kind is Kind.ERRORS:  # a worse model
            return f"{_turn(reference, column, verdict, window, moved)} ({text})"
        return text + (_named(reference, column, window) if verdict.detector == "unseen" else "")
    return f"{_turn(reference, column, verdict, window, moved)} ({_score(verdict)})"


def _turn(
    reference: Reference, column: str, verdict: Verdict, window: Summary | None, moved: str
) -> str:
    """Say how a column moved: up or down, more or less of it, or another mix."""
    subject = "the model's error" if column == "error" else column
    usual, mean = (None, None) if window is None else means(reference, column, window)
    far = (False, False) if window is None else clipped(reference, column, window)
    if usual is None or mean is None or all(far) or verdict.detector == "shape":
        return f"{subject} is distributed otherwise: {moved}"
    if verdict.detector == "spread":
        return f"{subject} varies {'more' if verdict.statistic > 0 else 'less'}: {moved}"
    grew = mean > usual
    told = _number(mean) + (" or less" if far[0] else " or more" if far[1] else "")
    up = verdict.statistic > 0 if verdict.detector == "location" else grew
    if up != grew:  # the season alone would have moved it further
        turn = "is higher" if up else "is lower"
        over = f"mean {told}, over the whole reference {_number(usual)}"
        return f"{subject} {turn} than usual at this time: {over}; {moved}"
    against = f"mean {told} against {_number(usual)}"
    if column == "error":
        return f"{subject} {'is larger' if up else 'is smaller'}: {against}"
    return f"{subject} {'went up' if up else 'went down'}: {against}; {moved}"


def _score(verdict: Verdict) -> str:
    """Say what the detector measured, and from where on it alarms."""
    name, value, bound = verdict.detector, verdict.statistic, verdict.threshold
    if verdict.note == FOUND_ITSELF:
        return f"found by {FOUND_BY.get(name, name)}"
    side = "over" if verdict.alarm else "within"
    if name == "location":
        return f"shift {_number(abs(value))} {side} {_number(abs(bound))} standard deviations"
    if name == "spread":
        if verdict.alarm and value < 0:
            side = "under"
        return f"spread {_number(exp(value))} times the usual, {side} {_number(_factor(bound))}"
    return f"{NAMES.get(name, name)} {_number(value)} {side} {_number(bound)}"


def _factor(logarithm: float) -> float:
    return exp(logarithm) if logarithm < FAR else inf


def _missing(reference: Reference, column: str) -> float:
    """Tell the share of a column that was missing in the reference."""
    slot = reference.layout.tail_of(column_position(reference, column))
    return float(reference.total.counts[slot] / max(1, reference.total.n))


def _named(reference: Reference, column: str, window: Summary | None) -> str:
    """Say the commonest new categories: `: XK, ZZ and 5 more`."""
    names, distinct = ([], 0) if window is None else new_categories(reference, column, window)
    if not names:
        return ""
    said = names[:SAID]
    more = f" and {distinct - len(said)} more" if distinct > len(said) else ""
    return f": {', '.join(said)}{more}"


def _number(x: float) -> str:
    """Write a number as people do: three digits, and thousands in full."""
    return f"{x:,.0f}" if 1000 <= abs(x) < 1e9 else f"{x:.3g}"


def _usually(verdict: Verdict) -> str:
    return "" if verdict.usual is None else f", usually about {round(verdict.usual):,}"
