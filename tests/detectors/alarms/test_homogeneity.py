"""A step in a history is found where it is, told if it is large, and never seen in what merely wanders."""

import numpy as np
import pytest

from detectors.alarms.homogeneity import CHANCE, Step, largest_steps
from detectors.alarms.layer import AlarmLayer, Size
from detectors.alarms.memory import fit_memory
from detectors.alarms.season import season
from detectors.alarms.signals import Test as Signal
from detectors.arrays import Floats

HOUR = 3_600_000
WORTH = 1000.0
AT = 100


def wandering(R: int, T: int, phi: float, wander: float, seed: int) -> Floats:
    """Make R signals: a daily season, an autoregression and sampling noise."""
    rng = np.random.default_rng(seed)
    s = np.empty((R, T))
    s[:, 0] = rng.normal(size=R) * wander
    fresh = wander * np.sqrt(1 - phi * phi)
    for t in range(1, T):
        s[:, t] = phi * s[:, t - 1] + rng.normal(size=R) * fresh
    noise = rng.normal(size=(R, T)) / np.sqrt(WORTH)
    return np.asarray(s + noise + 0.3 * np.sin(2 * np.pi * np.arange(T) / 24))


def steps_of(x: Floats, worth: Floats | None = None) -> list[Step | None]:
    T = x.shape[1]
    X = season(HOUR * np.arange(T, dtype=np.int64), HOUR, T * HOUR)
    w = np.full(x.shape, WORTH) if worth is None else worth
    memory, surprise = fit_memory(x, w, X, np.ones(len(x)))
    return largest_steps(memory, x, w, X, surprise, 168)


@pytest.mark.parametrize(("phi", "wander"), [(0.0, 0.0), (0.9, 0.1), (0.99, 0.3), (0.99, 1.0)])
def test_what_is_in_control_has_no_step_however_far_it_wanders(phi: float, wander: float) -> None:
    """None of 400 is refused, and the 0.1 % that may be told are at most 2 of them."""
    steps = steps_of(wandering(400, 168, phi, wander, seed=1))
    told = [step for step in steps if step is not None]
    assert not any(step.refused for step in told)
    assert len(told) <= 2
    assert all(step.chance < CHANCE for step in told)


@pytest.mark.parametrize(("phi", "wander"), [(0.0, 0.0), (0.9, 0.1), (0.99, 0.1)])
def test_a_step_is_found_where_it_is_and_as_large_as_it_is(phi: float, wander: float) -> None:
    x = wandering(40, 336, phi, wander, seed=2)
    x[:, AT:] += 1.5
    steps = [step for step in steps_of(x) if step is not None]
    assert len(steps) == len(x)
    assert sum(step.refused for step in steps) >= 0.9 * len(x)
    assert np.median([abs(step.at - AT) for step in steps]) == 0
    assert abs(np.median([step.size for step in steps]) - 1.5) < 0.1


def test_a_step_of_half_a_standard_deviation_is_told_and_not_refused() -> None:
    x = wandering(40, 336, 0.9, 0.1, seed=3)
    x[:, AT:] -= 0.5
    steps = [step for step in steps_of(x) if step is not None]
    assert len(steps) >= 0.95 * len(x)
    assert not any(step.refused for step in steps)
    assert all(step.size < -0.2 for step in steps)


def test_a_strange_window_is_no_step() -> None:
    """However surprising: the level before and after it is the same."""
    x = wandering(20, 336, 0.5, 0.05, seed=4)
    x[:, AT] += 9.0
    steps = [step for step in steps_of(x) if step is not None]
    assert steps
    assert max(abs(step.size) for step in steps) < 0.1


def test_a_strange_window_does_not_hide_a_step() -> None:
    x = wandering(20, 336, 0.5, 0.05, seed=5)
    x[:, 250] += 2.0
    x[:, AT:] += 1.5
    steps = steps_of(x)
    assert all(step is not None and abs(step.at - AT) <= 1 and step.size > 1.3 for step in steps)


