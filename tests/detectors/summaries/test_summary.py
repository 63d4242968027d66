"""A summary is what its events make it, whatever their order and their grouping."""

import random
from bisect import bisect_right
from collections import Counter
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.comparisons.counting import cells
from detectors.summaries.column import Column, learn_column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary, mean_of
from stream.reference.binning import bin_raw_columns
from stream.summaries.raw_values import Raw
from stream.summaries.rows import hash_texts, said
from stream.words import Kind

COLUMNS = (
    Column("edges", "number", (-10.0, 0.0, 1.0, 10.0), (), 0.0, 0.01),
    Column("few", "number", values=(0.0, 1.0, 5.0)),
    Column("kind", "string", values=("app", "web")),
    Column("on", "boolean", values=(True,)),
)
LAYOUT = Layout(COLUMNS)
ANY = st.one_of(
    st.none(), st.booleans(), st.integers(-20, 20), st.floats(-20, 20), st.sampled_from([-0.0, 0.0, 1e308, -1e308]),
    st.sampled_from(["web", "app", "new", ""]), st.just([1]),
)  # fmt: skip
ROWS = st.lists(
    st.dictionaries(st.sampled_from([c.name for c in COLUMNS]), ANY, max_size=4), max_size=25
)


def summary_of(rows: list[dict[str, object]]) -> Summary:
    raw = Raw()
    for row in rows:
        raw.add(row, rows_max=10**6)
    return bin_raw_columns(Kind.FEATURES, "m", COLUMNS, LAYOUT, raw)


def told(summary: Summary) -> tuple[bytes, bytes]:
    return summary.counts.tobytes(), summary.extremes.tobytes()


def merged(parts: list[Summary]) -> Summary:
    total = Summary.empty(LAYOUT)
    for part in parts:
        total.merge(part)
    return total


@given(
    rows=ROWS, cuts=st.lists(st.integers(0, 25), max_size=4), seed=st.randoms(use_true_random=False)
)
@settings(max_examples=100)
def test_merging_is_exact_in_any_order_and_grouping(
    rows: list[dict[str, object]], cuts: list[int], seed: random.Random
) -> None:
    """Byte for byte, 0.0 and -0.0 included: all at once, in parts, the parts in any order, the pairs in any way."""
    whole = told(summary_of(rows))
    bounds = [0, *sorted(cuts), len(rows)]
    parts = [summary_of(rows[a:b]) for a, b in pairwise(bounds)]
    assert told(merged(parts)) == whole
    seed.shuffle(parts)
    assert told(reduce(lambda right, left: merged([left, right]), parts)) == whole
    mixed = [*rows]
    seed.shuffle(mixed)
    assert told(summary_of(mixed)) == whole


def test_the_two_zeros_are_one() -> None:
    """Which of them came first must not show, neither in a fold nor in a merge nor in what is learned."""
    plus: list[dict[str, object]] = [{"edges": 0.0}]
    minus: list[dict[str, object]] = [{"edges": -0.0}]
    orders = [plus + minus, minus + plus]
    assert len({told(summary_of(rows)) for rows in orders}) == 1
    assert len({told(merged([summary_of([row]) for row in rows])) for rows in orders}) == 1
    learned = [learn_column("x", [row["edges"] for row in rows], 4, 4) for rows in orders]
    assert repr(learned[0]) == repr(learned[1])


@given(rows=ROWS)
@settings(max_examples=100)
def test_every_event_is_counted_once_in_every_column(rows: list[dict[str, object]]) -> None:
    """The twin counts by hand: bins, other, missing, invalid."""
    summary = summary_of(rows)
    assert summary.n == len(rows)
    for i, column in enumerate(COLUMNS):
        expected = np.zeros(column.bins + 2, dtype=np.int64)
        for row in rows:
            expected[slot(column, row.get(column.name))] += 1
        first = LAYOUT.slot_at[i]
        assert summary.counts[first : first + column.bins + 2].tolist() == expected.tolist()


def slot(column: Column, value: object) -> int:
    if value is None:
        return column.bins
    of_type = {"number": (int, float), "string": (str,), "boolean": (bool,)}[column.type]
    if not isinstance(value, of_type) or (isinstance(value, bool) and column.type != "boolean"):
        return column.bins + 1
    if not column.discrete:
        assert isinstance(value, int | float)
        return bisect_right(column.edges, value)
    return column.values.index(value) if value in column.values else column.bins - 1


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80),
    more=st.lists(st.floats(-1e6, 1e6), min_size=1),
)
@settings(max_examples=100)
def test_the_mean_is_within_half_a_step_of_the_exact_one(
    values: list[float], more: list[float]
) -> None:
    """As long as nothing lies beyond four times the reference's range, where the grid clips."""
    column = learn_column("x", values, 8, 5)
    assert column is not None
    layout = Layout([column])
    known = more if not column.discrete else values
    raw = Raw()
    for value in known:
        raw.add({"x": value}, rows_max=10**6)
    summary = bin_raw_columns(Kind.FEATURES, "m", [column], layout, raw)
    mean = mean_of(layout, 0, summary)
    assert mean is not None
    if column.discrete:
        assert mean == pytest.approx(np.mean(known))
        return
    reach = 32_767 * column.step
    clipped = np.clip(known, column.mid - reach, column.mid + reach)
    assert abs(mean - float(np.mean(clipped))) <= column.step * (0.5 + 1e-6) + 1e-9
    assert summary.extremes.tolist() == [[min(known), max(known)]]


