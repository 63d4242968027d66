"""A judge asks every comparison of all its columns at once, and tells what each would be told alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from detectors import COMPARISONS, Location, Verdict
from detectors.comparisons.counting import cells
from detectors.summaries.column import Column, learn_column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.evaluate import judge as judging
from stream.evaluate.judge import LEVEL_SHARE, TESTS_A_COLUMN, WEEK_MS, Judge, Rules, enabled
from stream.reference.reference import ALWAYS, History, Reference, WindowSize
from stream.words import Kind, Series
from tests.events import HOUR

SHARE = 0.01
RULES = Rules(30, 10, {"psi": 0.05}, {"missing": 0.4}, frozenset())
RNG = np.random.default_rng(0)
WINDOWS = 14


def learned(name: str, values: Sequence[object]) -> Column:
    column = learn_column(name, values, 20, 50)
    assert column is not None
    return column


COLUMNS = (
    learned("few", [0.0, 1.0] * 9),
    learned("x", RNG.normal(size=900).tolist()),
    learned("word", [f"w{i % 40}" for i in range(900)]),
    learned("y", RNG.exponential(size=300).round(1).tolist()),
    learned("constant", [7.0] * 9),
)
LAYOUT = Layout(COLUMNS)


def window(seed: int, n: int = 400, shift: float = 0.0) -> Summary:
    rng = np.random.default_rng(seed)
    x: list[float | None] = (rng.normal(size=n) + shift).tolist()
    return Summary.of(LAYOUT, {
        "few": rng.integers(0, 2, n).astype(float).tolist(),
        "x": [None if i % 50 == 0 else value for i, value in enumerate(x)],
        "word": [f"w{i}" for i in rng.integers(0, 40 + int(shift * 9), n).tolist()],
        "y": (rng.exponential(size=n) * (1 + shift)).tolist(),
        "constant": [7.0] * n,
    })  # fmt: skip


OWN = [window(seed) for seed in range(WINDOWS)]
TOTAL = Summary.empty(LAYOUT)
for one in OWN:
    TOTAL.merge(one)
REFERENCE = Reference(
    Series("m", "1", ()), Kind.FEATURES, 1, "test", ALWAYS, 60_000, (WindowSize(HOUR, HOUR),), 0, 1, COLUMNS, TOTAL,
    (History(np.arange(WINDOWS), tuple(OWN)),),
)  # fmt: skip


def judge_of(rules: Rules = RULES) -> Judge:
    return Judge(REFERENCE, 0, [], rules, HOUR, SHARE)


def told(judge: Judge, summary: Summary) -> list[tuple[str | None, Verdict]]:
    return [(finding.column, finding.verdict) for finding in judge.columns(summary)]


EVERYTHING = replace(RULES, on=frozenset(kind.name for kind in COMPARISONS))


@pytest.mark.parametrize("rules", [RULES, EVERYTHING], ids=["by default", "all that there are"])
def test_findings_are_those_of_each_comparison_about_each_column_alone_in_order(
    rules: Rules,
) -> None:
    judge = judge_of(rules)
    for summary in (window(99), window(98, shift=1.0), Summary.empty(LAYOUT)):
        expected = []
        for i, column in enumerate(COLUMNS):
            reference, history, now = (
                cells(LAYOUT, [i], stack) for stack in ([TOTAL], OWN, [summary])
            )
            for kind in enabled(rules):
                if kind.applies(reference)[0]:
                    floor, fixed = rules.floors.get(kind.name), rules.fixed.get(kind.name)
                    alone = kind(reference, history, np.full(WINDOWS, True), floor, fixed)
                    expected.append((column.name, alone.judge(now, judge.alpha)[0]))
        assert told(judge, summary) == expected
    moved = {(c, v.detector) for c, v in told(judge, window(98, shift=1.0)) if v.alarm}
    assert {("x", "psi"), ("word", "unseen"), ("y", "chi_square")} <= moved


@pytest.mark.parametrize("limit", ["PADDING_MAX", "CELLS_MAX"])
def test_batches_bound_padding_and_memory_and_change_no_finding(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, summary = judge_of(), window(97, shift=0.5)
    monkeypatch.setattr(judging, limit, 30 if limit == "PADDING_MAX" else 1)
    parts = judge_of()
    assert len(whole._batches) == 1
    assert len(parts._batches) > 1
    assert sorted(i for batch in parts._batches for i in batch.columns) == [0, 1, 2, 3, 4]
    if limit == "PADDING_MAX":
        for batch in parts._batches:
            widths = [COLUMNS[i].bins for i in batch.columns]
            assert sum(max(widths) - width for width in widths) <= 30
    assert told(parts, summary) == told(whole, summary)
    assert parts.places(summary) == whole.places(summary)


def test_places_are_those_of_the_location_and_words_have_none() -> None:
    judge, summary = judge_of(), window(96, shift=0.3)
    places = judge.places(summary)
    assert [place is None for place in places] == [False, False, True, False, True]
    for i, place in enumerate(places):
        if place is not None:
            alone = Location(
                cells(LAYOUT, [i], [TOTAL]), cells(LAYOUT, [i], OWN), np.full(WINDOWS, True)
            )
            now = cells(LAYOUT, [i], [summary])
            assert (place.location, place.z) == (alone.signal(now)[0], alone.z(now)[0])
            assert judge.allowance(i) == 0.25 + 2 / np.sqrt(WINDOWS)
        else:
            assert judge.allowance(i) is None


def test_the_budget_is_split_over_the_usual_comparisons_or_over_more_that_are_asked_for() -> None:
    share = LEVEL_SHARE * (SHARE * HOUR / WEEK_MS)
    assert judge_of().alpha == share / TESTS_A_COLUMN
    assert judge_of(replace(RULES, off=frozenset({"psi"}))).alpha == share / TESTS_A_COLUMN
    assert judge_of(EVERYTHING).alpha == share / len(COMPARISONS)


def test_several_columns_of_a_summary_are_each_of_them_padded() -> None:
    """With the exact sums of those that have edges."""
    stack = [*OWN[:2], window(95, shift=2.0)]
    order = [3, 2, 1, 0]
    together = cells(LAYOUT, order, stack)
    assert together.shape == (4, 3, max(COLUMNS[i].bins for i in order))
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
                own = [int(summary.counts[tail + at]) for summary in stack]
                assert getattr(together, name)[c].tolist() == own
    assert cells(LAYOUT, order, []).shape[1] == 0
