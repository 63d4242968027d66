"""The law-book of summaries: whatever is registered can be cut, merged, written down and read back."""

import random
from collections import Counter
from collections.abc import Callable
from functools import reduce
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import detectors.summaries as room
from detectors.binary_form import pack, unpack
from detectors.summaries import (
    SUMMARIES,
    DistinctCount,
    HeavyHitters,
    Mergeable,
    Quantiles,
    Registered,
)
from detectors.summaries.registry import EXAMPLE
from detectors.summaries.value_text import value_text

Values = NDArray[np.float64]
EACH = pytest.mark.parametrize("of", SUMMARIES, ids=lambda of: of.name)
RANDOMS = st.randoms(use_true_random=False)
CUTS = st.lists(st.integers(0, 900), max_size=5)


def drawn(seed: int, n: int, kind: str) -> Values:
    rng = np.random.default_rng(seed)
    if kind == "few":
        return rng.integers(-3, 8, n).astype(np.float64)
    if kind == "skewed":
        return np.minimum(rng.zipf(1.3, n), 10**6).astype(np.float64)
    return rng.normal(scale=20.0, size=n)


STREAMS = st.builds(
    drawn,
    st.integers(0, 2**20),
    st.integers(0, 900),
    st.sampled_from(["few", "skewed", "all distinct"]),
) | st.lists(
    st.sampled_from([0.0, -0.0, 5e-324, 1e308, -1e308, 0.1]) | st.floats(-1e3, 1e3), max_size=30
).map(lambda values: np.array(values, dtype=np.float64))


def fed(of: Registered, *chunks: Values) -> Any:
    made = of.empty()
    for chunk in chunks:
        of.feed(made, chunk)
    return made


def merged(of: Registered, parts: list[Any]) -> Any:
    total = of.empty()
    for part in parts:
        total.merge(part)
    return total


def paired(left: Any, right: Any) -> Any:
    left.merge(right)
    return left


def cut(values: Values, cuts: list[int]) -> list[Values]:
    bounds = [0, *sorted(min(c, len(values)) for c in cuts), len(values)]
    return [values[a:b] for a, b in pairwise(bounds)]


# -- what each must answer, by another way of counting -------------------------------------------


def _summary(made: Any, values: Values) -> None:
    number, kinds = EXAMPLE.columns
    bins = np.bincount(np.searchsorted(number.edges, values, "right"), minlength=number.bins)
    assert made.counts[EXAMPLE.bins_of(0)].tolist() == bins.tolist()
    named = Counter(str(int(v)) for v in values % 50)
    new = Counter({name: n for name, n in named.items() if name not in kinds.values})
    assert made.counts[EXAMPLE.bins_of(1)].tolist()[-1] == new.total()
    assert made.n == len(values)
    if len(values):
        assert made.extremes.tolist() == [[values.min(), values.max()]]
    told = made.unseen[1].common(100) if new else []
    assert len(told) >= min(32, len(new))
    assert all(new[name] == n for name, n in told) or not made.unseen[1].exact


def _reservoir(made: Any, values: Values) -> None:
    lots = sorted((blake2b(v.tobytes(), digest_size=16).digest(), v) for v in values)[:50]
    assert [row["x"] for row in made.rows()] == [v for _, v in lots]
    assert (made.seen, made.dropped) == (len(values), max(0, len(values) - 50))


def _unseen_values(made: Any, values: Values) -> None:
    times = Counter(map(value_text, values.tolist()))
    assert made.seen == len(values)
    assert made.exact == (len(times) <= made.k)
    told = dict(made.common(made.k))
    if made.exact:
        assert told == times
        assert made.distinct == len(times)
    else:
        assert 0.3 < made.distinct / len(times) < 3
        held = made.state()
        assert (
            dict(zip(held["texts"], held["counts"].tolist(), strict=True)).items() <= times.items()
        )


def _distinct_count(made: Any, values: Values) -> None:
    distinct = len(set(values.tolist()))
    assert abs(made.estimate - distinct) <= 0.06 * distinct + 2  # two that share a register are one
    low, high = made.bounds(3)
    assert low <= made.estimate <= high


def _heavy_hitters(made: Any, values: Values) -> None:
    times = Counter(values.tolist())
    for value, n in times.items():
        low, high = made.bounds(value)
        assert low <= n <= high
        assert high - low <= made.error_max
    frequent = [value_text(v) for v, n in times.items() if n > made.error_max]
    assert set(frequent) <= {text for text, _ in made.common(10**6)}
    assert made.seen == len(values)


