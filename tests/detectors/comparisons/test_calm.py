"""The reason of it all: streams in control do not alarm, real shifts do."""

from collections import Counter

import numpy as np
import pytest

from detectors import COMPARISONS, Cells, Comparison, Location, Volume
from tests.detectors.comparisons.streams import everywhere, normal_windows

HISTORY, NEW = 168, 60
EVERY: tuple[type[Comparison], ...] = (*COMPARISONS, Location, Volume)


def alarms(cells: Cells, alpha: float, floor: float | None = None) -> Counter[str]:
    """Count alarms in the windows after the history, by detector."""
    history = cells.select(slice(0, HISTORY))
    reference = history.total()
    counts: Counter[str] = Counter()
    for kind in EVERY:
        if kind.applies(reference):
            compare = kind(reference, history, everywhere(HISTORY), floor=floor)
            for t in range(HISTORY, len(cells)):
                counts[kind.name] += compare.judge(cells.select(slice(t, t + 1)), alpha).alarm
    return counts


@pytest.mark.parametrize(
    ("wander", "phi", "events"), [(0.0, 0.0, 1000), (0.0, 0.0, 60), (0.2, 0.9, 1000)]
)
def test_streams_in_control_do_not_alarm(wander: float, phi: float, events: int) -> None:
    """Independent and AR(0.9)-wandering windows, even without any floor on the effect."""
    for seed in range(4):
        cells = normal_windows(seed, HISTORY + NEW, events, wander, phi)
        assert alarms(cells, 1e-4, floor=0.0).total() == 0


def test_p_values_below_a_hundredth_are_about_that_rare() -> None:
    """A bound on the whole: ten detectors on wandering windows, 2,400 windows in 20 streams."""
    total: Counter[str] = Counter()
    for seed in range(20):
        total += alarms(normal_windows(100 + seed, HISTORY + 40, 300, 0.1, 0.5), 1e-2, floor=0.0)
    assert max(total.values()) / (20 * 40) < 0.03


@pytest.mark.parametrize(("wander", "phi", "least"), [(0.0, 0.0, 24), (0.1, 0.9, 1)])
def test_half_a_standard_deviation_is_found(wander: float, phi: float, least: int) -> None:
    """In every window if these are independent, within a day of hours if they wander."""
    for seed in range(3):
        cells = normal_windows(
            seed, HISTORY + 24, wander=wander, phi=phi, shift=0.5, shift_from=HISTORY
        )
        found = alarms(cells, 1e-4)
        assert max(found[name] for name in ("psi", "chi_square", "location")) >= least


def test_a_wider_spread_is_found_though_the_mean_stays() -> None:
    history = normal_windows(0, HISTORY)
    spread = np.concatenate([[0, 90, 70, 55, 50], np.full(12, 40), [50, 55, 70, 90, 0]])
    cells = Cells.concat([history, Cells.of([spread], lo=-4.0, hi=4.0)])
    found = alarms(cells, 1e-4, floor=0.02)
    assert found["psi"] == found["chi_square"] == 1
    assert found["location"] == 0
