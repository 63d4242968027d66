"""How a column is binned follows from its values alone, in whatever order they come."""

import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from math import inf, isfinite

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detectors.summaries.column import INVALID, Column, as_float, conform, learn_column
from detectors.summaries.layout import Layout

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.lists(
    FLOATS | st.integers(-5, 5) | st.sampled_from([0.5, 1.5, -0.0, 5e-324, 1e-310, 1.7e308, -1.7e308, 1e16, 1e16 + 2]),
    min_size=1, max_size=40,
)  # fmt: skip


MAX = sys.float_info.max


@given(values=NUMBERS, bins=st.integers(2, 8), seed=st.randoms(use_true_random=False))
@settings(max_examples=150)
@example([5e-324, 0.0, 0.5e-323], 2, None)
@example([1.7e308, -1.7e308, 0.5], 3, None)
@example([1e16, 1e16 + 2, 1e16 + 4], 2, None)
@example([0.0, -0.0, 0.5, 1.5], 2, None)
def test_numbers_are_binned_at_their_quantiles(
    values: list[float], bins: int, seed: object
) -> None:
    """The twin: whole and few, or one alone, by value; else the values at ranks i n / bins, and two outer edges."""
    column = learn_column("x", values, bins, 5)
    assert column is not None
    shuffled = sorted(values, key=repr)
    assert repr(learn_column("x", shuffled, bins, 5)) == repr(column)
    ordered = sorted(map(float, values))
    distinct = sorted(set(ordered))
    if len(distinct) == 1 or (all(v == int(v) for v in distinct) and len(distinct) <= bins):
        assert column.values == tuple(distinct)
        assert column.discrete
        return
    inner = {ordered[len(ordered) * i // bins] for i in range(1, bins)} - {ordered[0]}
    assert column.edges[1:-1] == tuple(sorted(inner - {MAX}))
    assert column.edges[0] <= ordered[0]
    assert ordered[-1] < column.edges[-1] or ordered[-1] == MAX
    assert list(column.edges) == sorted(set(column.edges))
    assert all(map(isfinite, column.edges))
    assert isfinite(column.mid)
    assert 0 < Layout([column]).per_step[0] < inf


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=30, max_size=60), bins=st.integers(2, 6))
@settings(max_examples=60)
def test_no_value_of_the_reference_lies_in_an_outer_bin(values: list[float], bins: int) -> None:
    """And without ties each inner bin holds its share, give or take one."""
    column = learn_column("x", values, bins, 5)
    assert column is not None
    if column.discrete:
        return
    held = Counter(bisect_right(column.edges, v) for v in values)
    assert 0 not in held
    assert column.bins - 1 not in held
    if len(set(values)) == len(values):
        shares = [held[i] for i in range(1, column.bins - 1)]
        assert max(shares) - min(shares) <= 1


TEXTS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40)


@given(values=TEXTS, most=st.integers(1, 6))
def test_the_commonest_categories_are_kept_by_name_and_ties_go_by_name(
    values: list[str], most: int
) -> None:
    column = learn_column("x", values, 10, most)
    times = Counter(values)
    ranked = sorted(times, key=lambda v: (-times[v], v))[:most]
    assert column == Column("x", "string", values=tuple(sorted(ranked)))
    assert column.bins == len(ranked) + 1
    assert column.bin_name(len(ranked)) == "other"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, "a", "b", None], "string"),
        ([1, "a"], "number"),
        ([True, False, "a"], "boolean"),
        ([True, "a"], "string"),
        ([True, 1], "number"),
        ([1, 2, True, False, True], "boolean"),
        ([[], {}, (), None, 2], "number"),
    ],
)
def test_the_commonest_type_decides_and_booleans_are_no_numbers(
    values: list[object], kind: str
) -> None:
    column = learn_column("x", values, 10, 5)
    assert column is not None
    assert column.type == kind


@pytest.mark.parametrize("values", [[], [None], [INVALID, None], [inf], [-inf, inf]])
def test_a_column_that_never_held_a_value_is_none(values: list[object]) -> None:
    assert learn_column("x", values, 10, 5) is None


def test_booleans_are_binned_by_value() -> None:
    assert learn_column("x", [True, False, True], 10, 5) == Column(
        "x", "boolean", values=(False, True)
    )


def test_a_value_is_of_its_columns_type_or_invalid() -> None:
    values: Sequence[object] = [None, 1, 2.5, "a", True, [1], {}, 10**400, inf, float("nan")]
    told = {kind: [conform(kind, v) for v in values] for kind in ("number", "string", "boolean")}
    bad = INVALID
    assert told == {
        "number": [None, 1.0, 2.5, bad, bad, bad, bad, bad, bad, bad],
        "string": [None, bad, bad, "a", bad, bad, bad, bad, bad, bad],
        "boolean": [None, bad, bad, bad, True, bad, bad, bad, bad, bad],
    }
    assert as_float(2**64) == 2.0**64


def test_bins_are_named_as_people_would() -> None:
    column = Column("x", "number", (-1.0, 0.5, 3.0))
    assert [column.bin_name(i) for i in range(column.bins)] == [
        "far below, under -1",
        "below 0.5",
        "0.5 and above",
        "far above, from 3",
    ]
    assert Column("x", "boolean", values=(False, True)).bin_name(1) == "true"
    assert Column("x", "number", values=(1.0, 2.0)).bin_name(0) == "1"
