"""The sketches of DataSketches keep the promises that our docstrings make, and say so when they are not installed."""

import sys

import numpy as np
import pytest

from detectors.summaries import DistinctCount, HeavyHitters, Quantiles

SKETCHES = (DistinctCount, HeavyHitters, Quantiles)


@pytest.mark.parametrize("n", [100, 3_000])
def test_the_number_of_distinct_values_has_the_stated_error(n: int) -> None:
    """A standard error of 1.04/sqrt(2^lg_k) at most, and the truth within two of them 95 times in 100."""
    errors, inside = [], 0
    for seed in range(60):
        count = DistinctCount(lg_k=10)
        count.update_many([f"{seed}-{i}" for i in range(n)])
        errors.append(count.estimate / n - 1)
        low, high = count.bounds(2)
        inside += low <= n <= high
    assert np.std(errors) < 1.2 * 1.04 / 2**5
    assert abs(np.mean(errors)) < 3 * 1.04 / 2**5 / np.sqrt(60)
    assert inside >= 0.95 * 60


def test_a_frequent_value_is_found_among_any_number_of_rare_ones() -> None:
    rng = np.random.default_rng(1)
    hitters = HeavyHitters()
    for part in range(5):
        one = HeavyHitters()
        one.update_many([f"{part}-{x}" for x in rng.integers(0, 10**9, 4_000).tolist()])
        one.update_many(["frequent"] * 150)
        hitters.merge(one)
    share = 750 / hitters.seen
    assert share > 3.5 / 2**8
    assert hitters.common(1)[0][0] == "frequent"
    low, high = hitters.bounds("frequent")
    assert low <= 750 <= high
    assert hitters.bounds("never")[0] == 0


def test_ranks_are_within_the_stated_error_and_exact_while_numbers_are_few() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=20_000)
    misses = 0
    for part in range(20):
        quantiles = Quantiles()
        for chunk in np.array_split(values, part + 1):
            one = Quantiles()
            one.update_many(chunk)
            quantiles.merge(one)
        x = float(np.quantile(values, 0.05 * part))
        misses += abs(quantiles.rank(x) - (values <= x).mean()) > quantiles.rank_error
    assert misses <= 3  # promised is one in a hundred
    few = Quantiles()
    few.update_many(values[:200])
    assert few.rank_error == 0.0
    assert few.quantile(0.5) == sorted(values[:200])[99]


def test_beyond_its_size_the_quantile_sketch_is_no_function_of_its_numbers() -> None:
    """Why the pipeline's state has no use for it: twice the same stream, two states."""
    states = set()
    for _ in range(5):
        quantiles = Quantiles()
        quantiles.update_many(np.random.default_rng(3).normal(size=20_000))
        states.add(quantiles.to_bytes())
    assert len(states) > 1


def test_a_sketch_read_back_answers_as_before() -> None:
    """Although the table of frequent items is not written in the order in which it is read."""
    values = np.minimum(np.random.default_rng(4).zipf(1.3, 5_000), 10**6).astype(np.float64)
    hitters, quantiles = HeavyHitters(), Quantiles()
    hitters.update_many(values.tolist())
    quantiles.update_many(values)
    items, ranks = (
        HeavyHitters.from_bytes(hitters.to_bytes()),
        Quantiles.from_bytes(quantiles.to_bytes()),
    )
    assert items.common(10**6) == hitters.common(10**6)
    assert [items.bounds(v) for v in values] == [hitters.bounds(v) for v in values]
    assert [ranks.rank(v) for v in values] == [quantiles.rank(v) for v in values]


def test_numbers_that_are_none_are_refused_whole() -> None:
    quantiles = Quantiles()
    with pytest.raises(ValueError, match="no numbers"):
        quantiles.rank(0.0)
    with pytest.raises(ValueError, match="finite"):
        quantiles.update_many([1.0, np.nan])
    with pytest.raises(ValueError, match="finite"):
        quantiles.update_many([np.inf])
    assert quantiles.n == 0


def test_sketches_of_two_sizes_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="lg_k"):
        DistinctCount(10).merge(DistinctCount(11))
    with pytest.raises(ValueError, match="lg_size"):
        HeavyHitters(5).merge(HeavyHitters(6))
    with pytest.raises(ValueError, match="of k"):
        Quantiles(100).merge(Quantiles(101))


@pytest.mark.parametrize(
    ("kind", "size"),
    [(DistinctCount, 6), (DistinctCount, 22), (HeavyHitters, 2), (Quantiles, 7)],
)
def test_a_size_that_the_sketch_does_not_have_is_refused(kind: type, size: int) -> None:
    with pytest.raises(ValueError, match=f"not {size}"):
        kind(size)


@pytest.mark.parametrize("kind", SKETCHES)
def test_without_the_package_the_error_says_what_to_install(
    kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasketches", None)
    with pytest.raises(ImportError, match=r"pip install 'driftbus\[sketches\]'"):
        kind()
