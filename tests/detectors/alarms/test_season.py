"""The season's regressors tell hours and weekends apart, and no more than a history shows."""

import numpy as np
import pytest

from detectors.alarms.season import DAY_MS, WEEK_MS, season, terms
from detectors.arrays import Floats

HOUR = 3_600_000
MONDAY = 1_600_041_600_000
"""Monday, 2020-09-14 00:00 UTC."""


def weeks(number: int, size_ms: int = HOUR) -> Floats:
    starts = MONDAY + np.arange(0, number * WEEK_MS, size_ms, dtype=np.int64)
    return season(starts, size_ms, number * WEEK_MS)


@pytest.mark.parametrize(
    ("size_ms", "span_ms", "expected"),
    [
        (HOUR, DAY_MS, (0, False)),
        (HOUR, 2 * DAY_MS, (3, False)),
        (HOUR, WEEK_MS - 1, (3, False)),
        (HOUR, WEEK_MS, (3, True)),
        (60_000, WEEK_MS, (3, True)),
        (4 * HOUR, 4 * WEEK_MS, (2, True)),
        (8 * HOUR, 4 * WEEK_MS, (1, True)),
        (12 * HOUR, 4 * WEEK_MS, (0, True)),
        (DAY_MS, 2 * WEEK_MS, (0, False)),
        (DAY_MS, 3 * WEEK_MS, (0, True)),
        (WEEK_MS, 52 * WEEK_MS, (0, False)),
        (30 * DAY_MS, 52 * WEEK_MS, (0, False)),
    ],
)
def test_there_are_as_many_terms_as_size_and_time_can_tell_apart(
    size_ms: int, span_ms: int, expected: tuple[int, bool]
) -> None:
    assert terms(size_ms, span_ms) == expected


@pytest.mark.parametrize(
    "size_ms", [60_000 * 15, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, DAY_MS]
)
def test_over_whole_weeks_no_term_can_be_made_of_the_others(size_ms: int) -> None:
    X = weeks(4, size_ms)
    assert X.shape[1] <= 10
    assert np.linalg.cond(X) < 20


def test_waves_of_the_day_are_orthogonal_to_each_other_and_to_the_constant() -> None:
    X = weeks(2)
    waves = X[:, [0, 4, 5, 6, 7, 8, 9]]
    products = waves.T @ waves / len(X)
    assert products == pytest.approx(np.diag([1.0] + [0.5] * 6), abs=1e-12)


def test_the_weekend_is_apart_from_the_level() -> None:
    assert weeks(3)[:, 1].mean() == pytest.approx(0, abs=1e-12)


def test_it_repeats_every_week_and_within_the_working_days_every_day() -> None:
    X = weeks(3)
    assert X[168:] == pytest.approx(X[:-168], abs=1e-9)
    assert X[24:120] == pytest.approx(X[:96], abs=1e-9)
    assert np.abs(X[120:144] - X[:24]).max() > 0.5


def test_saturday_and_sunday_are_the_weekend() -> None:
    weekend = weeks(1)[:, 1] > 0
    assert np.flatnonzero(weekend).tolist() == list(range(120, 168))


def test_a_day_that_is_another_on_weekends_is_told_exactly() -> None:
    X, hour = weeks(2), np.arange(336) % 24 + 0.5
    free = np.arange(336) % 168 >= 120
    x = 3 + np.sin(2 * np.pi * hour / 24) * np.where(free, 0.2, 1.0) + np.where(free, -1.0, 0.0)
    _, rest, *_ = np.linalg.lstsq(X, x)
    assert rest == pytest.approx([0], abs=1e-20)


def test_it_depends_on_the_time_alone_and_not_on_where_windows_begin() -> None:
    starts = MONDAY + HOUR * np.arange(200, dtype=np.int64)
    whole = season(starts, HOUR, WEEK_MS)
    assert (season(starts[77:91], HOUR, WEEK_MS) == whole[77:91]).all()
