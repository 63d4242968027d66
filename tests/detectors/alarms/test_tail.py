"""The tail turns surprises into chances that hold, whatever the model's own are worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.alarms.tail import FROM, KNOWN, Tail, cautious, fit_tail
from detectors.arrays import Floats


def surprises(
    rng: np.random.Generator, slope: float, columns: int = 40, windows: int = 600
) -> Floats:
    """[columns, windows] that fall off by `slope` from a chance of 1 on."""
    return slope * rng.exponential(size=(columns, windows))


@given(st.floats(0.001, 1.0), st.floats(1.0, 8.0), st.floats(-14, -0.1))
def test_needed_is_the_inverse_of_chance(share: float, slope: float, exponent: float) -> None:
    tail, alpha = Tail(share, np.array([slope, 1.0])), 10**exponent
    assert tail.chance(tail.needed(alpha)) == pytest.approx(alpha, rel=1e-9)


@given(st.floats(0.001, 1.0), st.floats(1.0, 8.0), st.floats(0.0, 600.0), st.floats(0.0, 50.0))
def test_a_larger_surprise_never_has_a_larger_chance(
    share: float, slope: float, surprise: float, more: float
) -> None:
    tail = Tail(share, np.array([slope]))
    chance = tail.chance(np.array([surprise]))
    assert 0 <= tail.chance(np.array([surprise + more]))[0] <= chance[0] <= 1


@given(st.integers(0, 1000), st.floats(0.1, 5.0), st.integers(0, 5), st.integers(1, 300))
def test_slopes_are_at_least_1(seed: int, slope: float, columns: int, windows: int) -> None:
    tail = fit_tail(surprises(np.random.default_rng(seed), slope, columns, windows))
    assert (tail.slope >= 1).all()
    assert 0 < tail.share <= 1


def test_heavier_tails_have_larger_slopes_and_shares() -> None:
    tails = [fit_tail(surprises(np.random.default_rng(1), s)) for s in (0.8, 1.0, 1.5, 2.5, 4.0)]
    assert (np.diff([tail.slope.mean() for tail in tails[1:]]) > 0.2).all()
    assert (np.diff([tail.share for tail in tails]) > 0).all()


@pytest.mark.parametrize("slope", [1.0, 1.5, 3.0])
def test_in_control_a_chance_holds_on_new_windows(slope: float) -> None:
    rng = np.random.default_rng(2)
    tail = fit_tail(surprises(rng, slope))
    new = surprises(rng, slope, windows=20_000)
    for alpha in (1e-2, 1e-3, 1e-4):
        assert 0.3 * alpha < np.mean(new > tail.needed(alpha)[:, None]) < 1.1 * alpha


def test_a_column_with_a_heavier_tail_keeps_its_own() -> None:
    x = surprises(np.random.default_rng(3), 1.0)
    x[7] *= 4
    tail = fit_tail(x)
    assert tail.slope.argmax() == 7
    assert tail.slope[7] > 1.5 * np.median(tail.slope)


def test_a_short_history_is_trusted_less() -> None:
    x = surprises(np.random.default_rng(4), 1.0)
    slopes = [fit_tail(x[:, :windows]).slope.mean() for windows in (15, 60, 600)]
    assert slopes[0] > slopes[1] > slopes[2]
    assert slopes[0] > 1.9


def test_windows_that_were_none_do_not_count() -> None:
    x = surprises(np.random.default_rng(5), 1.2)
    gaps = np.concatenate([x, np.zeros_like(x)], axis=1)
    one, two = fit_tail(x), fit_tail(gaps)
    assert one.share == two.share
    assert one.slope == pytest.approx(two.slope)


def test_nothing_seen_is_what_was_thought_before() -> None:
    tail = fit_tail(np.zeros((3, 0)))
    assert tail.share == pytest.approx(0.1)
    assert (tail.slope > 1.05).all()


def test_columns_that_were_not_learned_from_have_the_common_slope() -> None:
    rng = np.random.default_rng(6)
    where = np.array([True, False, True, False])
    x = surprises(rng, 1.0, columns=2)
    x[1] *= 4
    tail = fit_tail(x, 4, where)
    assert tail.slope.shape == (4,)
    assert tail.slope[1] == tail.slope[3] == tail.slope.min()
    assert tail.slope[2] > tail.slope[1]
    assert (tail.slope[where] == fit_tail(x).slope).all()


def test_the_model_chance_of_2_percent_is_where_it_begins() -> None:
    tail = Tail(0.07, np.array([3.0]))
    assert tail.chance(np.array([FROM])) == pytest.approx(0.07)


@given(st.floats(-13, 0), st.floats(0, 5))
def test_a_share_that_no_history_reaches_is_held_to_less_and_the_order_stays(
    exponent: float, more: float
) -> None:
    share = 10**exponent
    held = cautious(share)
    assert held == share if share >= KNOWN else held < share
    assert held <= cautious(min(1.0, share * 10**more))


def test_where_alarms_fall_off_with_two_thirds_of_the_power_a_budget_holds_in_any_fleet() -> None:
    shares = KNOWN / np.array([1.0, 10.0, 200.0])
    raised = KNOWN * np.array([cautious(share) / KNOWN for share in shares]) ** (2 / 3)
    assert raised == pytest.approx(shares)
