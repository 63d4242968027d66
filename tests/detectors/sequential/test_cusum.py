"""CUSUM is Page's chart, and the one that estimates its level."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import CUSUM, PageHinkley

VALUES = st.lists(st.floats(-4, 4), min_size=1, max_size=60)
CHART: dict[str, Any] = {"min_instances": 1, "delta": 0.5, "threshold": 5.0, "mean": 10.0}

MONTGOMERY = [
    *(9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34),
    *(9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62, 10.31, 8.52, 10.84),
    *(10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52),
]
"""20 values around 10 and 10 around 11, of Montgomery, Introduction to Statistical Quality Control,
his example for the CUSUM and for the EWMA chart."""


def test_on_the_textbooks_example_it_has_the_textbooks_sums() -> None:
    """Upwards 5.28 at the 29th value, the first above 5; downwards 1.51 and 1.72 at the 2nd, 3rd."""
    chart = CUSUM(**CHART)
    sums = []
    for x in MONTGOMERY[:29]:
        chart.update(x)
        sums.append((round(chart.rise, 2), round(chart.fall, 2)))
        assert chart.drift_detected == (len(sums) == 29)
    assert sums[:5] == [(0, 0.05), (0, 1.56), (0, 1.77), (1.16, 0), (2.82, 0)]
    assert sums[28] == (5.28, 0)


@given(VALUES, st.sampled_from(["up", "down", "both"]), st.booleans())
def test_it_is_what_a_plain_loop_says(values: list[float], mode: str, known: bool) -> None:
    """With a level that is known, or the mean of what came since the last alarm."""
    chart = CUSUM(5, 0.25, 3.0, mode, mean=0.5 if known else None)
    seen: list[float] = []
    rise = fall = 0.0
    for x in values:
        chart.update(x)
        seen.append(x)
        gap = x - (0.5 if known else float(np.mean(seen)))
        rise, fall = max(0.0, rise + gap - 0.25), max(0.0, fall - gap - 0.25)
        assert (chart.rise, chart.fall) == pytest.approx((rise, fall), abs=1e-9)
        sums = {"up": rise, "down": fall, "both": max(rise, fall)}
        if abs(sums[mode] - 3.0) > 1e-9:
            assert chart.drift_detected == (len(seen) >= 5 and sums[mode] > 3.0)
        if chart.drift_detected:
            seen, rise, fall = [], 0.0, 0.0


@given(VALUES)
def test_page_hinkley_without_fading_is_the_same_chart(values: list[float]) -> None:
    settings: dict[str, Any] = {"min_instances": 1, "delta": 0.5, "threshold": 3.0, "mean": 0.0}
    found = CUSUM(**settings).update_many(values)
    other = PageHinkley(alpha=1.0, **settings)
    one = CUSUM(**settings)
    for i, x in enumerate(values):
        one.update(x)
        other.update(x)
        assert (one.rise, one.fall) == pytest.approx((other.rise, other.fall), abs=1e-9)
        assert one.drift_detected == (i in found)


@given(VALUES, st.booleans())
def test_a_mirrored_stream_gives_mirrored_answers(values: list[float], known: bool) -> None:
    mean = 0.0 if known else None
    up, down = CUSUM(3, 0.25, 2.0, "up", mean=mean), CUSUM(3, 0.25, 2.0, "down", mean=mean)
    assert np.array_equal(up.update_many(values), down.update_many([-x for x in values]))
    assert (up.rise, up.fall) == (down.fall, down.rise)


@given(st.lists(st.tuples(st.floats(-3, 3), st.integers(1, 20)), min_size=1, max_size=8))
def test_a_mean_of_many_values_counts_as_so_many_values(parts: list[tuple[float, int]]) -> None:
    settings: dict[str, Any] = {"threshold": 1e6, "mean": 0.0}
    one_by_one, at_once = CUSUM(**settings), CUSUM(**settings)
    for x, weight in parts:
        one_by_one.update_many([x] * weight)
        at_once.update(x, weight=weight, variance=1.0)
        sums = (one_by_one.rise, one_by_one.fall)
        assert (at_once.rise, at_once.fall) == pytest.approx(sums, abs=1e-9)


def test_the_run_length_in_control_is_that_of_the_tables() -> None:
    """An allowance of 0.5 and a threshold of 4 on both sides: 168 values between two alarms."""
    values = np.random.default_rng(1954).normal(size=500_000)
    alarms = CUSUM(min_instances=1, delta=0.5, threshold=4.0, mean=0.0).update_many(values)
    assert len(values) / len(alarms) == pytest.approx(168, rel=0.05)


def test_with_the_update_after_an_alarm_it_begins_anew() -> None:
    values = np.random.default_rng(3).normal(size=500).cumsum()
    old, new = CUSUM(), CUSUM()
    found = old.update_many(values)
    new.update_many(values[found[-1] + 1 :])
    assert old.to_bytes() == new.to_bytes()


@pytest.mark.parametrize(
    "update", [(float("nan"), 1, 0.0), (float("inf"), 3, 0.0), (1.0, 0, 0.0), (1.0, 1, -1.0)]
)
def test_what_is_no_number_or_aggregate_is_refused_and_leaves_no_trace(
    update: tuple[float, int, float],
) -> None:
    chart = CUSUM()
    chart.update(2.0)
    before = chart.to_bytes()
    with pytest.raises(ValueError, match=r"finite|weight"):
        chart.update(*update)
    assert chart.to_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [{"mode": "sideways"}, {"threshold": 0.0}, {"delta": float("inf")}, {"mean": float("nan")}],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|need"):
        CUSUM(**arguments)
