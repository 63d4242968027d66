"""The reason of it all: streams in control do not alarm, real shifts do."""

import numpy as np
import pytest

from detectors import COMPARISONS, Cells, Comparison, Location, Volume
from detectors.arrays import Counts
from tests.detectors.comparisons.streams import PLACES, everywhere, moments, normal_windows

HISTORY, NEW = 168, 60
EVERY: tuple[type[Comparison], ...] = (*COMPARISONS, Location, Volume)


def alarms(cells: Cells, alpha: float, floor: float | None = None) -> dict[str, Counts]:
    """Count alarms in the windows after the history, by detector: [columns]."""
    history = cells.select(slice(0, HISTORY))
    reference = history.total()
    counts: dict[str, Counts] = {}
    for kind in EVERY:
        if kind.applies(reference).all():
            compare = kind(reference, history, everywhere(HISTORY), floor=floor)
            told = [
                compare.judge(cells.select(slice(t, t + 1)), alpha).alarm
                for t in range(HISTORY, len(cells))
            ]
            counts[kind.name] = np.sum(told, axis=0)
    return counts


def streams(seeds: range, new: int, events: int = 1000, **how: float) -> Cells:
    """One column a seed."""
    shift_from = HISTORY if "shift" in how else 0
    return Cells.stack([
        normal_windows(seed, HISTORY + new, events, shift_from=shift_from, **how) for seed in seeds
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("wander", "phi", "events"), [(0.0, 0.0, 1000), (0.0, 0.0, 60), (0.2, 0.9, 1000)]
)
def test_streams_in_control_do_not_alarm(wander: float, phi: float, events: int) -> None:
    """Independent and AR(0.9)-wandering windows, even without any floor on the effect."""
    found = alarms(streams(range(4), NEW, events, wander=wander, phi=phi), 1e-4, floor=0.0)
    assert {name: int(count.sum()) for name, count in found.items() if count.any()} == {}


def test_p_values_below_a_hundredth_are_about_that_rare() -> None:
    """A bound on the whole: all comparisons on 40 new windows of each of 20 wandering streams."""
    found = alarms(streams(range(100, 120), 40, 300, wander=0.1, phi=0.5), 1e-2, floor=0.0)
    assert max(int(count.sum()) for count in found.values()) / (20 * 40) < 0.03


@pytest.mark.parametrize(("wander", "phi", "least"), [(0.0, 0.0, 24), (0.1, 0.9, 1)])
def test_half_a_standard_deviation_is_found(wander: float, phi: float, least: int) -> None:
    """In every window if these are independent, within a day of hours if they wander."""
    found = alarms(streams(range(3), 24, wander=wander, phi=phi, shift=0.5), 1e-4)
    best = np.max([found[name] for name in ("psi", "chi_square", "location")], axis=0)
    assert (best >= least).all()


def test_a_wider_spread_is_found_though_the_mean_stays() -> None:
    history = normal_windows(0, HISTORY)
    spread = np.concatenate([[0, 90, 70, 55, 50], np.full(12, 40), [50, 55, 70, 90, 0]])
    wide = Cells.of([spread], lo=-4.0, hi=4.0, **moments(spread[None], PLACES))
    cells = Cells.concat([history, wide])
    found = alarms(cells, 1e-4, floor=0.02)
    assert found["psi"].tolist() == found["chi_square"].tolist() == [1]
    assert found["location"].tolist() == [0]
