"""What a history is: time that was watched, not time that passed."""

from dataclasses import astuple

import numpy as np
import pytest

from detectors.alarms import signals
from detectors.alarms.layer import AlarmLayer, Judged, Size
from detectors.alarms.signals import COLUMN_TESTS, VOLUME_TEST
from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.rates import arcsine_rate

HOUR = 3_600_000
SIZE = Size(HOUR, HOUR, 28)


def layer_of(starts: Counts) -> AlarmLayer:
    x = np.random.default_rng(3).normal(size=(1, 2, len(starts)))
    return AlarmLayer((VOLUME_TEST,), x, np.ones_like(x), starts, SIZE)


@pytest.mark.parametrize("weeks", [5, 500])
def test_a_gap_of_weeks_is_no_week_of_history(weeks: int) -> None:
    """Thirty hours and one more weeks later have shown neither nights nor weekends."""
    starts = HOUR * np.append(np.arange(30), 168 * weeks)
    layer = layer_of(starts)
    assert layer.span_ms < 3 * 24 * HOUR
    assert not layer.ready.any()


def test_nights_without_windows_count_as_time() -> None:
    starts = HOUR * np.flatnonzero(np.arange(24 * 8) % 24 >= 12)
    assert layer_of(starts).ready.all()


def test_a_long_gap_costs_no_memory_and_changes_no_hours() -> None:
    """Of a history with a year's gap in it the same is learned as of one with a gap of a few weeks."""
    week = HOUR * np.arange(200)
    near, far = (layer_of(np.concatenate([week, week + 168 * weeks * HOUR])) for weeks in (3, 5000))
    assert near.ready.all()
    (one,), (other,) = near.memories, far.memories
    for a, b in zip(astuple(one), astuple(other), strict=True):
        assert np.array_equal(a, b)


def test_hours_of_the_day_that_the_history_does_not_know_are_not_covered() -> None:
    """An hour and its neighbours need three windows; and windows of a day or half of one know no hours."""
    days = HOUR * np.flatnonzero(np.isin(np.arange(24 * 14) % 24, range(9, 18)))
    layer = layer_of(days)
    covered = [bool(layer.covers(HOUR * (24 * 20 + hour)).all()) for hour in range(24)]
    assert covered == [8 <= hour <= 18 for hour in range(24)]
    x = np.zeros((1, 2, 60))
    long = Size(12 * HOUR, 12 * HOUR, 28)
    half = AlarmLayer((VOLUME_TEST,), x, np.ones_like(x), 12 * HOUR * np.arange(60), long)
    assert half.covers(5 * HOUR).all()
    again = AlarmLayer.restore((VOLUME_TEST,), SIZE, None, layer.payload())
    assert np.array_equal(again.covers(3 * HOUR), layer.covers(3 * HOUR))


RATES: Flags = np.array([[False, True, False], [False] * 3, [False] * 3, [True] * 3])
SEEN: Floats = np.random.default_rng(8).normal(size=(4, 3, 97)) / 10 + 1
"""Windows to judge, the last of them far off."""
SEEN[..., -4:] += 0.4


def fitted(
    windows: int,
    which: tuple[signals.Test, ...] = COLUMN_TESTS,
    rates: Flags = RATES,
    shift: float = 0.0,
) -> AlarmLayer:
    x = np.random.default_rng(7).normal(size=(4, 3, windows)) / 10 + 1 + shift
    x = x[[COLUMN_TESTS.index(test) for test in which]]
    worth = np.full_like(x, 100.0)
    return AlarmLayer(which, x, worth, HOUR * np.arange(windows), SIZE, rates)


def judged(layer: AlarmLayer, seen: Floats = SEEN) -> list[Judged]:
    worth = np.full_like(seen, 100.0)
    return layer.judge(seen, worth, HOUR * 5000, np.full(len(seen), 1e-4))


def alike(one: list[Judged], other: list[Judged]) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(one, other, strict=True)
        for name in ("chance", "size", "needed", "lag", "usual", "away")
    )


def test_tests_that_are_judged_together_are_judged_as_each_alone() -> None:
    """To the last bit, rates beside others."""
    together = judged(fitted(400))
    assert any((told.chance < 1e-4).any() for told in together)
    for s, test in enumerate(COLUMN_TESTS):
        alone = judged(fitted(400, (test,), RATES[[s]]), SEEN[[s]])
        assert alike(alone, [together[s]]), test.name


def test_what_was_kept_of_a_former_layer_counts_at_once() -> None:
    """Also where the newer one has judged before; and as after it was stored."""
    former, layer = fitted(800), fitted(300, shift=1.0)
    before = judged(layer)
    layer.windows[1] = 200  # its history of this column is poor
    layer.keep(former)
    after = judged(layer)
    stored = AlarmLayer.restore(COLUMN_TESTS, SIZE, RATES, layer.payload())
    assert alike(after, judged(stored))
    assert not alike(before, after)
    assert after[0].usual[1] == judged(former)[0].usual[1] != before[0].usual[1]


RATE = next(test for test in COLUMN_TESTS if test.name == "missing")


def chances_of_rates(seen: list[tuple[int, int]], rate: float) -> float:
    """Give the smallest chance that windows (missing, events), judged one after the other, have behind a history."""
    rng, usual = np.random.default_rng(5), 200
    learned = [(int(k), usual) for k in rng.binomial(usual, rate, 672)]
    k, n = np.array([*learned, *seen]).T
    x, worth = arcsine_rate(k, n)[None, None], (n + 0.75)[None, None]
    rates: Flags = np.array([[True]])
    layer = AlarmLayer((RATE,), x[..., :672], worth[..., :672], HOUR * np.arange(672), SIZE, rates)
    alphas = np.array([1e-3])
    judged = [
        layer.judge(x[..., w - 97 : w], worth[..., w - 97 : w], HOUR * (w - 1), alphas)[0]
        for w in range(673, len(k) + 1)
    ]
    return min(float(told.chance[0]) for told in judged)


@pytest.mark.parametrize("rate", [0.0, 0.002])
def test_fewer_events_with_nothing_missing_are_no_more_missing_values(rate: float) -> None:
    """The arcsine rate of none of few is larger than that of none of many, and in a hundred windows that adds up."""
    assert chances_of_rates([(0, 30)] * 100, rate) > 0.05


def test_more_missing_values_among_fewer_events_are_found() -> None:
    assert chances_of_rates([(3, 30)] * 4, 0.002) < 1e-5


def test_a_difference_from_another_week_is_not_held_against_events_as_if_it_were_a_rate() -> None:
    """What lies 0.2 above last week's rate is no share of anything."""
    rng, ones = np.random.default_rng(7), np.ones((1, 1, 672))
    learned = rng.normal(0, 0.05, ones.shape)
    rates: Flags = np.array([[True]])
    layer = AlarmLayer((RATE,), learned, 400.75 * ones, HOUR * np.arange(672), SIZE, rates)
    seen = np.where(np.arange(97) < 37, 0.0, 0.2)[None, None]
    worth = np.where(np.arange(97) < 37, 400.75, 30.75)[None, None]
    of_rate, of_difference = (
        layer.judge(seen, worth, HOUR * 768, np.array([1e-3]), np.array([[base]]))[0].chance[0]
        for base in (0.0, 0.9)
    )
    assert of_difference < 1e-3 < 0.05 <= of_rate