@pytest.mark.parametrize("T", [168, 336, 672])
def test_a_day_that_is_unlike_the_others_every_week_is_no_step(T: int) -> None:
    """The waves of the season do not describe it; of one week alone it may be told, but is not refused."""
    most = 1.0 if T == 168 else 0.2
    for day in range(7):
        x = wandering(10, T, 0.5, 0.05, seed=6)
        x[:, np.arange(T) // 24 % 7 == day] += 1.5
        assert not any(step is not None and abs(step.size) > most for step in steps_of(x))


def test_jumps_that_die_away_are_no_steps() -> None:
    """Heavy tails of the wander's innovations, which last for some ten hours."""
    rng = np.random.default_rng(10)
    x, s = wandering(100, 672, 0.0, 0.0, seed=10), np.zeros(100)
    for t in range(672):
        s = 0.9 * s + 0.1 * rng.standard_t(3, size=100)
        x[:, t] += s
    assert not any(step is not None and step.refused for step in steps_of(x))


def test_windows_that_tell_nothing_play_no_part() -> None:
    """Whatever stands in them: they are worth nothing."""
    x = wandering(10, 336, 0.9, 0.1, seed=6)
    worth = np.full(x.shape, WORTH)
    worth[:, AT : AT + 24] = 0.0
    other = x.copy()
    other[:, AT : AT + 24] = 7.0
    assert steps_of(other, worth) == steps_of(x, worth)


def layer(x: Floats) -> AlarmLayer:
    T = x.shape[2]
    tests = (Signal("location", 0.1, 0.2), Signal("shape", 0.02, 0.12, up=True))[: len(x)]
    worth = np.full(x.shape, WORTH)
    return AlarmLayer(tests, x, worth, HOUR * np.arange(T, dtype=np.int64), Size(HOUR, HOUR, 28))


def test_a_refused_column_is_not_judged_and_moves_no_other() -> None:
    """Of three columns the middle one has a step; the others are judged as if they were alone."""
    x = wandering(3, 336, 0.5, 0.05, seed=7)[None]
    x[0, 1, AT:] += 2.0
    whole, alone = layer(x), layer(x[:, [0, 2]])
    assert whole.judged.tolist() == [True, False, True]
    assert whole.ready.all()
    step = whole.unsteady[1]
    assert (step.test, step.refused, list(whole.unsteady)) == ("location", True, [1])
    assert abs(step.start_ms // HOUR - AT) <= 1
    now = np.ascontiguousarray(x[..., -97:])
    now[..., -1] += 5.0
    worth, last, alphas = np.full(now.shape, WORTH), 335 * HOUR, np.array([1e-6])
    (told,) = whole.judge(now, worth, last, alphas)
    (others,) = alone.judge(
        np.ascontiguousarray(now[:, [0, 2]]), worth[:, [0, 2]].copy(), last, alphas
    )
    np.testing.assert_array_equal(told.chance[[0, 2]], others.chance)
    assert (told.chance[1], told.needed[1]) == (1.0, np.inf)
    assert (others.chance < 1e-6).all()
    assert np.isfinite(whole.detectable(0, 1e-6, 24 * HOUR)).tolist() == [True, False, True]


def test_what_is_unsteady_survives_as_numbers() -> None:
    x = wandering(2, 336, 0.5, 0.05, seed=8)[None]
    x[0, 1, AT:] += 2.0
    whole = layer(x)
    again = AlarmLayer.restore(whole.tests, whole.size, None, whole.payload())
    assert again.unsteady == whole.unsteady
    assert again.judged.tolist() == [True, False]


def test_a_rise_of_the_misfit_is_no_step_of_the_column() -> None:
    """Shape has no unit in which a step could be told."""
    x = np.concatenate([wandering(2, 336, 0.5, 0.05, seed=9)[None]] * 2)
    x[1, 0, AT:] += 2.0
    assert layer(x).unsteady == {}
