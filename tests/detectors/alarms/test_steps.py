"""Steps are found where they are, sized as least squares would, and rarely where there is none."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from detectors.alarms.memory import LAGS, PHIS, REACH, Memory, fit_memory
from detectors.alarms.steps import Steps, detectable, newest_steps
from detectors.arrays import Floats
from tests.detectors.alarms.streams import covariance, day, ragged, wandering

ONE = np.ones((REACH, 1))
ALIKE = np.ones((1, REACH))


def known(phi: float, wander: float, level: float = 0.0, lag: int | None = None) -> Memory:
    """The memory of a signal of which all is known, looked at for steps of one lag or of all."""
    g = int(np.flatnonzero(phi == PHIS)[0])
    weight, row = np.zeros((1, len(PHIS))), np.ones((1, len(PHIS)))
    weight[0, g] = 1
    doubt = np.zeros((1, len(PHIS), len(LAGS)))
    if lag is not None:
        doubt[:, :, lag != LAGS] = 1e12
    # The filter's variance once it is steady solves P = phi^2 P / (P + 1) + (1 - phi^2) wander.
    fresh = wander * (1 - phi * phi)
    half = (1 - phi * phi - fresh) / 2
    P = np.sqrt(half * half + fresh) - half
    season = np.full((1, len(PHIS), 1), level)
    known = [weight, wander * row, row, season, doubt, P / (P + 1) * row]
    return Memory.restore([*known, np.array([1e6]), np.array([len(LAGS)])])


def since(lag: int, windows: int = REACH) -> Floats:
    """[1, windows] a step of 1 that began so many windows ago."""
    return (np.arange(windows) >= windows - 1 - lag).astype(np.float64)[None]


def best_score(
    x: Floats, worth: Floats, phi: float, wander: float, lag: int
) -> tuple[float, float]:
    """The step's size and score by generalised least squares with the covariance of all windows."""
    there = worth[0] > 0
    inverse = np.linalg.inv(covariance(worth[0], phi, wander))
    step = since(lag)[0, there]
    told = step @ inverse @ step
    size = step @ inverse @ x[0, there] / told
    return float(size), float(size * np.sqrt(told))


@pytest.mark.parametrize("wander", [0.0, 0.3, 5.0, 100.0])
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.96, 0.985])
def test_where_windows_are_alike_a_score_is_that_of_generalised_least_squares(
    phi: float, wander: float
) -> None:
    rng = np.random.default_rng(3)
    for lag in LAGS[:-1].tolist():
        x = wandering(rng, 1, REACH, phi, wander) + 20 * np.sqrt(1 + wander) * since(lag)
        steps = newest_steps(known(phi, wander, lag=lag), x, ALIKE, ONE)
        size, score = best_score(x, ALIKE, phi, wander, lag)
        assert steps.lag[0] == lag
        assert steps.size[0] == pytest.approx(size, rel=5e-3)
        assert steps.size[0] / steps.error[0] == pytest.approx(score, rel=5e-3)


@pytest.mark.parametrize("wander", [0.05, 1.5, 80.0])
@pytest.mark.parametrize("phi", [0.5, 0.9, 0.985])
def test_where_windows_differ_a_score_keeps_nine_tenths_of_the_best(
    phi: float, wander: float
) -> None:
    worth = ragged(np.random.default_rng(1), REACH)[None] / 1000
    worth[0, -1] = 1
    for lag in LAGS[:-1].tolist():
        steps = newest_steps(known(phi, wander, lag=lag), since(lag), worth, ONE)
        _, score = best_score(since(lag), worth, phi, wander, lag)
        assert 0.9 * score < steps.size[0] / steps.error[0] < 1.001 * score


