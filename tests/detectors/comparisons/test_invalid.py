"""Invalid: a first wrong type is told, a stray one is not."""

from detectors import Invalid
from tests.detectors.comparisons.streams import everywhere, flat_windows


def test_a_producer_that_changes_its_type_alarms_and_a_stray_value_does_not() -> None:
    history = flat_windows(24, [0, 1000, 0])
    compare = Invalid(history.total(), history, everywhere(24))
    assert not compare.judge(flat_windows(1, [0, 999, 0], invalid=1), 1e-4)[0].alarm
    assert compare.judge(flat_windows(1, [0, 500, 0], invalid=500), 1e-4)[0].alarm
    assert compare.judge(flat_windows(1, [0, 0, 0], invalid=500), 1e-4)[0].statistic == 1
