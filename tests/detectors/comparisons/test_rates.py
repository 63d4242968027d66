"""The arcsine scale: its inverse, its variance, and what the rate comparisons share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from detectors import Cells, Invalid, Missing, OutOfRange, Unseen
from detectors.comparisons.rates import RateComparison, arcsine_rate, binomial_tail, share_at
from tests.detectors.comparisons.streams import everywhere, flat_windows


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_the_share_at_an_arcsine_rate_is_the_share_it_came_from(n: int, share: float) -> None:
    k = round(n * share)
    x = arcsine_rate(np.array([k]), np.array([n]))
    assert share_at(x, np.array([n]))[0] == pytest.approx(k / n, abs=1e-9)


@pytest.mark.parametrize("rate", [0.02, 0.5, 0.97])
def test_the_variance_is_one_over_n_whatever_the_rate(rate: float) -> None:
    k = np.random.default_rng(0).binomial(500, rate, 20_000)
    assert float(arcsine_rate(k, np.full(20_000, 500)).var()) == pytest.approx(1 / 500, rel=0.05)


def test_no_share_lies_beyond_all_and_none() -> None:
    assert share_at(np.array([4.0, -1.0]), np.array([100, 100])).tolist() == [np.inf, 0]


def window(kind: type[RateComparison], k: int, n: int) -> Cells:
    """A window in which k of n events count for this comparison."""
    discrete = kind is Unseen
    if kind is Missing:
        return flat_windows(1, [0, n - k, 0], missing=k)
    if kind is Invalid:
        return flat_windows(1, [0, n - k, 0], invalid=k)
    return flat_windows(1, [0, n - k, k], discrete=discrete)


KINDS = [Missing, Invalid, Unseen, OutOfRange]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_that_stays_is_quiet_and_one_that_jumps_alarms(kind: type[RateComparison]) -> None:
    history = Cells.concat([window(kind, 10 + w * 5 % 7, 1000) for w in range(30)])
    compare = kind(history.total(), history, everywhere(30))
    usual, jump = (
        compare.judge(window(kind, 14, 1000), 1e-4)[0],
        compare.judge(window(kind, 200, 1000), 1e-4)[0],
    )
    assert not usual.alarm
    assert jump.alarm
    assert jump.statistic == pytest.approx(0.2)
    assert 0.014 < jump.threshold < 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_the_threshold_is_where_the_alarm_begins(kind: type[RateComparison]) -> None:
    history = Cells.concat([window(kind, 10 + w * 5 % 7, 1000) for w in range(30)])
    compare = kind(history.total(), history, everywhere(30))
    for k in range(15, 200):
        verdict = compare.judge(window(kind, k, 1000), 1e-4)[0]
        assert verdict.alarm == (verdict.statistic > verdict.threshold)


@pytest.mark.parametrize("kind", [Invalid, Unseen, OutOfRange])
def test_a_rate_that_falls_is_good_news(kind: type[RateComparison]) -> None:
    history = Cells.concat([window(kind, 300, 1000) for _ in range(30)])
    assert (
        not kind(history.total(), history, everywhere(30))
        .judge(window(kind, 0, 1000), 0.01)[0]
        .alarm
    )


@pytest.mark.parametrize(("n", "rate"), [(1000, 0.01), (40, 0.3), (10**6, 1e-5), (500, 0.98)])
def test_the_tails_are_those_of_the_binomial(n: int, rate: float) -> None:
    k = np.unique(np.clip(np.rint(n * rate + np.arange(-12, 13)), 0, n))
    share, worth, p = k / n, np.full(len(k), float(n)), np.full(len(k), rate)
    low = binomial_tail(share, worth, p, np.full(len(k), True))
    high = binomial_tail(share, worth, p, np.full(len(k), False))
    assert low == pytest.approx(binom.cdf(k, n, rate), rel=1e-9)
    assert high == pytest.approx(binom.sf(k - 1, n, rate), rel=1e-9)


def test_no_missing_value_where_ten_are_usual_is_as_rare_as_it_is() -> None:
    """4e-5, and not the 2e-6 of the arcsine scale: of 100 columns in a week of hours some have none."""
    sizes = np.full(300, 1000)
    missing = np.random.default_rng(5).binomial(sizes, 0.01)
    history = Cells.of(np.stack([0 * sizes, sizes - missing, 0 * sizes], axis=1), missing=missing)
    compare = Missing(history.total(), history, everywhere(300))
    verdict = compare.judge(flat_windows(1, [0, 1000, 0]), 1e-5)[0]
    assert verdict.p_value is not None
    assert 4e-5 < verdict.p_value < 1e-3
    assert not verdict.alarm


@pytest.mark.parametrize("usual", [0, 10, 300, 990])
def test_a_rate_alarms_beyond_its_threshold_and_nowhere_else(usual: int) -> None:
    """The threshold is where the larger one of both chances, and the floor, let an alarm through."""
    rng = np.random.default_rng(usual)
    missing = rng.binomial(1000, usual / 1000, 60)
    history = Cells.of(np.stack([0 * missing, 1000 - missing], axis=1), missing=missing)
    compare = Missing(history.total(), history, everywhere(60), floor=0.0)
    compare.never_lost[:] = False  # the hard rule has a threshold of its own
    alarms = set()
    for k in range(0, 1001, 7):
        verdict = compare.judge(flat_windows(1, [0, 1000 - k], missing=k), 1e-4)[0]
        low = verdict.statistic < compare.statistic(history.total())[0]
        beyond = (
            verdict.statistic < verdict.threshold if low else verdict.statistic > verdict.threshold
        )
        assert verdict.alarm == beyond
        alarms.add(verdict.alarm)
    assert alarms == {False, True}
