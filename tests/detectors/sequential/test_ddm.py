"""DDM answers as river does, and beyond it knows aggregates and a sane minimum.

See also `test_same_as_river.py`.
"""

from typing import Any

import numpy as np
import pytest
from river import drift

from detectors import DDM
from detectors.arrays import Floats
from detectors.sequential import ddm

PEER: Any = drift.binary  # river ships no types
RNG = np.random.default_rng(2004)
STREAMS: dict[str, Floats] = {
    "worse": np.concatenate([RNG.random(600) < 0.2, RNG.random(600) < 0.5]).astype(np.float64),
    "better": np.concatenate([RNG.random(600) < 0.5, RNG.random(600) < 0.2]).astype(np.float64),
    "faultless, then not": np.concatenate([np.zeros(500), RNG.random(500) < 0.1]),
    "shares": RNG.beta(np.linspace(1, 9, 1200), 5),
    "only errors": np.ones(200),
}


@pytest.mark.parametrize("settings", [{}, {"warm_start": 5, "warning_threshold": 1.0}])
@pytest.mark.parametrize("name", STREAMS)
def test_it_is_river_bit_for_bit(name: str, settings: dict[str, Any]) -> None:
    ours, theirs = DDM(**settings), PEER.DDM(**settings)
    for x in STREAMS[name].tolist():
        ours.update(x)
        theirs.update(x)
        assert ours.drift_detected == theirs.drift_detected
        assert ours.warning_detected == theirs.warning_detected
        assert ours._state[ddm.MEAN] == theirs._p.get()


def test_a_warning_comes_before_the_drift_and_not_with_it() -> None:
    detector = DDM()
    answers = []
    for x in ([0.0] * 4 + [1.0]) * 100 + [0.0, 1.0] * 100:
        detector.update(x)
        answers.append((detector.warning_detected, detector.drift_detected))
    drift = answers.index((False, True))
    assert set(answers[:500]) == {(False, False)}
    assert answers[drift - 1] == (True, False)
    assert answers[drift + 1] == (False, False)
    assert (True, True) not in answers


def test_after_faultless_answers_the_first_error_is_a_drift_unless_a_minimum_needs_errors() -> None:
    stream = [0.0] * 10_000 + [1.0]
    assert DDM().update_many(stream).tolist() == [10_000]
    assert DDM(min_errors=1).update_many(stream).tolist() == []
    assert DDM(min_errors=1).update_many(stream + [1.0] * 9).tolist() == [10_002]


def test_a_share_of_many_answers_moves_the_mean_like_the_answers_themselves() -> None:
    one_by_one, at_once = DDM(warm_start=10**9), DDM(warm_start=10**9)
    for errors in (3, 0, 10, 7):
        one_by_one.update_many([1.0] * errors + [0.0] * (10 - errors))
        at_once.update(errors / 10, weight=10)
    for part in (ddm.SEEN, ddm.ERRORS, ddm.MEAN):
        assert at_once._state[part] == pytest.approx(one_by_one._state[part], rel=1e-12)


def test_a_rise_is_found_in_aggregates_too() -> None:
    detector = DDM()
    found = []
    for i, share in enumerate([0.1, 0.12, 0.09, 0.11, 0.3, 0.3]):
        detector.update(share, weight=100)
        found.append(i) if detector.drift_detected else None
    assert found == [4]


def test_with_the_update_after_a_drift_it_begins_anew() -> None:
    old, new = DDM(), DDM()
    found = old.update_many(STREAMS["worse"])
    rest = STREAMS["worse"][found[-1] + 1 :]
    new.update_many(rest)
    assert len(rest)
    assert old.to_bytes() == new.to_bytes()


@pytest.mark.parametrize("x", [-1e-9, 1.1, 2.0, float("nan"), float("inf")])
def test_what_is_no_error_rate_is_refused_and_leaves_no_trace(x: float) -> None:
    detector = DDM()
    detector.update(1.0)
    before = detector.to_bytes()
    for refused in (
        lambda: detector.update(x),
        lambda: detector.update(x, weight=2),
        lambda: detector.update_many([0.0, x]),
    ):
        with pytest.raises(ValueError, match=r"finite|between 0 and 1"):
            refused()
    assert detector.to_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [{"warning_threshold": -1.0}, {"drift_threshold": float("inf")}, {"min_errors": -1}],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        DDM(**arguments)
