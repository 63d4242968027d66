"""What a person should do about a drift event, and why. Not every drift asks for retraining."""

from typing import Literal, NamedTuple

from stream.evaluate.stories.incidents import Phase, Severity
from stream.evaluate.stories.meaning import ABOUT_LABELS, BROKEN
from stream.words import Kind

__all__ = ["Recommendation", "after_meeting", "recommend"]

Action = Literal["investigate", "retrain", "rollback", "fix upstream", "none"]


class Recommendation(NamedTuple):
    """What to do, and one sentence with the evidence."""

    action: Action
    because: str


def recommend(
    kind: Kind, column: str | None, phase: Phase, detector: str, cause: str, severity: Severity,
    summary: str, *, worse: bool = False, new_version: bool = False,
) -> Recommendation:  # fmt: skip
    """Recommend by what one kind of a series tells of itself.

    What the other kinds say at that time may not be known yet, so nothing here supposes it; `Consequences` tell it
    later. `cause`: see `cause_of`; `worse`: the model's error has grown; `new_version`: its version began just before,
    and another was there.
    """
    if phase == "resolved":
        return Recommendation("none", f"{summary}: nothing is left to do")
    if column is None:
        return Recommendation(
            "fix upstream", f"{summary}: see who sends them, and what holds them up"
        )
    if kind is Kind.ERRORS and detector not in ABOUT_LABELS:
        return _of_errors(summary, worse=worse, new_version=new_version)
    if cause in BROKEN or (kind is Kind.ERRORS and detector in ABOUT_LABELS):
        return Recommendation("fix upstream", f"{summary}: retraining would learn the fault")
    if severity == "info":
        return Recommendation("none", f"{summary}, which is too little to act on")
    return Recommendation("investigate", f"{summary}; {_WHY_NOT_RETRAIN[kind]}")


_WHY_NOT_RETRAIN = {
    Kind.FEATURES: (
        "its window tells of no worse error, as labels come later, so no retraining is asked for: if predictions or"
        " errors follow, an escalated alert of this episode says so"
    ),
    Kind.PREDICTIONS: (
        "a model follows its input, and whether it errs more the labels tell later, so no retraining is asked for: see"
        " which features moved, or what was deployed"
    ),
    Kind.LABELS: (
        "the outcomes moved, which the model may well foresee, so no retraining is asked for unless its error grows"
    ),
    Kind.ERRORS: "",
}


def _of_errors(summary: str, *, worse: bool, new_version: bool) -> Recommendation:
    if not worse:
        return Recommendation(
            "none", f"{summary}: the model is not worse, so no retraining is asked for"
        )
    if new_version:
        return Recommendation(
            "rollback",
            f"{summary}, and this version began just before: the one before it is at hand, unless alerts of features"
            " say that the input changed, too",
        )
    return Recommendation(
        "investigate",
        f"{summary}: if features drift, their escalated alerts ask for retraining; if none does, the relation itself"
        " has changed, and retraining needs labels of the time since",
    )


def after_meeting(kind: Kind, column: str, action: object, effect: str) -> Recommendation:
    """Recommend when something followed the drift of a feature: predictions that moved, or worse errors.

    `action` is what the feature's own alert recommended, `effect` the summary of the other's.
    """
    if action == "fix upstream":
        because = f"{column} is broken, and since then {effect}: retraining would learn the fault"
        return Recommendation("fix upstream", because)
    if kind is Kind.ERRORS:
        because = (
            f"{column} drifts, and since then {effect}: the input is sound but another, and the labels to learn it from"
            " are there"
        )
        return Recommendation("retrain", because)
    return Recommendation(
        "investigate",
        f"{column} drifts, and since then {effect}; whether the model errs more the labels tell later, so no"
        " retraining is asked for",
    )
