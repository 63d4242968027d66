"""What a monitor says that it finds within a day, it finds; and of clearly less it misses most."""

from functools import cache

import numpy as np
import pytest

from detectors.summaries.summary import Summary
from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.volume import Arrivals
from tests.evaluate.hours import DAY, LAYOUT, MONDAY, RULES, WEEK, reference
from tests.events import HOUR

SHARE, TRIALS, EVENTS, MISSING = 1e-4, 20, 1000, 0.05


def hour(
    rng: np.random.Generator, location: float = 0.0, spread: float = 0.0, missing: float = 0.0, volume: float = 0.0
) -> Summary:  # fmt: skip
    """Make an hour of about 1,000 independent normal values, moved by effects of the tests."""
    n = int(rng.poisson(EVENTS * np.exp(volume)))
    x = rng.normal(location, np.exp(spread), n)
    rate = np.sin(np.arcsin(np.sqrt(MISSING)) + missing / 2) ** 2
    x[rng.random(n) < rate] = np.nan
    return Summary.of(LAYOUT, {"x": x})


@cache
def known() -> tuple[Alarms, dict[str, float]]:
    """Give the alarms of a reference of two weeks, and what they say that they find."""
    rng = np.random.default_rng(7)
    alarms = Alarms(reference([hour(rng) for _ in range(2 * WEEK)]), 0, RULES)
    found = {name: x for s in alarms.standing(SHARE) for name, x in s.detectable.items()}
    return alarms, found


def finds(test: str, step: float, seed: int) -> bool:
    """Whether a test finds a step within a day after a day in control."""
    alarms, _ = known()
    alarms.track.taken = 0  # the trials before
    rng = np.random.default_rng([seed, 11])
    for i in range(2 * DAY):
        window = hour(rng, **{test: step if i >= DAY else 0.0})
        alarms.take(MONDAY + i * HOUR, window, Arrivals.of(window, 1.0))
        if i >= DAY and any(
            said.verdicts.detector == test and said.verdicts.alarm.any()
            for said in alarms.judge(SHARE)
        ):
            return True
    return False


@pytest.mark.parametrize("test", ["location", "spread", "missing", "volume"])
def test_what_is_told_is_found_within_a_day_and_seven_tenths_of_it_clearly_less_often(
    test: str,
) -> None:
    """Windows of 1,000 independent events; 90 % are promised, of 20 trials 80 % are asked."""
    step = known()[1][test]
    found, less = (sum(finds(test, part * step, i) for i in range(TRIALS)) for part in (1.0, 0.7))
    assert found >= 0.8 * TRIALS
    assert less <= found - 0.25 * TRIALS
