"""PSI: the index, its parts, and its verdicts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import Psi, psi
from tests.detectors.comparisons.streams import COUNT, everywhere, normal_windows

PAIRS = st.integers(1, 8).flatmap(
    lambda b: st.tuples(*[st.lists(COUNT, min_size=b, max_size=b) for _ in range(2)])
)


@given(PAIRS)
def test_the_parts_are_finite_never_negative_and_sum_to_the_index(
    pair: tuple[list[int], list[int]],
) -> None:
    index, parts = psi(np.array(pair[0]), np.array(pair[1]))
    assert np.isfinite(parts).all()
    assert (parts >= 0).all()
    assert float(parts.sum()) == pytest.approx(float(index))


@given(PAIRS, st.randoms())
def test_the_order_of_bins_does_not_matter(
    pair: tuple[list[int], list[int]], random: np.random.Generator
) -> None:
    order = list(range(len(pair[0])))
    random.shuffle(order)
    index, _ = psi(np.array(pair[0]), np.array(pair[1]))
    shuffled, _ = psi(np.array(pair[0])[order], np.array(pair[1])[order])
    assert float(shuffled) == pytest.approx(float(index))


@given(PAIRS)
def test_the_index_is_the_same_both_ways(pair: tuple[list[int], list[int]]) -> None:
    there, _ = psi(np.array(pair[0]), np.array(pair[1]))
    back, _ = psi(np.array(pair[1]), np.array(pair[0]))
    assert float(there) == pytest.approx(float(back))


def test_many_windows_at_once_give_what_each_gives_alone() -> None:
    windows = normal_windows(0, 6).bins[0]
    together, _ = psi(windows, windows[:1])
    assert together.tolist() == [float(psi(window, windows[0])[0]) for window in windows]


def test_every_count_gets_half_a_count_more() -> None:
    p, q = np.array([0.5, 20.5]) / 21, np.array([60.5, 40.5]) / 101
    index, _ = psi(np.array([0, 20]), np.array([60, 40]))
    assert float(index) == pytest.approx(float(np.sum((p - q) * np.log(p / q))))


def test_one_bin_and_no_counts_give_nothing() -> None:
    assert float(psi(np.array([7]), np.array([900]))[0]) == 0
    assert float(psi(np.array([0, 0]), np.array([900, 1]))[0]) == 0
    assert float(psi(np.array([9, 2]), np.array([0, 0]))[0]) == 0


def test_without_drift_the_index_is_about_chi_square_times_the_sampling_variance() -> None:
    """The law that thresholds rest on: mean (B - 1)(1/n + 1/m)."""
    rng = np.random.default_rng(5)
    window = rng.multinomial(2000, np.full(10, 0.1), size=3000)
    reference = rng.multinomial(8000, np.full(10, 0.1), size=3000)
    index, _ = psi(window, reference)
    assert float(index.mean()) == pytest.approx(9 * (1 / 2000 + 1 / 8000), rel=0.05)


def test_missing_values_count_as_a_bin_and_as_a_part() -> None:
    history = normal_windows(1, 40)
    window = history.select(slice(0, 1))
    gone = replace(window, missing=window.valid)
    verdict = Psi(history.total(), history, everywhere(40)).judge(gone, 1e-4)[0]
    assert verdict.alarm
    assert verdict.contributions is not None
    assert int(np.argmax(verdict.contributions)) == 22


@given(PAIRS)
def test_bins_that_do_not_exist_take_no_part(pair: tuple[list[int], list[int]]) -> None:
    """Whatever stands in them, to the last bit."""
    window, reference = np.array(pair[0]), np.array(pair[1])
    where = np.arange(len(window) + 3) < len(window)
    value, parts = psi(np.append(window, [7, 0, 9]), np.append(reference, [0, 5, 9]), where)
    alone, own = psi(window, reference)
    assert (float(value), parts.tolist()) == (float(alone), [*own.tolist(), 0.0, 0.0, 0.0])
