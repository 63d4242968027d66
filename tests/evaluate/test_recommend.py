"""A recommendation follows from what is known, and says why retraining is asked for or not."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from stream.evaluate.stories.recommend import after_meeting, recommend
from stream.evaluate.telling.cause import SHIFT
from stream.reference.reference import ALWAYS, Reference
from stream.words import Kind, Series
from tests.evaluate.streams import CONFIG, DRIFT, END, LEARNED, Pipeline, stream

CASES: list[tuple[str, Kind, str | None, str, str, str, dict[str, Any]]] = [
    ("none", Kind.FEATURES, "x", "resolved", "psi", "population shift", {}),
    ("fix upstream", Kind.FEATURES, None, "started", "volume", "volume", {}),
    ("fix upstream", Kind.LABELS, None, "started", "silence", "label delay", {}),
    ("fix upstream", Kind.FEATURES, "x", "started", "missing", "missing values", {}),
    ("fix upstream", Kind.FEATURES, "x", "started", "invalid", "type change", {}),
    ("fix upstream", Kind.FEATURES, "x", "started", "frozen", "frozen", {}),
    ("fix upstream", Kind.FEATURES, "x", "started", "out_of_range", "unit or scale", {}),
    ("investigate", Kind.FEATURES, "x", "started", "unseen", "new category", {}),
    ("investigate", Kind.FEATURES, "x", "started", "psi", "population shift", {}),
    ("investigate", Kind.PREDICTIONS, "prediction", "ongoing", "psi", "population shift", {}),
    ("investigate", Kind.LABELS, "label", "started", "psi", "population shift", {}),
    ("investigate", Kind.ERRORS, "error", "started", "psi", "population shift", {"worse": True}),
    (
        "rollback",
        Kind.ERRORS,
        "error",
        "started",
        "psi",
        "population shift",
        {"worse": True, "new_version": True},
    ),
    ("none", Kind.ERRORS, "error", "started", "psi", "population shift", {"new_version": True}),
    ("fix upstream", Kind.ERRORS, "error", "started", "missing", "missing values", {}),
]


@pytest.mark.parametrize(("action", "kind", "column", "phase", "detector", "cause", "more"), CASES)
def test_what_a_kind_tells_of_itself_decides_the_action(
    action: str,
    kind: Kind,
    column: str | None,
    phase: Any,
    detector: str,
    cause: str,
    more: dict[str, Any],
) -> None:
    """And the evidence is in the reason."""
    told = recommend(kind, column, phase, detector, cause, "warning", "evidence of it", **more)
    assert told.action == action
    assert told.because.startswith("evidence of it")


def test_a_feature_that_drifts_by_itself_asks_for_no_retraining_and_says_why() -> None:
    told = recommend(Kind.FEATURES, "x", "started", "psi", SHIFT, "warning", "x moved")
    assert "labels come later, so no retraining is asked for" in told.because
    assert (
        recommend(Kind.FEATURES, "x", "started", "psi", SHIFT, "info", "x moved").action == "none"
    )


def test_only_worse_errors_beside_sound_data_ask_for_retraining() -> None:
    assert after_meeting(Kind.ERRORS, "x", "investigate", "errors grew").action == "retrain"
    assert after_meeting(Kind.PREDICTIONS, "x", "investigate", "moved").action == "investigate"
    assert after_meeting(Kind.ERRORS, "x", "fix upstream", "errors grew").action == "fix upstream"


@pytest.mark.parametrize(
    ("switch", "expected"), [(DRIFT - 3, "rollback"), (LEARNED, "investigate")]
)
def test_a_new_version_that_errs_more_from_its_beginning_on_is_rolled_back(
    switch: int, expected: str
) -> None:
    """One that was good for more than ten windows is not new any more; the first version of all never is."""
    run = Pipeline(CONFIG, [*learned(), *(_of_version(r, "2") for r in learned())])
    run.fold(stream(END, DRIFT, second_version_from=switch))
    run.step()
    run.restart()
    run.step(flush=True)
    first = next(
        a["data"]
        for a in run.told()
        if a["data"]["column"] == "error" and a["data"]["version"] == "2"
    )
    assert (first["phase"], first["recommendation"]["action"]) == ("started", expected)


def test_the_only_version_there_ever_was_cannot_be_rolled_back() -> None:
    run = Pipeline(CONFIG, learned())
    run.fold(stream(END, LEARNED + 2)[(LEARNED + 2) * 120 :])
    run.step(flush=True)
    first = next(a["data"] for a in run.told() if a["data"]["column"] == "error")
    assert first["recommendation"]["action"] == "investigate"


@cache
def learned() -> tuple[Reference, ...]:
    run = Pipeline(CONFIG)
    run.fold(stream(LEARNED + 2, END))
    run.step()
    return tuple(replace(r, origin="file", from_pane=ALWAYS) for r in run.fleet.book.all())


def _of_version(reference: Reference, version: str) -> Reference:
    return replace(reference, series=Series("m", version))
