"""EWMA is Roberts' chart, and the one that estimates level and spread."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import EWMA
from detectors.sequential import ewma
from tests.detectors.sequential.test_cusum import MONTGOMERY

VALUES = st.lists(st.floats(-4, 4), min_size=1, max_size=50)


def test_on_the_textbooks_example_it_has_the_textbooks_means() -> None:
    """Lambda 0.1 and 2.7 standard deviations, 10.62 in the end: 10.57 is inside, 10.65 outside."""
    chart = EWMA(0.1, 2.7, 1, mean=10.0, std=1.0)
    means = []
    for x in MONTGOMERY[:29]:
        chart.update(x)
        means.append(chart.estimation)
        assert chart.drift_detected == (len(means) == 29)
    assert means[:4] == pytest.approx([9.945, 9.7495, 9.70355, 9.899195], abs=1e-12)
    assert means[27:] == pytest.approx([10.57314, 10.64682], abs=1e-5)


@given(VALUES)
def test_with_a_known_level_it_is_the_fading_mean_of_the_values(values: list[float]) -> None:
    chart, z = EWMA(0.3, mean=0.5, std=100.0), 0.5
    for x in values:
        chart.update(x)
        z = 0.3 * x + 0.7 * z
        assert chart.estimation == pytest.approx(z, abs=1e-12)


@given(VALUES, st.sampled_from(["up", "down", "both"]), st.sampled_from([None, 1.5]))
def test_it_is_what_a_plain_loop_says(values: list[float], mode: str, std: float | None) -> None:
    """Each deviation is from the mean of what had come by then, since the last alarm."""
    chart = EWMA(0.25, 2.0, 4, mode, std=std)
    seen: list[float] = []
    gaps: list[float] = []
    for x in values:
        chart.update(x)
        seen.append(x)
        gaps.append(x - float(np.mean(seen)))
        t = len(seen)
        z = float(np.sum(0.25 * 0.75 ** np.arange(t)[::-1] * gaps))
        assert chart.estimation == pytest.approx(np.mean(seen) + z, abs=1e-9)
        spread = std if std is not None else np.std(seen, ddof=1) if t > 1 else 0.0
        bound = 2.0 * spread * np.sqrt(0.25 / 1.75 * (1 - 0.75 ** (2 * t)))
        outside = {"up": z, "down": -z, "both": abs(z)}[mode]
        if abs(outside - bound) > 1e-9:
            assert chart.drift_detected == (t >= 4 and outside > bound)
        if chart.drift_detected:
            seen, gaps = [], []


@pytest.mark.parametrize(("share", "limit"), [(0.1, 2.814), (0.25, 2.998)])
def test_the_run_length_in_control_is_that_of_the_tables(share: float, limit: float) -> None:
    """Lucas and Saccucci (Technometrics 32, 1990): 500 values to an alarm."""
    values = np.random.default_rng(1959).normal(size=1_000_000)
    alarms = EWMA(share, limit, 1, mean=0.0, std=1.0).update_many(values)
    assert len(values) / len(alarms) == pytest.approx(500, rel=0.07)


def test_the_run_length_of_the_defaults_is_what_the_docstring_says() -> None:
    rng = np.random.default_rng(2012)
    assert 5_000_000 / len(EWMA().update_many(rng.normal(size=5_000_000))) == pytest.approx(
        19_000, rel=0.2
    )
    assert 500_000 / len(EWMA().update_many(rng.exponential(size=500_000))) == pytest.approx(
        860, rel=0.15
    )


@given(VALUES)
def test_a_mirrored_stream_gives_mirrored_answers(values: list[float]) -> None:
    up, down = EWMA(0.3, 1.5, 3, "up"), EWMA(0.3, 1.5, 3, "down")
    assert np.array_equal(up.update_many(values), down.update_many([-x for x in values]))
    assert up.estimation == -down.estimation


@pytest.mark.parametrize("constant", [0.0, 3.3, 1e300, -5e-324])
@pytest.mark.parametrize("mean", [None, 1.0])
def test_while_nothing_spreads_nothing_is_told(constant: float, mean: float | None) -> None:
    chart = EWMA(limit=0.01, min_instances=1, mean=mean)
    assert len(chart.update_many(np.full(1000, constant))) == 0


def test_the_first_step_away_from_a_long_constant_is_told() -> None:
    assert EWMA().update_many([5.0] * 1000 + [6.0] * 10)[0] == 1000


def test_a_mean_of_many_values_counts_as_so_many_values() -> None:
    """Where the level is known; the spread is that of all values either way."""
    settings: dict[str, Any] = {"lambda_val": 0.1, "limit": 99.0, "mean": 0.0}
    one_by_one, at_once = EWMA(**settings), EWMA(**settings)
    for x, weight in ((1.0, 10), (-2.0, 3), (0.5, 1), (4.0, 25)):
        one_by_one.update_many([x] * weight)
        at_once.update(x, weight=weight)
        assert at_once.estimation == pytest.approx(one_by_one.estimation, rel=1e-12)
        assert np.allclose(at_once._state, one_by_one._state, rtol=1e-12, equal_nan=True)


def test_the_variance_of_an_aggregate_belongs_to_the_spread() -> None:
    values = np.random.default_rng(5).normal(3, 2, (40, 25))
    whole, aggregates = EWMA(1e-9), EWMA(1e-9)
    whole.update_many(values.ravel())
    for part in values:
        aggregates.update(float(part.mean()), weight=25, variance=float(part.var()))
    for place in (ewma.SEEN, ewma.MEAN, ewma.SQUARES):
        assert aggregates._state[place] == pytest.approx(whole._state[place], rel=1e-12)


def test_with_the_update_after_an_alarm_it_begins_anew() -> None:
    values = np.random.default_rng(3).normal(size=500).cumsum()
    old, new = EWMA(), EWMA()
    found = old.update_many(values)
    new.update_many(values[found[-1] + 1 :])
    assert old.to_bytes() == new.to_bytes()


@pytest.mark.parametrize(
    "update", [(float("nan"), 1, 0.0), (float("inf"), 3, 0.0), (1.0, 0, 0.0), (1.0, 1, -1.0)]
)
def test_what_is_no_number_or_aggregate_is_refused_and_leaves_no_trace(
    update: tuple[float, int, float],
) -> None:
    chart = EWMA()
    chart.update(2.0)
    before = chart.to_bytes()
    with pytest.raises(ValueError, match=r"finite|weight"):
        chart.update(*update)
    assert chart.to_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "sideways"},
        {"lambda_val": 0.0},
        {"limit": float("inf")},
        {"mean": float("nan")},
        {"std": -1.0},
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|need"):
        EWMA(**arguments)
