"""What a window's signals are worth: as much as its values can tell of them, and no more."""

from functools import cache

import numpy as np
import pytest

from detectors.alarms.probit import probit_weights
from detectors.alarms.signals import Scheme, tells
from detectors.arrays import Floats
from detectors.comparisons.cells import Cells

LOCATION, SPREAD, SHAPE = range(3)
BINS = [100, 300, 300, 200, 100]
HISTORY = Cells.of([[count + 3 * ((w + b) % 4) for b, count in enumerate(BINS)] for w in range(40)])


@cache
def scheme() -> Scheme:
    return Scheme(HISTORY.total(), HISTORY)


def read(*counts: int) -> tuple[Floats, Floats]:
    """Give the signals of a window and their worth."""
    readings = scheme().read(Cells.of([list(counts)]))
    return readings.x[:, 0, 0], scheme().worth(readings)[:, 0, 0]


def test_what_a_window_tells_of_the_spread_follows_its_location_and_of_the_location_it_does_not() -> (
    None
):
    """With most values in the last bin little is known of the spread; but far away is far away."""
    usual, far = read(*BINS), read(10, 40, 120, 250, 580)
    assert far[0][LOCATION] > 1
    assert far[1][LOCATION] == pytest.approx(usual[1][LOCATION])
    assert far[1][SPREAD] < 0.7 * usual[1][SPREAD]
    _, told = probit_weights(scheme().scores, scheme().used, np.array([far[0][LOCATION]]))
    assert far[1][SPREAD] == pytest.approx(1000 * told[0, 0], rel=0.01)


def test_a_misfit_is_told_from_so_many_values_a_bin_on() -> None:
    """Fewer make it no chi-square; of location and spread they tell enough."""
    many_bins = Cells.of([[10] * 20 for _ in range(40)])
    scheme = Scheme(many_bins.total(), many_bins)
    for n, told in ((5 * 20 - 1, False), (5 * 20, True)):
        counts = [n // 20 + (b < n % 20) for b in range(20)]
        worth = scheme.worth(scheme.read(Cells.of([counts])))[:, 0, 0]
        assert (worth[SHAPE] > 0) == told
        assert worth[LOCATION] > 0 < worth[SPREAD]


def test_a_window_tells_something_if_any_of_its_signals_is_worth_something() -> None:
    """Its missing values are, wherever others are."""
    told = [(n, bins, missing) for n in (0, 3, 30) for bins in (1, 5) for missing in (0, 19, 20)]
    bins, missing = (
        [[n * (b < some) for b in range(5)] for n, some, _ in told],
        [m for *_, m in told],
    )
    readings = scheme().read(Cells.of(bins, missing))
    some = scheme().worth(readings).any(axis=0)
    assert tells(readings).tolist() == some.tolist()
    assert 0 < some.sum() < some.size


def test_schemes_that_share_read_as_each_did_and_hold_what_is_the_same_once() -> None:
    """Two sizes of windows have the bins and weights of a reference in common, and not how far their windows wander."""
    longer = Cells.of(
        [[count + 60 * ((w + b) % 4) for b, count in enumerate(BINS)] for w in range(20)]
    )
    alone, sharing = (Scheme(HISTORY.total(), longer) for _ in range(2))
    sharing.share(scheme())
    assert sharing.spread_weights is scheme().spread_weights
    assert sharing.excess is not scheme().excess
    window = Cells.of([[80, 310, 320, 190, 100]])
    one, other = alone.read(window), sharing.read(window)
    assert (one.x == other.x).all()
    assert (alone.worth(one) == sharing.worth(other)).all()
    assert (alone.misfit(one) == sharing.misfit(other)).all()
