"""Page-Hinkley answers as river does, and as a CUSUM chart where it is asked to be one."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import PageHinkley
from tests.detectors.sequential.test_adwin import PEER, STREAMS

SETTINGS: list[dict[str, Any]] = [
    {},
    {"min_instances": 5, "delta": 0.1, "threshold": 5.0, "alpha": 0.99, "mode": "up"},
    {"min_instances": 1, "delta": 0.5, "threshold": 3.0, "alpha": 1.0, "mode": "down"},
    {"min_instances": 2, "delta": -2.0, "threshold": 0.5, "alpha": 0.9, "mode": "both"},
]
CHART: dict[str, Any] = {
    "min_instances": 1,
    "delta": 0.5,
    "threshold": 5.0,
    "alpha": 1.0,
    "mean": 0.0,
    "restart": False,
}
VALUES = st.lists(st.floats(-4, 4), min_size=1, max_size=60)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", STREAMS)
def test_it_is_river_bit_for_bit(name: str, settings: dict[str, Any]) -> None:
    ours, theirs = PageHinkley(**settings), PEER.PageHinkley(**settings)
    for x in STREAMS[name].tolist():
        ours.update(x)
        theirs.update(x)
        assert ours.drift_detected == theirs.drift_detected
        assert ours.rise == theirs._sum_increase - theirs._min_increase
        assert ours.fall == theirs._max_decrease - theirs._sum_decrease


@given(VALUES)
def test_with_a_known_mean_it_is_the_chart_of_page(values: list[float]) -> None:
    """S = max(0, S + x - k) upwards and its mirror downwards, capped at twice the threshold."""
    chart = PageHinkley(**CHART)
    high = low = 0.0
    for x in values:
        chart.update(x)
        high = min(10.0, max(0.0, high + x - 0.5))
        low = min(10.0, max(0.0, low - x - 0.5))
        assert chart.rise == pytest.approx(high, abs=1e-9)
        assert chart.fall == pytest.approx(low, abs=1e-9)


@given(VALUES)
def test_with_a_known_mean_a_mirrored_stream_gives_mirrored_answers(values: list[float]) -> None:
    up, down = PageHinkley(**CHART | {"mode": "up"}), PageHinkley(**CHART | {"mode": "down"})
    for x in values:
        up.update(x)
        down.update(-x)
        assert up.drift_detected == down.drift_detected
        assert up.rise == pytest.approx(down.fall, abs=1e-12)


def test_without_restart_the_alarm_lasts_as_long_as_the_shift_and_then_falls() -> None:
    chart = PageHinkley(**CHART)
    states = []
    for x in [0.0] * 20 + [2.0] * 500 + [0.0] * 30:
        chart.update(x)
        states.append(chart.drift_detected)
    assert not any(states[:20])
    assert all(states[24:520])
    assert not any(states[531:])


def test_with_restart_the_alarm_is_one_update_long() -> None:
    chart = PageHinkley(**CHART | {"restart": True})
    states = []
    for x in [0.0] * 20 + [2.0] * 20:
        chart.update(x)
        states.append(chart.drift_detected)
    assert any(states)
    assert not any(now and then for now, then in pairwise(states))


@pytest.mark.parametrize("settings", [{}, SETTINGS[1], CHART])
@pytest.mark.parametrize("cut", [0, 1, 900, 1215])
def test_going_on_from_a_state_changes_nothing(cut: int, settings: dict[str, Any]) -> None:
    stream = STREAMS["step"].tolist()
    whole, first = PageHinkley(**settings), PageHinkley(**settings)
    for x in stream[:cut]:
        whole.update(x)
        first.update(x)
    second = PageHinkley.from_bytes(first.to_bytes())
    for x in stream[cut:]:
        whole.update(x)
        second.update(x)
        assert (second.drift_detected, second.rise, second.fall) == (
            whole.drift_detected,
            whole.rise,
            whole.fall,
        )


@pytest.mark.parametrize("x", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused_and_leaves_no_trace(x: float) -> None:
    chart = PageHinkley(**CHART)
    chart.update(2.0)
    with pytest.raises(ValueError, match="finite"):
        chart.update(x)
    assert chart.rise == 1.5


def test_a_single_value_has_no_negative_variance_either() -> None:
    with pytest.raises(ValueError, match="variance"):
        PageHinkley().update(1.0, weight=1, variance=-1.0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "sideways"},
        {"alpha": 0.0},
        {"alpha": 1.1},
        {"threshold": 0.0},
        {"mean": float("nan")},
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|need"):
        PageHinkley(**arguments)
