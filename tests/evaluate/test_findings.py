"""What is said of a window is the same whether it is asked column by column, as a whole, or only for what alarms."""

from dataclasses import replace

import numpy as np
import pytest

from detectors import Verdict
from detectors.comparisons.verdict import Score, Why
from stream.evaluate.judging.finding import Finding
from stream.evaluate.judging.findings import Findings, Said

PLACES = {"a": 0, "b": 1, "c": 2}
EXTRA = Finding("c", Verdict("extra", 1.0, 0.5, None, 1.0, True, 10, 10, None, "", 2))


def said(name: str, alarm: list[bool], notes: list[str], lag: list[int] | None = None) -> Said:
    n = np.full(3, 50)
    score = Score(name, np.arange(3.0), np.ones(3), n, n)
    verdicts = score.later(np.array(alarm), lambda: Why(np.ones(3), np.full(3, 0.5), notes))
    verdicts = replace(verdicts, lag=None if lag is None else np.array(lag))
    return Said(np.arange(3), verdicts, np.array([True, True, name != "two"]))


ONE = said("one", [True, False, False], ["hard rule: gone", "", ""])
TWO = said("two", [True, True, True], ["", "", ""], [3, 1, 9])


@pytest.mark.parametrize("excused", ["", "holidays"])
def test_columns_one_by_one_are_the_whole(excused: str) -> None:
    findings = Findings(PLACES, [ONE, TWO], [EXTRA], excused)
    whole = [(f.column, f.verdict.detector) for f in findings]
    assert whole == [
        ("a", "one"),
        ("a", "two"),
        ("b", "one"),
        ("b", "two"),
        ("c", "one"),
        ("c", "extra"),
    ]
    assert [f.verdict for f in findings] == [v for name in PLACES for v in findings.of(name)]
    alarming = {f.column for f in findings if f.verdict.alarm}
    assert alarming == set(findings.loud())


def test_who_alarms_is_told_with_the_earliest_onset_and_in_an_excluded_time_by_hard_rules_only() -> (
    None
):
    assert Findings(PLACES, [ONE, TWO], [EXTRA]).loud() == {"a": 3, "b": 1, "c": 2}
    assert Findings(PLACES, [ONE, TWO], [EXTRA], "holidays").loud() == {"a": 0}
    assert Findings(PLACES, [TWO.only(np.array([False, True, True]))]).loud() == {"b": 1}


def test_of_a_quiet_window_nothing_is_worked_out() -> None:
    def why() -> Why:
        raise AssertionError("nobody asked")

    score = Score("one", np.zeros(3), np.zeros(3), np.ones(3, np.int64), np.ones(3, np.int64))
    quiet = Said(np.arange(3), score.later(np.zeros(3, np.bool_), why), np.full(3, True))
    assert Findings(PLACES, [quiet]).loud() == {}
    with pytest.raises(AssertionError, match="nobody asked"):
        Findings(PLACES, [quiet]).of("a")
