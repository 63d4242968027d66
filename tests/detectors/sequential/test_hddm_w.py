"""HDDM_W answers as river does, and can count its weights as they are.

See also `test_same_as_river.py`.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import drift, stats

from detectors import HDDMW
from detectors.sequential import hddm_w
from tests.detectors.sequential.test_ddm import STREAMS

PEER: Any = drift.binary  # river ships no types
PEER_STATS: Any = stats
SETTINGS: list[dict[str, Any]] = [
    {},
    {"two_sided_test": True},
    {
        "drift_confidence": 0.02,
        "warning_confidence": 0.3,
        "lambda_val": 0.2,
        "two_sided_test": True,
    },
]
MEAN, SQUARES = hddm_w.ALL + hddm_w.VALUE, hddm_w.ALL + hddm_w.SQUARES


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", STREAMS)
def test_it_is_river_bit_for_bit(name: str, settings: dict[str, Any]) -> None:
    ours, theirs = HDDMW(**settings), PEER.HDDMW(**settings)
    for x in STREAMS[name].tolist():
        ours.update(x)
        theirs.update(x)
        assert ours.drift_detected == theirs.drift_detected
        assert ours.warning_detected == theirs.warning_detected
        assert ours._state[MEAN] == theirs._total.ewma
        assert ours._state[SQUARES] == theirs._total.ibc


@pytest.mark.parametrize("share", [0.0, 1 / 3, 0.05, 1.0])
def test_a_fading_mean_is_that_of_river_bit_for_bit(share: float) -> None:
    values = np.random.default_rng(7).normal(size=500) * 10.0 ** np.linspace(-9, 9, 500)
    ours, theirs = HDDMW(1e-300, 1e-300, share), PEER_STATS.EWMean(share)
    for x in values.tolist():
        if ours.drift_detected:
            theirs = PEER_STATS.EWMean(share)
        ours.update(x)
        theirs.update(x)
        assert ours._state[MEAN] == theirs.get()


@given(st.lists(st.floats(0, 1), max_size=80))
def test_on_both_sides_a_mirrored_stream_drifts_at_the_same_values(values: list[float]) -> None:
    settings = SETTINGS[2]
    found = HDDMW(**settings).update_many(values)
    mirrored = HDDMW(**settings).update_many([-x for x in values])
    assert np.array_equal(mirrored, found)


def test_a_fall_is_told_only_if_it_is_asked_for() -> None:
    assert len(HDDMW().update_many(STREAMS["better"])) == 0
    assert len(HDDMW(two_sided_test=True).update_many(STREAMS["better"])) > 0


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_exact_weights_are_squared_and_summed_while_rivers_are_a_step_ahead(share: float) -> None:
    exact, river = HDDMW(lambda_val=share, exact_weights=True), HDDMW(lambda_val=share)
    for t in range(1, 60):
        exact.update(0.5)
        weights = share * (1 - share) ** np.arange(t)
        weights[-1] = (1 - share) ** (t - 1)  # the first value, where the mean began
        assert weights.sum() == pytest.approx(1.0)
        assert exact._state[SQUARES] == pytest.approx((weights**2).sum(), rel=1e-12)
        if t > 1:
            assert exact._state[SQUARES] == pytest.approx(river._state[SQUARES], rel=1e-12)
        river.update(0.5)


def test_exact_weights_alarm_later_in_a_young_stream() -> None:
    stream = [0.0] * 30 + [1.0] * 20
    assert HDDMW().update_many(stream).tolist() == [45]
    assert HDDMW(exact_weights=True).update_many(stream).tolist() == [47]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_a_mean_of_many_values_counts_as_so_many_values(share: float, exact: bool) -> None:
    settings: dict[str, Any] = {"lambda_val": share, "exact_weights": exact}
    one_by_one, at_once = HDDMW(1e-9, 1e-9, **settings), HDDMW(1e-9, 1e-9, **settings)
    for x, weight in ((0.25, 10), (0.5, 1), (0.125, 33), (0.5, 2)):
        one_by_one.update_many([x] * weight)
        at_once.update(x, weight=weight)
    for part in (MEAN, SQUARES):
        assert at_once._state[part] == pytest.approx(one_by_one._state[part], rel=1e-12)


def test_a_rise_is_found_in_aggregates_too() -> None:
    detector = HDDMW()
    found = []
    for x in (0.1, 0.12, 0.09, 0.9, 0.9):
        detector.update(x, weight=50)
        found.append(detector.drift_detected)
    assert found == [False, False, False, True, False]


def test_with_the_update_after_a_drift_it_begins_anew() -> None:
    old, new = HDDMW(), HDDMW()
    found = old.update_many(STREAMS["worse"])
    new.update_many(STREAMS["worse"][found[-1] + 1 :])
    assert old.to_bytes() == new.to_bytes()


@pytest.mark.parametrize("x", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused_and_leaves_no_trace(x: float) -> None:
    detector = HDDMW()
    detector.update(1.0)
    before = detector.to_bytes()
    with pytest.raises(ValueError, match="finite"):
        detector.update(x)
    with pytest.raises(ValueError, match="finite"):
        detector.update_many([0.0, x])
    assert detector.to_bytes() == before


@pytest.mark.parametrize(
    "arguments", [{"drift_confidence": 0.0}, {"warning_confidence": 1.5}, {"lambda_val": 1.5}]
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        HDDMW(**arguments)