@pytest.mark.parametrize("phi", [0.0, 0.9, 0.985])
def test_a_score_in_control_is_standard_normal_however_windows_differ(phi: float) -> None:
    rng = np.random.default_rng(4)
    worth = ragged(rng, REACH)[None] / 1000
    worth[0, -1] = 1
    root = np.linalg.cholesky(covariance(worth[0], phi, 2.0))
    x = np.zeros((4000, REACH))
    x[:, worth[0] > 0] = rng.normal(size=(4000, len(root))) @ root.T
    one = known(phi, 2.0)
    many = Memory(*[np.repeat(field, len(x), axis=0) for field in astuple(one)])
    for lag in (0, 8, 96):
        many.doubt[:] = np.where(lag == LAGS, 0.0, 1e12)
        steps = newest_steps(many, x, np.repeat(worth, len(x), axis=0), ONE, standing=False)
        assert (steps.size / steps.error).std() == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize("phi", [0.0, 0.9, 0.99])
def test_in_control_chances_exceed_their_share_rarely(phi: float) -> None:
    rng = np.random.default_rng(int(1000 * phi))
    R, T, after = 80, 672, 100
    x = wandering(rng, R, T + after, phi, 3.0) + day(T + after) @ [5.0, 2.0, 1.0]
    worth, X = np.ones_like(x), day(T + after)
    memory, history = fit_memory(x[:, :T], worth[:, :T], X[:T], np.ones(R))
    new = np.stack([
        newest_steps(memory, x[:, e - REACH : e], worth[:, e - REACH : e], X[e - REACH : e]).surprise
        for e in range(T + 1, T + after + 1)
    ])  # fmt: skip
    for surprise in (new, history[:, LAGS[-1] :]):
        # The smallest of nine chances: up to nine times as often as one, and the far tail, where
        # what was learned is not exact, half as often again. `tail.py` counts how often it is.
        assert np.mean(surprise > -np.log(0.02)) < 9 * 0.02
        assert np.mean(surprise > -np.log(0.002)) < 14 * 0.002


@given(st.sampled_from([0, 1, 2, 4, 8, 16, 24, 48]), st.sampled_from([0.0, 0.5, 0.9]),
       st.sampled_from([-1, 1]), st.integers(0, 99))  # fmt: skip
def test_a_clear_step_is_found_at_its_lag_and_sized_within_its_error(
    lag: int, phi: float, sign: int, seed: int
) -> None:
    x = wandering(np.random.default_rng(seed), 1, REACH, phi, 1.0) + 1.5
    x += sign * 25 * since(lag)
    steps = newest_steps(known(phi, 1.0, level=1.5), x, ALIKE, ONE)
    assert steps.lag[0] == lag
    assert abs(steps.size[0] - sign * 25) < 4.5 * steps.error[0]
    assert steps.usual[0] == 1.5


@given(st.sampled_from(LAGS[:-1].tolist()), st.sampled_from([0.0, 0.9, 0.985]), st.integers(0, 99))
def test_surprise_never_falls_as_a_step_grows(lag: int, phi: float, seed: int) -> None:
    x = wandering(np.random.default_rng(seed), 1, REACH, phi, 1.0)
    start = newest_steps(known(phi, 1.0), x, ALIKE, ONE)
    x += np.sign(start.size[0]) * 6 * since(lag)
    sizes = np.sign(start.size[0]) * np.arange(0, 60, 2.0)
    grown = x + sizes[:, None] * since(lag)
    many = rows_of(known(phi, 1.0), [0] * len(sizes))
    surprise = newest_steps(many, grown, np.ones_like(grown), ONE).surprise
    assert (np.diff(surprise) >= -1e-9).all()


def test_a_huge_step_is_still_told_at_its_lag() -> None:
    for lag in LAGS.tolist():
        steps = newest_steps(known(0.5, 1.0), 1e5 * since(lag), ALIKE, ONE)
        assert steps.lag[0] == lag
        assert steps.size[0] == pytest.approx(1e5, rel=1e-3)


def test_many_windows_together_find_what_none_alone_shows() -> None:
    steps = newest_steps(known(0.0, 0.0), 1.0 * since(48), ALIKE, ONE)
    alone = newest_steps(known(0.0, 0.0, lag=0), 1.0 * since(48), ALIKE, ONE)
    assert alone.surprise[0] < 2 < 20 < steps.surprise[0]


