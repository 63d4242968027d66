"""HDDM_A answers as river does, sees both sides alike, and keeps its promise.

See also `test_same_as_river.py`.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import drift

from detectors import HDDMA
from detectors.sequential import hddm_a
from tests.detectors.sequential.test_ddm import STREAMS

PEER: Any = drift.binary  # river ships no types
SETTINGS: list[dict[str, Any]] = [
    {},
    {"two_sided_test": True},
    {"drift_confidence": 0.02, "warning_confidence": 0.3, "two_sided_test": True},
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", STREAMS)
def test_it_is_river_bit_for_bit(name: str, settings: dict[str, Any]) -> None:
    ours, theirs = HDDMA(**settings), PEER.HDDMA(**settings)
    for x in STREAMS[name].tolist():
        ours.update(x)
        theirs.update(x)
        assert ours.drift_detected == theirs.drift_detected
        assert ours.warning_detected == theirs.warning_detected
        assert ours._state[hddm_a.MEAN] == theirs._z.get()
        assert ours._state[hddm_a.RISE] == theirs._x_min.n


@given(st.lists(st.floats(0, 1), max_size=80))
def test_on_both_sides_a_mirrored_stream_drifts_at_the_same_values(values: list[float]) -> None:
    settings = SETTINGS[2]
    found = HDDMA(**settings).update_many(values)
    mirrored = HDDMA(**settings).update_many([-x for x in values])
    assert np.array_equal(mirrored, found)


def test_a_fall_is_told_only_if_it_is_asked_for() -> None:
    assert len(HDDMA().update_many(STREAMS["better"])) == 0
    assert len(HDDMA(two_sided_test=True).update_many(STREAMS["better"])) > 0


def test_a_single_comparison_errs_no_more_often_than_its_confidence() -> None:
    """Of 2,000 streams of 30 fair coins, at most so many end in a drift; few do, as bounds are."""
    coins = np.random.default_rng(27).integers(0, 2, (2000, 30)).astype(np.float64)
    ends = [29 in HDDMA(drift_confidence=0.1).update_many(row) for row in coins]
    assert np.mean(ends) <= 0.1


def test_a_mean_of_many_values_weighs_as_much_as_they_do() -> None:
    one_by_one, at_once = HDDMA(), HDDMA()
    for x in (0.25, 0.5, 0.125):
        one_by_one.update_many([x] * 10)
        at_once.update(x, weight=10)
    for part in (hddm_a.SEEN, hddm_a.MEAN):
        assert at_once._state[part] == pytest.approx(one_by_one._state[part], rel=1e-12)
    at_once.update(0.9, weight=100)
    assert at_once.drift_detected


def test_with_the_update_after_a_drift_it_begins_anew() -> None:
    old, new = HDDMA(), HDDMA()
    found = old.update_many(STREAMS["worse"])
    new.update_many(STREAMS["worse"][found[-1] + 1 :])
    assert old.to_bytes() == new.to_bytes()


@pytest.mark.parametrize("x", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused_and_leaves_no_trace(x: float) -> None:
    detector = HDDMA()
    detector.update(1.0)
    before = detector.to_bytes()
    with pytest.raises(ValueError, match="finite"):
        detector.update(x)
    with pytest.raises(ValueError, match="finite"):
        detector.update_many([0.0, x])
    assert detector.to_bytes() == before


@pytest.mark.parametrize("arguments", [{"drift_confidence": 0.0}, {"warning_confidence": 1.5}])
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        HDDMA(**arguments)
