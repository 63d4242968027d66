"""EDDM answers as river does, and can take a warning back.

See also `test_same_as_river.py`.
"""

from typing import Any

import numpy as np
import pytest
from river import drift

from detectors import EDDM
from detectors.arrays import Floats
from detectors.sequential import eddm

PEER: Any = drift.binary  # river ships no types
RNG = np.random.default_rng(2006)
STREAMS: dict[str, Floats] = {
    "worse": np.concatenate([RNG.random(3000) < 0.1, RNG.random(900) < 0.4]).astype(np.float64),
    "better": np.concatenate([RNG.random(600) < 0.5, RNG.random(2400) < 0.1]).astype(np.float64),
    "steady": (RNG.random(4000) < 0.3).astype(np.float64),
    "only errors": np.ones(200),
    "regular": np.tile([0.0, 0.0, 1.0], 200),
}
QUICK: dict[str, Any] = {"warm_start": 5, "alpha": 0.99, "beta": 0.97}


@pytest.mark.parametrize("settings", [{}, QUICK])
@pytest.mark.parametrize("name", STREAMS)
def test_it_is_river_bit_for_bit(name: str, settings: dict[str, Any]) -> None:
    ours, theirs = EDDM(**settings), PEER.EDDM(**settings)
    for x in STREAMS[name].tolist():
        ours.update(x)
        theirs.update(x)
        assert ours.drift_detected == theirs.drift_detected
        assert ours.warning_detected == theirs.warning_detected
        assert ours._state[eddm.HIGHEST] == theirs._p2s_prime_max


def test_the_maximum_is_a_power_of_a_half_not_a_square_root() -> None:
    """They differ by one bit in a thousandth of all cases, so many maxima must be looked at."""
    differ = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        errors = np.cumsum(1 + rng.geometric(1 / np.linspace(2, 40, 250)))
        stream = np.zeros(errors[-1] + 1)
        stream[errors] = 1.0
        ours, theirs = EDDM(), PEER.EDDM()
        for x in stream.tolist():
            ours.update(x)
            theirs.update(x)
            if x:
                assert ours._state[eddm.HIGHEST] == theirs._p2s_prime_max
                variance = theirs._error_distances.get()
                differ += variance**0.5 != np.sqrt(variance)
    assert differ > 0


def answers(detector: EDDM, values: Floats) -> list[tuple[bool, bool]]:
    found = []
    for x in values.tolist():
        detector.update(x)
        found.append((detector.warning_detected, detector.drift_detected))
    return found


def test_a_warning_may_stand_beside_a_drift_unless_it_is_cleared() -> None:
    assert (True, True) in answers(EDDM(), STREAMS["worse"])
    cleared = answers(EDDM(clear_warning=True), STREAMS["worse"])
    assert (True, True) not in cleared
    assert (True, False) in cleared


def test_a_new_maximum_leaves_a_warning_standing_unless_it_is_cleared() -> None:
    """Short distances after long ones warn; one very long distance makes a new maximum."""
    stream = np.array(([0.0] * 9 + [1.0, 1.0]) * 40 + [0.0, 1.0] * 8)
    stale, cleared = EDDM(beta=0.5), EDDM(beta=0.5, clear_warning=True)
    for detector in (stale, cleared):
        detector.update_many(stream)
        assert detector.warning_detected
        detector.update_many([0.0] * 400 + [1.0])
    assert stale.warning_detected
    assert not cleared.warning_detected


def test_clearing_warnings_changes_no_drift() -> None:
    for stream in STREAMS.values():
        found = EDDM(**QUICK).update_many(stream)
        assert np.array_equal(EDDM(**QUICK, clear_warning=True).update_many(stream), found)


def test_only_exactly_one_is_an_error() -> None:
    odd = np.where(STREAMS["worse"] == 1.0, 1.0, RNG.choice([-1.0, 0.5, 1e300, 1 + 1e-15]))
    one, other = EDDM(), EDDM()
    assert len(one.update_many(STREAMS["worse"])) > 0
    other.update_many(odd)
    assert one.to_bytes() == other.to_bytes()


def test_with_the_update_after_a_drift_it_begins_anew() -> None:
    """Also where that update is no error, one by one and at once."""
    found = EDDM().update_many(STREAMS["worse"])
    for rest in ([0.0, 0.0, 1.0], [1.0, 0.0]):
        new = EDDM()
        new.update_many(rest)
        old = EDDM()
        old.update_many(STREAMS["worse"][: found[0] + 1])
        assert old.drift_detected
        for x in rest:
            old.update(x)
            assert not old.drift_detected
            assert not old.warning_detected
        assert old.to_bytes() == new.to_bytes()


@pytest.mark.parametrize(("weight", "variance"), [(2, 0.0), (1, 0.5), (0, 0.0), (1, -1.0)])
def test_aggregates_are_refused_and_leave_no_trace(weight: int, variance: float) -> None:
    detector = EDDM()
    before = detector.to_bytes()
    with pytest.raises(ValueError, match=r"aggregate|must|>= 0"):
        detector.update(1.0, weight=weight, variance=variance)
    assert detector.to_bytes() == before


@pytest.mark.parametrize("x", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused_and_leaves_no_trace(x: float) -> None:
    detector = EDDM()
    before = detector.to_bytes()
    with pytest.raises(ValueError, match="finite"):
        detector.update(x)
    assert detector.to_bytes() == before


@pytest.mark.parametrize("arguments", [{"alpha": 0.8}, {"beta": float("nan")}])
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"alpha|beta"):
        EDDM(**arguments)