def test_a_long_memory_makes_a_slow_drift_unsurprising_and_a_jump_not() -> None:
    slow = np.linspace(0, 8, REACH)[None]
    assert newest_steps(known(0.0, 0.0), slow, ALIKE, ONE).surprise[0] > 100
    assert newest_steps(known(0.985, 16.0), slow, ALIKE, ONE).surprise[0] < 3
    assert newest_steps(known(0.985, 16.0), 20 * since(0), ALIKE, ONE).surprise[0] > 20


def test_the_chance_is_students_mean_over_the_correlations() -> None:
    memory = known(0.0, 1.0, lag=0)
    memory.weight[:] = 1 / len(PHIS)
    memory.freedom[:] = 40.0
    memory.scale[:] = np.linspace(0.5, 2, len(PHIS))
    x = 6.0 * since(0)
    steps = newest_steps(memory, x, np.where(since(0) > 0, 1.0, 0.0), ONE)
    chances = 2 * student.sf(6 / np.sqrt(2 * memory.scale[0]), 40)
    assert np.exp(-steps.surprise[0]) == pytest.approx(chances.mean(), rel=0.01)


def fleet(rows: int = 12) -> tuple[Memory, Floats, Floats, Floats]:
    """A memory of very different signals, and new windows of them."""
    rng = np.random.default_rng(8)
    T = 300 + REACH
    x = wandering(rng, rows, T, 0.9, 1.0) * np.logspace(-3, 3, rows)[:, None]
    worth = np.stack([ragged(rng, T) for _ in range(rows)]) * np.logspace(6, -6, rows)[:, None]
    worth[:, -1] = worth.max(axis=1)
    memory, _ = fit_memory(x[:, :300], worth[:, :300], day(300), np.full(rows, 0.01))
    return memory, x[:, 300:], worth[:, 300:], day(REACH, 300)


def rows_of(memory: Memory, at: list[int]) -> Memory:
    return Memory(*[field[at] for field in astuple(memory)])


def told(steps: Steps) -> Floats:
    return np.stack([np.asarray(field, np.float64) for field in astuple(steps)])


def test_an_answer_does_not_depend_on_its_neighbours_bit_for_bit() -> None:
    memory, x, worth, X = fleet()
    together = told(newest_steps(memory, x, worth, X))
    found = detectable(memory, worth[:, -1], np.full(len(x), 12.0), 24)
    for at in ([3], [11, 0], [5, 4, 3, 2], [7, 7, 7]):
        few = rows_of(memory, at)
        assert (told(newest_steps(few, x[at], worth[at], X)) == together[:, at]).all()
        assert (detectable(few, worth[at, -1], np.full(len(at), 12.0), 24) == found[at]).all()


def test_what_a_window_of_worth_0_says_does_not_count() -> None:
    memory, x, worth, X = fleet()
    other = np.where(worth > 0, x, 1e6)
    assert (
        told(newest_steps(memory, other, worth, X)) == told(newest_steps(memory, x, worth, X))
    ).all()


def test_windows_before_the_first_that_tell_something_change_nothing() -> None:
    memory, x, worth, X = fleet()
    worth[:, :40] = 0
    memory.lags[:] = 7
    long = told(newest_steps(memory, x, worth, X))
    short = told(newest_steps(memory, x[:, 40:], worth[:, 40:], X[40:]))
    assert short == pytest.approx(long, rel=1e-9)


def test_a_signal_whose_newest_window_tells_nothing_has_no_step() -> None:
    memory, x, worth, X = fleet()
    worth[:, -1] = 0
    steps = newest_steps(memory, x + 100, worth, X)
    assert not steps.surprise.any()
    assert not steps.size.any()
    assert steps.usual.any()


