"""Pearson's statistic agrees with scipy, and stays sane where scipy's assumptions end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from detectors import ChiSquare, chi_square
from tests.detectors.comparisons.streams import COUNT, everywhere, flat_windows

PAIRS = st.integers(1, 8).flatmap(
    lambda b: st.tuples(*[st.lists(COUNT, min_size=b, max_size=b) for _ in range(2)])
)


@given(
    st.lists(st.integers(0, 300), min_size=4, max_size=4).filter(lambda counts: sum(counts) > 99)
)
def test_where_all_expectations_reach_one_it_is_the_statistic_of_scipy(counts: list[int]) -> None:
    window, reference = np.array(counts), np.array([400, 300, 200, 100])
    shares = (reference + 0.5) / (reference + 0.5).sum()
    statistic, _ = chi_square(window, reference)
    assert float(statistic) == pytest.approx(
        float(chisquare(window, window.sum() * shares).statistic)
    )


@given(PAIRS)
def test_the_parts_are_finite_never_negative_and_sum_to_the_statistic(
    pair: tuple[list[int], list[int]],
) -> None:
    statistic, parts = chi_square(np.array(pair[0]), np.array(pair[1]))
    assert np.isfinite(parts).all()
    assert (parts >= 0).all()
    assert float(parts.sum()) == pytest.approx(float(statistic))


@given(PAIRS, st.randoms())
def test_the_order_of_bins_does_not_matter(
    pair: tuple[list[int], list[int]], random: np.random.Generator
) -> None:
    order = list(range(len(pair[0])))
    random.shuffle(order)
    statistic, _ = chi_square(np.array(pair[0]), np.array(pair[1]))
    shuffled, _ = chi_square(np.array(pair[0])[order], np.array(pair[1])[order])
    assert float(shuffled) == pytest.approx(float(statistic))


def test_one_event_in_a_bin_unknown_to_the_reference_is_no_alarm() -> None:
    history = flat_windows(30, [500, 500, 0], discrete=True)
    compare = ChiSquare(history.total(), history, everywhere(30))
    stray = flat_windows(1, [500, 499, 1], discrete=True)
    crowd = flat_windows(1, [450, 450, 100], discrete=True)
    assert not compare.judge(stray, 1e-3)[0].alarm
    assert compare.judge(crowd, 1e-3)[0].alarm


def test_the_effect_is_the_w_of_cohen_whatever_the_size() -> None:
    history = flat_windows(30, [500, 500, 0], discrete=True)
    compare = ChiSquare(history.total(), history, everywhere(30))
    effects = [
        compare.judge(flat_windows(1, [6 * k, 4 * k, 0], discrete=True), 1e-3)[0].effect
        for k in (10, 10_000)
    ]
    assert effects == pytest.approx([0.2, 0.2], abs=0.001)


@given(PAIRS)
def test_bins_that_do_not_exist_take_no_part(pair: tuple[list[int], list[int]]) -> None:
    """Whatever stands in them, to the last bit."""
    window, reference = np.array(pair[0]), np.array(pair[1])
    where = np.arange(len(window) + 3) < len(window)
    value, parts = chi_square(np.append(window, [7, 0, 9]), np.append(reference, [0, 5, 9]), where)
    alone, own = chi_square(window, reference)
    assert (float(value), parts.tolist()) == (float(alone), [*own.tolist(), 0.0, 0.0, 0.0])


@given(PAIRS)
def test_without_smoothing_and_the_least_expectation_it_is_the_statistic_of_scipy(
    pair: tuple[list[int], list[int]],
) -> None:
    window, reference = np.array(pair[0]), np.array(pair[1])
    window = np.where(reference > 0, window, 0)
    statistic, parts = chi_square(window, reference, smoothing=0, expected_min=0)
    window, reference = window[reference > 0], reference[reference > 0]
    if window.any():
        expected = chisquare(window, window.sum() * (reference / reference.sum())).statistic
        assert float(statistic) == pytest.approx(
            float(expected), rel=1e-12, abs=1e-12 * window.sum()
        )
    assert float(statistic) == pytest.approx(float(parts.sum()))


def test_without_smoothing_a_value_that_was_not_expected_is_infinitely_far_and_its_lack_is_nothing() -> (
    None
):
    statistic, parts = chi_square(
        np.array([[5, 5, 1], [5, 5, 0]]), np.array([7, 7, 0]), smoothing=0, expected_min=0
    )
    assert statistic.tolist() == [np.inf, 0.0]
    assert parts[:, 2].tolist() == [np.inf, 0.0]


@pytest.mark.parametrize("wrong", [-0.5, float("nan")])
def test_what_is_added_or_demanded_is_no_less_than_nothing(wrong: float) -> None:
    with pytest.raises(ValueError, match="smoothing must be"):
        chi_square(np.array([1]), np.array([1]), smoothing=wrong)
    with pytest.raises(ValueError, match="expected_min must be"):
        chi_square(np.array([1]), np.array([1]), expected_min=wrong)
