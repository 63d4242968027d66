"""Volume and silence: too many, too few, none."""

import numpy as np
import pytest

from detectors import Cells, Silence, Volume
from tests.detectors.comparisons.streams import everywhere


def counts(*events: int) -> Cells:
    return Cells.of([[n] for n in events])


STEADY = Cells.of(np.random.default_rng(0).poisson(400, (48, 1)))
DAILY = counts(*[0, 5, 40, 90, 100, 60, 30, 2] * 6)


def volume(history: Cells) -> Volume:
    return Volume(history.total(), history, everywhere(len(history)))


def silence(history: Cells) -> Silence:
    return Silence(history.total(), history, everywhere(len(history)))


@pytest.mark.parametrize(
    ("events", "alarm"), [(400, False), (250, False), (100, True), (1500, True)]
)
def test_less_than_half_and_more_than_double_alarm(events: int, alarm: bool) -> None:
    assert volume(STEADY).judge(counts(events), 1e-4)[0].alarm is alarm


def test_the_threshold_is_given_for_the_side_of_the_window() -> None:
    low, high = (
        volume(STEADY).judge(counts(50), 1e-4)[0],
        volume(STEADY).judge(counts(3000), 1e-4)[0],
    )
    assert low.statistic < low.threshold < 400 < high.threshold < high.statistic


def test_a_stream_that_sleeps_at_night_may_sleep() -> None:
    assert not volume(DAILY).judge(counts(0), 1e-4)[0].alarm
    assert not silence(DAILY).judge(counts(0), 1e-4)[0].alarm


def test_silence_alarms_where_there_never_was_any() -> None:
    verdict = silence(STEADY).judge(counts(0), 1e-4)[0]
    assert verdict.alarm
    assert verdict.effect == pytest.approx(np.log(401), rel=0.02)
    assert not silence(STEADY).judge(counts(1), 1e-4)[0].alarm


def test_silence_waits_for_ten_windows() -> None:
    assert not silence(STEADY.select(slice(0, 9))).judge(counts(0), 1e-4)[0].alarm
    assert silence(STEADY.select(slice(0, 10))).judge(counts(0), 1e-4)[0].alarm


@pytest.mark.parametrize("kind", [Volume, Silence])
def test_a_fixed_threshold_is_the_smallest_number_that_is_fine(
    kind: type[Volume] | type[Silence],
) -> None:
    compare = kind(STEADY.total(), STEADY, everywhere(48), fixed=300)
    alarms = [compare.judge(counts(n), 1e-4)[0].alarm for n in (299, 300, 9999)]
    assert alarms == [True, False, False]


def test_missing_and_invalid_values_are_events_too() -> None:
    window = Cells.of([[100]], missing=200, invalid=100)
    assert volume(STEADY).judge(window, 1e-4)[0].statistic == 400
