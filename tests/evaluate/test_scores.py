"""The scores of all columns at once are those of each alone, and of themselves they hardly ever alarm."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from detectors import COMPARISONS, Location, Verdict
from detectors.comparisons.counting import cells
from detectors.summaries.summary import Summary
from stream.evaluate.judging import side_by_side
from stream.evaluate.judging.extra import ExtraRule
from stream.evaluate.judging.findings import Findings
from stream.evaluate.judging.rules import Rules
from stream.evaluate.judging.scores import BROKEN_SHARE, LAYERED, Scores, enabled
from stream.evaluate.judging.volume import Arrivals
from tests.evaluate.streams import LEARNED
from tests.evaluate.watched import COLUMNS, LAYOUT, RULES, SHARE, reference, window

PLACES = {column.name: i for i, column in enumerate(COLUMNS)}
EVERYTHING = replace(RULES, on=frozenset(kind.name for kind in COMPARISONS))
FIXED = replace(RULES, fixed={"psi": 0.05, "missing": 0.4}, floors={"psi": 0.01})


def own() -> Sequence[Summary]:
    """Give the windows of the reference."""
    return reference().histories[0].summaries


def strange() -> list[Summary]:
    """Make windows that are usual, of another level and mix, without a column, and empty."""
    usual, other, lost = window(99), window(98, shift=2.0, words=12), window(97, lost="x")
    return [usual, other, lost, Summary.empty(LAYOUT)]


def scores_of(rules: Rules = RULES) -> Scores:
    return Scores(reference(), 0, [], rules)


def told(scores: Scores, summary: Summary) -> list[tuple[str | None, Verdict]]:
    found = Findings(PLACES, scores.columns(summary, SHARE))
    return [(finding.column, finding.verdict) for finding in found]


def of_series(scores: Scores, summary: Summary | None) -> list[Verdict]:
    return Findings(PLACES, scores.volume(Arrivals.of(summary, 1.0))).of(None)


def loud(rules: Rules, summary: Summary) -> set[tuple[str | None, str]]:
    return {(c, v.detector) for c, v in told(scores_of(rules), summary) if v.alarm}


@pytest.mark.parametrize(
    "rules", [RULES, EVERYTHING, FIXED], ids=["default", "all", "fixed thresholds"]
)
def test_findings_are_those_of_each_comparison_about_each_column_alone_in_order(
    rules: Rules,
) -> None:
    """But for those whose question the alarm layer answers; of these only what alarms or has a threshold is told."""
    scores = scores_of(rules)
    for summary in strange():
        expected = []
        for i, column in enumerate(COLUMNS):
            total, history, now = (
                cells(LAYOUT, [i], stack) for stack in ([reference().total], own(), [summary])
            )
            for kind in enabled(rules):
                if kind.applies(total)[0]:
                    floor, fixed = rules.floors.get(kind.name), rules.fixed.get(kind.name)
                    alone = kind(total, history, np.full(LEARNED, True), floor, fixed)
                    verdict = alone.judge(now, SHARE * BROKEN_SHARE.get(kind.name, 0.0))[0]
                    if verdict.alarm or kind.name not in LAYERED or fixed is not None:
                        expected.append((column.name, verdict))
        assert told(scores, summary) == expected


def test_a_score_alarms_by_a_fixed_threshold_only_and_says_that_no_budget_covers_it() -> None:
    """However far a column moved."""
    moved = window(98, shift=2.0)
    assert not {name for _, name in loud(EVERYTHING, moved)} - set(BROKEN_SHARE)
    assert ("x", "psi") in loud(FIXED, moved)
    notes = {v.note for _, v in told(scores_of(FIXED), moved) if v.detector in FIXED.fixed}
    assert notes == {"fixed threshold: no false-alarm budget covers it"}


def test_values_that_are_broken_alarm_without_a_threshold() -> None:
    """On their part of the budget, or by a hard rule."""
    assert ("word", "unseen") in loud(RULES, window(98, words=12))
    assert ("x", "out_of_range") in loud(RULES, window(97, shift=50.0))
    assert ("x", "missing") in loud(RULES, window(96, lost="x"))
    assert loud(RULES, window(95)) == set()


def test_only_silence_is_told_of_the_number_of_events() -> None:
    scores = scores_of()
    (silent,) = (v for v in of_series(scores, None) if v.alarm)
    assert (silent.detector, silent.note) == ("silence", "hard rule: no events at all")
    assert not any(v.alarm for v in of_series(scores, window(94, n=3)))


def test_fewer_events_than_a_threshold_are_no_silence() -> None:
    """None at all are both."""
    scores = scores_of(replace(RULES, fixed={"volume": 500.0}))
    few = [(v.detector, v.note[:5]) for v in of_series(scores, window(94)) if v.alarm]
    none = {(v.detector, v.note[:5]) for v in of_series(scores, None) if v.alarm}
    assert few == [("volume", "fixed")]
    assert none == {("volume", "fixed"), ("silence", "hard ")}


@pytest.mark.parametrize("limit", ["PADDING_MAX", "CELLS_MAX"])
def test_batches_bound_padding_and_memory_and_change_no_finding(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = replace(RULES, extra=(ExtraRule("cusum", {}),))
    whole, summary = scores_of(rules), window(97, shift=0.5)
    monkeypatch.setattr(side_by_side, limit, 14 if limit == "PADDING_MAX" else 1)
    parts = scores_of(rules)
    assert len(whole._batches) == 1
    assert len(parts._batches) > 1
    assert sorted(i for batch in parts._batches for i in batch.columns) == [0, 1, 2, 3]
    if limit == "PADDING_MAX":
        for batch in parts._batches:
            widths = [COLUMNS[i].bins for i in batch.columns]
            assert sum(max(widths) - width for width in widths) <= 14
    assert told(parts, summary) == told(whole, summary)
    assert parts.places(summary) == whole.places(summary)


def test_places_are_those_of_the_location_and_words_have_none() -> None:
    """They are told where a sequential detector asks for them, else nobody needs them."""
    summary = window(96, shift=0.3)
    assert scores_of().places(summary) == [None] * len(COLUMNS)
    places = scores_of(replace(RULES, extra=(ExtraRule("cusum", {}),))).places(summary)
    assert [place is None for place in places] == [False, False, True, True]
    for i, place in enumerate(places):
        if place is not None:
            alone = Location(
                cells(LAYOUT, [i], [reference().total]),
                cells(LAYOUT, [i], own()),
                np.full(LEARNED, True),
            )
            now = cells(LAYOUT, [i], [summary])
            assert (place.location, place.z) == (alone.signal(now)[0], alone.z(now)[0])


def test_several_columns_of_a_summary_are_each_of_them_padded() -> None:
    """With the exact sums of those that have edges."""
    stack: Sequence[Summary] = [*own()[:2], window(95, shift=2.0)]
    order = [2, 1, 0]
    together = cells(LAYOUT, order, stack)
    assert together.shape == (3, 3, max(COLUMNS[i].bins for i in order))
    assert together.grid.tolist() == [not COLUMNS[i].discrete for i in order]
    for c, i in enumerate(order):
        alone = cells(LAYOUT, [i], stack)
        assert together.column(c).bins.tolist() == alone.bins.tolist()
        assert (together.lo[c].tolist(), together.hi[c].tolist()) == (
            alone.lo[0].tolist(),
            alone.hi[0].tolist(),
        )
        tail = LAYOUT.tail_of(i)
        for at, name in enumerate(("missing", "invalid", "sums", "squares")):
            if at < 2 or not COLUMNS[i].discrete:
                expected = [int(summary.counts[tail + at]) for summary in stack]
                assert getattr(together, name)[c].tolist() == expected
    assert cells(LAYOUT, order, []).shape[1] == 0
