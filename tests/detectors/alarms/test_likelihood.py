"""The filter's restricted likelihood is that of the dense covariance matrix."""

import numpy as np
import pytest

from detectors.alarms.likelihood import RATIOS, fit_signal
from detectors.arrays import Floats
from tests.detectors.alarms.streams import WINDOWS, day, dense_fit, ragged, wandering

PHIS = np.array([0.0, 0.5, 0.9, 0.995])


class Fitted:
    """One signal, fitted."""

    def __init__(self, x: Floats, worth: Floats, X: Floats, least: float = 0.01) -> None:
        G, (T, p) = len(PHIS), X.shape
        self.out, self.beta = np.zeros((4, G)), np.zeros((G, p))
        self.E, self.w = np.zeros((G, T, p + 1)), np.zeros((G, T))
        self.M = np.zeros((G, p + 1, p + 1))
        self.told = fit_signal(
            x, worth, X, PHIS, least, self.out, self.beta, self.E, self.w, self.M
        )


def example(seed: int) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    worth, X = ragged(rng), day(WINDOWS)
    x = wandering(rng, 1, WINDOWS, 0.9, 0.02 * seed, 0.002)[0] + X @ [2.0, 0.5, -0.3]
    return x, worth, X


@pytest.mark.parametrize("seed", range(4))
def test_likelihood_coefficients_and_kappa_are_those_of_the_dense_model(seed: int) -> None:
    x, worth, X = example(seed)
    fitted = Fitted(x, worth, X)
    log_likelihood, wander, kappa, _ = fitted.out
    twins = [dense_fit(x, worth, X, phi, v, 0.01) for phi, v in zip(PHIS, wander, strict=True)]
    assert fitted.beta == pytest.approx(np.array([twin.beta for twin in twins]), rel=1e-7)
    assert kappa == pytest.approx([twin.kappa for twin in twins], rel=1e-7)
    offsets = log_likelihood - [twin.told for twin in twins]
    assert offsets == pytest.approx(offsets[0], abs=1e-6)


@pytest.mark.parametrize("seed", range(2))
def test_of_the_variances_of_wander_tried_the_likeliest_is_taken(seed: int) -> None:
    x, worth, X = example(seed)
    noise = (1 / worth[worth > 0]).mean()
    wander = Fitted(x, worth, X).out[1]
    for g, phi in enumerate(PHIS[1:], start=1):
        told = [dense_fit(x, worth, X, phi, v * noise, 0.01).told for v in RATIOS]
        assert wander[g] == pytest.approx(RATIOS[np.argmax(told)] * noise)
    assert wander[0] == 0


def test_what_a_window_of_worth_0_says_does_not_count() -> None:
    x, worth, X = example(1)
    one = Fitted(x, worth, X)
    two = Fitted(np.where(worth > 0, x, 1e9), worth, X)
    assert (one.out == two.out).all()
    assert (one.E == two.E).all()


def test_leaving_a_gap_at_the_ends_is_the_same_as_a_shorter_history() -> None:
    x, worth, X = example(2)
    worth[:30] = worth[-7:] = 0
    long = Fitted(x, worth, X)
    short = Fitted(x[30:-7], worth[30:-7], X[30:-7])
    assert long.beta == pytest.approx(short.beta, rel=1e-9)
    assert long.out == pytest.approx(short.out, rel=1e-9)


def test_innovations_are_white_and_of_variance_kappa_in_the_model() -> None:
    rng = np.random.default_rng(5)
    T = 6000
    x = wandering(rng, 1, T, 0.9, 4.0)[0]
    fitted = Fitted(x, np.ones(T), np.ones((T, 1)))
    e = fitted.E[2, :, 1] - fitted.beta[2, 0] * fitted.E[2, :, 0]
    assert np.mean(e * e) == pytest.approx(fitted.out[2, 2], rel=0.01)
    assert abs(np.corrcoef(e[1:], e[:-1])[0, 1]) < 4 / np.sqrt(T)
    assert fitted.out[0].argmax() == 2


def test_the_factor_holds_all_products_of_the_innovations() -> None:
    fitted = Fitted(*example(3))
    for E, M in zip(fitted.E, fitted.M, strict=True):
        L = np.tril(M)
        L[-1, -1] = np.sqrt(L[-1, -1])
        products = L @ L.T
        assert products == pytest.approx(E.T @ E, rel=1e-6, abs=1e-6 * np.trace(E.T @ E))


@pytest.mark.parametrize("unit", [1e-12, 1e-3, 1e6])
def test_a_change_of_unit_changes_nothing_but_the_unit(unit: float) -> None:
    x, worth, X = example(2)
    plain, changed = Fitted(x, worth, X), Fitted(x * unit, worth / unit**2, X)
    assert changed.beta == pytest.approx(plain.beta * unit, rel=1e-6)
    assert changed.out[1] == pytest.approx(plain.out[1] * unit**2, rel=1e-9)
    assert changed.out[2:] == pytest.approx(plain.out[2:], rel=1e-6)
    assert np.ptp(changed.out[0] - plain.out[0]) < 1e-5


def test_a_level_far_above_the_noise_does_not_count_as_noise() -> None:
    x = np.random.default_rng(6).normal(size=(1, 500))[0]
    worth, one = np.full(500, 1e6), np.ones((500, 1))
    near, far = (Fitted(x * 1e-3 + level, worth, one) for level in (0.0, 14.0))
    assert far.out[2] == pytest.approx(near.out[2], rel=1e-3)


def test_too_few_windows_are_not_fitted() -> None:
    x, worth, X = example(0)
    worth[5:] = 0
    assert not Fitted(x, worth, X).told
