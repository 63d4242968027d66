"""What is learned of signals: how they wander, and how surprising their own windows are."""

import warnings
from dataclasses import astuple

import numpy as np
import pytest

from detectors.alarms.memory import LAGS, PHIS, REACH, Memory, fit_memory
from detectors.alarms.steps import newest_steps
from detectors.arrays import Floats
from tests.detectors.alarms.streams import day, ragged, wandering


def learn(x: Floats, worth: Floats | None = None, least: float = 1.0) -> tuple[Memory, Floats]:
    R, T = x.shape
    return fit_memory(x, np.ones_like(x) if worth is None else worth, day(T), np.full(R, least))


def fields(memory: Memory) -> list[Floats]:
    return [np.asarray(field, np.float64) for field in astuple(memory)]


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.985])
def test_the_posterior_stands_by_the_true_correlation(phi: float) -> None:
    x = wandering(np.random.default_rng(2), 6, 2000, phi, 6.0 if phi else 0.0)
    memory, _ = learn(x)
    assert memory.weight.sum(axis=1) == pytest.approx(1, abs=1e-6)
    near = np.abs(np.arange(len(PHIS)) - np.flatnonzero(phi == PHIS)[0]) <= 1
    if phi:  # without wander every correlation of nothing is as good
        assert (memory.weight[:, near].sum(axis=1) > 0.95).all()
    else:
        assert (memory.weight @ np.ones(7) > 0.999).all()
        assert memory.wander.max() <= 0.15


def test_wander_scale_and_season_are_recovered() -> None:
    rng = np.random.default_rng(3)
    worth = np.stack([ragged(rng, 2000) for _ in range(4)])
    noise = np.where(worth > 0, rng.normal(size=worth.shape) / np.sqrt(np.maximum(worth, 1)), 0)
    x = 2 * (wandering(rng, 4, 2000, 0.9, 0.02, 0.0) + noise) + day(2000) @ [3.0, 0.5, -0.2]
    memory, _ = learn(x, worth)
    g = int(np.flatnonzero(PHIS == 0.9)[0])
    assert memory.season[:, g] == pytest.approx(np.array([[3.0, 0.5, -0.2]] * 4), abs=0.12)
    assert memory.scale[:, g] * memory.wander[:, g] == pytest.approx(4 * 0.02, rel=0.35)
    assert (memory.scale[:, g] > 1).all()


def test_kappa_is_at_least_what_sampling_makes() -> None:
    x = wandering(np.random.default_rng(4), 3, 500, 0.0, 0.0) * 0.1
    assert (learn(x)[0].scale == 1).all()
    assert (learn(x, least=0.001)[0].scale < 0.02).all()


def test_a_historys_scores_are_those_that_its_windows_had_as_the_newest() -> None:
    rng = np.random.default_rng(5)
    x = wandering(rng, 8, 1500, 0.8, 2.0) + day(1500) @ [1.0, 1.0, 0.0]
    x[:, 1200:1203] += 8
    memory, history = learn(x)
    for t in (600, 1200, 1202, 1400):
        part = slice(t + 1 - REACH, t + 1)
        worth = np.ones((8, REACH))
        steps = newest_steps(memory, x[:, part], worth, day(1500)[part], standing=False)
        # They differ by what the fit has seen of them, a percent of a score, and by what the filter
        # knows of the time before.
        assert history[:, t] == pytest.approx(steps.surprise, rel=0.1, abs=0.25)


def test_windows_that_too_few_precede_or_that_tell_nothing_have_no_surprise() -> None:
    rng = np.random.default_rng(6)
    worth = ragged(rng, 600)[None]
    _, surprise = learn(wandering(rng, 1, 600, 0.5, 1.0), worth, 0.001)
    assert not surprise[:, : LAGS[-1]].any()
    assert ((surprise[:, LAGS[-1] :] > 0) == (worth[:, LAGS[-1] :] > 0)).all()


def test_a_row_does_not_depend_on_its_neighbours_bit_for_bit() -> None:
    rng = np.random.default_rng(7)
    x = wandering(rng, 6, 300, 0.9, 1.0) * np.logspace(-3, 3, 6)[:, None]
    worth = np.stack([ragged(rng, 300) for _ in range(6)])
    memory, surprise = learn(x, worth, 0.01)
    for at in ([4], [5, 0, 5], [3, 2, 1]):
        few, own = learn(x[at], worth[at], 0.01)
        assert (own == surprise[at]).all()
        for one, all_ in zip(fields(few), fields(memory), strict=True):
            assert (one == all_[at]).all()


def test_what_a_window_of_worth_0_says_does_not_count() -> None:
    rng = np.random.default_rng(8)
    x, worth = wandering(rng, 2, 300, 0.9, 1.0), np.stack([ragged(rng, 300)] * 2)
    one, two = learn(x, worth), learn(np.where(worth > 0, x, -1e9), worth)
    assert (one[1] == two[1]).all()
    assert all((a == b).all() for a, b in zip(fields(one[0]), fields(two[0]), strict=True))


def test_it_is_of_single_precision() -> None:
    memory, _ = learn(wandering(np.random.default_rng(9), 2, 300, 0.9, 1.0))
    for field in fields(memory):
        assert (field == field.astype(np.float32)).all()


@pytest.mark.parametrize("value", [0.0, 1.0, 1e-300, -1e300, 1e300])
@pytest.mark.parametrize("worth", [1e-320, 1e-300, 1e-12, 1.0, 1e12, 1e300])
def test_no_value_and_no_worth_make_it_something_that_is_not_a_number(
    value: float, worth: float
) -> None:
    x = np.zeros((2, 150))
    x[0], x[1, 60:62] = value, value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        memory, surprise = learn(x, np.full_like(x, worth))
    assert all(np.isfinite(field).all() for field in fields(memory))
    assert np.isfinite(surprise).all()
    assert (surprise >= 0).all()
    assert (memory.scale > 0).all()


def test_worths_of_all_sizes_beside_each_other_do_no_harm() -> None:
    rng = np.random.default_rng(10)
    worth = np.exp(rng.uniform(-90, 90, (2, 200)))
    memory, surprise = learn(rng.normal(size=(2, 200)), worth)
    assert all(np.isfinite(field).all() for field in fields(memory))
    assert np.isfinite(surprise).all()


def test_a_history_too_short_for_its_season_says_nothing_but_can_be_asked() -> None:
    memory, surprise = learn(np.ones((1, 5)))
    assert not surprise.any()
    assert memory.weight == pytest.approx(1 / len(PHIS))
    steps = newest_steps(memory, np.ones((1, 5)), np.ones((1, 5)), day(5))
    assert np.isfinite(steps.surprise).all()


def test_fewer_windows_look_back_less_far() -> None:
    lags = [int(learn(np.ones((1, T)))[0].lags[0]) for T in (12, 40, 100, 400)]
    assert lags == [3, 5, 7, 9]
    x = np.ones((1, 400))
    assert fit_memory(x, x, np.ones((400, 1)), np.ones(1), lags=3)[0].lags.tolist() == [3]