def _quantiles(made: Any, values: Values) -> None:
    """Three times the stated error, as the sketch's coins cannot be seeded and 99 in 100 is not always."""
    assert made.n == len(values)
    for x in values[:: max(1, len(values) // 10)]:
        assert abs(made.rank(x) - (values <= x).mean()) <= 3 * made.rank_error + 1e-12


RIGHT: dict[str, Callable[[Any, Values], None]] = {
    "summary": _summary,
    "reservoir": _reservoir,
    "unseen_values": _unseen_values,
    "distinct_count": _distinct_count,
    "heavy_hitters": _heavy_hitters,
    "quantiles": _quantiles,
}


# -- the laws -----------------------------------------------------------------------------------


def test_whatever_can_be_merged_is_registered_and_has_its_truth() -> None:
    classes = {c for c in vars(room).values() if isinstance(c, type) and hasattr(c, "bytes_max")}
    assert {type(of.empty()) for of in SUMMARIES} == classes - {Mergeable}
    assert [of.name for of in SUMMARIES] == list(RIGHT)
    assert all(isinstance(of.empty(), Mergeable) for of in SUMMARIES)


@EACH
@given(values=STREAMS, cuts=CUTS, seed=RANDOMS)
@settings(max_examples=50)
def test_however_it_is_cut_and_merged_the_answer_is_right(
    of: Registered, values: Values, cuts: list[int], seed: random.Random
) -> None:
    """All at once, chunk by chunk, in parts merged in any order and grouping; to the byte where that is promised."""
    chunks = cut(values, cuts)
    at_once, chunked = fed(of, values), fed(of, *chunks)
    in_order = merged(of, [fed(of, chunk) for chunk in chunks])
    seed.shuffle(chunks)
    shuffled = merged(of, [fed(of, chunk) for chunk in chunks])
    grouped = reduce(lambda right, left: paired(left, right), [fed(of, chunk) for chunk in chunks])
    ways = [at_once, chunked, in_order, shuffled, grouped, fed(of, *chunks)]
    for way in ways:
        RIGHT[of.name](way, values)
    if of.exact:
        assert {way.to_bytes() for way in ways} == {at_once.to_bytes()}


@EACH
@given(values=STREAMS, at=st.integers(0, 900))
@settings(max_examples=30)
def test_neither_values_nor_the_other_one_are_modified(
    of: Registered, values: Values, at: int
) -> None:
    before = values.tobytes()
    left, right = fed(of, values[:at]), fed(of, values[at:])
    bytes_before = right.to_bytes()
    left.merge(right)
    of.feed(left, values)
    assert values.tobytes() == before
    assert right.to_bytes() == bytes_before
    RIGHT[of.name](right, values[at:])


@EACH
@given(values=STREAMS, more=STREAMS)
@settings(max_examples=30)
def test_what_was_written_down_goes_on_as_if_it_never_had_been(
    of: Registered, values: Values, more: Values
) -> None:
    made = fed(of, values)
    data = made.to_bytes()
    again = type(made).from_bytes(data)
    RIGHT[of.name](again, values)
    for one in (made, again):
        of.feed(one, more)
        RIGHT[of.name](one, np.concatenate([values, more]))
    if of.exact:
        assert type(made).from_bytes(data).to_bytes() == data
        assert again.to_bytes() == made.to_bytes()


@EACH
def test_bytes_that_are_cut_short_or_damaged_are_refused(of: Registered) -> None:
    made = fed(of, drawn(1, 400, "skewed"))
    data = made.to_bytes()
    for size in [*range(0, len(data), 97), len(data) - 1]:
        with pytest.raises(ValueError, match="bytes"):
            type(made).from_bytes(data[:size])
    for at in range(0, len(data), 41):
        flipped = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
        with pytest.raises(ValueError, match="bytes"):
            type(made).from_bytes(flipped)


@EACH
def test_bytes_of_another_kind_are_refused(of: Registered) -> None:
    others = [other for other in SUMMARIES if other is not of]
    for other in others:
        with pytest.raises(ValueError, match=f"bytes of a {other.name}"):
            type(of.empty()).from_bytes(other.empty().to_bytes())


@EACH
def test_its_size_is_bounded_by_what_it_says_beforehand(of: Registered) -> None:
    """Mostly distinct values, merged in parts: the worst case of everything that names values."""
    bound = of.empty().bytes_max
    made = of.empty()
    for seed in range(10):
        of.feed(made, drawn(seed, 4_000, "all distinct"))
        made.merge(fed(of, drawn(100 + seed, 2_000, "all distinct")))
        assert len(made.to_bytes()) <= made.bytes_max == bound


@EACH
def test_two_runs_give_the_same_bytes_where_that_is_promised(of: Registered) -> None:
    values = drawn(5, 5_000, "skewed")
    if of.name != "quantiles":  # which tosses coins beyond k numbers
        assert fed(of, values).to_bytes() == fed(of, values).to_bytes()
    assert fed(of, values[:150]).to_bytes() == fed(of, values[:150]).to_bytes()


@EACH
def test_merging_with_an_empty_one_changes_nothing(of: Registered) -> None:
    made = fed(of, drawn(3, 100, "few"))
    before = made.to_bytes()
    made.merge(of.empty())
    assert made.to_bytes() == before
    empty = of.empty()
    empty.merge(made)
    RIGHT[of.name](empty, drawn(3, 100, "few"))


@EACH
@pytest.mark.parametrize(
    "wrong", [None, "x", b"x", -1, 2.5, 2**62, float("nan"), [1], {"x": [1]}, np.zeros(3)]
)
def test_a_state_with_a_part_of_another_type_is_refused_or_read_but_never_breaks(
    of: Registered, wrong: object
) -> None:
    """Sealed with a right checksum; and parts that are lacking."""
    made = fed(of, drawn(1, 400, "skewed"))
    kind, versions = of.name, range(1, 2)
    fields = unpack(made.to_bytes(), kind, versions)
    for name in fields:
        without = {other: value for other, value in fields.items() if other != name}
        with pytest.raises(ValueError):  # noqa: PT011 - whichever part is wrong says so in its own words
            type(made).from_bytes(pack(kind, 1, without))
        try:
            type(made).from_bytes(pack(kind, 1, without | {name: wrong}))
        except ValueError as error:
            assert str(error)  # noqa: PT017


def test_a_sketch_of_another_size_than_the_state_says_is_refused() -> None:
    for small, large in (
        (DistinctCount(8), DistinctCount(9)),
        (HeavyHitters(5), HeavyHitters(6)),
        (Quantiles(100), Quantiles(101)),
    ):
        for one, other in ((small, large), (large, small)):
            kind = type(one)
            name = next(of.name for of in SUMMARIES if type(of.empty()) is kind)
            fields = unpack(one.to_bytes(), name, range(1, 2))
            fields["sketch"] = unpack(other.to_bytes(), name, range(1, 2))["sketch"]
            with pytest.raises(ValueError, match="size"):
                kind.from_bytes(pack(name, 1, fields))