@pytest.mark.parametrize("value", [0.0, 1.0, 1e-300, -1e300, 1e300])
@pytest.mark.parametrize("worth", [1e-320, 1e-300, 1e-12, 1.0, 1e12, 1e300])
def test_no_value_and_no_worth_make_it_something_that_is_not_a_number(
    value: float, worth: float
) -> None:
    memory, *_ = fleet()
    x = np.zeros((12, REACH))
    x[:, 50:] = value
    steps = newest_steps(memory, x, np.full_like(x, worth), day(REACH))
    assert np.isfinite(told(steps)).all()
    assert (steps.surprise >= 0).all()


@pytest.mark.parametrize(("phi", "within"), [(0.0, 1), (0.0, 24), (0.9, 3), (0.9, 24), (0.985, 24)])
def test_a_detectable_step_is_found_in_nine_trials_of_ten(phi: float, within: int) -> None:
    rng, trials, needed = np.random.default_rng(9), 600, 16.0
    memory = known(phi, 2.0)
    size = detectable(memory, np.ones(1), np.array([needed]), within)[0]
    many = rows_of(memory, [0] * trials)
    reach = max(lag for lag in LAGS.tolist() if lag < within)
    x = wandering(rng, trials, REACH + within, phi, 2.0)
    x[:, REACH:] += size
    worth = np.ones((trials, REACH))
    ends = range(REACH + 1, REACH + within + 1)
    surprise = np.stack([
        newest_steps(many, x[:, end - REACH : end], worth, ONE).surprise for end in ends
    ])  # fmt: skip
    # At one window, with the step at a lag that is looked at, 90 %; over all of them a little more.
    assert 0.86 < np.mean(surprise[reach] > needed) < 0.97
    assert np.mean((surprise > needed).any(axis=0)) > 0.87


def test_a_larger_step_is_needed_in_less_time_for_more_surprise_and_of_smaller_windows() -> None:
    memory, _, worth, _ = fleet()
    usual, some = worth.max(axis=1), np.full(12, 10.0)
    size = detectable(memory, usual, some, 24)
    assert (detectable(memory, usual, some, 2) >= size).all()
    assert (detectable(memory, usual, some + 5, 24) > size).all()
    assert (detectable(memory, usual / 10, some, 24) > size).all()


def test_nothing_is_detectable_in_windows_that_tell_nothing_or_in_no_time() -> None:
    memory, _, worth, _ = fleet()
    some = np.full(12, 10.0)
    assert np.isinf(detectable(memory, np.zeros(12), some, 24)).all()
    assert np.isinf(detectable(memory, worth[:, -1], some, 0)).all()


def test_a_spike_that_has_passed_is_no_step_and_a_block_only_while_it_lasts() -> None:
    """At the latest an eighth of what is looked back on later; else a wild window would alarm for all that time."""
    memory = known(0.0, 0.0)
    for block in (1, 3, 10):
        told = [block, block + 13]
        for since_it_began, alarming in zip(told, (True, False), strict=True):
            x = np.zeros((1, REACH))
            begin = REACH - since_it_began
            x[0, begin : begin + block] = 20.0
            surprise = newest_steps(memory, x, ALIKE, ONE).surprise[0]
            assert (surprise > 20) == alarming
            passed = newest_steps(memory, x, ALIKE, ONE, standing=False)
            assert passed.surprise[0] > 2
            assert surprise == 0 or alarming


@pytest.mark.parametrize("beyond", [0.0, -0.5])
def test_a_way_back_to_what_is_usual_is_no_step(beyond: float) -> None:
    """Even if it goes a little beyond; and at the latest after three windows the step before it is over, too."""
    x = np.zeros((1, REACH))
    x[0, 20:60] = 20.0
    x[0, 60:] = beyond
    for back in range(30):
        at = 60 + back
        steps = newest_steps(known(0.9, 0.5), x[:, :at], ALIKE[:, :at], ONE[:at])
        assert steps.size[0] >= 0 or steps.surprise[0] < 10
        assert steps.surprise[0] > 20 if back == 0 else steps.surprise[0] < 10 or back < 3