def test_columns_without_numbers_have_no_mean() -> None:
    summary = summary_of([{"kind": "web", "on": True}, {"edges": "x"}])
    assert [mean_of(LAYOUT, i, summary) for i in range(4)] == [None] * 4


def test_detectors_see_the_same_counts() -> None:
    rows: list[dict[str, object]] = [
        {"edges": 0.5, "kind": "web"},
        {"edges": 99, "kind": "new"},
        {"edges": "?"},
    ]
    view = cells(LAYOUT, [0], [summary_of(rows), Summary.empty(LAYOUT)])
    assert view.bins.tolist() == [[[0, 0, 1, 0, 1], [0] * 5]]
    assert (view.missing.tolist(), view.invalid.tolist()) == ([[0, 0]], [[1, 0]])
    assert (view.lo.tolist(), view.hi.tolist()) == ([[0.5, np.inf]], [[99.0, -np.inf]])
    kinds = cells(LAYOUT, [2], [summary_of(rows)])
    assert (kinds.bins.tolist(), kinds.missing.tolist()) == ([[[0, 1, 1]]], [[1]])
    assert kinds.discrete.tolist() == [True]
    assert len(cells(LAYOUT, [0], [])) == 0


@given(rows=ROWS)
@settings(max_examples=60)
def test_raw_columns_give_the_summary_of_their_rows(rows: list[dict[str, object]]) -> None:
    """`Summary.of` needs no schema and no table, and counts what the pipeline counts."""
    columns = {c.name: [row.get(c.name) for row in rows] for c in COLUMNS}
    of = Summary.of(LAYOUT, columns)
    assert told(of) == told(summary_of(rows))
    known = {None, *COLUMNS[2].values}
    new = Counter(v for v in columns["kind"] if isinstance(v, str) and v not in known)
    assert ({} if not new else dict(of.unseen[2].common(99))) == new


def test_arrays_of_numbers_and_of_texts_are_columns_too() -> None:
    columns = {"edges": np.array([0.5, np.nan, np.inf]), "few": np.array([1, 5, 7])}
    made = Summary.of(LAYOUT, columns | {"kind": np.array(["web", "new", "app"])})
    rows: list[dict[str, object]] = [
        {"edges": 0.5, "few": 1, "kind": "web"},
        {"few": 5, "kind": "new"},
        {"edges": float("inf"), "few": 7, "kind": "app"},
    ]
    assert told(made) == told(summary_of(rows))
    assert {i: unseen.common() for i, unseen in made.unseen.items()} == {
        1: [("7", 1)],
        2: [("new", 1)],
    }
    assert Summary.of(LAYOUT, {}).n == 0


def test_columns_of_unequal_length_and_summaries_of_two_layouts_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Summary.of(LAYOUT, {"edges": [1.0], "few": []})
    with pytest.raises(ValueError, match="two layouts"):
        Summary.empty(LAYOUT).merge(Summary.empty(Layout(COLUMNS[:1])))


def test_a_copy_of_a_summary_goes_its_own_way_and_so_does_what_was_merged() -> None:
    summary, other = Summary.of(LAYOUT, {"kind": ["new"]}), Summary.empty(LAYOUT)
    other.merge(summary)
    for made in (summary.copy(), other):
        made.merge(Summary.of(LAYOUT, {"kind": ["new", "newer"]}))
        assert made.unseen[2].common() == [("new", 2), ("newer", 1)]
    assert summary.unseen[2].common() == [("new", 1)]


def test_a_reference_is_made_of_counts_and_knows_no_unseen_values() -> None:
    assert summary_of([{"kind": "new"}]).unseen == {}


@given(texts=st.lists(st.text(max_size=8), max_size=20))
def test_a_text_has_its_hash_whatever_stands_beside_it(texts: list[str]) -> None:
    alone = [int(hash_texts([text])[0]) for text in texts]
    assert hash_texts(texts).tolist() == alone
    assert len(set(alone)) == len(set(texts))


def test_what_is_said_is_a_number_or_a_text_or_nothing() -> None:
    values = said([1, 2.5, "a", "", None, True, [1], float("inf"), float("nan")])
    assert np.isnan(values.number).tolist() == [False, False, *[True] * 7]
    assert (values.text != 0).tolist() == [False, False, True, True, *[False] * 5]
