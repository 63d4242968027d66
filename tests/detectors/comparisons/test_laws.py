"""What every comparison promises, whatever it compares."""

from math import isfinite, isnan

import numpy as np
import pytest
from hypothesis import given, settings

from detectors import COMPARISONS, Cells, Comparison, Location, Silence, Volume
from tests.detectors.comparisons.streams import (
    any_cells,
    everywhere,
    flat_windows,
    normal_windows,
    repeated_cells,
)

EVERY: tuple[type[Comparison], ...] = (*COMPARISONS, Location, Volume, Silence)
every_kind = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: str(kind.name))


def check_sane(kind: type[Comparison], reference: Cells, history: Cells, window: Cells) -> None:
    inside = np.full(len(history), False)
    for fixed in (None, 0.2):
        verdict = kind(reference, history, inside, fixed=fixed).judge(window, 1e-3)
        assert verdict.detector == kind.name
        assert isfinite(verdict.statistic)
        assert isfinite(verdict.effect)
        assert not isnan(verdict.threshold)
        assert verdict.p_value is None or 0 <= verdict.p_value <= 1
        if verdict.contributions is not None:
            assert float(verdict.contributions.sum()) == pytest.approx(
                verdict.statistic, rel=1e-9, abs=1e-6
            )


@every_kind
@settings(max_examples=40)
@given(any_cells(windows=1), any_cells(), any_cells(windows=1))
def test_any_counts_get_a_finite_answer(
    kind: type[Comparison], reference: Cells, history: Cells, window: Cells
) -> None:
    check_sane(kind, reference, history, window)


@every_kind
@settings(max_examples=40)
@given(repeated_cells(), any_cells(windows=1))
def test_any_counts_get_a_finite_answer_after_a_history(
    kind: type[Comparison], history: Cells, window: Cells
) -> None:
    check_sane(kind, history.total(), history, window)


@every_kind
def test_empty_discrete_columns_get_a_finite_answer(kind: type[Comparison]) -> None:
    empty = Cells.of(np.zeros((12, 3)), discrete=True)
    check_sane(kind, empty.total(), empty, empty.total())


@every_kind
def test_a_window_like_all_others_never_alarms(kind: type[Comparison]) -> None:
    history = flat_windows(20, [0, 40, 60, 0], missing=3, invalid=2)
    compare = kind(history.total(), history, everywhere(20))
    assert not compare.judge(flat_windows(1, [0, 40, 60, 0], missing=3, invalid=2), 0.01).alarm


@every_kind
def test_judging_leaves_no_trace(kind: type[Comparison]) -> None:
    cells = normal_windows(0, 32)
    compare = kind(cells.total(), cells, everywhere(32))
    window = normal_windows(1, 1, shift=2)
    first = compare.judge(window, 1e-3)
    compare.judge(normal_windows(2, 1), 1e-3)
    assert compare.judge(window, 1e-3) == first


@every_kind
def test_with_nine_windows_it_learns_and_says_so(kind: type[Comparison]) -> None:
    history = normal_windows(0, 9)
    verdict = kind(history.total(), history, everywhere(9)).judge(
        normal_windows(1, 1, shift=1), 0.01
    )
    assert (verdict.alarm, verdict.p_value) == (False, None)
    assert verdict.threshold == np.inf
    assert verdict.note == "learning: 9 of 10 windows"


@every_kind
def test_a_fixed_threshold_needs_no_history_and_claims_no_chance(kind: type[Comparison]) -> None:
    history = Cells.of(np.zeros((0, 22)))
    compare = kind(normal_windows(0, 1), history, everywhere(0), fixed=0.05)
    verdict = compare.judge(normal_windows(1, 1, shift=1), 1e-3)
    assert (verdict.threshold, verdict.p_value) == (0.05, None)
    assert verdict.note == "fixed threshold: no false-alarm budget covers it"


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in EVERY
        if kind.name in {"psi", "kolmogorov_smirnov", "chi_square", "location"}
    ],
)
@pytest.mark.parametrize("floor", [0.0, 0.3])
def test_it_alarms_exactly_beyond_its_threshold(kind: type[Comparison], floor: float) -> None:
    """The threshold holds both the chance and the floor, on the scale of the statistic."""
    history = normal_windows(0, 60, wander=0.05)
    compare = kind(history.total(), history, everywhere(60), floor=floor)
    alarms = []
    for step in range(30):
        verdict = compare.judge(normal_windows(step, 1, shift=step / 20), 1e-3)
        side = -1 if verdict.threshold < 0 else 1  # the lower bound of a two-sided test
        assert verdict.alarm == (side * verdict.statistic > side * verdict.threshold)
        alarms.append(verdict.alarm)
    assert set(alarms) == {False, True}


@every_kind
def test_a_reference_window_is_not_compared_with_itself(kind: type[Comparison]) -> None:
    """Marked as outside, the same windows look closer to the reference than they are."""
    history = normal_windows(0, 12, events=200)
    within = kind(history.total(), history, everywhere(12), floor=0.0)
    beside = kind(history.total(), history, ~everywhere(12), floor=0.0)
    window = normal_windows(1, 1, events=200, shift=0.3)
    inner, outer = within.judge(window, 1e-3), beside.judge(window, 1e-3)
    assert inner.statistic == outer.statistic
    if kind.name == "psi":
        assert inner.p_value is not None
        assert outer.p_value is not None
        assert inner.p_value > outer.p_value
