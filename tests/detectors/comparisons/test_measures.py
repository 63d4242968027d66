"""What every measure of two sides' counts promises, whatever it measures."""

from typing import Protocol

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cramer_von_mises import cramer_von_mises
from detectors.comparisons.g import g_test
from detectors.comparisons.hellinger import hellinger
from detectors.comparisons.jensen_shannon import jensen_shannon
from detectors.comparisons.kullback_leibler import kullback_leibler
from detectors.comparisons.total_variation import total_variation
from detectors.comparisons.wasserstein import wasserstein
from tests.detectors.comparisons.streams import COUNT, normal_windows


class Measure(Protocol):
    __name__: str

    def __call__(
        self, window_bins: Counts, reference_bins: Counts, where: ArrayLike = ..., /
    ) -> tuple[Floats, Floats]: ...


MEASURES: tuple[Measure, ...] = (
    g_test,
    kullback_leibler,
    jensen_shannon,
    hellinger,
    total_variation,
    wasserstein,
    cramer_von_mises,
)
every_measure = pytest.mark.parametrize("measure", MEASURES, ids=lambda m: str(m.__name__))

PAIRS = st.integers(1, 8).flatmap(
    lambda b: st.tuples(*[st.lists(COUNT, min_size=b, max_size=b) for _ in range(2)])
)


@every_measure
@given(PAIRS)
def test_the_parts_are_finite_never_negative_and_sum_to_the_value(
    measure: Measure, pair: tuple[list[int], list[int]]
) -> None:
    value, parts = measure(np.array(pair[0]), np.array(pair[1]))
    assert np.isfinite(parts).all()
    assert (parts >= 0).all()
    assert float(parts.sum()) == pytest.approx(float(value), rel=1e-12, abs=1e-300)


@every_measure
def test_a_side_without_counts_and_a_single_bin_give_nothing(measure: Measure) -> None:
    empty, some = np.array([0, 0]), np.array([900, 1])
    for pair in ((empty, some), (some, empty), (empty, empty), (some[:1], some[:1] * 3)):
        value, parts = measure(*pair)
        assert float(value) == 0
        assert not parts.any()


@every_measure
def test_the_same_shares_are_no_distance(measure: Measure) -> None:
    counts = np.array([3_000, 50_000, 900, 7_000])
    assert float(measure(counts, 20 * counts)[0]) == pytest.approx(0, abs=1e-3)
    assert float(measure(counts, counts)[0]) == pytest.approx(0, abs=1e-3)


@every_measure
@given(PAIRS, st.integers(0, 3))
def test_padding_takes_no_part_and_changes_no_bit(
    measure: Measure, pair: tuple[list[int], list[int]], padding: int
) -> None:
    """Whatever stands in the padding; behind the bins, or before the last as missing have it."""
    bins = len(pair[0])
    for at in (bins, bins - 1):
        where: Flags = np.insert(np.full(bins, True), [at] * padding, False)
        window, reference = (np.insert(np.array(side), [at] * padding, 7) for side in pair)
        padded, parts = measure(window, reference, where)
        value, own = measure(np.array(pair[0]), np.array(pair[1]))
        assert float(padded) == float(value)
        assert np.array_equal(parts[where], own)
        assert not parts[~where].any()


@every_measure
def test_many_windows_and_columns_at_once_give_what_each_gives_alone(measure: Measure) -> None:
    windows = np.concatenate([normal_windows(seed, 5).bins.reshape(1, 5, -1) for seed in (0, 1)])
    references = windows.sum(axis=1, keepdims=True)
    values, parts = measure(windows, references)
    assert values.shape == (2, 5)
    assert parts.shape == windows.shape
    for c in range(2):
        for t in range(5):
            value, own = measure(windows[c, t], references[c, 0])
            assert float(values[c, t]) == float(value)
            assert np.array_equal(parts[c, t], own)


@every_measure
def test_the_further_a_column_moves_the_larger_the_value(measure: Measure) -> None:
    """From where it was into one outer bin, upwards or downwards."""
    reference = normal_windows(0, 1, events=100_000).bins.reshape(-1)
    for side in (-1, 1):
        values = [
            float(measure(normal_windows(1, 1, 20_000, shift=side * shift).bins.reshape(-1), reference)[0])
            for shift in (0.0, 0.25, 0.5, 1, 2, 4, 9)
        ]  # fmt: skip
        assert values == sorted(values)


@every_measure
def test_arguments_are_left_alone(measure: Measure) -> None:
    window, reference, where = np.array([1, 2, 3]), np.array([4, 5, 6]), np.full(3, True)
    for array in (window, reference, where):
        array.flags.writeable = False
    measure(window, reference, where)
    assert (window.tolist(), reference.tolist()) == ([1, 2, 3], [4, 5, 6])
