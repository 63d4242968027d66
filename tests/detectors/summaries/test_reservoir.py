"""A reservoir keeps each row as likely as any other, and the same rows whoever brings them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.summaries.column import INVALID
from detectors.summaries.reservoir import Reservoir


def filled(keys: list[int], rows_max: int = 10) -> Reservoir:
    sample = Reservoir(rows_max)
    sample.update_many([b"%d" % key for key in keys], [{"key": key} for key in keys])
    return sample


def kept(sample: Reservoir) -> set[int]:
    return {row["key"] for row in sample.rows()}


def test_every_row_is_as_likely_to_stay_whenever_it_came() -> None:
    """Over 2,000 streams of 50 rows, 10 of which stay: each place about 400 times, by chi-square."""
    times = np.zeros(50)
    for stream in range(2_000):
        for key in kept(filled([100 * stream + i for i in range(50)])):
            times[key % 100] += 1
    expected = 2_000 * 10 / 50
    statistic = float(((times - expected) ** 2 / (expected * 0.8)).sum())
    assert statistic < 100  # 49 degrees of freedom: more than 85 once in a thousand


def test_the_sampled_mean_is_that_of_the_stream_however_it_trends() -> None:
    """A first-come sample of a rising stream would say 100 where the truth is 1,000."""
    sample = filled(list(range(2_000)), 200)
    assert abs(np.mean(sample.columns()["key"]) - 1_000) < 3 * 577 / np.sqrt(200)


def test_fewer_rows_than_the_bound_all_stay() -> None:
    sample = filled(list(range(7)))
    assert (kept(sample), len(sample), sample.dropped) == (set(range(7)), 7, 0)


@given(keys=st.lists(st.integers(0, 10**6), unique=True, max_size=60), lower=st.integers(1, 12))
@settings(max_examples=60)
def test_a_lower_bound_keeps_a_subset_whenever_it_is_set(keys: list[int], lower: int) -> None:
    late, early = filled(keys, 12), filled(keys, lower)
    late.rows_max = lower
    assert kept(late) == kept(early) <= kept(filled(keys, 12))
    mixed = filled(keys[::2], 12)
    mixed.merge(filled(keys[1::2], lower))
    assert (kept(mixed), mixed.seen) == (kept(early), len(keys))


def test_a_bound_that_is_raised_favours_nobody() -> None:
    """What was let go is gone, so later rows have to pass the old bar: below the largest lot none is missing."""
    sample = filled(list(range(100)), 5)
    sample.rows_max = 500
    sample.update_many(
        [b"%d" % key for key in range(100, 1_000)], [{"key": k} for k in range(100, 1_000)]
    )
    assert 5 < len(sample) < 500
    everything = filled(list(range(1_000)), 1_000)
    assert sample.lots() == everything.lots()[: len(sample)]
    sample.merge(filled(list(range(1_000, 1_040)), 500))
    everything = filled(list(range(1_040)), 2_000)
    assert sample.lots() == everything.lots()[: len(sample)]


def test_rows_of_equal_keys_are_rows_all_the_same() -> None:
    sample = Reservoir(3)
    sample.update_many([b"k"] * 5, [{"x": 1.0}] * 5)
    assert (len(sample), sample.seen) == (3, 5)


def test_a_row_that_lacks_a_value_has_none() -> None:
    sample = Reservoir()
    sample.update_many([b"a", b"b"], [{"x": 1, "y": None}, {"z": "t"}])
    columns = sample.columns()
    assert list(columns) == ["x", "y", "z"]
    assert sorted(map(repr, columns["x"])) == ["1", "None"]
    assert columns["y"] == [None, None]


def test_a_row_given_may_be_changed_afterwards() -> None:
    row: dict[str, object] = {"x": 1}
    sample = Reservoir()
    sample.add(b"k", row)
    row["x"] = 2
    assert sample.columns() == {"x": [1]}


def test_rows_too_long_and_bounds_of_nothing_are_refused() -> None:
    sample = Reservoir(2, row_bytes_max=40)
    with pytest.raises(ValueError, match="longer than 40"):
        sample.add(b"k", {"text": "ä" * 20})
    assert sample.seen == 0
    with pytest.raises(ValueError, match="positive"):
        Reservoir(0)
    with pytest.raises(ValueError, match="positive"):
        Reservoir(1, 0)


def test_what_cannot_have_been_a_reservoir_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1"):
        Reservoir.restored([{}, {}], [b"a", b"b"], 5, 1)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        Reservoir.restored([{}], [], 1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": 10**30},
        {"x": -(2**63) - 1},
        {"x": "\ud800"},
        {"\ud800": 1},
        {"x": [1, 2]},
        {"x": {"y": 1}},
        {"x": (1,)},
        {"x": b"1"},
        {"x": np.zeros(2)},
        {1: "x"},
    ],
)
def test_a_row_that_could_not_be_written_down_is_refused_when_it_comes(
    wrong: dict[str, object],
) -> None:
    sample = filled([1, 2])
    before = sample.to_bytes()
    with pytest.raises(ValueError):  # noqa: PT011 - which value it is and why is said in many words
        sample.add(b"k", wrong)
    assert sample.to_bytes() == before


def test_every_value_a_row_may_have_is_written_down_and_read_back() -> None:
    row = {"a": None, "b": True, "c": 2**63 - 1, "d": 0.5, "e": "ä", "f": INVALID, "g": np.int64(7)}
    sample = Reservoir()
    sample.add(b"k", row)
    assert list(Reservoir.from_bytes(sample.to_bytes()).rows()) == [row]
